//! What plugins ask of the host: the traits behind the capabilities that need more than the call itself.
//!
//! The plugin runtime checks grants and bounds before it calls these; whoever implements them may rely on that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

/// Everything that may be behind a plugin. What is `None` is not offered: a plugin that needs it does not load. Time and
/// randomness alone are always offered: where they are `None`, they are the system's.
#[derive(Clone, Default)]
pub struct Backing {
    /// Small durable values.
    pub state: Option<Arc<dyn StateStore>>,
    /// HTTP to the hosts of a grant.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Durable work for workers.
    pub jobs: Option<Arc<dyn JobQueue>>,
    /// Models that the host runs.
    pub models: Option<Arc<dyn Models>>,
    /// Time other than the system's: for tests of plugins.
    pub time: Option<Arc<dyn Time>>,
    /// Randomness other than the system's: for tests of plugins.
    pub random: Option<Arc<dyn Random>>,
    /// Who hears what a plugin says, besides the host's log and metrics: for tests of plugins.
    pub listener: Option<Arc<dyn Listener>>,
}

/// Hears what a plugin logs and counts, as far as the bounds of a call let it.
pub trait Listener: Send + Sync {
    /// A line of its log, with the level in lower case, in one line and with its attributes.
    fn logged(&self, level: &'static str, message: &str, attributes: &str);

    /// A counter grows.
    fn counted(&self, name: &str, by: u64);

    /// A value of a histogram.
    fn observed(&self, name: &str, value: f64);
}

/// What time it is.
pub trait Time: Send + Sync {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    fn unix_millis(&self) -> u64;

    /// Nanoseconds since an arbitrary moment; never less than before.
    fn monotonic_nanos(&self) -> u64;
}

/// What is drawn by lot.
pub trait Random: Send + Sync {
    /// Writes all of it.
    fn fill(&self, bytes: &mut [u8]);
}

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// At most 64 KiB.
    pub value: Vec<u8>,
    /// Never the same twice for a key.
    pub version: u64,
}

/// Why a value was not read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateTrouble {
    /// Another version is there.
    Conflict,
    /// The plugin's quota is used up.
    OverQuota,
    /// The store does not answer.
    Unavailable(String),
}

/// Small durable values, private to one configured plugin, shared by all hosts.
pub trait StateStore: Send + Sync {
    /// The value of a key.
    fn get(&self, plugin: String, key: String) -> BoxFuture<'_, Result<Option<StateEntry>, StateTrouble>>;

    /// Writes a value and answers its new version. `expect`: `None`, whatever is there; `Some(0)`, only if absent; else
    /// only over this version. `quota` is in bytes of all keys and values of the plugin.
    fn put(
        &self,
        plugin: String,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        lifetime: Option<Duration>,
        quota: u64,
    ) -> BoxFuture<'_, Result<u64, StateTrouble>>;

    /// Removes a key; nothing happens where it is absent.
    fn delete(&self, plugin: String, key: String) -> BoxFuture<'_, Result<(), StateTrouble>>;

    /// Keys with a prefix, in order, behind `after`.
    fn keys(
        &self,
        plugin: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StateTrouble>>;
}

/// A request that a plugin makes.
#[derive(Clone, Default)]
pub struct OutboundRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Name, value, and whether the value is a secret.
    pub headers: Vec<(String, String, bool)>,
    /// At most 16 MiB.
    pub body: Vec<u8>,
    /// How long it may take.
    pub timeout: Duration,
    /// Nothing may be changed elsewhere: only GET and HEAD are sent.
    pub dry: bool,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboundTrouble {
    /// The grant does not allow it.
    Denied(String),
    /// It took too long.
    Timeout,
    /// The response, or the request, is too large.
    TooLarge,
    /// No connection.
    Connect(String),
    /// What came was no HTTP, or the request is none.
    Protocol(String),
}

/// An answer whose body is pulled.
pub trait OutboundResponse: Send {
    /// Its status.
    fn status(&self) -> u16;

    /// Its header lines, names in lower case.
    fn headers(&self) -> &[(String, String)];

    /// The next bytes, at most `limit`; empty at the end.
    fn read(&mut self, limit: u32) -> BoxFuture<'_, Result<Bytes, OutboundTrouble>>;
}

/// HTTP to the hosts of a grant.
pub trait Outbound: Send + Sync {
    /// A client for one plugin. The error says what is wrong with the grant.
    ///
    /// # Errors
    /// One sentence that names the entry.
    fn client(&self, plugin: &str, grant: &[String]) -> Result<Arc<dyn OutboundClient>, String>;
}

/// HTTP for one plugin.
pub trait OutboundClient: Send + Sync {
    /// Sends a request and answers when the head of the response is there.
    fn send(&self, request: OutboundRequest) -> BoxFuture<'_, Result<Box<dyn OutboundResponse>, OutboundTrouble>>;
}

/// Durable work that a plugin leaves for its own worker.
pub trait JobQueue: Send + Sync {
    /// Enqueues a job and answers its number. `key`: at most one waiting job with that key.
    fn enqueue(
        &self,
        plugin: String,
        queue: String,
        payload: Vec<u8>,
        key: Option<String>,
        delay: Duration,
    ) -> BoxFuture<'_, Result<u64, String>>;
}

/// What the numbers of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 8 bits, unsigned.
    Uint8,
    /// 16 bits, signed.
    Int16,
    /// IEEE 754 half precision.
    Float16,
    /// IEEE 754 single precision.
    Float32,
    /// 64 bits, signed.
    Int64,
}

impl Element {
    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> u64 {
        match self {
            Element::Uint8 => 1,
            Element::Int16 | Element::Float16 => 2,
            Element::Float32 => 4,
            Element::Int64 => 8,
        }
    }
}

/// Numbers in a shape, row-major, little endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What the numbers are.
    pub element: Element,
    /// Sizes, the slowest first.
    pub shape: Vec<u32>,
    /// Their bytes.
    pub data: Bytes,
}

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelTrouble {
    /// No model of that name is configured.
    NoSuchModel,
    /// The inputs are not those of the model.
    BadShape(String),
    /// The inputs or outputs are too large.
    OutOfMemory,
    /// The engine failed.
    Failed(String),
}

/// Models that the host runs.
pub trait Models: Send + Sync {
    /// Whether a model of that name is configured.
    fn has(&self, model: &str) -> bool;

    /// Runs a model.
    fn run(
        &self,
        model: String,
        inputs: Vec<(String, Tensor)>,
    ) -> BoxFuture<'_, Result<Vec<(String, Tensor)>, ModelTrouble>>;
}

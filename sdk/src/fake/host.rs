//! What a plugin asks of the host, for one thread: time, secrets, state, HTTP, jobs, models, the archive.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{HttpTrouble, ModelTrouble, Numbers, Object};
use crate::host::Level;

/// The key under every secret's name, unless the test names secrets.
pub const KEY: &[u8] = b"a key for tests";

/// A request that the plugin sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of a request")]
pub struct Sent {
    pub method: String,
    pub url: String,
    /// In their order. A secret is not in them: its place says `<secret NAME>`.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub timeout_millis: u32,
}

/// What a server answers, or why it does not.
pub type Reply = Result<(u16, Vec<(String, String)>, Vec<u8>), HttpTrouble>;

/// An answer without headers.
///
/// # Errors
/// None; it is a [`Reply`].
pub fn reply(status: u16, body: &[u8]) -> Reply {
    Ok((status, Vec::new(), body.to_vec()))
}

/// A job that the plugin enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of a job")]
pub struct Job {
    pub queue: String,
    pub payload: Vec<u8>,
    pub key: Option<String>,
    pub delay_seconds: u32,
}

/// A line that the plugin logged.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the parts of a line")]
pub struct Line {
    pub level: Level,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

/// What a plugin asks of the host in this thread, from when it is made until it is dropped. Without one: the time is
/// 1970, every secret is [`KEY`], and there are no servers and no models.
#[must_use = "it ends when it is dropped"]
pub struct Host(Rc<Inner>);

type Server = dyn Fn(&Sent) -> Reply;
type Search = dyn Fn(String) -> Result<String, String>;

/// A value of the state, its version, and the millisecond at which it is gone.
pub(super) type Kept = (Vec<u8>, u64, Option<u64>);

#[derive(Default)]
pub(super) struct Inner {
    pub(super) config: RefCell<Option<String>>,
    pub(super) millis: Cell<u64>,
    pub(super) seed: Cell<u64>,
    /// Random numbers that were drawn.
    pub(super) drawn: Cell<u64>,
    pub(super) secrets: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(super) state: RefCell<BTreeMap<String, Kept>>,
    pub(super) version: Cell<u64>,
    pub(super) conflicts: Cell<u32>,
    pub(super) http: RefCell<Option<Rc<Server>>>,
    pub(super) sent: RefCell<Vec<Sent>>,
    pub(super) queues: RefCell<Option<Vec<String>>>,
    pub(super) jobs: RefCell<Vec<Job>>,
    pub(super) models: RefCell<BTreeMap<String, Rc<Model>>>,
    pub(super) objects: RefCell<Vec<Object>>,
    pub(super) search: RefCell<Option<Rc<Search>>>,
    pub(super) destinations: RefCell<Vec<String>>,
    pub(super) lines: RefCell<Vec<Line>>,
    pub(super) counts: RefCell<BTreeMap<String, u64>>,
    pub(super) observed: RefCell<BTreeMap<String, Vec<f64>>>,
}

pub(super) type Outputs = Result<Vec<(String, Numbers)>, ModelTrouble>;
type Model = dyn Fn(&BTreeMap<String, Numbers>) -> Outputs;

thread_local! {
    static HOST: RefCell<Rc<Inner>> = RefCell::default();
}

/// What this thread's plugin asks.
pub(super) fn current() -> Rc<Inner> {
    HOST.with_borrow(Rc::clone)
}

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        HOST.take();
    }
}

impl Host {
    /// A host of which the plugin knows nothing yet.
    pub fn new() -> Host {
        let inner = Rc::new(Inner::default());
        HOST.set(inner.clone());
        Host(inner)
    }

    /// Of which random numbers come; they begin anew.
    pub fn set_seed(&self, seed: u64) {
        self.0.seed.set(seed);
        self.0.drawn.set(0);
    }

    /// What the operator configured.
    pub fn set_config(&self, json: &str) {
        *self.0.config.borrow_mut() = Some(json.to_owned());
    }

    /// The configured destinations, for the check of routers.
    pub fn set_destinations(&self, names: &[&str]) {
        *self.0.destinations.borrow_mut() = names.iter().map(|&name| name.to_owned()).collect();
    }

    /// Sets both clocks.
    pub fn set_millis(&self, unix_millis: u64) {
        self.0.millis.set(unix_millis);
    }

    /// Lets time pass.
    pub fn pass_seconds(&self, seconds: u64) {
        self.0.millis.set(self.0.millis.get() + 1000 * seconds);
    }

    /// Grants a secret; from now on no other than those granted.
    pub fn grant_secret(&self, name: &str, key: &[u8]) {
        self.0.secrets.borrow_mut().insert(name.to_owned(), key.to_vec());
    }

    /// What the state holds under a key.
    #[must_use]
    pub fn state(&self, key: &str) -> Option<Vec<u8>> {
        self.0.state.borrow().get(key).map(|(value, _, _)| value.clone())
    }

    /// The next so many conditional writes meet a conflict, as if another host had written first.
    pub fn conflict(&self, times: u32) {
        self.0.conflicts.set(times);
    }

    /// What answers the plugin's requests.
    pub fn on_http(&self, answer: impl Fn(&Sent) -> Reply + 'static) {
        *self.0.http.borrow_mut() = Some(Rc::new(answer));
    }

    /// The requests that the plugin sent.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.0.sent.borrow().clone()
    }

    /// Grants queues; without it every queue is there.
    pub fn grant_jobs(&self, queues: &[&str]) {
        *self.0.queues.borrow_mut() = Some(queues.iter().map(|&queue| queue.to_owned()).collect());
    }

    /// The jobs that the plugin enqueued.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        self.0.jobs.borrow().clone()
    }

    /// A model that the host runs.
    pub fn on_model(&self, name: &str, run: impl Fn(&BTreeMap<String, Numbers>) -> Outputs + 'static) {
        self.0.models.borrow_mut().insert(name.to_owned(), Rc::new(run));
    }

    /// An object of the archive.
    pub fn store(&self, object: Object) {
        self.0.objects.borrow_mut().push(object);
    }

    /// What answers a search: given resource and query, it answers DICOM JSON or what is wrong.
    pub fn on_search(&self, answer: impl Fn(String) -> Result<String, String> + 'static) {
        *self.0.search.borrow_mut() = Some(Rc::new(answer));
    }

    /// The lines that the plugin logged.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.0.lines.borrow().clone()
    }

    /// What the plugin counted under a name.
    #[must_use]
    pub fn counted(&self, name: &str) -> u64 {
        self.0.counts.borrow().get(name).copied().unwrap_or(0)
    }

    /// What the plugin observed under a name.
    #[must_use]
    pub fn observed(&self, name: &str) -> Vec<f64> {
        self.0.observed.borrow().get(name).cloned().unwrap_or_default()
    }
}

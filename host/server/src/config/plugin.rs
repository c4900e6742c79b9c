//! Plugins, and the native engines and models that they may use, as configured.
//!
//! Apart from the other types because these say what foreign code may do here.

use std::path::PathBuf;
use std::time::Duration;

use super::{ByteSize, Digest, HttpUrl};

/// `[plugins.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// The component's file.
    pub source: PathBuf,
    /// What the component's file must be; `None` accepts any.
    pub digest: Option<Digest>,
    /// The key that must have signed the component: a minisign public key, or PEM as cosign writes it.
    pub public_key: Option<PathBuf>,
    /// The signature's file; `None`: beside the component, with `.minisig` or `.sig` added.
    pub signature: Option<PathBuf>,
    /// Whether its log may hold what it reads from objects. Off, since that is patient data.
    pub log_values: bool,
    /// Given to the plugin as JSON; its meaning is the plugin's.
    pub config: serde_json::Value,
    /// What it may reach.
    pub grant: Grant,
    /// What it may use; `None` is the role's default.
    pub limits: Limits,
}

/// `grant` of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Names of entries in `[secrets]`, or [`SITE_KEY`](super::SITE_KEY).
    pub secrets: Vec<String>,
    /// How much state it may keep; `None`: no state.
    pub state: Option<ByteSize>,
    /// Servers that it may send requests to.
    pub http: Vec<HttpUrl>,
    /// Names of queues that it may put jobs into.
    pub jobs: Vec<String>,
    /// Names of entries in `[models]`.
    pub models: Vec<String>,
}

/// `limits` of a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance.
    pub memory: Option<ByteSize>,
    /// CPU time of one call.
    pub cpu: Option<Duration>,
    /// Wall-clock time of one call.
    pub wall: Option<Duration>,
    /// Calls at once.
    pub concurrency: Option<u32>,
}

/// `[engines.NAME]`: a library that is loaded into the host, outside any sandbox. Whoever holds one holds the operator's
/// word for it: `trusted = true`, and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The library's file.
    pub source: PathBuf,
    /// What the library's file must be.
    pub digest: Digest,
}

/// `[models.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name of the engine that runs it.
    pub engine: String,
    /// Its file.
    pub file: PathBuf,
}

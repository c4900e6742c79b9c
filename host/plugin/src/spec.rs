//! What the operator says about one plugin, and the secrets it may use.
//!
//! Separate because the configuration is parsed into these types before a runtime exists.

use std::collections::BTreeMap;
use std::path::PathBuf;

use isocenter_role::LimitsOverride;

/// One configured plugin.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// The operator's name for it: in the log, in metrics, in quarantine reasons.
    pub name: String,
    /// The component file.
    pub source: PathBuf,
    /// Its own configuration: a JSON object, or null for an empty one.
    pub config: serde_json::Value,
    /// What it may reach.
    pub grant: Grant,
    /// What differs from the defaults of its roles.
    pub limits: LimitsOverride,
    /// Whether the values of log attributes are printed (`log-values = true`). They may identify patients, so without
    /// this only their names are.
    pub log_values: bool,
    /// How the file is known to be the right one.
    pub trust: Trust,
}

/// What a plugin may reach beside what every plugin may.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// The secrets granted, by the names that the plugin uses.
    pub secrets: BTreeMap<String, Secret>,
    /// Bytes of its state, keys and values together.
    pub state: Option<u64>,
    /// Where it may send requests.
    pub http: Vec<String>,
    /// The queues into which it may put jobs.
    pub jobs: Vec<String>,
    /// The models that it may run.
    pub models: Vec<String>,
}

/// How a component file is known to be the right one; all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// `blake3:…` or `sha256:…`.
    pub digest: Option<String>,
    /// A file with a minisign or PEM public key.
    pub public_key: Option<PathBuf>,
    /// The signature; without it, the file beside the component with the usual suffix.
    pub signature: Option<PathBuf>,
}

impl PluginSpec {
    /// A plugin with an empty configuration, no grant and default limits.
    #[must_use]
    pub fn new(name: impl Into<String>, source: impl Into<PathBuf>) -> PluginSpec {
        PluginSpec {
            name: name.into(),
            source: source.into(),
            config: serde_json::Value::Null,
            grant: Grant::default(),
            limits: LimitsOverride::default(),
            log_values: false,
            trust: Trust::default(),
        }
    }
}

/// Key material that a plugin may use through the host and never read.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes as they are; any length serves as an HMAC key.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Secret {
        Secret(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

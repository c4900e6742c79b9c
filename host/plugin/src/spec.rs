//! What the operator says about one plugin, and the secrets it may use.
//!
//! Separate because the configuration is parsed into these types before a runtime exists.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::limits::LimitsOverride;

/// One configured plugin.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// The operator's name for it: in the log, in metrics, in quarantine reasons.
    pub name: String,
    /// The component file.
    pub source: PathBuf,
    /// Its own configuration: a JSON object, or null for an empty one.
    pub config: serde_json::Value,
    /// The secrets granted, by the names that the plugin uses.
    pub secrets: BTreeMap<String, Secret>,
    /// What differs from the defaults of its roles.
    pub limits: LimitsOverride,
    /// Whether the values of log attributes are printed (`log-values = true`). They may identify patients, so without
    /// this only their names are.
    pub log_values: bool,
}

impl PluginSpec {
    /// A plugin with an empty configuration, no secrets and default limits.
    #[must_use]
    pub fn new(name: impl Into<String>, source: impl Into<PathBuf>) -> PluginSpec {
        PluginSpec {
            name: name.into(),
            source: source.into(),
            config: serde_json::Value::Null,
            secrets: BTreeMap::new(),
            limits: LimitsOverride::default(),
            log_values: false,
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

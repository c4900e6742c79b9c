//! From a file to a plugin that is ready: read, digest, compile, compare with the contract, link, check.
//!
//! Separate because every step can fail, and each failure is one sentence for the operator.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use wasmtime::component::Component;

use crate::answer::Failure;
use crate::breaker::Breaker;
use crate::call::{CheckWork, Checked, Task};
use crate::contract::{self, SECRETS, Surface};
use crate::limits::Limits;
use crate::plugin::{Facts, Gate, Plugin};
use crate::runtime::Core;
use crate::series::Registry;
use crate::spec::PluginSpec;

/// The largest component file, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The largest manifest, in bytes.
const MOST_MANIFEST: usize = 64 * 1024;

/// Why a plugin does not load.
#[derive(Debug, thiserror::Error)]
#[error("the plugin `{plugin}` does not load: {reason}")]
pub struct LoadError {
    /// The operator's name for the plugin.
    pub plugin: String,
    /// What was wrong.
    pub reason: Reason,
}

/// What was wrong with a plugin or its configuration.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is too large.
    #[error("{} is larger than 64 MiB", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is {found}, not a WebAssembly component", path.display())]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: &'static str,
    },
    /// The component is malformed.
    #[error("{} is not a valid component: {error}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// In the compiler's words.
        error: String,
    },
    /// The component and the host do not agree on the contract.
    #[error("{0}")]
    Contract(String),
    /// The embedded manifest is not what the build tool writes.
    #[error("its manifest is not valid: {0}")]
    Manifest(String),
    /// The configuration is not an object.
    #[error("its configuration must be a table, not {0}")]
    Config(&'static str),
    /// A limit is out of its range.
    #[error("{0}")]
    Limits(String),
    /// It uses a secret that was not granted.
    #[error("it uses the secret `{0}`, which its grant does not name (grant = {{ secrets = [\"{0}\"] }})")]
    MissingSecret(String),
    /// It uses secrets, and there is no grant at all.
    #[error("it uses secrets, but its grant names none (grant = {{ secrets = [\"…\"] }})")]
    NoSecrets,
    /// Its own check refused the configuration.
    #[error("it refuses its configuration: {0}")]
    Refused(String),
    /// Its own check failed.
    #[error("its check failed: {0}")]
    CheckFailed(Failure),
}

/// What a plugin says of itself, in the custom section `isocenter:manifest`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Manifest {
    /// Its name; the operator's name for it may be another.
    pub name: String,
    /// Semver.
    pub version: String,
    /// One line.
    #[serde(default)]
    pub description: String,
    /// SPDX expression.
    #[serde(default)]
    pub license: String,
}

pub(crate) fn load(core: &Arc<Core>, spec: PluginSpec, destinations: &[String]) -> Result<Arc<Plugin>, LoadError> {
    let name = spec.name.clone();
    ready(core, spec, destinations).map_err(|reason| LoadError { plugin: name, reason })
}

fn ready(core: &Arc<Core>, spec: PluginSpec, destinations: &[String]) -> Result<Arc<Plugin>, Reason> {
    let filter = Limits::FILTER.with(&spec.limits).map_err(Reason::Limits)?;
    let router = Limits::ROUTER.with(&spec.limits).map_err(Reason::Limits)?;
    let check = Limits {
        memory: filter.memory.max(router.memory),
        ..Limits::CHECK
    };
    let config = config_json(&spec.config)?;

    let bytes = read(&spec.source)?;
    let digest = blake3::hash(&bytes).to_hex().to_string();
    recognise(&bytes, &spec.source)?;
    let manifest = manifest(&bytes)?;
    let component = match core.cache.get(&core.engine, &digest) {
        Some(component) => component,
        None => {
            let component = Component::new(&core.engine, &bytes).map_err(|error| Reason::Invalid {
                path: spec.source.clone(),
                error: format!("{error:#}"),
            })?;
            core.cache.put(&component, &digest);
            component
        }
    };
    drop(bytes);

    let surface = Surface::of(&component, &core.engine);
    if let Some(difference) = surface.difference() {
        return Err(Reason::Contract(difference));
    }
    if surface.imports(SECRETS) && spec.secrets.is_empty() {
        return Err(Reason::NoSecrets);
    }
    // The names agree; what is left is a function whose type differs, or more instances than the pool gives to one.
    let pre = core
        .linker
        .instantiate_pre(&component)
        .map_err(|error| Reason::Contract(format!("{error:#}")))?;
    let exports = contract::exports(&pre, &surface).map_err(|error| Reason::Contract(format!("{error:#}")))?;

    let mut destinations = destinations.to_vec();
    destinations.sort();
    destinations.dedup();
    let facts = Arc::new(Facts {
        name: spec.name,
        config,
        secrets: spec.secrets,
        log_values: spec.log_values,
        destinations,
        series: Registry::default(),
    });
    let plugin = Plugin {
        core: core.clone(),
        facts,
        pre,
        exports,
        filter: Gate::new(filter),
        router: Gate::new(router),
        breaker: Arc::new(Breaker::default()),
        digest,
        manifest,
    };
    examine(&plugin, check)?;
    Ok(Arc::new(plugin))
}

/// Runs the plugin's own check on the plugin runtime, and waits for it here.
fn examine(plugin: &Plugin, limits: Limits) -> Result<(), Reason> {
    let task = Task {
        engine: plugin.core.engine.clone(),
        facts: plugin.facts.clone(),
        site_key: plugin.core.site_key.clone(),
        pre: plugin.pre.clone(),
        limits,
    };
    let work = CheckWork {
        exports: plugin.exports.clone(),
    };
    let slots = plugin.core.slots.clone();
    let (answer, receive) = mpsc::sync_channel(1);
    plugin.core.handle.spawn(async move {
        let _slot = slots.acquire_owned().await;
        // Nobody waits any more: then nobody needs the answer.
        let _ = answer.send(task.perform(work).await);
    });
    // The task has its own clock; this one is for a runtime that is ending.
    let waited = receive.recv_timeout(limits.wall + Duration::from_secs(5));
    let (outcome, missing_secret) = waited.map_err(|_| Reason::CheckFailed(Failure::Overloaded))?;
    // Before the plugin's own words: whatever it makes of a missing secret, this is the cause.
    if let Some(secret) = missing_secret {
        return Err(Reason::MissingSecret(secret));
    }
    match outcome.result {
        Ok(Checked::Fine) => Ok(()),
        Ok(Checked::Refused(why)) => Err(Reason::Refused(why)),
        Ok(Checked::Unlike(how)) => Err(Reason::Contract(format!(
            "its exports are not those of the contract: {how}"
        ))),
        Err(failure) => Err(Reason::CheckFailed(failure)),
    }
}

fn config_json(config: &serde_json::Value) -> Result<String, Reason> {
    match config {
        serde_json::Value::Null => Ok("{}".into()),
        serde_json::Value::Object(_) => Ok(config.to_string()),
        serde_json::Value::Bool(_) => Err(Reason::Config("a boolean")),
        serde_json::Value::Number(_) => Err(Reason::Config("a number")),
        serde_json::Value::String(_) => Err(Reason::Config("a string")),
        serde_json::Value::Array(_) => Err(Reason::Config("a list")),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Reason> {
    let unreadable = |error| Reason::Unreadable {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Reason::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Tells a component from what people take for one.
fn recognise(bytes: &[u8], path: &Path) -> Result<(), Reason> {
    let found = match bytes {
        [0, b'a', b's', b'm', 0x0D, 0, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core module (componentize it with isocenter-plugin-build)",
        [0, b'a', b's', b'm', ..] => "WebAssembly of an unknown version",
        [0x7F, b'E', b'L', b'F', ..] => "native code",
        [] => "empty",
        [b'(' | b';', ..] => "WebAssembly text (it must be compiled first)",
        _ => "something else",
    };
    Err(Reason::NotAComponent {
        path: path.to_owned(),
        found,
    })
}

/// The manifest among the component's outermost sections, if it has one.
fn manifest(component: &[u8]) -> Result<Option<Manifest>, Reason> {
    let mut rest = component.get(8..).unwrap_or_default();
    while let Some((&id, after)) = rest.split_first() {
        // What is malformed here the compiler will name.
        let Some((size, after)) = leb128(after) else {
            return Ok(None);
        };
        let Some((section, next)) = after.split_at_checked(size) else {
            return Ok(None);
        };
        if id == 0
            && let Some((length, named)) = leb128(section)
            && let Some((name, content)) = named.split_at_checked(length)
            && name == b"isocenter:manifest"
        {
            if content.len() > MOST_MANIFEST {
                return Err(Reason::Manifest("it is larger than 64 KiB".into()));
            }
            return serde_json::from_slice(content)
                .map(Some)
                .map_err(|error| Reason::Manifest(error.to_string()));
        }
        rest = next;
    }
    Ok(None)
}

/// An unsigned number of at most 32 bits, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(index + 1..)?));
        }
    }
    None
}

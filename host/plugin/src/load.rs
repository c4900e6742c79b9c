//! From a file to a plugin that is ready: read, digest, compile, compare with the contract, link, check.
//!
//! Separate because every step can fail, and each failure is one sentence for the operator.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use isocenter_role::{Failure, Limits, Role};
use wasmtime::component::Linker;

use crate::call::Task;
use crate::contract::{self, Surface};
use crate::plugin::{Facts, Seat, WasmPlugin};
use crate::role::{CheckWork, Checked};
use crate::runtime::{Core, Surroundings};
use crate::series::Registry;
use crate::spec::PluginSpec;
use crate::trust::{Pin, SignatureCheck};
use crate::{compile, host, limits, manifest, schema};

/// The largest component file, in bytes.
pub(crate) const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The largest public key or signature that is read, in bytes.
const MOST_TEXT: u64 = 64 * 1024;

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
    #[error("{} is {found}, not a WebAssembly component; give the one that `isocenter plugin build` wrote", path.display())]
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
    /// The configuration is not as the plugin describes it.
    #[error("its configuration does not fit: {0}")]
    Unfit(String),
    /// A limit is out of its range.
    #[error("{0}")]
    Limits(String),
    /// It needs something that its grant does not give.
    #[error("{0}")]
    Grant(String),
    /// The compiler gave it up.
    #[error("{} does not compile: {why}", path.display())]
    Compiler {
        /// The file.
        path: PathBuf,
        /// What happened to the compiler.
        why: String,
    },
    /// The file is not the one that the operator trusts.
    #[error("{0}")]
    Trust(String),
    /// Its own check refused the configuration.
    #[error("it refuses its configuration: {0}")]
    Refused(String),
    /// Its own check failed.
    #[error("its check failed: {0}")]
    CheckFailed(Failure),
}

pub(crate) fn load(core: &Arc<Core>, spec: PluginSpec, around: &Surroundings) -> Result<Arc<WasmPlugin>, LoadError> {
    let name = spec.name.clone();
    ready(core, spec, around).map_err(|reason| LoadError { plugin: name, reason })
}

fn ready(core: &Arc<Core>, spec: PluginSpec, around: &Surroundings) -> Result<Arc<WasmPlugin>, Reason> {
    let config = config_json(&spec.config)?;
    let bytes = read(&spec.source)?;
    let digest = blake3::hash(&bytes).to_hex().to_string();
    trusted(&bytes, &spec)?;
    recognise(&bytes, &spec.source)?;
    let described = manifest::read(&bytes)?;
    if let Some(schema) = described.as_ref().and_then(|said| said.config.as_ref()) {
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let config = if spec.config.is_null() { &empty } else { &spec.config };
        schema::check(schema, config).map_err(Reason::Unfit)?;
    }
    let component = match core.cache.get(&core.engine, &digest) {
        Some(component) => component,
        None => compile::compile(core, &bytes, &digest, &spec.source)?,
    };
    drop(bytes);

    let surface = Surface::of(&component, &core.engine);
    if let Some(difference) = surface.difference() {
        return Err(Reason::Contract(difference));
    }
    // Exactly what it imports, and only where it is granted.
    let mut linker = Linker::new(&core.engine);
    for capability in host::OFFERED
        .iter()
        .filter(|offered| surface.imports(offered.interface))
    {
        (capability.validate)(&spec, &around.backing).map_err(Reason::Grant)?;
        (capability.link)(&mut linker).map_err(|error| Reason::Contract(format!("{error:#}")))?;
    }
    // The names agree; what is left is a function whose type differs, or more instances than the pool gives to one.
    let pre = linker
        .instantiate_pre(&component)
        .map_err(|error| Reason::Contract(format!("{error:#}")))?;
    let exports = contract::exports(&pre, &surface).map_err(|error| Reason::Contract(format!("{error:#}")))?;
    let mut seats = BTreeMap::new();
    for role in Role::ALL.into_iter().filter(|role| exports.has(*role)) {
        let limits = limits::in_force(role, &spec.limits).map_err(Reason::Limits)?;
        seats.insert(role, Seat::new(&spec.name, role, limits, false));
    }

    let mut destinations = around.destinations.clone();
    destinations.sort();
    destinations.dedup();
    let http = match &around.backing.outbound {
        Some(outbound) if !spec.grant.http.is_empty() => {
            Some(outbound.client(&spec.name, &spec.grant.http).map_err(Reason::Grant)?)
        }
        _ => None,
    };
    let memory = seats.values().map(|seat| seat.limits.memory).max();
    let check = Limits {
        memory: memory.unwrap_or(limits::CHECK.memory),
        ..limits::CHECK
    };
    let facts = Arc::new(Facts {
        name: spec.name,
        digest,
        config,
        grant: spec.grant,
        backing: around.backing.clone(),
        http,
        log_values: spec.log_values,
        destinations,
        series: Registry::default(),
    });
    let plugin = WasmPlugin {
        core: core.clone(),
        facts,
        pre,
        exports,
        seats: Arc::new(seats),
        manifest: described.map(|said| said.manifest),
        pixels: surface.imports("isocenter:dicom/pixels"),
        dry: false,
    };
    examine(&plugin, check)?;
    Ok(Arc::new(plugin))
}

/// Runs the plugin's own check on the plugin runtime, and waits for it here.
fn examine(plugin: &WasmPlugin, limits: Limits) -> Result<(), Reason> {
    let task = Task::new(plugin, limits);
    let work = CheckWork {
        exports: plugin.exports.clone(),
    };
    let slots = plugin.core.slots.clone();
    let (answer, receive) = mpsc::sync_channel(1);
    plugin.core.short.handle().spawn(async move {
        let _slot = slots.acquire_owned().await;
        // Nobody waits any more: then nobody needs the answer.
        let _ = answer.send(task.perform(work).await);
    });
    // The task has its own clock; this one is for a runtime that is ending.
    let waited = receive.recv_timeout(limits.wall + Duration::from_secs(5));
    let (outcome, missing) = waited.map_err(|_| Reason::CheckFailed(Failure::Overloaded))?;
    // Before the plugin's own words: whatever it makes of something that is not granted, this is the cause.
    if let Some(missing) = missing {
        return Err(Reason::Grant(missing.sentence()));
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

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Reason> {
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

/// Compares the file with the digest and the key that the operator trusts, where one is given.
fn trusted(bytes: &[u8], spec: &PluginSpec) -> Result<(), Reason> {
    let trust = &spec.trust;
    if let Some(digest) = &trust.digest {
        let pin = Pin::parse(digest).map_err(Reason::Trust)?;
        pin.verify(bytes).map_err(Reason::Trust)?;
    }
    let Some(public_key) = &trust.public_key else {
        return Ok(());
    };
    let check = SignatureCheck::new(&text(public_key)?).map_err(Reason::Trust)?;
    let signature = trust.signature.clone();
    let signature = signature.unwrap_or_else(|| check.signature_path(&spec.source));
    check.verify(bytes, &text(&signature)?).map_err(Reason::Trust)
}

/// A key or a signature: a short text.
fn text(path: &Path) -> Result<String, Reason> {
    let unreadable = |error| Reason::Unreadable {
        path: path.to_owned(),
        error,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MOST_TEXT).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Tells a component from what people take for one.
pub(crate) fn recognise(bytes: &[u8], path: &Path) -> Result<(), Reason> {
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

//! What a component file is, without running anything of it: for authors and operators who look before they load.

use std::path::Path;

use isocenter_role::{Manifest, Role};

use crate::contract::{Surface, export_of, split};
use crate::host::OFFERED;
use crate::load::{LoadError, MOST_BYTES, Reason, read, recognise};
use crate::manifest::Described;
use crate::runtime::Runtime;
use crate::{compile, manifest};

/// What a component file is.
#[derive(Debug)]
pub struct Inspection {
    /// Its size in bytes.
    pub size: u64,
    /// BLAKE3 of the file in hexadecimal digits, as a pin has it.
    pub digest: String,
    /// The roles that it plays.
    pub roles: Vec<Role>,
    /// The interfaces that it imports, each with what its grant must hold, where it needs one.
    pub imports: Vec<(String, Option<String>)>,
    /// What it says of itself.
    pub manifest: Option<Manifest>,
    /// The JSON Schema of its configuration, if it says that.
    pub config: Option<serde_json::Value>,
    /// Why this host would not load it, whatever its grant.
    pub difference: Option<String>,
}

impl Runtime {
    /// Reads a component file and compares it with the contract. Blocks, up to seconds for the compiler.
    ///
    /// # Errors
    /// When the file is no component.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, LoadError> {
        self.look(path).map_err(|reason| named(path, reason))
    }

    fn look(&self, path: &Path) -> Result<Inspection, Reason> {
        let core = self.core();
        let bytes = read(path)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        recognise(&bytes, path)?;
        let component = match core.cache.get(&core.engine, &digest) {
            Some(component) => component,
            None => compile::compile(core, &bytes, &digest, path)?,
        };
        let surface = Surface::of(&component, &core.engine);
        let plays = |role: &Role| {
            surface
                .exports
                .iter()
                .any(|name| split(name).0 == split(export_of(*role)).0)
        };
        let (manifest, config) = match manifest::read(&bytes)? {
            Some(Described { manifest, config }) => (Some(manifest), config),
            None => (None, None),
        };
        Ok(Inspection {
            size: bytes.len() as u64,
            digest,
            roles: Role::ALL.into_iter().filter(plays).collect(),
            imports: surface
                .imports
                .iter()
                .map(|name| (name.clone(), grant_of(name)))
                .collect(),
            manifest,
            config,
            difference: surface.difference(),
        })
    }
}

/// What a component says of itself, by reading alone: nothing is compiled. `path` is for the error.
///
/// # Errors
/// When these bytes are no component, or what it says is not as the build tool writes it.
pub fn describe(bytes: &[u8], path: &Path) -> Result<Option<Described>, LoadError> {
    let described = recognise(bytes, path).and_then(|()| {
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Reason::TooLarge { path: path.to_owned() });
        }
        manifest::read(bytes)
    });
    described.map_err(|reason| named(path, reason))
}

fn named(path: &Path, reason: Reason) -> LoadError {
    LoadError {
        plugin: path
            .file_stem()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        reason,
    }
}

/// What a grant must hold for an import.
fn grant_of(interface: &str) -> Option<String> {
    let offered = OFFERED
        .iter()
        .find(|offered| split(offered.interface).0 == split(interface).0)?;
    offered.grant.map(str::to_owned)
}

//! What a component file is, without running anything of it: for authors and operators who look before they load.

use std::path::Path;

use isocenter_role::{Manifest, Role};

use crate::contract::{Surface, export_of, split};
use crate::host::OFFERED;
use crate::load::{LoadError, Reason, read, recognise};
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
    /// Why this host would not load it, whatever its grant.
    pub difference: Option<String>,
}

impl Runtime {
    /// Reads a component file and compares it with the contract. Blocks, up to seconds for the compiler.
    ///
    /// # Errors
    /// When the file is no component.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, LoadError> {
        self.look(path).map_err(|reason| LoadError {
            plugin: path
                .file_stem()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            reason,
        })
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
        Ok(Inspection {
            size: bytes.len() as u64,
            digest,
            roles: Role::ALL.into_iter().filter(plays).collect(),
            imports: surface
                .imports
                .iter()
                .map(|name| (name.clone(), grant_of(name)))
                .collect(),
            manifest: manifest::read(&bytes)?,
            difference: surface.difference(),
        })
    }
}

/// What a grant must hold for an import.
fn grant_of(interface: &str) -> Option<String> {
    let offered = OFFERED
        .iter()
        .find(|offered| split(offered.interface).0 == split(interface).0)?;
    offered.grant.map(str::to_owned)
}

//! What is in a pack, made from a component and got back from wherever it is.
//!
//! Separate because it is the same for a file, a folder and a registry, which differ in where bytes come from.

use std::collections::BTreeMap;
use std::path::Path;

use crate::digest::Digest;
use crate::layout::{self, Folder, Tar};
use crate::manifest::{
    CONFIG, DESCRIPTION, Descriptor, INDEX, LICENSES, MANIFEST, MOST_JSON, Manifest, SIGNATURE, TITLE, VERSION, WASM,
    WasmConfig,
};
use crate::reference::{Reference, is_name};
use crate::registry::Registry;
use crate::{Credentials, MOST_COMPONENT, PackError};

/// The suffixes of signature files that the host looks for beside a component.
const SUFFIXES: [&str; 2] = ["minisig", "sig"];
/// The largest signature, in bytes, as the host has it.
const MOST_SIGNATURE: usize = 16 * 1024;

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Lower-case letters, digits and dashes.
    pub name: String,
    /// Semver.
    pub version: String,
    /// One line; may be empty.
    pub description: String,
    /// SPDX; may be empty.
    pub license: String,
}

/// A component that travels, with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it says of itself, or what it is called where it is.
    pub about: About,
    /// The component.
    pub component: Vec<u8>,
    /// Signatures by the suffix of their files: `minisig` as minisign writes them, `sig` as cosign does.
    pub signatures: BTreeMap<String, String>,
}

/// Something with bytes by digest.
pub(crate) trait Source {
    /// The manifest that is asked for.
    fn manifest(&mut self) -> Result<Vec<u8>, PackError>;

    /// Bytes by their digest, at most `size` of them. They need not be the right ones.
    fn blob(&mut self, digest: &Digest, size: u64) -> Result<Vec<u8>, PackError>;
}

/// Where bytes are put.
pub(crate) trait Destination {
    /// Under their digest, before the manifest that names them.
    fn blob(&mut self, digest: &Digest, bytes: &[u8]) -> Result<(), PackError>;

    /// Last.
    fn manifest(&mut self, name: &About, bytes: &[u8]) -> Result<(), PackError>;
}

impl Packed {
    /// Writes it to where the reference says, and answers the digest of its manifest.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn push(&self, to: &Reference, credentials: Option<Credentials>, plain: bool) -> Result<Digest, PackError> {
        match to {
            Reference::File(path) => layout::write_tar(path, |tar| self.write(tar)),
            Reference::Folder { path, name } => self.write(&mut Folder::create(path, name.clone())?),
            Reference::Registry(image) => self.write(&mut Registry::new(image, credentials, plain, "push to")),
        }
    }

    /// Reads it from where the reference says. All digests are those that were asked for.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn pull(from: &Reference, credentials: Option<Credentials>, plain: bool) -> Result<Packed, PackError> {
        let shown = from.to_string();
        match from {
            Reference::File(path) => Packed::read(&mut Tar::open(path)?, &shown, None),
            Reference::Folder { path, name } => Packed::read(&mut Folder::open(path, name.clone()), &shown, None),
            Reference::Registry(image) => {
                image.wants_tag()?;
                let mut registry = Registry::new(image, credentials, plain, "pull");
                Packed::read(&mut registry, &shown, image.repository.rsplit('/').next())
            }
        }
    }

    /// The signature files beside a component that the host would find.
    ///
    /// # Errors
    /// When one cannot be read, or is larger than a signature.
    pub fn signatures_beside(component: &Path) -> Result<BTreeMap<String, String>, PackError> {
        let mut found = BTreeMap::new();
        for suffix in SUFFIXES {
            let mut path = component.as_os_str().to_owned();
            path.push(format!(".{suffix}"));
            let path = Path::new(&path);
            match std::fs::read_to_string(path) {
                Ok(text) if text.len() <= MOST_SIGNATURE => {
                    found.insert(suffix.to_owned(), text);
                }
                Ok(_) => {
                    return Err(PackError::NotPacked {
                        path: path.to_owned(),
                        problem: "a signature has at most 16 KiB".into(),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(crate::file(path)(error)),
            }
        }
        Ok(found)
    }

    fn write(&self, to: &mut dyn Destination) -> Result<Digest, PackError> {
        let mut layer = Descriptor::of(WASM, &self.component);
        let file = format!("{}.wasm", self.about.name);
        layer.annotations.insert(TITLE.into(), file);
        for (suffix, text) in &self.signatures {
            layer.annotations.insert(format!("{SIGNATURE}{suffix}"), text.clone());
        }
        let config = json(&WasmConfig::of(&layer.digest));
        let mut annotations = BTreeMap::new();
        for (key, value) in [
            (TITLE, &self.about.name),
            (VERSION, &self.about.version),
            (DESCRIPTION, &self.about.description),
            (LICENSES, &self.about.license),
        ] {
            if !value.is_empty() {
                annotations.insert(key.to_owned(), value.clone());
            }
        }
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST.into(),
            config: Descriptor::of(CONFIG, &config),
            layers: vec![layer.clone()],
            annotations,
        });
        to.blob(&Digest::of(&config), &config)?;
        to.blob(&layer.digest, &self.component)?;
        to.manifest(&self.about, &manifest)?;
        Ok(Digest::of(&manifest))
    }

    /// `called`: its name where it does not say one itself.
    fn read(from: &mut dyn Source, shown: &str, called: Option<&str>) -> Result<Packed, PackError> {
        let strange = |problem: String| PackError::NotAPlugin {
            from: shown.to_owned(),
            problem,
        };
        let manifest = from.manifest()?;
        let said: Option<serde_json::Value> = serde_json::from_slice(&manifest).ok();
        if said.is_some_and(|said| said.get("mediaType").is_some_and(|is| is == INDEX)) {
            return Err(strange("it is an index of several images".into()));
        }
        let manifest: Manifest = serde_json::from_slice(&manifest)
            .map_err(|error| strange(format!("its manifest cannot be read ({error})")))?;
        let [layer] = manifest.layers.as_slice() else {
            let count = manifest.layers.len();
            return Err(strange(format!(
                "it has {count} layers, and a plugin has one of {WASM}"
            )));
        };
        if layer.media_type != WASM {
            return Err(strange(format!("its layer is {:?}, not {WASM}", layer.media_type)));
        }
        if manifest.config.media_type == CONFIG {
            // It says nothing that is used, but whoever pulls by digest pulls all of it.
            part(from, shown, "a config", &manifest.config, MOST_JSON)?;
        }
        let component = part(from, shown, "a component", layer, MOST_COMPONENT)?;
        let mut signatures = BTreeMap::new();
        for suffix in SUFFIXES {
            if let Some(text) = layer.annotations.get(&format!("{SIGNATURE}{suffix}"))
                && text.len() <= MOST_SIGNATURE
            {
                signatures.insert(suffix.to_owned(), text.clone());
            }
        }
        let said = |key: &str| manifest.annotations.get(key).cloned().unwrap_or_default();
        let name = [Some(said(TITLE)), called.map(str::to_owned)];
        let name = name.into_iter().flatten().find(|name| is_name(name));
        Ok(Packed {
            about: About {
                name: name.ok_or_else(|| strange("it has no name that a file could have".into()))?,
                version: said(VERSION),
                description: said(DESCRIPTION),
                license: said(LICENSES),
            },
            component,
            signatures,
        })
    }
}

/// Bytes that are what they are said to be.
fn part(
    from: &mut dyn Source,
    shown: &str,
    what: &'static str,
    wanted: &Descriptor,
    most: u64,
) -> Result<Vec<u8>, PackError> {
    if wanted.size > most {
        return Err(PackError::TooLarge {
            from: shown.to_owned(),
            what,
            most,
        });
    }
    let bytes = from.blob(&wanted.digest, wanted.size)?;
    let found = Digest::of(&bytes);
    if found != wanted.digest {
        return Err(PackError::Digest {
            from: shown.to_owned(),
            wanted: wanted.digest.clone(),
            found,
        });
    }
    Ok(bytes)
}

/// Structures of texts and numbers always have a form in JSON.
fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

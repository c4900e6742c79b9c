//! A component on its way to a host: packed into a file, put into a registry or a folder, and fetched from there.
//!
//! Separate from building, because what travels is a file that was built and tested before: nothing is built here, so that
//! what was signed is what is sent.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use isocenter_pack::{About, Credentials, Digest, MOST_COMPONENT, Packed, Reference, credentials};
use isocenter_plugin::{Described, describe};

use crate::keys::signed_by;
use crate::{ToolError, file};

/// A component, from its own file or from a pack.
pub(crate) struct Loaded {
    pub(crate) packed: Packed,
    /// Whether it is a pack.
    pub(crate) pack: bool,
}

/// Reads a component with the signatures beside it, or a file that `pack` wrote.
pub(crate) fn load(path: &Path) -> Result<Loaded, ToolError> {
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ToolError::NotBuilt(path.to_owned()),
        _ => file(path)(error),
    })?;
    opened
        .take(MOST_COMPONENT + 1)
        .read_to_end(&mut bytes)
        .map_err(file(path))?;
    if !bytes.starts_with(b"\0asm") && looks_packed(&bytes) {
        let packed = Packed::pull(&Reference::File(path.to_owned()), None, false)?;
        describe(&packed.component, path)?;
        return Ok(Loaded { packed, pack: true });
    }
    let described = describe(&bytes, path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let about = match described {
        Some(Described { manifest, .. }) => About {
            name: manifest.name,
            // A tag has no plus, which a version may have.
            version: manifest.version.replace('+', "_"),
            description: manifest.description,
            license: manifest.license,
        },
        None => About {
            name: stem,
            version: "0.0.0".into(),
            ..About::default()
        },
    };
    crate::project::check_name(&about.name)?;
    Ok(Loaded {
        packed: Packed {
            about,
            component: bytes,
            signatures: Packed::signatures_beside(path)?,
        },
        pack: false,
    })
}

/// The mark of a tar archive.
fn looks_packed(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Packs a component with the signatures beside it into one file, and answers its path and the digest of the artifact.
/// Without `to` it is put beside the component, as `NAME-VERSION.tar`. The same component gives the same file.
///
/// # Errors
/// When the file is no component, or nothing can be written there.
pub fn pack(component: &Path, to: Option<&Path>) -> Result<(PathBuf, Digest), ToolError> {
    let loaded = load(component)?;
    if loaded.pack {
        return Err(ToolError::PackedAlready(component.to_owned()));
    }
    let About { name, version, .. } = &loaded.packed.about;
    let to = to.map_or_else(
        || component.with_file_name(format!("{name}-{}.tar", version.replace('/', "_"))),
        Path::to_owned,
    );
    let digest = loaded.packed.push(&Reference::File(to.clone()), None, false)?;
    Ok((to, digest))
}

/// Puts a component or a packed plugin where the reference says, and answers the digest of the artifact. `plain`: a
/// registry without TLS.
///
/// # Errors
/// When the file is neither, or the place does not take it.
pub fn push(from: &Path, to: &Reference, plain: bool) -> Result<Digest, ToolError> {
    let loaded = load(from)?;
    Ok(loaded.packed.push(to, who(to)?, plain)?)
}

/// What was fetched.
#[derive(Debug)]
pub struct Pulled {
    /// The component's file; its signatures are beside it.
    pub component: PathBuf,
    /// What it says of itself.
    pub about: About,
    /// BLAKE3 in hexadecimal digits, as a pin has it.
    pub digest: String,
    /// A line for each key whose holder signed it.
    pub signed: Vec<String>,
    /// Whether there are signatures at all.
    pub signatures: bool,
}

/// Fetches a plugin into a folder, where a file of its name is replaced. Nothing is written before its digests, and the
/// signature of each key that is given, have been verified.
///
/// # Errors
/// When it is not there, was changed, or is not signed by each of these keys.
pub fn pull(from: &Reference, to: &Path, keys: &[PathBuf], plain: bool) -> Result<Pulled, ToolError> {
    let packed = Packed::pull(from, who(from)?, plain)?;
    let signed = keys
        .iter()
        .map(|key| signed_by(&packed, key))
        .collect::<Result<Vec<_>, _>>()?;
    let component = to.join(format!("{}.wasm", packed.about.name));
    describe(&packed.component, &component)?;
    fs::create_dir_all(to).map_err(file(to))?;
    // The signatures first: a host that looks in between finds one that does not fit, and keeps what it has.
    remove_signatures(&component)?;
    for (suffix, text) in &packed.signatures {
        let path = to.join(format!("{}.wasm.{suffix}", packed.about.name));
        fs::write(&path, text).map_err(file(&path))?;
    }
    let part = component.with_extension("part");
    fs::write(&part, &packed.component).map_err(file(&part))?;
    fs::rename(&part, &component).map_err(file(&component))?;
    Ok(Pulled {
        digest: blake3::hash(&packed.component).to_hex().to_string(),
        component,
        about: packed.about,
        signed,
        signatures: !packed.signatures.is_empty(),
    })
}

/// The signatures beside a component are of what was there before.
pub(crate) fn remove_signatures(component: &Path) -> Result<bool, ToolError> {
    let mut removed = false;
    for suffix in ["minisig", "sig"] {
        let mut path = component.as_os_str().to_owned();
        path.push(format!(".{suffix}"));
        match fs::remove_file(&path) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(file(path)(error)),
        }
    }
    Ok(removed)
}

fn who(at: &Reference) -> Result<Option<Credentials>, ToolError> {
    let Reference::Registry(image) = at else {
        return Ok(None);
    };
    let found = credentials(&image.host, |name| std::env::var(name).ok());
    Ok(found.map_err(isocenter_pack::PackError::from)?)
}

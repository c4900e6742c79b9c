//! Compiled code on disk, so that only the first start compiles.
//!
//! Separate because it holds the host's one `unsafe` block. Loading compiled code is running it: whoever can write to
//! the cache can run code in the host. So the folder must belong to the host's user and be writable by nobody else, and
//! every entry ends in a digest that finds torn and rotten files. An entry that is not right is compiled again.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST: usize = blake3::OUT_LEN;

/// A folder of compiled components, or nothing where there is no private one.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    /// Of everything that compiled code depends on beside the component: the engine's version, settings and target.
    engine: String,
}

impl Cache {
    /// Opens or makes the folder. A cache that cannot be had is a warning: the host then compiles at each start.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Cache {
        let mut hasher = Blake(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let folder = match private(folder) {
            Ok(()) => Some(folder.to_owned()),
            Err(why) => {
                tracing::warn!(folder = %folder.display(), "compiled plugins are not kept: {why}");
                None
            }
        };
        Cache {
            folder,
            engine: hasher.0.finalize().to_hex().as_str().chars().take(16).collect(),
        }
    }

    /// The compiled form of a component with this digest, if it is there and whole.
    pub(crate) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.entry(digest)?;
        let mut bytes = fs::read(&path).ok()?;
        let code = bytes.len().checked_sub(DIGEST)?;
        let found = bytes.split_off(code);
        if blake3::hash(&bytes) != *found.first_chunk::<DIGEST>()? {
            tracing::warn!(entry = %path.display(), "a compiled plugin is damaged and is compiled again");
            return None;
        }
        self.adopt(engine, &bytes).ok()
    }

    /// Takes over what the compiler of this host has just made, or what [`Cache::get`] found to be that.
    pub(crate) fn adopt(&self, engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: `deserialize` trusts what it is given to be the output of `precompile_component`. That is what this
        // host's compiler (this very program) hands over, and `put` writes nothing else; `private` made sure that nobody
        // but this user can write to the folder; the digest that `get` compared says that the bytes are those that were
        // written; and wasmtime itself refuses another version or other settings of the engine.
        #[expect(unsafe_code, reason = "the one way to load compiled code")]
        unsafe {
            Component::deserialize(engine, compiled)
        }
    }

    /// Keeps a compiled component. Failure costs only time, later.
    pub(crate) fn put(&self, compiled: &[u8], digest: &str) {
        let Some(path) = self.entry(digest) else {
            return;
        };
        let mut bytes = Vec::with_capacity(compiled.len() + DIGEST);
        bytes.extend_from_slice(compiled);
        bytes.extend_from_slice(blake3::hash(compiled).as_bytes());
        if let Err(error) = replace(&path, &bytes) {
            tracing::warn!(entry = %path.display(), "a compiled plugin is not kept: {error}");
        }
    }

    fn entry(&self, digest: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}-{digest}.compiled", self.engine)))
    }
}

/// Makes the folder with mode 0700, or finds one that nobody else can write to.
fn private(folder: &Path) -> Result<(), String> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| error.to_string())?;
    let meta = fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    if !meta.is_dir() {
        return Err("it is no folder".into());
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me {
        return Err(format!("it belongs to user {}, the host runs as {me}", meta.uid()));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(format!(
            "others may write to it (mode {:o}); it must be 700",
            meta.mode() & 0o777
        ));
    }
    Ok(())
}

/// Whole or not at all, also when two hosts write the same entry.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// A hash that is the same in every process, which std's is not promised to be.
struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

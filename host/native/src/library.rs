//! Loading a shared library: once per digest, from a sealed copy, and for good.
//!
//! Separate because it is where bytes become code that may do anything. A library stays loaded until the process ends:
//! it may have started threads, registered destructors and handed out pointers to itself, so that nothing can prove
//! that unloading it is safe. Because of that, and because its constructors run when it is loaded, a library that turns
//! out to be unusable stays too, and is not loaded again.

#![expect(unsafe_code, reason = "loading native code")]

use std::collections::BTreeMap;
use std::io;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use isocenter_native_api::table::{self, ENTRY, Entry, Inference, Table};
use libloading::os::unix::{Library as Dynamic, RTLD_LOCAL, RTLD_NOW};

use crate::digest::Digest;
use crate::raw::Functions;
use crate::sealed::Sealed;

/// Bytes of a library. The largest in use, with kernels for every GPU, have some hundred MiB.
const MOST_BYTES: u64 = 2 << 30;

/// What is loaded in this process, by BLAKE3 digest. It has to be one list for the process, because loading is an
/// effect on the process.
static LOADED: Mutex<BTreeMap<[u8; 32], Result<&'static Loaded, Unusable>>> = Mutex::new(BTreeMap::new());

/// A loaded inference engine. It stays loaded; this is a name for it.
#[derive(Clone, Copy, Debug)]
pub struct Library(&'static Loaded);

#[derive(Debug)]
struct Loaded {
    name: String,
    version: String,
    digest: Digest,
    functions: Functions,
    /// Keeps the path of the sealed copy its own: the loader knows libraries by their paths.
    _sealed: Sealed,
    /// Never unloaded.
    _dynamic: ManuallyDrop<Dynamic>,
}

/// Why a library was not loaded, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The configuration does not say `trusted = true`.
    #[error(
        "{} is native code, which can do whatever the host can do; it is loaded only with `trusted = true`",
        path.display()
    )]
    Untrusted {
        /// The library.
        path: PathBuf,
    },
    /// The configuration gives no digest.
    #[error(
        "{} is native code and has no digest; write `digest = \"sha256:…\"`, as its maker published it and \
         `sha256sum` prints it",
        path.display()
    )]
    Unpinned {
        /// The library.
        path: PathBuf,
    },
    /// The file cannot be read, is too large, or cannot be copied into sealed memory.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The library.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file is not the one that the operator trusts.
    #[error("{} has the digest {found}; the configuration trusts {expected}", path.display())]
    WrongDigest {
        /// The library.
        path: PathBuf,
        /// The configuration's.
        expected: Digest,
        /// The file's.
        found: Digest,
    },
    /// The dynamic loader refused it.
    #[error("{} cannot be loaded: {why}", path.display())]
    NotLoadable {
        /// The library.
        path: PathBuf,
        /// What the dynamic loader said.
        why: String,
    },
    /// It was loaded and is no engine for this host.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The library.
        path: PathBuf,
        /// The reason.
        why: Unusable,
    },
}

/// Why a library that was loaded is no engine for this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It does not export the entry.
    #[error("it does not export isocenter_native_v1")]
    NoEntry,
    /// The entry answered null, or an address where no table can lie.
    #[error("isocenter_native_v1 answers no table")]
    NoTable,
    /// Its table follows another contract.
    #[error("its table has abi {theirs}; this host knows abi {ours}")]
    WrongAbi {
        /// The library's.
        theirs: u32,
        /// The host's.
        ours: u32,
    },
    /// It is a native plugin of another kind.
    #[error("it is a native plugin of kind {theirs}; an inference engine is of kind {ours}")]
    WrongKind {
        /// The library's.
        theirs: u32,
        /// The host's.
        ours: u32,
    },
    /// Its table ends too early.
    #[error("its table has {theirs} bytes; that of an inference engine has at least {ours}")]
    SmallTable {
        /// The library's.
        theirs: u32,
        /// The host's.
        ours: usize,
    },
    /// A function is null.
    #[error("its table has no function {0}")]
    NoFunction(&'static str),
    /// It cannot say who it is.
    #[error("it does not describe itself: {0}")]
    Undescribed(String),
}

impl Library {
    /// Loads an inference engine, unless a library of the same content is loaded already. The digest is that of the
    /// bytes that are loaded: they are a sealed copy in memory. It does not cover what the library itself depends on.
    ///
    /// # Errors
    /// See [`LibraryError`]. Nothing of the library runs before its digest is right.
    pub fn load(path: &Path, trusted: bool, digest: Option<&Digest>) -> Result<Library, LibraryError> {
        let at = || path.to_owned();
        if !trusted {
            return Err(LibraryError::Untrusted { path: at() });
        }
        let expected = *digest.ok_or_else(|| LibraryError::Unpinned { path: at() })?;
        let unreadable = |source| LibraryError::Unreadable { path: at(), source };
        let mut sealed = Sealed::copy(path, MOST_BYTES).map_err(unreadable)?;
        let found = sealed.digest(&expected).map_err(unreadable)?;
        found.compare(&expected).map_err(|found| LibraryError::WrongDigest {
            path: at(),
            expected,
            found,
        })?;

        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match loaded.get(&found.blake3) {
            Some(known) => known.clone(),
            None => {
                let dynamic = dynamic(&sealed).map_err(|why| LibraryError::NotLoadable { path: at(), why })?;
                let fresh = keep(dynamic, sealed, Digest::Blake3(found.blake3));
                loaded.insert(found.blake3, fresh.clone());
                fresh
            }
        };
        known
            .map(Library)
            .map_err(|why| LibraryError::Unusable { path: at(), why })
    }

    /// The engine's name for itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The engine's version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The BLAKE3 digest of what is loaded.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    pub(crate) fn functions(&self) -> &'static Functions {
        &self.0.functions
    }
}

impl PartialEq for Library {
    fn eq(&self, other: &Library) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Library {}

fn dynamic(sealed: &Sealed) -> Result<Dynamic, String> {
    // SAFETY: the constructors of the library run, which may do anything: the operator vouched for it in so many words
    // and by its digest, which is that of the sealed bytes that the path names.
    let dynamic = unsafe { Dynamic::open(Some(sealed.path()), RTLD_NOW | RTLD_LOCAL) };
    dynamic.map_err(|error| error.to_string())
}

/// Makes what was loaded usable, or says why it is not. Either way it stays.
fn keep(dynamic: Dynamic, sealed: Sealed, digest: Digest) -> Result<&'static Loaded, Unusable> {
    let dynamic = ManuallyDrop::new(dynamic);
    match functions(&dynamic).and_then(described) {
        Ok((functions, name, version)) => Ok(Box::leak(Box::new(Loaded {
            name,
            version,
            digest,
            functions,
            _sealed: sealed,
            _dynamic: dynamic,
        }))),
        Err(why) => {
            std::mem::forget(sealed);
            Err(why)
        }
    }
}

fn functions(dynamic: &Dynamic) -> Result<Functions, Unusable> {
    // SAFETY: by the contract, what has this name has this type.
    let entry = unsafe { dynamic.get::<Entry>(ENTRY.to_bytes_with_nul()) }.map_err(|_| Unusable::NoEntry)?;
    // SAFETY: by the contract, it takes nothing, does not unwind, and answers a table or null.
    let table = unsafe { entry() };
    if table.is_null() || !table.cast::<Inference>().is_aligned() {
        return Err(Unusable::NoTable);
    }
    // SAFETY: every table, of whatever version, begins like this and stays valid.
    let head: Table = unsafe { table.read() };
    judge(head)?;
    // SAFETY: the table says that it is of this version and kind and has at least this size.
    let table = unsafe { &*table.cast::<Inference>() };
    Functions::of(table).map_err(Unusable::NoFunction)
}

/// Whether the table that begins so is one of an inference engine for this host.
fn judge(head: Table) -> Result<(), Unusable> {
    if head.abi != table::ABI {
        return Err(Unusable::WrongAbi {
            theirs: head.abi,
            ours: table::ABI,
        });
    }
    if head.kind != table::KIND_INFERENCE {
        return Err(Unusable::WrongKind {
            theirs: head.kind,
            ours: table::KIND_INFERENCE,
        });
    }
    if u64::from(head.size) < size_of::<Inference>() as u64 {
        return Err(Unusable::SmallTable {
            theirs: head.size,
            ours: size_of::<Inference>(),
        });
    }
    Ok(())
}

fn described(functions: Functions) -> Result<(Functions, String, String), Unusable> {
    let (name, version) = functions
        .describe()
        .map_err(|refusal| Unusable::Undescribed(refusal.to_string()))?;
    Ok((functions, name, version))
}

//! Packs: plain tar files of objects, one per study and receiving association, appended to by one writer only.
//!
//! If Isocenter disappeared tomorrow, `tar xf` gives a hospital its images back, from any pack, even one that is open or
//! torn: the room for an entry's headers stays zero, which every tar reads as the end, until the object is whole.

pub(crate) mod body;
pub(crate) mod entry;
pub(crate) mod folder;
pub(crate) mod label;
pub(crate) mod parse;
pub(crate) mod read;
pub(crate) mod resolutions;
pub(crate) mod scan;
pub(crate) mod tar;
pub(crate) mod together;
pub(crate) mod walk;
pub(crate) mod writer;

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use folder::PackName;
use tokio::sync::Mutex;

/// An open pack.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) name: PackName,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Whoever holds this may write: one entry at a time, from its first byte until it is indexed or cut off.
    pub(crate) tail: Arc<Mutex<Tail>>,
    /// Set by an entry that was given up, until the next one begins: the pack is free, or will be in a moment.
    pub(crate) clearing: AtomicBool,
}

/// Where a pack ends, and whether it may be written to.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Where the next entry starts: behind the last one that is to stay.
    pub(crate) end: u64,
    /// Cleared when a write, a sync or the index failed in a way that leaves the file's end in doubt. Such a pack keeps
    /// its marker, so that the next start scans it.
    pub(crate) usable: bool,
    /// Folders to sync together with the first entry.
    pub(crate) folders: Vec<PathBuf>,
}

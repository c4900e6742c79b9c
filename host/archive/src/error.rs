//! What can go wrong in the archive. Separate because every module here answers with it.

use std::{io, path::PathBuf};

use isocenter_dicom::ParseError;

use crate::{
    cluster::ClusterError,
    index::{IndexError, PackId},
};

/// Why the archive could not do what was asked. No message carries patient data.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another host runs on this data folder. Two hosts may share a database, never a data folder.
    #[error("the data folder {} is in use by another process; give each host its own", .0.display())]
    InUse(PathBuf),
    /// A file or folder of the archive could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done: `create`, `write`, `sync` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk (or the quota) is full. What was acknowledged before is safe; the object at hand is not stored.
    #[error("no space left for {}", .0.display())]
    Full(PathBuf),
    /// The index refused or could not be reached. The object at hand is not acknowledged.
    #[error("the index failed")]
    Index(#[from] IndexError),
    /// The index did not say within the bounded time whether it stored the object. The bytes are kept, and the question
    /// is settled at the next start; the sender should send again.
    #[error("the index did not confirm the object within {seconds} s")]
    Unconfirmed {
        /// How long was tried.
        seconds: u64,
        /// The last failure, unless it was silence.
        source: Option<IndexError>,
    },
    /// The private database cluster could not be started.
    #[error("the private database failed")]
    Cluster(#[from] ClusterError),
    /// A stored object could not be parsed, although it could when it was stored: the file is damaged.
    #[error("the stored object in pack {pack} at {offset} cannot be parsed")]
    Unreadable {
        /// The pack.
        pack: PackId,
        /// Where the object starts in it.
        offset: u64,
        /// What the parser said.
        source: ParseError,
    },
    /// The stored object is not what its place says, or its identity is missing: the file is damaged.
    #[error("the stored object in pack {pack} at {offset} is damaged: {what}")]
    Damaged {
        /// The pack.
        pack: PackId,
        /// Where the object starts in it.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// More entries are being written at once by one writer than it has packs.
    #[error("all {0} packs of this writer are being written to; finish an entry first")]
    TooManyOpen(usize),
    /// More objects are to be stored together than can be.
    #[error("at most {0} objects can be stored together")]
    TooManyTogether(usize),
    /// The archive is being written to, so that its index cannot be rebuilt.
    #[error("{0} packs are being written to; stop receiving before the index is rebuilt")]
    Busy(usize),
    /// The archive is closed or closing.
    #[error("the archive is closed")]
    Closed,
}

impl ArchiveError {
    /// Wraps an operating system error; a full disk gets its own kind.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full(path),
            _ => Self::File { action, path, source },
        }
    }

    /// Whether the sender had better try again later: the fault is here and may pass.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Full(_)
                | Self::Index(_)
                | Self::Unconfirmed { .. }
                | Self::TooManyOpen(_)
                | Self::Closed
                | Self::File { .. }
        )
    }
}

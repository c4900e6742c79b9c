//! The archive as the other crates see it: opened once, cloned freely. Separate from the crate root so that the root is
//! a table of contents.

use std::{io, path::PathBuf};

use bytes::Bytes;
use futures::Stream;
use isocenter_dicom::header::Header;

use crate::{
    ArchiveError, Checked, PackWriter, Recovery, Reindexed, Verified,
    index::{Duplicates, Index, Located},
};

/// How to open an archive.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder; created (mode 0700) when it is absent.
    pub data: PathBuf,
    /// A Postgres URL. `None`: a private cluster is started in the data folder.
    pub database: Option<String>,
    /// Where the Postgres binaries of the private cluster are. `None`: they are searched for.
    pub postgres_binaries: Option<PathBuf>,
    /// What happens when a SOP Instance UID arrives again with different content.
    pub duplicates: Duplicates,
}

/// Packs and index together. Cheap to clone.
#[derive(Clone)]
pub struct Archive {}

impl Archive {
    /// Locks the data folder, starts or connects the database, and settles what a crash left behind.
    pub async fn open(_options: Options) -> Result<(Archive, Recovery), ArchiveError> {
        todo!()
    }

    /// The index of what is stored.
    pub fn index(&self) -> &Index {
        todo!()
    }

    /// A writer for one association or STOW request.
    pub fn writer(&self) -> PackWriter {
        todo!()
    }

    /// The Part 10 file of a stored object, in chunks of at most 128 KiB.
    pub fn read(&self, _at: &Located) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        futures::stream::empty()
    }

    /// The header of a stored object, parsed again from its pack.
    pub async fn read_header(&self, _at: &Located) -> Result<Header, ArchiveError> {
        todo!()
    }

    /// Compares packs, digests and index.
    pub async fn verify(&self, _progress: impl FnMut(&Checked) + Send) -> Result<Verified, ArchiveError> {
        todo!()
    }

    /// Rebuilds the index from the packs alone.
    pub async fn reindex(&self) -> Result<Reindexed, ArchiveError> {
        todo!()
    }

    /// Waits for what is under way, then stops the private cluster.
    pub async fn close(self) {
        todo!()
    }
}

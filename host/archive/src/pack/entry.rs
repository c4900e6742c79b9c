//! One object being appended to a pack.

use bytes::Bytes;
use isocenter_dicom::{header::Identity, uid::Uid};

use crate::{
    ArchiveError,
    index::{Attributes, Indexed, NewJob, Source},
};

/// What the index needs to know about an object besides where it is.
#[derive(Debug)]
pub struct NewObjectParts {
    /// Its four UIDs, as stored.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// What can be searched for.
    pub attributes: Attributes,
    /// Where it came from.
    pub source: Source,
    /// Work to enqueue in the same transaction.
    pub jobs: Vec<NewJob>,
}

/// An object being appended. Dropping it takes its bytes back out of the pack.
pub struct Entry {}

impl Entry {
    /// Appends a piece of the Part 10 file.
    pub async fn write(&mut self, _piece: Bytes) -> Result<(), ArchiveError> {
        todo!()
    }

    /// Says that the header ends here, where the pixel data element starts.
    pub fn header_done(&mut self) {
        todo!()
    }

    /// Makes the object durable and indexes it.
    pub async fn commit(self, _parts: NewObjectParts) -> Result<Indexed, ArchiveError> {
        todo!()
    }

    /// Takes the object's bytes back out of the pack.
    pub async fn abandon(self) {
        todo!()
    }
}

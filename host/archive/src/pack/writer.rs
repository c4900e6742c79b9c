//! The packs that one association or STOW request writes to.

use isocenter_dicom::uid::Uid;

use crate::{ArchiveError, Entry, index::Held};

/// Where an object goes.
#[derive(Clone, Debug)]
pub enum Shelf {
    /// It is archived: indexed, found and served.
    Archive,
    /// It is held back for a person to look at.
    Quarantine(Held),
}

/// Keeps one open pack per study.
pub struct PackWriter {}

impl PackWriter {
    /// Starts an object at the end of the study's pack.
    pub async fn begin(&mut self, _study: &Uid, _object: &Uid, _shelf: Shelf) -> Result<Entry, ArchiveError> {
        todo!()
    }

    /// Seals the packs: they are not written to again.
    pub async fn seal(self) {
        todo!()
    }
}

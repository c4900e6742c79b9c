//! All packs of an area, study by study, in bounded memory. Separate because verification and reindexing both walk so.

use std::sync::Arc;

use super::folder::{Area, Folder, PackName, StudyFolder};
use crate::{ArchiveError, archive::blocking};

/// A walk over the studies of an area.
pub(crate) struct Walk {
    folder: Arc<Folder>,
    area: Area,
    /// Empty only while a blocking thread has it.
    studies: Option<Box<dyn Iterator<Item = Result<StudyFolder, ArchiveError>> + Send>>,
}

impl Walk {
    pub(crate) async fn new(folder: Arc<Folder>, area: Area) -> Result<Self, ArchiveError> {
        let own = folder.clone();
        let studies = blocking(move || own.studies(area)).await?;
        Ok(Self {
            folder,
            area,
            studies: Some(Box::new(studies)),
        })
    }

    /// The packs of the next study, oldest first.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<PackName>>, ArchiveError> {
        let Some(mut studies) = self.studies.take() else {
            return Ok(None);
        };
        let (folder, area) = (self.folder.clone(), self.area);
        let (studies, packs) = blocking(move || {
            let packs = studies.next().map(|study| folder.packs(area, &study?)).transpose()?;
            Ok((studies, packs))
        })
        .await?;
        self.studies = Some(studies);
        Ok(packs)
    }
}

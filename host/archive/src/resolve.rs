//! Decisions about objects in quarantine. Separate because of the order: first beside the packs, durably, and then in the
//! index. After a crash in between the object is still in quarantine, and somebody decides again; the other way round it would
//! come back when the index is rebuilt.

use std::sync::Arc;

use crate::{
    ArchiveError,
    archive::{Inner, blocking},
    index::{Outcome, Quarantined},
    pack::{
        folder::{Area, PackName, StudyFolder},
        resolutions,
    },
};

/// Takes an object out of quarantine.
pub(crate) async fn run(
    archive: &Arc<Inner>,
    id: i64,
    outcome: Outcome,
    by: &str,
    reason: &str,
) -> Result<Option<Quarantined>, ArchiveError> {
    let _turn = archive.resolving.lock().await;
    let Some(held) = archive.index.held(id).await? else {
        return Ok(None);
    };
    let resolution = resolutions::now(outcome, by, reason);
    let (own, object, decided) = (archive.clone(), held.clone(), resolution.clone());
    blocking(move || {
        let name = PackName {
            area: Area::Quarantine,
            study: StudyFolder::of(&object.identity.study),
            id: object.place.pack,
        };
        // Of a pack in another host's folder nothing can be decided here.
        let pack = own.folder.path(&name);
        std::fs::metadata(&pack).map_err(|error| ArchiveError::file("find", &pack, error))?;
        let path = own.folder.resolutions(&name.study);
        resolutions::append(&path, &object, &decided).map_err(|error| ArchiveError::file("write", path, error))
    })
    .await?;
    Ok(archive.index.resolve(&held, &resolution).await?.then_some(held))
}

//! The index, rebuilt from the packs alone.
//!
//! Study by study, entries in the order in which they arrived, each under the duplicates policy that was in force then:
//! so the same objects are served afterwards as before. Nothing is routed again. Only labels and headers are read; whether
//! the bytes are still those that were stored is for `verify` to say.

use std::{sync::Arc, time::SystemTime};

use crate::{
    ArchiveError,
    archive::{Inner, blocking},
    index::{Duplicates, Index, Indexed, NewObject, Resolution},
    pack::{
        folder::{Area, PackName},
        parse,
        resolutions::{Fate, Resolutions},
        scan::{BATCH, Scan, Step},
        walk::Walk,
    },
};

/// What was found and indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// Packs walked.
    pub packs: u64,
    /// Objects indexed; some may have been superseded by later ones.
    pub objects: u64,
    /// Quarantined objects indexed.
    pub held: u64,
    /// Objects that were in quarantine until somebody decided about them; they stay away.
    pub resolved: u64,
    /// Entries that were stored already, or lost against a different one by the policy.
    pub duplicates: u64,
    /// Entries that are damaged and were left out, and packs that could not be walked to their end.
    pub damaged: u64,
}

/// Where an entry of a study is. All of a study are held at once, to be put in order: 48 bytes for each object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    arrived: SystemTime,
    /// Which of the study's packs, oldest first.
    pack: usize,
    start: u64,
}

/// Rebuilds the index.
pub(crate) async fn run(archive: &Arc<Inner>) -> Result<Reindexed, ArchiveError> {
    match archive.group.open_packs() {
        0 => {}
        open => return Err(ArchiveError::Busy(open)),
    }
    let _turn = archive.resolving.lock().await;
    archive.index.clear().await?;
    // What was stored long ago is no event.
    let index = archive.index.without_events();
    let mut report = Reindexed::default();
    for area in Area::ALL {
        let mut walk = Walk::new(archive.folder.clone(), area).await?;
        while let Some(packs) = walk.next().await? {
            study(archive, &index, packs, &mut report).await?;
        }
    }
    Ok(report)
}

async fn study(
    archive: &Arc<Inner>,
    index: &Index,
    packs: Vec<PackName>,
    report: &mut Reindexed,
) -> Result<(), ArchiveError> {
    let packs = Arc::new(packs);
    report.packs += packs.len() as u64;
    let (own, all) = (archive.clone(), packs.clone());
    let (entries, torn) = blocking(move || list(&own, &all)).await?;
    report.damaged += torn;
    let resolutions = resolutions(archive, &packs).await?;
    report.damaged += resolutions.damaged;
    for batch in entries.chunks(BATCH) {
        let (own, all, batch) = (archive.clone(), packs.clone(), batch.to_vec());
        let read = blocking(move || Ok(batch.iter().map(|seen| read(&own, &all, *seen)).collect::<Vec<_>>())).await?;
        let mut objects = Vec::with_capacity(read.len());
        let mut resolved: Vec<(NewObject, Resolution)> = Vec::new();
        for object in read {
            match object {
                Ok((policy, object)) => match resolutions.of(&object) {
                    None => objects.push((policy, object)),
                    Some(Fate::Copy) => report.duplicates += 1,
                    Some(Fate::Resolved(resolution)) => resolved.push((object, resolution)),
                },
                Err(error) => {
                    tracing::error!(%error, "an entry cannot be indexed");
                    report.damaged += 1;
                }
            }
        }
        index.note_resolved(&resolved).await?;
        report.resolved += resolved.len() as u64;
        for run in objects.chunk_by(|a, b| a.0 == b.0) {
            let Some((policy, _)) = run.first() else {
                continue;
            };
            let run: Vec<NewObject> = run.iter().map(|(_, object)| object.clone()).collect();
            for indexed in index.commit(&run, *policy).await? {
                match indexed {
                    Indexed::New | Indexed::Replaced => report.objects += 1,
                    Indexed::Held => report.held += 1,
                    Indexed::Identical | Indexed::Conflict => report.duplicates += 1,
                }
            }
        }
    }
    Ok(())
}

/// What was decided about a study's objects in quarantine.
async fn resolutions(archive: &Arc<Inner>, packs: &[PackName]) -> Result<Resolutions, ArchiveError> {
    let Some(name) = packs.first().filter(|name| name.area == Area::Quarantine) else {
        return Ok(Resolutions::default());
    };
    let path = archive.folder.resolutions(&name.study);
    blocking(move || Resolutions::read(&path).map_err(|error| ArchiveError::file("read", path, error))).await
}

/// All entries of a study, in the order of their arrival, and how many packs are torn. Blocking.
fn list(archive: &Inner, packs: &[PackName]) -> Result<(Vec<Seen>, u64), ArchiveError> {
    let mut entries = Vec::new();
    let mut torn = 0;
    for (pack, name) in packs.iter().enumerate() {
        let fail = |error| ArchiveError::file("read", archive.folder.path(name), error);
        let mut scan = Scan::new(archive.files.open(name).map_err(fail)?).map_err(fail)?;
        loop {
            match scan.step().map_err(fail)? {
                Step::Entry(found) => entries.push(Seen {
                    arrived: found.label.arrived,
                    pack,
                    start: found.start,
                }),
                Step::End => break,
                Step::Torn(why) => {
                    tracing::error!(pack = %name.id, at = scan.at(), why, "a pack is torn");
                    torn += 1;
                    break;
                }
            }
        }
    }
    entries.sort_unstable();
    Ok((entries, torn))
}

fn read(archive: &Inner, packs: &[PackName], seen: Seen) -> Result<(Duplicates, NewObject), ArchiveError> {
    let name = packs.get(seen.pack).ok_or(ArchiveError::Closed)?;
    let path = archive.folder.path(name);
    let fail = |error| ArchiveError::file("read", &path, error);
    let file = archive.files.open(name).map_err(fail)?;
    match Scan::from(file.clone(), seen.start)
        .and_then(|mut scan| scan.step())
        .map_err(fail)?
    {
        Step::Entry(found) => Ok((
            found.label.duplicates,
            parse::object(&file, &path, name.id, &found, Vec::new())?,
        )),
        Step::End | Step::Torn(_) => Err(ArchiveError::Damaged {
            pack: name.id,
            offset: seen.start,
            what: "it is no longer an entry".to_owned(),
        }),
    }
}

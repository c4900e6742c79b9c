//! What a crash left behind, settled at start, before anything else touches the packs.
//!
//! Only packs that still have their marker are read. In such a pack an acknowledged entry is whole and has a row. Of what
//! has no row:
//! - the torn tail is cut off: at most the last entry was being written, as a pack has one writer;
//! - whole entries are indexed, routing included: their sender may have been told to come again, but they are here;
//! - what was to be stored together is indexed together, or cut off together;
//! - what somebody decided about stays out of quarantine, although its decision has no row;
//! - an entry of which another object took the place meanwhile stays where it is, without a row. What was never
//!   acknowledged must not replace what was, so this commits with `keep-first` whatever the policy.
//!
//! What has a row is never cut off, however damaged it is: that is for a person, and `verify` reports it. The marker goes
//! last, so that a crash in here is a crash like any other.

use std::{collections::VecDeque, fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

use isocenter_dicom::uid::Uid;

use crate::{
    ArchiveError,
    archive::blocking,
    index::{Duplicates, Index, Indexed, NewJob, NewObject, Resolution, StoredTogether, Within},
    pack::{
        folder::{Area, Folder, PackName},
        parse,
        resolutions::{Fate, Resolutions},
        scan::{self, Compare, End, Found, Scan, Seen},
        tar::BLOCK,
    },
};

/// Rows that are asked for at once.
const PAGE: u32 = 1000;

/// What was found and done at start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Packs that were not sealed.
    pub packs: u64,
    /// Whole objects that had no row and got one.
    pub indexed: u64,
    /// Whole quarantined objects that had no row and got one.
    pub held: u64,
    /// Whole objects that had no row and were in quarantine until somebody decided about them; they stay away.
    pub resolved: u64,
    /// Whole objects without a row under whose UID the same or another object is stored; they are left out.
    pub duplicates: u64,
    /// Torn tails that were cut off.
    pub torn: u64,
    /// Bytes cut off with them.
    pub torn_bytes: u64,
    /// Entries or ends of packs that are damaged but were left, because a crash does not explain them.
    pub damaged: u64,
}

/// Settles every pack that was not sealed.
pub(crate) async fn run(folder: &Arc<Folder>, index: &Index) -> Result<Recovery, ArchiveError> {
    let mut recovery = Recovery::default();
    let listing = folder.clone();
    for name in blocking(move || listing.unsealed()).await? {
        pack(folder, index, &name, &mut recovery).await?;
    }
    if recovery.packs > 0 {
        tracing::info!(?recovery, "settled packs that were not sealed");
    }
    Ok(recovery)
}

async fn pack(
    folder: &Arc<Folder>,
    index: &Index,
    name: &PackName,
    recovery: &mut Recovery,
) -> Result<(), ArchiveError> {
    let path = folder.path(name);
    let fail = |action| {
        let path = path.clone();
        move |error| ArchiveError::file(action, path, error)
    };
    // What is seen here may still be in the page cache only: make it durable before a row refers to it.
    let (own, durable) = (folder.clone(), name.clone());
    let file = blocking(move || {
        let path = own.path(&durable);
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ArchiveError::file("open", path, error)),
        };
        file.sync_all()
            .map_err(|error| ArchiveError::file("sync", path, error))?;
        own.sync_above(&durable)?;
        Ok(Some(Arc::new(file)))
    })
    .await?;
    let Some(file) = file else {
        // The crash came between the marker and the pack.
        folder.unmark(name);
        return Ok(());
    };
    recovery.packs += 1;
    let resolutions = match name.area {
        Area::Archive => Resolutions::default(),
        Area::Quarantine => {
            let path = folder.resolutions(&name.study);
            blocking(move || Resolutions::read(&path).map_err(|error| ArchiveError::file("read", path, error))).await?
        }
    };
    recovery.damaged += resolutions.damaged;

    let mut scan = Scan::new(file).map_err(fail("read"))?;
    let mut study = None;
    let mut keep = 0;
    let end = loop {
        let (walked, batch) = scan::batch(scan, Compare::Digests).await.map_err(fail("read"))?;
        scan = walked;
        study = study.or_else(|| batch.entries.first().map(|seen| seen.found.label.study.clone()));
        let new = unknown(index, name, &batch.entries).await?;
        let mut whole = Vec::new();
        let mut torn = None;
        for unit in units(batch.entries, new, batch.end) {
            let cut = match unit {
                Unit::Known(seen) => {
                    if !seen.sound {
                        damaged(name, &seen.found, recovery);
                    }
                    keep = seen.found.end;
                    continue;
                }
                Unit::New(seen) if seen.sound => {
                    keep = seen.found.end;
                    whole.push(seen.found);
                    continue;
                }
                Unit::New(seen) => {
                    damaged(name, &seen.found, recovery);
                    keep = seen.found.end;
                    continue;
                }
                Unit::Torn => "an object with a wrong digest",
                Unit::Together(all, last) => {
                    let found: Vec<Found> = all.into_iter().map(|seen| seen.found).collect();
                    let (start, end) = (
                        found.first().map(|found| found.start),
                        found.last().map(|found| found.end),
                    );
                    let objects = parse_all(&scan, &path, name, found).await?;
                    if together(index, objects, recovery).await? || !last {
                        keep = end.unwrap_or(keep);
                        continue;
                    }
                    keep = start.unwrap_or(keep);
                    "objects that were to be stored together, one of which cannot be"
                }
            };
            torn = Some(cut);
            break;
        }
        let parsed = parse_all(&scan, &path, name, whole).await?;
        count(index, parsed, &resolutions, recovery).await?;
        match (torn, batch.end) {
            (Some(why), _) => break End::Torn(why),
            (None, None) => {}
            (None, Some(end)) => break end,
        }
    };

    if let End::Torn(why) = end {
        match torn(index, &scan, name, study.as_ref(), keep).await? {
            Torn::Explained => {
                tracing::warn!(pack = %name.id, at = keep, why, "cut off the torn end of a pack");
                recovery.torn += 1;
                recovery.torn_bytes += scan.length().saturating_sub(keep);
                let file = scan.file().clone();
                let cut = move || file.set_len(keep).and_then(|()| file.sync_all());
                blocking(move || cut().map_err(|error| ArchiveError::file("cut", path, error))).await?;
            }
            Torn::Known => {
                tracing::error!(pack = %name.id, at = keep, why, "a pack is damaged; it is left as it is, see `verify`");
                recovery.damaged += 1;
                folder.unmark(name);
                return Ok(());
            }
            Torn::Strange => {
                tracing::error!(pack = %name.id, why, "no entry of a pack can be read; it is set aside as `.torn`");
                recovery.damaged += 1;
                folder.set_aside(name)?;
                folder.unmark(name);
                return Ok(());
            }
        }
    }
    if keep == 0 {
        folder.remove(name);
    }
    folder.unmark(name);
    Ok(())
}

/// What is taken together in a pack.
enum Unit {
    /// A row refers to it.
    Known(Seen),
    /// No row does.
    New(Seen),
    /// Nothing acknowledged is in it, and nothing stands behind it.
    Torn,
    /// What was to be stored together, whole, without a row; whether nothing stands behind it.
    Together(Vec<Seen>, bool),
}

/// Entries as they are to be taken; nothing follows what is torn.
fn units(entries: Vec<Seen>, new: Vec<bool>, end: Option<End>) -> Vec<Unit> {
    let mut units = Vec::with_capacity(entries.len());
    let mut left: VecDeque<(Seen, bool)> = entries.into_iter().zip(new).collect();
    while let Some((seen, new)) = left.pop_front() {
        let more = seen.found.label.together.unwrap_or(1) - 1;
        let none_known = new && left.iter().take(more).all(|(_, new)| *new);
        let is_last = |left: &VecDeque<_>| left.is_empty() && end.is_some();
        if seen.found.label.together.is_some() && none_known {
            let whole = left.len() >= more;
            let mut all = vec![seen];
            all.extend(left.drain(..more.min(left.len())).map(|(seen, _)| seen));
            let sound = all.iter().all(|seen| seen.sound);
            match (whole && sound, is_last(&left)) {
                (true, last) => units.push(Unit::Together(all, last)),
                (false, true) => units.push(Unit::Torn),
                // A crash does not explain it: nothing is written behind what was not committed.
                (false, false) => units.extend(all.into_iter().map(|seen| Unit::New(Seen { sound: false, ..seen }))),
            }
        } else if new && !seen.sound && is_last(&left) {
            units.push(Unit::Torn);
        } else if new {
            units.push(Unit::New(seen));
        } else {
            units.push(Unit::Known(seen));
        }
    }
    units
}

fn damaged(name: &PackName, found: &Found, recovery: &mut Recovery) {
    tracing::error!(pack = %name.id, object = %found.label.object, "an object in a pack is damaged");
    recovery.damaged += 1;
}

/// What the index must know of entries, to be routed where they are not held.
async fn parse_all(
    scan: &Scan,
    path: &Path,
    name: &PackName,
    found: Vec<Found>,
) -> Result<Vec<Result<NewObject, ArchiveError>>, ArchiveError> {
    let (file, own, id) = (scan.file().clone(), path.to_owned(), name.id);
    blocking(move || {
        let parse = |found| {
            let mut object = parse::object(&file, &own, id, found, Vec::new())?;
            if object.held.is_none() {
                object.jobs.push(NewJob::Route);
            }
            Ok(object)
        };
        Ok(found.iter().map(parse).collect())
    })
    .await
}

/// Indexes objects that were to be stored together; says whether that was possible.
async fn together(
    index: &Index,
    parsed: Vec<Result<NewObject, ArchiveError>>,
    recovery: &mut Recovery,
) -> Result<bool, ArchiveError> {
    let count = parsed.len() as u64;
    let mut objects = Vec::with_capacity(parsed.len());
    for object in parsed {
        match object {
            Ok(object) => objects.push(object),
            Err(error @ ArchiveError::File { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "objects that were to be stored together cannot be indexed");
                recovery.damaged += 1;
                return Ok(false);
            }
        }
    }
    match index.commit_together(&objects).await? {
        StoredTogether::All(indexed) => {
            let new = indexed.iter().filter(|indexed| **indexed == Indexed::New).count() as u64;
            recovery.indexed += new;
            recovery.duplicates += count - new;
            Ok(true)
        }
        StoredTogether::Conflict(_) => {
            recovery.duplicates += count;
            Ok(false)
        }
    }
}

/// For each entry, whether no row refers to it.
async fn unknown(index: &Index, name: &PackName, entries: &[Seen]) -> Result<Vec<bool>, ArchiveError> {
    let Some(first) = entries.first() else {
        return Ok(Vec::new());
    };
    let objects: Vec<Uid> = entries.iter().map(|seen| seen.found.label.object.clone()).collect();
    let known = index.known(&first.found.label.study, &objects).await?;
    let refers = |seen: &Seen| {
        known
            .iter()
            .any(|row| row.place.pack == name.id && row.place.offset == seen.found.content)
    };
    Ok(entries.iter().map(|seen| !refers(seen)).collect())
}

async fn count(
    index: &Index,
    parsed: Vec<Result<NewObject, ArchiveError>>,
    resolutions: &Resolutions,
    recovery: &mut Recovery,
) -> Result<(), ArchiveError> {
    let mut objects = Vec::with_capacity(parsed.len());
    let mut resolved: Vec<(NewObject, Resolution)> = Vec::new();
    for object in parsed {
        match object {
            Ok(object) => match resolutions.of(&object) {
                None => objects.push(object),
                Some(Fate::Copy) => recovery.duplicates += 1,
                Some(Fate::Resolved(resolution)) => resolved.push((object, resolution)),
            },
            Err(error @ ArchiveError::File { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "a whole entry without a row cannot be indexed; it is left as it is");
                recovery.damaged += 1;
            }
        }
    }
    index.note_resolved(&resolved).await?;
    recovery.resolved += resolved.len() as u64;
    if objects.is_empty() {
        return Ok(());
    }
    for indexed in index.commit(&objects, Duplicates::KeepFirst).await? {
        match indexed {
            Indexed::New | Indexed::Replaced => recovery.indexed += 1,
            Indexed::Held => recovery.held += 1,
            Indexed::Identical | Indexed::Conflict => recovery.duplicates += 1,
        }
    }
    Ok(())
}

/// What a torn end of a pack means.
enum Torn {
    /// A crash explains it: nothing acknowledged can be lost by cutting it off.
    Explained,
    /// A row refers to something behind it.
    Known,
    /// It is the first entry, so that its study, and with it its row, cannot be told, and it is not the zeros of an entry
    /// that was not finished.
    Strange,
}

async fn torn(
    index: &Index,
    scan: &Scan,
    name: &PackName,
    study: Option<&Uid>,
    keep: u64,
) -> Result<Torn, ArchiveError> {
    let Some(study) = study else {
        let mut block = [0; BLOCK];
        let file = scan.file().clone();
        let zero = move || Ok(file.read_exact_at(&mut block, 0).is_err() || block.iter().all(|byte| *byte == 0));
        return Ok(if blocking(zero).await? {
            Torn::Explained
        } else {
            Torn::Strange
        });
    };
    if name.area == Area::Quarantine {
        return Ok(Torn::Explained);
    }
    let mut after = None;
    loop {
        let page = index
            .locate(study, None, None, after.as_ref(), PAGE, &Within::everything())
            .await?;
        if page
            .iter()
            .any(|row| row.place.pack == name.id && row.place.offset >= keep)
        {
            return Ok(Torn::Known);
        }
        match page.last() {
            Some(last) if page.len() as u64 == u64::from(PAGE) => after = Some(last.cursor()),
            _ => return Ok(Torn::Explained),
        }
    }
}

#[cfg(test)]
mod tests;

//! Compares packs, digests and index, both ways, while the host goes on.
//!
//! Rows first: the bytes that a row refers to must be there and have its digest. Then packs: every entry must be referred
//! to by a row that agrees with its label, or be a copy of something that is. Pages and batches are bounded; every stored
//! byte is read once. What is being written meanwhile is not complained about.

use std::{io, sync::Arc};

use isocenter_dicom::uid::Uid;

use crate::{
    ArchiveError,
    archive::{Inner, blocking},
    index::{Known, PackId, Place, Standing},
    pack::{
        folder::{Area, PackName, StudyFolder},
        scan::{self, Compare, End, Scan},
        walk::Walk,
    },
};

/// How far verification is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows whose bytes were read and compared with their digest.
    pub objects: u64,
    /// Bytes read for that.
    pub bytes: u64,
    /// Packs walked.
    pub packs: u64,
    /// Entries of packs that were looked up in the index.
    pub entries: u64,
    /// Entries without a row that are copies of what is stored elsewhere, or lost against it: not a problem.
    pub copies: u64,
    /// Problems so far.
    pub problems: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How much was looked at.
    pub checked: Checked,
    /// The first 10,000 problems; `checked.problems` counts them all.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The pack.
    pub pack: PackId,
    /// SOP Instance UID, where it is known.
    pub object: Option<Uid>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// A row names a pack that is not there.
    #[error("the pack is missing")]
    MissingPack,
    /// A row refers to bytes beyond the end of its pack.
    #[error("the pack ends before the object")]
    Missing,
    /// The bytes are not those that were stored.
    #[error("the bytes are not those that were stored")]
    Altered,
    /// The bytes could not be read.
    #[error("the object cannot be read ({0})")]
    Unreadable(io::ErrorKind),
    /// An entry that no row refers to; reindexing, or the next start, would index it.
    #[error("no row refers to the entry")]
    Orphan,
    /// The entry's label and the row do not agree on length, header length or digest.
    #[error("the entry's label and its row differ")]
    LabelDiffers,
    /// The pack cannot be walked to its end.
    #[error("the pack is torn: {0}")]
    Torn(&'static str),
}

/// Problems that are kept.
const MOST: usize = 10_000;
/// Rows that are asked for at once.
const PAGE: u32 = 256;

/// Compares everything.
pub(crate) async fn run(
    archive: &Arc<Inner>,
    mut progress: impl FnMut(&Checked) + Send,
) -> Result<Verified, ArchiveError> {
    let mut verified = Verified::default();
    for standing in [Standing::Served, Standing::Superseded, Standing::Held] {
        let mut after: Option<Known> = None;
        loop {
            let rows = archive.index.rows(standing, after.as_ref(), PAGE).await?;
            after = rows.last().cloned();
            let full = rows.len() as u64 == u64::from(PAGE);
            let own = archive.clone();
            let compared =
                blocking(move || Ok(rows.into_iter().map(|row| compare(&own, row)).collect::<Vec<_>>())).await?;
            for (row, problem) in compared {
                verified.checked.objects += 1;
                verified.checked.bytes += row.place.length;
                if let Some(kind) = problem {
                    verified.add(row.place.pack, Some(row.object), kind);
                }
            }
            progress(&verified.checked);
            if !full {
                break;
            }
        }
    }
    for area in Area::ALL {
        let mut walk = Walk::new(archive.folder.clone(), area).await?;
        while let Some(packs) = walk.next().await? {
            for name in packs {
                pack(archive, &name, &mut verified).await?;
                progress(&verified.checked);
            }
        }
    }
    Ok(verified)
}

/// A row against its bytes. Blocking.
fn compare(archive: &Inner, row: Known) -> (Known, Option<ProblemKind>) {
    let area = match row.standing {
        Standing::Served | Standing::Superseded => Area::Archive,
        Standing::Held | Standing::Resolved => Area::Quarantine,
    };
    let problem = compared(archive, area, &row.study, &row.place);
    (row, problem)
}

/// What is wrong with the bytes at a place of a study; `None`: they have the digest that is remembered. Blocking.
pub(crate) fn compared(archive: &Inner, area: Area, study: &Uid, place: &Place) -> Option<ProblemKind> {
    let name = PackName {
        area,
        study: StudyFolder::of(study),
        id: place.pack,
    };
    let digest = archive
        .files
        .open(&name)
        .and_then(|file| scan::digest(&file, place.offset, place.length, &mut vec![0; 256 * 1024]));
    match digest {
        Ok(digest) if digest == place.digest => None,
        Ok(_) => Some(ProblemKind::Altered),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(ProblemKind::MissingPack),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some(ProblemKind::Missing),
        Err(error) => Some(ProblemKind::Unreadable(error.kind())),
    }
}

/// A pack's entries against the index.
async fn pack(archive: &Arc<Inner>, name: &PackName, verified: &mut Verified) -> Result<(), ArchiveError> {
    // Asked before the walk: what is finished during the walk is still not complained about.
    let open = archive.group.is_open(name.id);
    let path = archive.folder.path(name);
    let (own, wanted) = (archive.clone(), name.clone());
    let opened = blocking(move || match own.files.open(&wanted) {
        Ok(file) => Ok(Some(file)),
        // An empty pack is removed when it is sealed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ArchiveError::file("open", own.folder.path(&wanted), error)),
    });
    let Some(file) = opened.await? else {
        return Ok(());
    };
    verified.checked.packs += 1;
    let mut scan = Scan::new(file).map_err(|error| ArchiveError::file("read", &path, error))?;
    loop {
        let (walked, batch) = match scan::batch(scan, Compare::Nothing).await {
            Ok(next) => next,
            Err(error) => {
                verified.add(name.id, None, ProblemKind::Unreadable(error.kind()));
                return Ok(());
            }
        };
        scan = walked;
        if let Some(first) = batch.entries.first() {
            let objects: Vec<Uid> = batch
                .entries
                .iter()
                .map(|seen| seen.found.label.object.clone())
                .collect();
            let rows = archive.index.known(&first.found.label.study, &objects).await?;
            for seen in batch.entries {
                verified.checked.entries += 1;
                let label = seen.found.label;
                let mut same = rows.iter().filter(|row| row.object == label.object).peekable();
                let stored = same.peek().is_some();
                match same.find(|row| row.place.pack == name.id && row.place.offset == seen.found.content) {
                    Some(row) => {
                        let said = (label.length, label.header_length, label.digest);
                        if said != (row.place.length, row.place.header_length, row.place.digest) {
                            verified.add(name.id, Some(label.object), ProblemKind::LabelDiffers);
                        }
                    }
                    None if open => {}
                    None if stored => verified.checked.copies += 1,
                    None => verified.add(name.id, Some(label.object), ProblemKind::Orphan),
                }
            }
        }
        match batch.end {
            None => {}
            Some(End::Torn(why)) if !open => {
                verified.add(name.id, None, ProblemKind::Torn(why));
                return Ok(());
            }
            Some(_) => return Ok(()),
        }
    }
}

impl Verified {
    fn add(&mut self, pack: PackId, object: Option<Uid>, kind: ProblemKind) {
        self.checked.problems += 1;
        if self.problems.len() < MOST {
            self.problems.push(Problem { pack, object, kind });
        }
    }
}

//! The packs that one association or STOW request writes to: one open pack per study. Separate from [`super::entry`],
//! which knows one object in one pack.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use isocenter_dicom::uid::Uid;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::{
    Pack, Tail,
    folder::{Area, Created, PackName, StudyFolder},
    label,
    together::Together,
};
use crate::{
    ArchiveError, Entry,
    archive::Inner,
    group::Seal,
    index::{Held, PackId, Source},
};

/// Packs that one writer holds open.
const OPEN: usize = 8;
/// A pack that is longer than this gets no further entry, so that what has to be scanned after a crash is bounded.
const LONG: u64 = 2 << 30;

/// Where an object goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// It is archived: indexed, found and served.
    Archive,
    /// It is held back for a person to look at. The reason is kept to its first 1024 bytes, the plugin's name to 128.
    Quarantine(Held),
}

/// Appends objects to packs of its own, at most 8 at once; the least recently used is sealed for the next study. For one
/// association, one STOW request or one import: what arrives together is stored together.
pub struct PackWriter {
    archive: Arc<Inner>,
    /// The most recently used last.
    open: Vec<Slot>,
}

struct Slot {
    area: Area,
    study: Uid,
    pack: Arc<Pack>,
}

impl PackWriter {
    pub(crate) fn new(archive: Arc<Inner>) -> Self {
        Self {
            archive,
            open: Vec::new(),
        }
    }

    /// Starts an object at the end of the study's pack. While an entry of a study is not finished, a second one goes to
    /// a pack of its own. Of `source`, AE titles are kept to their first 16 bytes, the peer to 64, the subject to 256.
    pub async fn begin(
        &mut self,
        study: &Uid,
        object: &Uid,
        source: &Source,
        shelf: Shelf,
    ) -> Result<Entry, ArchiveError> {
        let (area, held) = match shelf {
            Shelf::Archive => (Area::Archive, None),
            Shelf::Quarantine(held) => (Area::Quarantine, Some(label::clipped(&held))),
        };
        let (pack, tail) = match self.reuse(area, study).await {
            Some(found) => found,
            None => self.create(area, study).await?,
        };
        let source = label::clipped_source(source);
        Ok(Entry::new(
            self.archive.clone(),
            pack,
            tail,
            (study, object),
            source,
            held,
        ))
    }

    /// Starts objects of a study that are to be stored all together or not at all, at most 256, at the end of the study's
    /// pack; otherwise as [`PackWriter::begin`].
    pub async fn begin_together(&mut self, study: &Uid, source: &Source) -> Result<Together, ArchiveError> {
        let (pack, tail) = match self.reuse(Area::Archive, study).await {
            Some(found) => found,
            None => self.create(Area::Archive, study).await?,
        };
        let source = label::clipped_source(source);
        Ok(Together::new(self.archive.clone(), pack, tail, study, source))
    }

    /// Seals the packs, after what is under way: they are not written to again. Dropping the writer does the same in the
    /// background.
    pub async fn seal(mut self) {
        for slot in std::mem::take(&mut self.open) {
            let tail = slot.pack.tail.clone().lock_owned().await;
            seal(&self.archive, slot.pack, tail).await;
        }
    }

    /// An open pack of the study that nobody writes to at the moment.
    async fn reuse(&mut self, area: Area, study: &Uid) -> Option<(Arc<Pack>, OwnedMutexGuard<Tail>)> {
        let mut at = 0;
        while let Some(slot) = self.open.get(at) {
            if slot.area != area || slot.study != *study {
                at += 1;
                continue;
            }
            match slot.pack.tail.clone().try_lock_owned() {
                Ok(tail) if tail.usable && tail.end < LONG => {
                    let slot = self.open.remove(at);
                    let pack = slot.pack.clone();
                    pack.clearing.store(false, Ordering::Release);
                    self.open.push(slot);
                    return Some((pack, tail));
                }
                Ok(tail) => {
                    let slot = self.open.remove(at);
                    self.archive.group.seal(Seal {
                        pack: slot.pack,
                        tail,
                        reply: None,
                    });
                }
                // The guard is given back at once, and the next round takes it.
                Err(_) if slot.pack.clearing.load(Ordering::Acquire) => drop(slot.pack.tail.lock().await),
                Err(_) => at += 1,
            }
        }
        None
    }

    /// Waits for a pack in which an entry is being taken back, if there is one.
    async fn cleared(&self) -> Option<(usize, OwnedMutexGuard<Tail>)> {
        let clearing = |slot: &Slot| slot.pack.clearing.load(Ordering::Acquire);
        let at = self.open.iter().position(clearing)?;
        let tail = self.open.get(at)?.pack.tail.clone();
        Some((at, tail.lock_owned().await))
    }

    async fn create(&mut self, area: Area, study: &Uid) -> Result<(Arc<Pack>, OwnedMutexGuard<Tail>), ArchiveError> {
        if self.open.len() >= OPEN {
            let idle = self
                .open
                .iter()
                .enumerate()
                .find_map(|(at, slot)| Some((at, slot.pack.tail.clone().try_lock_owned().ok()?)));
            let (at, tail) = match idle {
                Some(idle) => idle,
                None => self.cleared().await.ok_or(ArchiveError::TooManyOpen(OPEN))?,
            };
            let slot = self.open.remove(at);
            seal(&self.archive, slot.pack, tail).await;
        }
        let name = PackName {
            area,
            study: StudyFolder::of(study),
            id: PackId::make(),
        };
        let (path, Created { file, folders }) = self.archive.create(name.clone()).await?;
        let tail = Arc::new(Mutex::new(Tail {
            end: 0,
            usable: true,
            folders,
        }));
        let pack = Arc::new(Pack {
            name,
            path,
            file,
            tail: tail.clone(),
            clearing: AtomicBool::new(false),
        });
        self.open.push(Slot {
            area,
            study: study.clone(),
            pack: pack.clone(),
        });
        Ok((pack, tail.lock_owned().await))
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        for slot in std::mem::take(&mut self.open) {
            match slot.pack.tail.clone().try_lock_owned() {
                Ok(tail) => self.archive.group.seal(Seal {
                    pack: slot.pack,
                    tail,
                    reply: None,
                }),
                Err(_) => {
                    let archive = self.archive.clone();
                    self.archive.spawn(async move {
                        let tail = slot.pack.tail.clone().lock_owned().await;
                        archive.group.seal(Seal {
                            pack: slot.pack,
                            tail,
                            reply: None,
                        });
                    });
                }
            }
        }
    }
}

async fn seal(archive: &Inner, pack: Arc<Pack>, tail: OwnedMutexGuard<Tail>) {
    let (reply, replied) = oneshot::channel();
    archive.group.seal(Seal {
        pack,
        tail,
        reply: Some(reply),
    });
    let _ = replied.await;
}

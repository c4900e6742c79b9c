//! The first stage: threads that write what is missing of an object and sync it, and that put packs in order.
//!
//! Separate from the second stage because it blocks: everything here runs on threads of its own, nothing waits for a
//! future.

use std::{
    collections::{HashSet, VecDeque},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc;

use super::{Cut, Durable, Finish, Seal, lock};
use crate::{
    ArchiveError,
    index::{NewObject, PackId, Place},
    pack::{
        folder::{Folder, sync_folder},
        tar::{self, BLOCK},
    },
};

/// Several syncs that one object waits for: its pack, and the folders of a new pack.
pub(super) struct Syncing {
    left: AtomicUsize,
    failure: Mutex<Option<ArchiveError>>,
    finish: Mutex<Option<Box<Finish>>>,
}

/// What the threads do.
pub(super) enum Work {
    Finish(Box<Finish>),
    Folder(PathBuf, Arc<Syncing>),
    Cut(Cut),
    Seal(Seal),
}

/// The first stage: a queue and the threads that work on it.
pub(super) struct Stage {
    pub(super) folder: Arc<Folder>,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Packs that are being written to: verification does not complain about what is half there in them.
    pub(super) live: Mutex<HashSet<PackId>>,
}

/// Bounded by the permits and by the number of packs that writers hold open.
#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    closed: bool,
}

impl Stage {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            queue: Mutex::default(),
            wake: Condvar::new(),
            live: Mutex::default(),
        }
    }

    /// Queues work. When the stage is closed it is dropped: waiters find their channel closed, and unfinished entries are
    /// left to recovery.
    pub(super) fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        for work in work {
            queue.work.push_back(work);
            self.wake.notify_one();
        }
    }

    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.wake.notify_all();
    }

    fn next(&self) -> Option<Work> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(work) = queue.work.pop_front() {
                return Some(work);
            }
            if queue.closed {
                return None;
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn work(&self, durable: &mpsc::UnboundedSender<Durable>) {
        while let Some(work) = self.next() {
            match work {
                Work::Finish(finish) => self.finish(finish, durable),
                Work::Folder(path, syncing) => {
                    let result = sync_folder(&path).map_err(|error| ArchiveError::file("sync", path, error));
                    self.one_synced(&syncing, result, durable);
                }
                Work::Cut(cut) => self.cut(cut),
                Work::Seal(seal) => self.seal(seal),
            }
        }
    }

    fn finish(&self, mut finish: Box<Finish>, durable: &mpsc::UnboundedSender<Durable>) {
        let pack = finish.pack.clone();
        if let Err(error) = finish.write() {
            return self.failed(*finish, ArchiveError::file("write", &pack.path, error));
        }
        let sync = || {
            pack.file
                .sync_data()
                .map_err(|error| ArchiveError::file("sync", &pack.path, error))
        };
        let folders = std::mem::take(&mut finish.tail.folders);
        if folders.is_empty() {
            return self.synced(*finish, sync(), durable);
        }
        let syncing = Arc::new(Syncing {
            left: AtomicUsize::new(folders.len() + 1),
            failure: Mutex::default(),
            finish: Mutex::new(Some(finish)),
        });
        self.push(folders.into_iter().map(|folder| Work::Folder(folder, syncing.clone())));
        self.one_synced(&syncing, sync(), durable);
    }

    fn one_synced(
        &self,
        syncing: &Syncing,
        result: Result<(), ArchiveError>,
        durable: &mpsc::UnboundedSender<Durable>,
    ) {
        if let Err(error) = result {
            lock(&syncing.failure).get_or_insert(error);
        }
        if syncing.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let result = lock(&syncing.failure).take().map_or(Ok(()), Err);
        if let Some(finish) = lock(&syncing.finish).take() {
            if result.is_ok() {
                self.folder.synced(&finish.pack.name);
            }
            self.synced(*finish, result, durable);
        }
    }

    fn synced(&self, mut finish: Finish, result: Result<(), ArchiveError>, durable: &mpsc::UnboundedSender<Durable>) {
        if let Err(error) = result {
            finish.tail.usable = false;
            return self.failed(finish, error);
        }
        // The commit task lives as long as these threads do; if it is gone, the answer's channel closes with this.
        let _ = durable.send(finish.durable());
    }

    fn failed(&self, finish: Finish, error: ArchiveError) {
        tracing::error!(pack = %finish.pack.name.id, %error, "an object could not be stored");
        let Finish {
            pack,
            tail,
            start,
            answer,
            permit,
            ..
        } = finish;
        let reply = Box::new(move || {
            drop(permit);
            let _ = answer.send(Err(error));
        });
        self.cut(Cut {
            pack,
            tail,
            to: start,
            reply: Some(reply),
        });
    }

    fn cut(&self, cut: Cut) {
        let Cut {
            pack,
            mut tail,
            to,
            reply,
        } = cut;
        if let Err(error) = pack.file.set_len(to) {
            tail.usable = false;
            tracing::error!(pack = %pack.name.id, %error, "an entry could not be taken back; the pack is set aside");
        }
        drop(tail);
        if let Some(reply) = reply {
            reply();
        }
    }

    fn seal(&self, seal: Seal) {
        let Seal { pack, mut tail, reply } = seal;
        if tail.usable {
            if tail.end == 0 {
                self.folder.remove(&pack.name);
            } else if let Err(error) = pack.file.write_all_at(&tar::TRAILER, tail.end) {
                // Every tar takes the end of the file for the end of the archive, too.
                tracing::warn!(pack = %pack.name.id, %error, "a pack was sealed without its trailer");
            }
            self.folder.unmark(&pack.name);
        }
        tail.usable = false;
        drop(tail);
        lock(&self.live).remove(&pack.name.id);
        if let Some(reply) = reply {
            let _ = reply.send(());
        }
    }
}

impl Finish {
    /// Writes what is missing: the rest of the object, and then the label before it. Both at once where nothing has been
    /// written yet.
    fn write(&mut self) -> io::Result<()> {
        self.hasher.update(self.rest.get(self.room..).unwrap_or_default());
        self.label.digest = *self.hasher.finalize().as_bytes();
        let label = self.label.encode();
        self.rest.resize(self.rest.len().next_multiple_of(BLOCK), 0);
        match self.rest.get_mut(..self.room) {
            Some(room) if self.room > 0 => room.copy_from_slice(&label),
            _ => {}
        }
        self.pack.file.write_all_at(&self.rest, self.at)?;
        if self.room == 0 {
            self.pack.file.write_all_at(&label, self.start)?;
        }
        self.rest = Vec::new();
        Ok(())
    }

    fn durable(self) -> Durable {
        let Finish {
            pack,
            tail,
            start,
            label,
            parts,
            answer,
            permit,
            ..
        } = self;
        let offset = start + label.reserved() as u64;
        let object = NewObject {
            identity: parts.identity,
            syntax: parts.syntax,
            place: Place {
                pack: pack.name.id,
                offset,
                length: label.length,
                header_length: label.header_length,
                digest: label.digest,
            },
            attributes: parts.attributes,
            source: label.source,
            arrived: label.arrived,
            jobs: parts.jobs,
            held: label.held,
        };
        Durable {
            pack,
            tail,
            start,
            end: offset + tar::padded(label.length),
            object,
            answer,
            permit,
        }
    }
}

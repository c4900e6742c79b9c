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

use super::{Cut, Durable, End, Finish, FinishTogether, Seal, Waiting, lock};
use crate::{
    ArchiveError,
    index::PackId,
    pack::{
        Pack, Tail,
        folder::{Folder, sync_folder},
        tar,
    },
};

/// Several syncs that one object waits for: its pack, and the folders of a new pack.
pub(super) struct Syncing {
    left: AtomicUsize,
    failure: Mutex<Option<ArchiveError>>,
    finish: Mutex<Option<Finishing>>,
}

/// What is on its way to being durable.
enum Finishing {
    One(Box<Finish>),
    Together(Box<FinishTogether>),
}

/// What the threads do.
pub(super) enum Work {
    Finish(Box<Finish>),
    Together(Box<FinishTogether>),
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
                Work::Together(together) => self.sync(Finishing::Together(together), durable),
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
        if let Err(error) = finish.write() {
            let error = ArchiveError::file("write", &finish.pack.path, error);
            return self.failed(Finishing::One(finish), error);
        }
        self.sync(Finishing::One(finish), durable);
    }

    /// Syncs the pack, and the folders of a new one.
    fn sync(&self, mut finishing: Finishing, durable: &mpsc::UnboundedSender<Durable>) {
        let (pack, tail) = finishing.place();
        let (pack, folders) = (pack.clone(), std::mem::take(&mut tail.folders));
        let sync = || {
            pack.file
                .sync_data()
                .map_err(|error| ArchiveError::file("sync", &pack.path, error))
        };
        if folders.is_empty() {
            return self.synced(finishing, sync(), durable);
        }
        let syncing = Arc::new(Syncing {
            left: AtomicUsize::new(folders.len() + 1),
            failure: Mutex::default(),
            finish: Mutex::new(Some(finishing)),
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
        if let Some(mut finishing) = lock(&syncing.finish).take() {
            if result.is_ok() {
                self.folder.synced(&finishing.place().0.name);
            }
            self.synced(finishing, result, durable);
        }
    }

    fn synced(
        &self,
        mut finishing: Finishing,
        result: Result<(), ArchiveError>,
        durable: &mpsc::UnboundedSender<Durable>,
    ) {
        // The label that makes objects that are stored together be there comes last, when all of them are durable.
        let result = result.and_then(|()| match &finishing {
            Finishing::One(_) => Ok(()),
            Finishing::Together(together) => together.appear(),
        });
        if let Err(error) = result {
            finishing.place().1.usable = false;
            return self.failed(finishing, error);
        }
        // The commit task lives as long as these threads do; if it is gone, the answer's channel closes with this.
        let _ = durable.send(finishing.durable());
    }

    fn failed(&self, finishing: Finishing, error: ArchiveError) {
        let (pack, tail, to, reply): (_, _, _, Box<dyn FnOnce() + Send>) = match finishing {
            Finishing::One(finish) => {
                let Finish {
                    pack,
                    tail,
                    start,
                    answer,
                    permit,
                    ..
                } = *finish;
                tracing::error!(pack = %pack.name.id, %error, "an object could not be stored");
                let reply = move || {
                    drop(permit);
                    let _ = answer.send(Err(error));
                };
                (pack, tail, start, Box::new(reply))
            }
            Finishing::Together(together) => {
                let FinishTogether {
                    pack,
                    tail,
                    start,
                    objects,
                    answer,
                    permit,
                    ..
                } = *together;
                tracing::error!(pack = %pack.name.id, objects = objects.len(), %error, "objects could not be stored together");
                let reply = move || {
                    drop(permit);
                    let _ = answer.send(Err(error));
                };
                (pack, tail, start, Box::new(reply))
            }
        };
        self.cut(Cut {
            pack,
            tail,
            to,
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

impl Finishing {
    fn place(&mut self) -> (&Arc<Pack>, &mut Tail) {
        match self {
            Self::One(finish) => (&finish.pack, &mut finish.tail),
            Self::Together(together) => (&together.pack, &mut together.tail),
        }
    }

    fn durable(self) -> Durable {
        match self {
            Self::One(finish) => finish.durable(),
            Self::Together(together) => together.durable(),
        }
    }
}

impl FinishTogether {
    /// Writes the first label, which is synced by itself.
    fn appear(&self) -> Result<(), ArchiveError> {
        let path = &self.pack.path;
        self.pack
            .file
            .write_all_at(&self.label, self.start)
            .map_err(|error| ArchiveError::file("write", path, error))?;
        self.pack
            .file
            .sync_data()
            .map_err(|error| ArchiveError::file("sync", path, error))
    }

    fn durable(self) -> Durable {
        Durable::Together(Waiting {
            what: self.objects,
            end: End {
                pack: self.pack,
                tail: self.tail,
                start: self.start,
                end: self.end,
                permit: self.permit,
            },
            answer: self.answer,
        })
    }
}

impl Finish {
    /// Writes what is missing: the rest of the object, and then the label before it. Both at once where nothing has been
    /// written yet.
    fn write(&mut self) -> io::Result<()> {
        self.label.digest = self.rest.end();
        let label = self.label.encode();
        self.rest.write(&self.pack.file, self.start, Some(&label))
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
        let (object, end) = label.object(pack.name.id, start, parts);
        Durable::One(Box::new(Waiting {
            what: object,
            end: End {
                pack,
                tail,
                start,
                end,
                permit,
            },
            answer,
        }))
    }
}

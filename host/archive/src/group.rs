//! Group sync and group commit: the way of an object from "all bytes are here" to "durable and indexed".
//!
//! ```text
//! entry ─▶ queue ─▶ sync threads: rest and headers written, file synced ─▶ commit task: one transaction for all who wait
//! ```
//!
//! The two stages work at the same time and neither has a timer: a lone object goes straight through, and under load
//! whoever arrives while a commit is running shares the next one. Packs are synced side by side and the file system's
//! journal makes one commit of them. There is no barrier between groups of syncs, so that a large object does not hold up
//! the small ones behind it. Threads of our own, because the way through tokio's blocking pool costs more than the write.
//!
//! An object in here no longer depends on the one who sent it: if the association dies meanwhile, it is finished all the
//! same, and the pack is left in order. What waits is bounded by [`WAITING`].
//!
//! What a failure does:
//! - writing or syncing fails: the bytes are cut off again and the sender is told. After a failed sync the pack is never
//!   written to again, because the kernel may have dropped what it could not write;
//! - the index refuses: the bytes are cut off again and the sender is told;
//! - the index does not say (see `commit`): the sender is told to come again, but the bytes stay, because the row may
//!   exist. The pack keeps its marker, and the next start settles it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use sync::{Stage, Work};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    ArchiveError, NewObjectParts,
    index::{Duplicates, Index, Indexed, NewObject, PackId, StoredTogether},
    pack::{Pack, Tail, body::Rest, folder::Folder, label::Label},
};

mod commit;
mod sync;

/// Threads that sync. More than a disk has use for, so that slow syncs do not hold up the others.
const THREADS: usize = 8;
/// Objects that may wait for sync and commit at once; whoever comes later waits for a place.
const WAITING: u32 = 1024;

/// What the caller of [`crate::Entry::commit`] gets.
pub(crate) type Answer = Result<Indexed, ArchiveError>;
/// What the caller of [`crate::Together::commit`] gets.
pub(crate) type AnswerTogether = Result<StoredTogether, ArchiveError>;

/// An object whose bytes are all here, but not all in the file.
pub(crate) struct Finish {
    pub(crate) pack: Arc<Pack>,
    pub(crate) tail: OwnedMutexGuard<Tail>,
    /// Where the entry starts in the pack.
    pub(crate) start: u64,
    pub(crate) rest: Rest,
    /// Complete but for the digest.
    pub(crate) label: Label,
    pub(crate) parts: NewObjectParts,
    pub(crate) answer: oneshot::Sender<Answer>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Objects that are all in the file but for the label of the first: until that is written, none of them is there.
pub(crate) struct FinishTogether {
    pub(crate) pack: Arc<Pack>,
    pub(crate) tail: OwnedMutexGuard<Tail>,
    /// Where the first entry starts in the pack, and where the last one ends.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Of the first, in full.
    pub(crate) label: Vec<u8>,
    pub(crate) objects: Vec<NewObject>,
    pub(crate) answer: oneshot::Sender<AnswerTogether>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What is durable and waits for its rows.
enum Durable {
    One(Box<Waiting<NewObject, Answer>>),
    Together(Waiting<Vec<NewObject>, AnswerTogether>),
}

/// Where it is, and who waits for it.
struct Waiting<T, A> {
    what: T,
    end: End,
    answer: oneshot::Sender<A>,
}

/// The end of a pack, locked until it is known whether what is there is to stay.
struct End {
    pack: Arc<Pack>,
    tail: OwnedMutexGuard<Tail>,
    start: u64,
    end: u64,
    permit: OwnedSemaphorePermit,
}

/// An entry whose bytes are to be taken back.
pub(crate) struct Cut {
    pub(crate) pack: Arc<Pack>,
    pub(crate) tail: OwnedMutexGuard<Tail>,
    /// Where the entry starts.
    pub(crate) to: u64,
    /// Called when it is done and the pack is free again.
    pub(crate) reply: Option<Box<dyn FnOnce() + Send>>,
}

/// A pack that is not to be written to again.
pub(crate) struct Seal {
    pub(crate) pack: Arc<Pack>,
    pub(crate) tail: OwnedMutexGuard<Tail>,
    pub(crate) reply: Option<oneshot::Sender<()>>,
}

/// Both stages, running.
pub(crate) struct Group {
    stage: Arc<Stage>,
    permits: Arc<Semaphore>,
    running: Mutex<Option<Running>>,
}

struct Running {
    threads: Vec<JoinHandle<()>>,
    commit: tokio::task::JoinHandle<()>,
}

impl Group {
    /// Starts the threads and the commit task. Must be called within a tokio runtime.
    pub(crate) fn start(folder: Arc<Folder>, index: Index, duplicates: Duplicates) -> Result<Self, ArchiveError> {
        let (durable, waiting) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage::new(folder));
        let mut threads = Vec::with_capacity(THREADS);
        for number in 0..THREADS {
            let (own, durable) = (stage.clone(), durable.clone());
            let thread = thread::Builder::new()
                .name(format!("archive-sync-{number}"))
                .spawn(move || own.work(&durable))
                .map_err(|error| {
                    stage.close();
                    ArchiveError::file("start a thread for", stage.folder.root(), error)
                })?;
            threads.push(thread);
        }
        let commit = tokio::spawn(commit::run(index, duplicates, waiting, stage.clone()));
        let permits = Arc::new(Semaphore::new(WAITING as usize));
        Ok(Self {
            stage,
            permits,
            running: Mutex::new(Some(Running { threads, commit })),
        })
    }

    /// A place among those who wait for sync and commit.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, ArchiveError> {
        self.permits
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| ArchiveError::Closed)
    }

    pub(crate) fn finish(&self, finish: Finish) {
        self.stage.push([Work::Finish(Box::new(finish))]);
    }

    pub(crate) fn finish_together(&self, finish: FinishTogether) {
        self.stage.push([Work::Together(Box::new(finish))]);
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.stage.push([Work::Cut(cut)]);
    }

    pub(crate) fn seal(&self, seal: Seal) {
        self.stage.push([Work::Seal(seal)]);
    }

    /// Notes that a pack is being written to.
    pub(crate) fn opened(&self, id: PackId) {
        lock(&self.stage.live).insert(id);
    }

    /// Notes that a pack is no longer written to.
    pub(crate) fn closed(&self, id: PackId) {
        lock(&self.stage.live).remove(&id);
    }

    /// Whether a pack is being written to.
    pub(crate) fn is_open(&self, id: PackId) -> bool {
        lock(&self.stage.live).contains(&id)
    }

    /// How many packs are being written to.
    pub(crate) fn open_packs(&self) -> usize {
        lock(&self.stage.live).len()
    }

    /// Waits for everything under way, then stops. Later calls do nothing.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(WAITING).await {
            self.permits.close();
            drop(all);
        }
        self.stage.close();
        let Some(running) = lock(&self.running).take() else {
            return;
        };
        // The threads hold the sending end of the commit task's queue: when they are gone, it ends by itself.
        let joined = tokio::task::spawn_blocking(|| running.threads.into_iter().for_each(|thread| drop(thread.join())));
        if joined.await.is_err() || running.commit.await.is_err() {
            tracing::error!("a stage of the archive did not end in order");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stage.close();
    }
}

/// A lock whose holder panicked guards data that is whole all the same: nothing here panics in the middle of a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

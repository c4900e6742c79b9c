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
//! - the index does not say (see [`commit`]): the sender is told to come again, but the bytes stay, because the row may
//!   exist. The pack keeps its marker, and the next start settles it.

use std::{
    collections::{HashSet, VecDeque},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    ArchiveError, NewObjectParts,
    index::{Duplicates, Index, Indexed, NewObject, PackId, Place},
    pack::{
        Pack, Tail,
        folder::{Folder, sync_folder},
        label::Label,
        tar::{self, BLOCK},
    },
};

mod commit;

/// Threads that sync. More than a disk has use for, so that slow syncs do not hold up the others.
const THREADS: usize = 8;
/// Objects that may wait for sync and commit at once; whoever comes later waits for a place.
const WAITING: u32 = 1024;

/// What the caller of [`crate::Entry::commit`] gets.
pub(crate) type Answer = Result<Indexed, ArchiveError>;

/// An object whose bytes are all here, but not all in the file.
pub(crate) struct Finish {
    pub(crate) pack: Arc<Pack>,
    pub(crate) tail: OwnedMutexGuard<Tail>,
    /// Where the entry starts in the pack.
    pub(crate) start: u64,
    /// What is not written yet, and where it goes.
    pub(crate) rest: Vec<u8>,
    pub(crate) at: u64,
    /// How many bytes at the start of `rest` are the room for the label; zero if the room is in the file already.
    pub(crate) room: usize,
    /// Has seen the object up to `rest`.
    pub(crate) hasher: Box<blake3::Hasher>,
    /// Complete but for the digest.
    pub(crate) label: Label,
    pub(crate) parts: NewObjectParts,
    pub(crate) answer: oneshot::Sender<Answer>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// An object that is durable and waits for its row.
struct Durable {
    pack: Arc<Pack>,
    tail: OwnedMutexGuard<Tail>,
    start: u64,
    end: u64,
    object: NewObject,
    answer: oneshot::Sender<Answer>,
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

/// Several syncs that one object waits for: its pack, and the folders of a new pack.
struct Syncing {
    left: AtomicUsize,
    failure: Mutex<Option<ArchiveError>>,
    finish: Mutex<Option<Box<Finish>>>,
}

enum Work {
    Finish(Box<Finish>),
    Folder(PathBuf, Arc<Syncing>),
    Cut(Cut),
    Seal(Seal),
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
        let stage = Arc::new(Stage {
            folder,
            queue: Mutex::default(),
            wake: Condvar::new(),
            live: Mutex::default(),
        });
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

/// The first stage: a queue and the threads that work on it.
struct Stage {
    folder: Arc<Folder>,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Packs that are being written to: verification does not complain about what is half there in them.
    live: Mutex<HashSet<PackId>>,
}

/// Bounded by the permits and by the number of packs that writers hold open.
#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    closed: bool,
}

impl Stage {
    /// Queues work. When the stage is closed it is dropped: waiters find their channel closed, and unfinished entries are
    /// left to recovery.
    fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        for work in work {
            queue.work.push_back(work);
            self.wake.notify_one();
        }
    }

    fn close(&self) {
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

    fn work(&self, durable: &mpsc::UnboundedSender<Durable>) {
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
        let offset = start + crate::pack::label::reserved(label.held.as_ref()) as u64;
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

/// A lock whose holder panicked guards data that is whole all the same: nothing here panics in the middle of a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

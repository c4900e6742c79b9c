//! Takes down what became of every call of a plugin, behind the back of whoever called it.
//!
//! Separate from the index because this is about time: rows are collected for a moment and written together, so that a call
//! costs its caller nothing but a place in the queue. While the database is slow the queue fills up and callers wait, and
//! nothing is lost. When it is gone, so that nobody can commit an object either, callers do not wait for their rows: those
//! are dropped, counted in `isocenter_outcomes_lost_total`, and said once in the log.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::index::{Index, IndexError, NewOutcome};

/// Rows written together, at most.
const ROWS: usize = 500;
/// What may wait, in units of a row or a KiB of its edits, whichever is more: about 16 MiB.
const ROOM: usize = 16 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// How long rows are collected before they are written.
    collect: Duration,
    /// For one try to write them.
    attempt: Duration,
    /// From the first failure until the database counts as gone.
    patience: Duration,
}

const PACE: Pace = Pace {
    collect: Duration::from_millis(100),
    attempt: Duration::from_secs(5),
    patience: Duration::from_secs(10),
};

/// Writes outcomes in the background. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Item>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// What is left of [`ROOM`].
    room: Arc<Semaphore>,
    /// The database does not answer: nobody waits for room.
    gone: AtomicBool,
    lost: AtomicU64,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Item {
    Outcome(Box<NewOutcome>, OwnedSemaphorePermit),
    /// To be told when all before it is written or lost.
    Flush(oneshot::Sender<()>),
    Close,
}

impl Recorder {
    /// Starts the task that writes. Must be called within a tokio runtime.
    pub fn start(index: Index) -> Self {
        Self::start_at(index, PACE)
    }

    fn start_at(index: Index, pace: Pace) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            room: Arc::new(Semaphore::new(ROOM)),
            gone: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            task: Mutex::default(),
        });
        let writer = Writer {
            index,
            pace,
            waiting,
            shared: shared.clone(),
        };
        *shared.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokio::spawn(writer.run()));
        Self { queue, shared }
    }

    /// Takes down an outcome. Returns at once while there is room; waits for room while the database is slow. A caller that
    /// goes away while it waits loses the outcome, which is counted.
    pub async fn record(&self, outcome: NewOutcome) {
        let size = size(&outcome);
        let room = self.shared.room.clone();
        let permit = match room.clone().try_acquire_many_owned(size) {
            Ok(permit) => Ok(permit),
            Err(_) if self.shared.gone.load(Ordering::Relaxed) => return self.shared.lose(1),
            Err(_) => {
                let unless = Unless(&self.shared);
                let permit = room.acquire_many_owned(size).await;
                std::mem::forget(unless);
                permit
            }
        };
        self.put(outcome, permit.ok());
    }

    /// Takes down an outcome where there is room at once; else it is lost, and counted. For callers who may not wait.
    pub fn offer(&self, outcome: NewOutcome) {
        let permit = self.shared.room.clone().try_acquire_many_owned(size(&outcome));
        self.put(outcome, permit.ok());
    }

    fn put(&self, outcome: NewOutcome, permit: Option<OwnedSemaphorePermit>) {
        let kept = permit.is_some_and(|permit| self.queue.send(Item::Outcome(Box::new(outcome), permit)).is_ok());
        if !kept {
            self.shared.lose(1);
        }
    }

    /// Returns when what was recorded before is written, or lost.
    pub async fn flush(&self) {
        let (told, written) = oneshot::channel();
        if self.queue.send(Item::Flush(told)).is_ok() {
            // An error is the end of the task: everything is written.
            let _ = written.await;
        }
    }

    /// How many outcomes were lost since the start.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Writes what was recorded, for all clones, and ends the task. What is recorded later is lost.
    pub async fn close(&self) {
        let task = self.shared.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // An error is the end of the task.
            let _ = self.queue.send(Item::Close);
            let _ = task.await;
        }
    }
}

/// What an outcome takes of [`ROOM`].
fn size(outcome: &NewOutcome) -> u32 {
    let size = outcome.edits.length() / 1024 + 1;
    u32::try_from(size.min(ROOM)).unwrap_or(1)
}

impl Shared {
    fn lose(&self, count: usize) {
        self.lost.fetch_add(count as u64, Ordering::Relaxed);
        metrics::counter!("isocenter_outcomes_lost_total").increment(count as u64);
    }
}

/// Counts an outcome as lost unless it is forgotten.
struct Unless<'a>(&'a Shared);

impl Drop for Unless<'_> {
    fn drop(&mut self) {
        self.0.lose(1);
    }
}

/// The task.
struct Writer {
    index: Index,
    pace: Pace,
    waiting: mpsc::UnboundedReceiver<Item>,
    shared: Arc<Shared>,
}

/// Rows that are written together.
#[derive(Default)]
struct Batch {
    outcomes: Vec<NewOutcome>,
    permits: Vec<OwnedSemaphorePermit>,
    told: Vec<oneshot::Sender<()>>,
    last: bool,
}

impl Batch {
    /// Whether there is more to collect.
    fn add(&mut self, item: Item) -> bool {
        match item {
            Item::Outcome(outcome, permit) => {
                self.outcomes.push(*outcome);
                self.permits.push(permit);
                return self.outcomes.len() < ROWS;
            }
            Item::Flush(told) => self.told.push(told),
            Item::Close => self.last = true,
        }
        false
    }
}

impl Writer {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            let mut batch = Batch::default();
            let mut more = batch.add(first);
            let until = Instant::now() + self.pace.collect;
            while more {
                more = match timeout_at(until, self.waiting.recv()).await {
                    Ok(Some(item)) => batch.add(item),
                    Ok(None) | Err(_) => false,
                };
            }
            self.write(&batch.outcomes).await;
            for told in batch.told {
                // Whoever waited may have gone.
                let _ = told.send(());
            }
            if batch.last {
                self.end();
            }
        }
    }

    /// What waits is still written; who waits for room, or comes later, is told that there is none.
    fn end(&mut self) {
        self.waiting.close();
        self.shared.room.close();
    }

    /// Loses what waits.
    fn drain(&mut self) {
        while let Ok(item) = self.waiting.try_recv() {
            match item {
                Item::Outcome(..) => self.shared.lose(1),
                Item::Flush(told) => {
                    let _ = told.send(());
                }
                Item::Close => self.end(),
            }
        }
    }

    /// Writes rows, or counts them as lost.
    async fn write(&mut self, outcomes: &[NewOutcome]) {
        if outcomes.is_empty() {
            return;
        }
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut ids = Vec::new();
        loop {
            let error = match timeout(self.pace.attempt, insert(&self.index, &mut ids, outcomes)).await {
                Ok(Ok(())) => {
                    if self.shared.gone.swap(false, Ordering::Relaxed) {
                        tracing::info!(
                            lost = self.shared.lost.load(Ordering::Relaxed),
                            "outcomes of plugins are recorded again"
                        );
                    }
                    return;
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            if let Some(error) = error.as_ref().filter(|error| !error.is_passing()) {
                tracing::warn!(%error, outcomes = outcomes.len(), "outcomes of plugins cannot be recorded");
                return self.shared.lose(outcomes.len());
            }
            if self.shared.gone.load(Ordering::Relaxed) || begun.elapsed() + pause >= self.pace.patience {
                if !self.shared.gone.swap(true, Ordering::Relaxed) {
                    let error = error.map_or_else(|| "it does not answer".to_owned(), |error| error.to_string());
                    tracing::warn!(
                        error,
                        "the database is gone: outcomes of plugins are lost until it is back"
                    );
                }
                self.shared.lose(outcomes.len());
                return self.drain();
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// With the numbers of an earlier try, if it got some: so it may be repeated.
async fn insert(index: &Index, ids: &mut Vec<i64>, outcomes: &[NewOutcome]) -> Result<(), IndexError> {
    if ids.len() != outcomes.len() {
        *ids = index.outcome_ids(outcomes.len()).await?;
    }
    index.insert_outcomes(ids, outcomes).await
}

#[cfg(test)]
mod tests;

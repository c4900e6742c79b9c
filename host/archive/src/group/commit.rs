//! The second stage: one transaction of the index for all objects that are durable by now.
//!
//! Separate because its difficulty is its own: what is known about a commit that failed. A statement that the database
//! refused was rolled back. One whose connection broke may have been committed, so it is repeated (repeating is harmless)
//! until the answer is known or [`PATIENCE`] is over.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

use super::{Answer, Cut, Durable, Stage, Work};
use crate::{
    ArchiveError,
    index::{Duplicates, Index, IndexError, Indexed, NewObject},
};

/// The largest number of objects in one transaction.
const BATCH: usize = 256;
/// How long an index that does not answer is asked again.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why a batch has no answer.
enum Failed {
    /// Nothing of it is in the index.
    Refused(IndexError),
    /// It may be in the index.
    Unknown(Option<IndexError>),
}

/// Commits until every sender of `waiting` is gone.
pub(super) async fn run(
    index: Index,
    duplicates: Duplicates,
    mut waiting: mpsc::UnboundedReceiver<Durable>,
    stage: Arc<Stage>,
) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let (objects, entries): (Vec<_>, Vec<_>) = batch.drain(..).map(Durable::split).unzip();
        let answers = commit(&index, duplicates, &objects).await;
        debug_assert_eq!(answers.len(), entries.len());
        for (entry, answer) in entries.into_iter().zip(answers) {
            entry.settle(answer, &stage);
        }
    }
}

/// One answer for each object.
async fn commit(index: &Index, duplicates: Duplicates, objects: &[NewObject]) -> Vec<Result<Indexed, Failed>> {
    let started = Instant::now();
    match insist(index, duplicates, objects, started).await {
        Ok(indexed) => indexed.into_iter().map(Ok).collect(),
        Err(Failed::Refused(error)) if objects.len() > 1 => {
            // One object that the database does not take must not cost the others.
            tracing::warn!(%error, objects = objects.len(), "a batch was refused; its objects are indexed one by one");
            let mut answers = Vec::with_capacity(objects.len());
            for object in objects.chunks(1) {
                let answer = insist(index, duplicates, object, started).await;
                answers.push(answer.and_then(|indexed| indexed.first().copied().ok_or(Failed::Unknown(None))));
            }
            answers
        }
        Err(Failed::Refused(error)) => vec![Err(Failed::Refused(error))],
        Err(Failed::Unknown(error)) => {
            let mut error = Some(error);
            objects.iter().map(|_| Err(Failed::Unknown(error.take().flatten()))).collect()
        }
    }
}

async fn insist(
    index: &Index,
    duplicates: Duplicates,
    objects: &[NewObject],
    started: Instant,
) -> Result<Vec<Indexed>, Failed> {
    let deadline = started + PATIENCE;
    let mut pause = FIRST_PAUSE;
    let mut maybe_committed = false;
    loop {
        let error = match timeout_at(deadline, index.commit(objects, duplicates)).await {
            Ok(Ok(indexed)) if indexed.len() == objects.len() => return Ok(indexed),
            Ok(Ok(_)) => return Err(Failed::Unknown(None)),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        match error {
            Some(error @ IndexError::Refused { .. }) if !is_contention(&error) => {
                return Err(if maybe_committed { Failed::Unknown(Some(error)) } else { Failed::Refused(error) });
            }
            Some(IndexError::Refused { .. }) => {}
            _ => maybe_committed = true,
        }
        if Instant::now() + pause >= deadline {
            return Err(match error {
                Some(error) if !maybe_committed => Failed::Refused(error),
                error => Failed::Unknown(error),
            });
        }
        if let Some(error) = error {
            tracing::warn!(%error, objects = objects.len(), "the index did not commit; asking again");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Serialization failures and deadlocks: rolled back, and likely to succeed at once.
fn is_contention(error: &IndexError) -> bool {
    matches!(error, IndexError::Refused { code, .. } if code.starts_with("40"))
}

/// A [`Durable`] without what went to the index.
struct Committing {
    pack: Arc<crate::pack::Pack>,
    tail: tokio::sync::OwnedMutexGuard<crate::pack::Tail>,
    start: u64,
    end: u64,
    answer: tokio::sync::oneshot::Sender<Answer>,
    permit: tokio::sync::OwnedSemaphorePermit,
}

impl Durable {
    fn split(self) -> (NewObject, Committing) {
        let Durable { pack, tail, start, end, object, answer, permit } = self;
        (object, Committing { pack, tail, start, end, answer, permit })
    }
}

impl Committing {
    /// Leaves the pack in order, frees it, and answers; in this order, so that the next entry finds it free.
    fn settle(self, answer: Result<Indexed, Failed>, stage: &Stage) {
        let Self { pack, mut tail, start, end, answer: to, permit } = self;
        let (answer, keep) = match answer {
            Ok(indexed) => (Ok(indexed), indexed.keeps_bytes()),
            Err(Failed::Refused(error)) => (Err(ArchiveError::Index(error)), false),
            Err(Failed::Unknown(source)) => {
                tracing::error!(pack = %pack.name.id, "the index did not confirm an object; the next start settles it");
                tail.usable = false;
                (Err(ArchiveError::Unconfirmed { seconds: PATIENCE.as_secs(), source }), true)
            }
        };
        let reply = move || {
            drop(permit);
            // Whoever waited may have gone.
            let _ = to.send(answer);
        };
        if keep {
            tail.end = end;
            drop(tail);
            reply();
        } else {
            stage.push([Work::Cut(Cut { pack, tail, to: start, reply: Some(Box::new(reply)) })]);
        }
    }
}

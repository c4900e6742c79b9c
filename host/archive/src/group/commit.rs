//! The second stage: one transaction of the index for all objects that are durable by now.
//!
//! Separate because its difficulty is its own: what is known about a commit that failed. One whose connection broke may
//! have been committed, so it is repeated (repeating is harmless) until there is an answer or [`PATIENCE`] is over. One that
//! the database refused is repeated object by object, and where that is refused, too, the index is asked whether it has a
//! row. Only bytes of which it said that it has none are ever cut off.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Answer, Cut, Durable,
    sync::{Stage, Work},
};
use crate::{
    ArchiveError,
    index::{Duplicates, Index, IndexError, Indexed, NewObject, Standing},
};

/// The largest number of objects in one transaction.
const BATCH: usize = 256;
/// How long an index that does not answer is asked again.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why an object has no answer.
enum Failed {
    /// It is not in the index.
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
    let deadline = Instant::now() + PATIENCE;
    match insist(index, duplicates, objects, deadline).await {
        Ok(indexed) => indexed.into_iter().map(Ok).collect(),
        Err(Some(error @ IndexError::Refused { .. })) => {
            // One object that the database does not take must not cost the others.
            tracing::warn!(%error, objects = objects.len(), "a batch was refused; its objects are indexed one by one");
            let mut answers = Vec::with_capacity(objects.len());
            for object in objects {
                answers.push(alone(index, duplicates, object, deadline).await);
            }
            answers
        }
        Err(error) => {
            let mut error = Some(error);
            objects
                .iter()
                .map(|_| Err(Failed::Unknown(error.take().flatten())))
                .collect()
        }
    }
}

async fn alone(
    index: &Index,
    duplicates: Duplicates,
    object: &NewObject,
    deadline: Instant,
) -> Result<Indexed, Failed> {
    let refused = match insist(index, duplicates, std::slice::from_ref(object), deadline).await {
        Ok(indexed) => return indexed.first().copied().ok_or(Failed::Unknown(None)),
        Err(Some(error @ IndexError::Refused { .. })) => error,
        Err(error) => return Err(Failed::Unknown(error)),
    };
    let identity = &object.identity;
    let asked = index.known(&identity.study, std::slice::from_ref(&identity.sop_instance));
    match timeout_at(deadline, asked).await {
        Ok(Ok(rows)) => match rows.iter().find(|row| row.place == object.place) {
            Some(row) if row.standing == Standing::Held => Ok(Indexed::Held),
            Some(_) => Ok(Indexed::New),
            None => Err(Failed::Refused(refused)),
        },
        Ok(Err(error)) => Err(Failed::Unknown(Some(error))),
        Err(_) => Err(Failed::Unknown(Some(refused))),
    }
}

/// Commits; asks again after what may pass. An error is the last one; `None` is silence, or an answer that is none.
async fn insist(
    index: &Index,
    duplicates: Duplicates,
    objects: &[NewObject],
    deadline: Instant,
) -> Result<Vec<Indexed>, Option<IndexError>> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match timeout_at(deadline, index.commit(objects, duplicates)).await {
            Ok(Ok(indexed)) if indexed.len() == objects.len() => return Ok(indexed),
            Ok(Ok(_)) | Err(_) => return Err(None),
            Ok(Err(error)) => error,
        };
        let final_word = matches!(error, IndexError::Refused { .. }) && !is_contention(&error);
        if final_word || Instant::now() + pause >= deadline {
            return Err(Some(error));
        }
        tracing::warn!(%error, objects = objects.len(), "the index did not commit; asking again");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Serialization failures and deadlocks: likely to succeed at once.
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
        let Durable {
            pack,
            tail,
            start,
            end,
            object,
            answer,
            permit,
        } = self;
        (
            object,
            Committing {
                pack,
                tail,
                start,
                end,
                answer,
                permit,
            },
        )
    }
}

impl Committing {
    /// Leaves the pack in order, frees it, and answers; in this order, so that the next entry finds it free.
    fn settle(self, answer: Result<Indexed, Failed>, stage: &Stage) {
        let Self {
            pack,
            mut tail,
            start,
            end,
            answer: to,
            permit,
        } = self;
        let (answer, keep) = match answer {
            Ok(indexed) => (Ok(indexed), indexed.keeps_bytes()),
            Err(Failed::Refused(error)) => (Err(ArchiveError::Index(error)), false),
            Err(Failed::Unknown(source)) => {
                tracing::error!(pack = %pack.name.id, "the index did not confirm an object; the next start settles it");
                tail.usable = false;
                (
                    Err(ArchiveError::Unconfirmed {
                        seconds: PATIENCE.as_secs(),
                        source,
                    }),
                    true,
                )
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
            stage.push([Work::Cut(Cut {
                pack,
                tail,
                to: start,
                reply: Some(Box::new(reply)),
            })]);
        }
    }
}

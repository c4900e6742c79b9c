//! The second stage: one transaction of the index for all objects that are durable by now.
//!
//! Separate because its difficulty is its own: what is known about a commit that failed. One whose connection broke may
//! have been committed, so it is repeated (repeating is harmless) until there is an answer or [`PATIENCE`] is over. One that
//! the database refused is repeated object by object, and where that is refused, too, the index is asked whether it has a
//! row. Only bytes of which it said that it has none are ever cut off. Objects that are stored together have a transaction of
//! their own, and one answer.

use std::{sync::Arc, time::Duration};

use isocenter_dicom::uid::Uid;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout_at},
};

use super::{
    Cut, Durable, End, Waiting,
    sync::{Stage, Work},
};
use crate::{
    ArchiveError,
    index::{Duplicates, Index, IndexError, Indexed, NewObject, Standing, StoredTogether},
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
        let (mut objects, mut entries, mut together) = (Vec::new(), Vec::new(), Vec::new());
        for durable in batch.drain(..) {
            match durable {
                Durable::One(waiting) => {
                    let Waiting { what, end, answer } = *waiting;
                    objects.push(what);
                    entries.push((end, answer));
                }
                Durable::Together(waiting) => together.push(waiting),
            }
        }
        let answers = commit(&index, duplicates, &objects).await;
        debug_assert_eq!(answers.len(), entries.len());
        for ((end, to), answer) in entries.into_iter().zip(answers) {
            end.settle(answer, Indexed::keeps_bytes, to, &stage);
        }
        for Waiting { what, end, answer } in together {
            end.settle(
                commit_together(&index, &what).await,
                StoredTogether::keeps_bytes,
                answer,
                &stage,
            );
        }
    }
}

/// One answer for all objects.
async fn commit_together(index: &Index, objects: &[NewObject]) -> Result<StoredTogether, Failed> {
    let deadline = Instant::now() + PATIENCE;
    let refused = match insist(deadline, objects.len(), || index.commit_together(objects)).await {
        Ok(stored) => return Ok(stored),
        Err(Some(error @ IndexError::Refused { .. })) => error,
        Err(error) => return Err(Failed::Unknown(error)),
    };
    // An earlier attempt, whose answer was lost, may have been committed.
    let Some(first) = objects.first() else {
        return Err(Failed::Refused(refused));
    };
    let uids: Vec<Uid> = objects
        .iter()
        .map(|object| object.identity.sop_instance.clone())
        .collect();
    match timeout_at(deadline, index.known(&first.identity.study, &uids)).await {
        Ok(Ok(rows))
            if rows
                .iter()
                .any(|row| objects.iter().any(|object| object.place == row.place)) =>
        {
            Err(Failed::Unknown(Some(refused)))
        }
        Ok(Ok(_)) => Err(Failed::Refused(refused)),
        Ok(Err(error)) => Err(Failed::Unknown(Some(error))),
        Err(_) => Err(Failed::Unknown(Some(refused))),
    }
}

/// One answer for each object.
async fn commit(index: &Index, duplicates: Duplicates, objects: &[NewObject]) -> Vec<Result<Indexed, Failed>> {
    let deadline = Instant::now() + PATIENCE;
    if objects.is_empty() {
        return Vec::new();
    }
    match insist_on_each(index, duplicates, objects, deadline).await {
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
    let refused = match insist_on_each(index, duplicates, std::slice::from_ref(object), deadline).await {
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

/// Commits, with an answer for each object.
async fn insist_on_each(
    index: &Index,
    duplicates: Duplicates,
    objects: &[NewObject],
    deadline: Instant,
) -> Result<Vec<Indexed>, Option<IndexError>> {
    let indexed = insist(deadline, objects.len(), || index.commit(objects, duplicates)).await?;
    if indexed.len() == objects.len() {
        Ok(indexed)
    } else {
        Err(None)
    }
}

/// Asks again after what may pass. An error is the last one; `None` is silence, or an answer that is none.
async fn insist<T, F: Future<Output = Result<T, IndexError>>>(
    deadline: Instant,
    objects: usize,
    commit: impl Fn() -> F,
) -> Result<T, Option<IndexError>> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match timeout_at(deadline, commit()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Err(_) => return Err(None),
            Ok(Err(error)) => error,
        };
        let final_word = matches!(error, IndexError::Refused { .. }) && !is_contention(&error);
        if final_word || Instant::now() + pause >= deadline {
            return Err(Some(error));
        }
        tracing::warn!(%error, objects, "the index did not commit; asking again");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Serialization failures and deadlocks: likely to succeed at once.
fn is_contention(error: &IndexError) -> bool {
    matches!(error, IndexError::Refused { code, .. } if code.starts_with("40"))
}

impl End {
    /// Leaves the pack in order, frees it, and answers; in this order, so that the next entry finds it free.
    fn settle<T: Send + 'static>(
        self,
        answer: Result<T, Failed>,
        keeps_bytes: fn(&T) -> bool,
        to: oneshot::Sender<Result<T, ArchiveError>>,
        stage: &Stage,
    ) {
        let Self {
            pack,
            mut tail,
            start,
            end,
            permit,
        } = self;
        let (answer, keep) = match answer {
            Ok(indexed) => {
                let keep = keeps_bytes(&indexed);
                (Ok(indexed), keep)
            }
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

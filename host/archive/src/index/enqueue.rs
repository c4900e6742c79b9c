//! How work gets into the queue. Separate from `queue`, which is about work that is there: this runs inside the transactions
//! that make the work necessary, on the hot path of ingest too.
//!
//! What is there already is not enqueued twice. Of most kinds the new job takes the place of the old one under another id, so
//! that who is doing the old one, with what was there before, does not end the new one. Settling is different (see `settle`):
//! a job that waits stays as it is, and one that is being done is touched, once.

use std::{collections::BTreeMap, time::Duration};

use isocenter_dicom::uid::Uid;
use sqlx::{Acquire, PgConnection};

use super::{Follow, Index, IndexError, NewJob, NewObject, again, columns::Bound, queue::millis};

/// Where jobs of a list named `new` go.
macro_rules! insert_jobs {
    () => {
        r#"
INSERT INTO jobs (study_uid, object_uid, kind, destination, part, priority, due, payload)
SELECT study_uid, object_uid, kind, destination, part, priority, now() + delay * interval '1 millisecond', payload
FROM new WHERE kind <> 'settle'
ON CONFLICT (study_uid, object_uid, kind, destination, part) WHERE kind <> 'plugin' DO UPDATE
SET id = EXCLUDED.id, priority = EXCLUDED.priority, due = EXCLUDED.due, attempts = 0, dead = false, reason = NULL,
    enqueued = EXCLUDED.enqueued, payload = EXCLUDED.payload
"#
    };
}
/// The row is locked even where it is not updated, until the objects are committed: that is what `settle` relies on.
macro_rules! insert_settles {
    () => {
        r#"
INSERT INTO jobs (study_uid, object_uid, kind, destination, part, priority, due)
SELECT study_uid, object_uid, kind, destination, part, priority, now() + delay * interval '1 millisecond'
FROM new WHERE kind = 'settle'
ON CONFLICT (study_uid, object_uid, kind, destination, part) WHERE kind <> 'plugin' DO UPDATE
SET touched = true, dead = false,
    attempts = CASE WHEN jobs.dead THEN 0 ELSE jobs.attempts END,
    due = CASE WHEN jobs.dead THEN EXCLUDED.due ELSE jobs.due END
WHERE jobs.dead OR (jobs.attempts > 0 AND NOT jobs.touched)
"#
    };
}
pub(super) use {insert_jobs, insert_settles};

/// Enqueues what is not a plugin's own.
pub(super) const ENQUEUE: &str = concat!(
    r#"
WITH new AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::bigint[], $8::bytea[])
        AS j(study_uid, object_uid, kind, destination, part, priority, delay, payload)
), settles AS ("#,
    insert_settles!(),
    ")",
    insert_jobs!()
);

/// Enqueues a plugin's own. One of a key that waits and was not begun keeps its id and its place; answers nothing when the
/// plugin has too many.
pub(super) const ENQUEUE_OF_PLUGIN: &str = r#"
INSERT INTO jobs (study_uid, object_uid, kind, destination, part, priority, due, key, payload)
SELECT '', '', 'plugin', $1::text, $2::text, 100, now() + $3::bigint * interval '1 millisecond', $4::text, $5::bytea
WHERE (SELECT count(*) FROM (SELECT FROM jobs WHERE kind = 'plugin' AND destination = $1 LIMIT $6::bigint) few) < $6
   OR EXISTS (SELECT FROM jobs WHERE kind = 'plugin' AND destination = $1 AND part = $2 AND key = $4)
ON CONFLICT (destination, part, key) WHERE kind = 'plugin' DO UPDATE
SET id = CASE WHEN jobs.attempts = 0 AND NOT jobs.dead THEN jobs.id ELSE EXCLUDED.id END,
    due = CASE WHEN jobs.attempts = 0 AND NOT jobs.dead THEN least(jobs.due, EXCLUDED.due) ELSE EXCLUDED.due END,
    enqueued = CASE WHEN jobs.attempts = 0 AND NOT jobs.dead THEN jobs.enqueued ELSE EXCLUDED.enqueued END,
    attempts = 0, dead = false, reason = NULL, payload = EXCLUDED.payload
RETURNING id
"#;

/// Jobs to enqueue, each once, in the order of their keys; those of plugins in the order in which they came.
#[derive(Default)]
pub(super) struct Jobs<'a> {
    once: BTreeMap<Key<'a>, Rest<'a>>,
    of_plugins: Vec<OfPlugin<'a>>,
}

/// Study, object, kind, destination, part.
type Key<'a> = (&'a str, &'a str, &'static str, &'a str, &'a str);

/// What is not part of the key.
struct Rest<'a> {
    priority: i16,
    delay: i64,
    payload: Option<&'a [u8]>,
}

struct OfPlugin<'a> {
    plugin: &'a str,
    queue: &'a str,
    payload: &'a [u8],
    key: Option<&'a str>,
    delay: Duration,
}

impl<'a> Jobs<'a> {
    /// Those of new objects.
    pub(super) fn of(batch: &[&'a NewObject]) -> Result<Self, IndexError> {
        let mut jobs = Self::default();
        for object in batch {
            for job in &object.jobs {
                job.for_new_object()?;
                jobs.add(Some(&object.identity.study), Some(&object.identity.sop_instance), job)?;
            }
        }
        Ok(jobs)
    }

    /// Those that follow from others.
    pub(super) fn that(follow: &'a [Follow]) -> Result<Self, IndexError> {
        let mut jobs = Self::default();
        for Follow { study, object, job } in follow {
            jobs.add(study.as_ref(), object.as_ref(), job)?;
        }
        Ok(jobs)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.once.is_empty() && self.of_plugins.is_empty()
    }

    fn add(&mut self, study: Option<&'a Uid>, object: Option<&'a Uid>, job: &'a NewJob) -> Result<(), IndexError> {
        let study = || {
            study
                .map(Uid::as_str)
                .ok_or(IndexError::Misplaced("it must be for a study"))
        };
        let object = || {
            object
                .map(Uid::as_str)
                .ok_or(IndexError::Misplaced("it must be for an object"))
        };
        let rest = |priority: u8, delay: Duration| Rest {
            priority: i16::from(priority),
            delay: millis(delay),
            payload: None,
        };
        let (key, rest) = match job {
            NewJob::Route => ((study()?, object()?, "route", "", ""), rest(100, Duration::ZERO)),
            NewJob::Deliver {
                destination,
                delay,
                priority,
            } => (
                (study()?, object()?, "deliver", destination.as_str(), ""),
                rest(*priority, *delay),
            ),
            NewJob::Settle { chain, quiet } => ((study()?, "", "settle", "", chain.as_str()), rest(100, *quiet)),
            NewJob::Analyze {
                plugin,
                chain,
                token,
                delay,
            } => {
                let payload = token.as_deref();
                within("the token", payload.unwrap_or_default().len(), NewJob::MOST_BYTES)?;
                (
                    (study()?, "", "analyze", plugin.as_str(), chain.as_str()),
                    Rest {
                        payload,
                        ..rest(100, *delay)
                    },
                )
            }
            NewJob::Plugin {
                plugin,
                queue,
                payload,
                key,
                delay,
            } => {
                let key = key.as_deref();
                within("the payload", payload.len(), NewJob::MOST_BYTES)?;
                for (what, text, most) in [
                    ("the queue's name", queue.as_str(), 128),
                    ("the key", key.unwrap_or_default(), 512),
                ] {
                    within(what, text.len(), most)?;
                    if text.contains('\0') {
                        return Err(IndexError::Nul { what });
                    }
                }
                self.of_plugins.push(OfPlugin {
                    plugin,
                    queue,
                    payload,
                    key,
                    delay: *delay,
                });
                return Ok(());
            }
        };
        self.once.insert(key, rest);
        Ok(())
    }

    /// 8 values: all but those of plugins.
    pub(super) fn bind<'q>(&self, query: Bound<'q>) -> Bound<'q> {
        query
            .bind(self.once.keys().map(|key| key.0).collect::<Vec<_>>())
            .bind(self.once.keys().map(|key| key.1).collect::<Vec<_>>())
            .bind(self.once.keys().map(|key| key.2).collect::<Vec<_>>())
            .bind(self.once.keys().map(|key| key.3).collect::<Vec<_>>())
            .bind(self.once.keys().map(|key| key.4).collect::<Vec<_>>())
            .bind(self.once.values().map(|rest| rest.priority).collect::<Vec<_>>())
            .bind(self.once.values().map(|rest| rest.delay).collect::<Vec<_>>())
            .bind(self.once.values().map(|rest| rest.payload).collect::<Vec<_>>())
    }

    /// Enqueues them; answers the ids of those of plugins, in their order. To be rolled back where one is missing.
    pub(super) async fn enqueue(&self, connection: &mut PgConnection) -> Result<Vec<Option<i64>>, sqlx::Error> {
        if !self.once.is_empty() {
            self.bind(sqlx::query(ENQUEUE)).execute(&mut *connection).await?;
        }
        let mut ids = Vec::with_capacity(self.of_plugins.len());
        for job in &self.of_plugins {
            let id = sqlx::query_scalar(ENQUEUE_OF_PLUGIN)
                .bind(job.plugin)
                .bind(job.queue)
                .bind(millis(job.delay))
                .bind(job.key)
                .bind(job.payload)
                .bind(i64::from(NewJob::MOST_OF_A_PLUGIN))
                .fetch_optional(&mut *connection)
                .await?;
            ids.push(id);
            if id.is_none() {
                break;
            }
        }
        Ok(ids)
    }

    /// The ids, if there is one for each job of a plugin.
    pub(super) fn all(&self, ids: Vec<Option<i64>>) -> Result<Vec<i64>, IndexError> {
        let full = self
            .of_plugins
            .get(ids.len().saturating_sub(1))
            .map_or("", |job| job.plugin);
        ids.into_iter()
            .collect::<Option<Vec<i64>>>()
            .ok_or_else(|| IndexError::QueueFull {
                plugin: full.to_owned(),
                most: NewJob::MOST_OF_A_PLUGIN,
            })
    }
}

impl NewJob {
    /// Whether it can be enqueued by the transaction that indexes an object.
    pub(crate) fn for_new_object(&self) -> Result<(), IndexError> {
        match self {
            Self::Plugin { .. } => Err(IndexError::Misplaced("a plugin's own job does not belong to an object")),
            Self::Analyze { token: Some(token), .. } => within("the token", token.len(), Self::MOST_BYTES),
            Self::Route | Self::Deliver { .. } | Self::Settle { .. } | Self::Analyze { .. } => Ok(()),
        }
    }
}

/// Whether something is short enough.
pub(super) fn within(what: &'static str, length: usize, most: usize) -> Result<(), IndexError> {
    if length > most {
        Err(IndexError::TooLong { what, most })
    } else {
        Ok(())
    }
}

impl Index {
    /// Enqueues work, all of it or none; what waits already is enqueued once. Answers the ids of the plugins' own jobs, in
    /// their order.
    ///
    /// # Errors
    /// [`IndexError::QueueFull`], [`IndexError::TooLong`] and [`IndexError::Misplaced`] say what is wrong with it.
    pub async fn enqueue(&self, work: &[Follow]) -> Result<Vec<i64>, IndexError> {
        let jobs = Jobs::that(work)?;
        let ids = again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            let ids = jobs.enqueue(&mut transaction).await?;
            if ids.iter().all(Option::is_some) {
                transaction.commit().await?;
            }
            Ok(ids)
        })?;
        let ids = jobs.all(ids)?;
        self.work.arrived();
        Ok(ids)
    }
}

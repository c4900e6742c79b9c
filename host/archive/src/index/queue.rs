//! The durable queue: work that was enqueued in the transaction that made it necessary.
//!
//! Any number of hosts claim from it. A claim is a lease: it moves the job's due time to the lease's end, so that a host that
//! dies gives its jobs back by doing nothing. Work is therefore done at least once, and sometimes twice.

use std::time::Duration;

use sqlx::{Acquire, Row, postgres::PgRow};

use super::{
    Analysis, Backlog, DeadJob, Follow, Index, IndexError, Job, JobKind, NewEvent, NewJob, PluginJob, Settling, Task,
    again,
    columns::Bound,
    enqueue::{Jobs, within},
    events,
    moment::Moment,
    row,
    settle::signed,
};

/// Of one kind, for one who works.
pub(super) const CLAIM: &str = r#"
WITH mine AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE NOT dead AND kind = $3 AND destination = $4 AND due <= now()
    ORDER BY priority, due LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE jobs j SET due = now() + $2 * interval '1 millisecond', attempts = attempts + 1, touched = false
FROM mine WHERE j.id = mine.id
RETURNING j.id, j.kind, j.study_uid, j.object_uid, j.destination, j.part, j.attempts, j.payload
"#;

/// The study is that of the first job that nobody else is claiming.
pub(super) const CLAIM_DELIVERIES: &str = r#"
WITH first AS MATERIALIZED (
    SELECT study_uid FROM jobs
    WHERE NOT dead AND kind = 'deliver' AND destination = $3 AND due <= now()
    ORDER BY priority, due LIMIT 1 FOR UPDATE SKIP LOCKED
), mine AS MATERIALIZED (
    SELECT j.id FROM jobs j
    WHERE NOT dead AND kind = 'deliver' AND destination = $3 AND due <= now() AND study_uid = (SELECT study_uid FROM first)
    ORDER BY priority, due LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE jobs j SET due = now() + $2 * interval '1 millisecond', attempts = attempts + 1
FROM mine WHERE j.id = mine.id
RETURNING j.id, j.kind, j.study_uid, j.object_uid, j.destination, j.part, j.attempts, j.payload
"#;

/// What was touched stays: an arrival came in between, which only `settle` sees to.
pub(super) const DONE: &str = "DELETE FROM jobs WHERE id = ANY($1) AND NOT touched";

pub(super) const RETRY: &str = r#"
UPDATE jobs SET due = now() + $2 * interval '1 millisecond', reason = $3 WHERE id = ANY($1) AND NOT dead
"#;

/// Another id, so that who comes back after the lease ends nothing.
pub(super) const WAIT: &str = r#"
UPDATE jobs SET id = DEFAULT, due = now() + $3 * interval '1 millisecond', payload = $4, attempts = 0, reason = NULL
WHERE id = $1 AND attempts = $2 AND kind = 'analyze' AND NOT dead
"#;

/// What was touched is not given up: an object arrived meanwhile, which would call a settling that was given up back to life.
/// Answers the deliveries that were not dead before.
pub(super) const BURY: &str = r#"
WITH mine AS MATERIALIZED (SELECT id, dead AS was FROM jobs WHERE id = ANY($1) FOR UPDATE), buried AS (
    UPDATE jobs j SET dead = NOT touched, due = CASE WHEN touched THEN now() ELSE due END,
        attempts = CASE WHEN touched THEN 0 ELSE attempts END, touched = false, reason = $2
    FROM mine WHERE j.id = mine.id
    RETURNING j.id, j.kind, j.study_uid, j.object_uid, j.destination, j.part, j.attempts, j.dead AND NOT mine.was AS fresh
)
SELECT id, kind, study_uid, object_uid, destination, part, attempts FROM buried WHERE fresh AND kind = 'deliver'
"#;

const REQUEUE: &str = "UPDATE jobs SET dead = false, attempts = 0, due = now() WHERE id = ANY($1) AND dead";

const DISCARD: &str = "DELETE FROM jobs WHERE id = ANY($1) AND dead";

const DEAD: &str = r#"
SELECT id, kind, study_uid, object_uid, destination, part, attempts, coalesce(reason, '') AS reason, enqueued
FROM jobs WHERE dead ORDER BY enqueued DESC LIMIT $1
"#;

const BACKLOG: &str = r#"
SELECT kind, destination, part, count(*) FILTER (WHERE NOT dead) AS waiting, count(*) FILTER (WHERE dead) AS dead,
    min(enqueued) FILTER (WHERE NOT dead) AS oldest,
    (array_agg(reason ORDER BY due DESC) FILTER (WHERE NOT dead AND reason IS NOT NULL))[1] AS last_failure
FROM jobs GROUP BY kind, destination, part
ORDER BY array_position(ARRAY['route', 'deliver', 'settle', 'analyze', 'plugin', 'report'], kind::text), destination, part
"#;

impl Index {
    /// Claims routing jobs that are due, the oldest first. One that is neither finished, retried nor buried within `lease`
    /// can be claimed again.
    pub async fn claim_routes(&self, limit: u32, lease: Duration) -> Result<Vec<Job>, IndexError> {
        let rows = again!(self.pool, connection => {
            bind_claim(sqlx::query(CLAIM), JobKind::Route, "", limit, lease).fetch_all(connection)
        })?;
        claimed(&rows, job)
    }

    /// Claims deliveries to a destination that are due: all of one study, that of the most urgent and oldest.
    pub async fn claim_deliveries(
        &self,
        destination: &str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Job>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(CLAIM_DELIVERIES).bind(i64::from(limit)).bind(millis(lease)).bind(destination);
            query.fetch_all(connection)
        })?;
        claimed(&rows, job)
    }

    /// Claims studies that an analyzer is to look at now, for the first time or after a wait; the longest due first.
    pub async fn claim_analyses(&self, plugin: &str, limit: u32, lease: Duration) -> Result<Vec<Analysis>, IndexError> {
        let rows = again!(self.pool, connection => {
            bind_claim(sqlx::query(CLAIM), JobKind::Analyze, plugin, limit, lease).fetch_all(connection)
        })?;
        claimed(&rows, analysis)
    }

    /// Claims what a plugin enqueued for itself and is due, of all its queues, the longest due first.
    pub async fn claim_plugin_jobs(
        &self,
        plugin: &str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<PluginJob>, IndexError> {
        let rows = again!(self.pool, connection => {
            bind_claim(sqlx::query(CLAIM), JobKind::Plugin, plugin, limit, lease).fetch_all(connection)
        })?;
        claimed(&rows, plugin_job)
    }

    /// Ends jobs, and enqueues what follows from them, in one transaction. What is waiting already is enqueued once.
    /// Settling is ended by [`Index::finish_settle`].
    ///
    /// # Errors
    /// As of [`Index::enqueue`]; nothing is ended then.
    pub async fn finish(&self, done: &[i64], follow: &[Follow]) -> Result<(), IndexError> {
        if follow.is_empty() {
            again!(self.pool, connection => sqlx::query(DONE).bind(done).execute(connection))?;
            return Ok(());
        }
        let jobs = Jobs::that(follow)?;
        let ids = again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            sqlx::query(DONE).bind(done).execute(&mut *transaction).await?;
            let ids = jobs.enqueue(&mut transaction).await?;
            if ids.iter().all(Option::is_some) {
                transaction.commit().await?;
            }
            Ok(ids)
        })?;
        jobs.all(ids)?;
        self.work.arrived();
        Ok(())
    }

    /// An analyzer's step is done and it waits: it is to be resumed with `token` after `delay`, and its attempts begin anew.
    /// `false`: the job is not the caller's any more, because its lease ended or the study is to be analyzed anew.
    pub async fn wait_for_analysis(&self, job: &Analysis, token: &[u8], delay: Duration) -> Result<bool, IndexError> {
        within("the token", token.len(), NewJob::MOST_BYTES)?;
        let done = again!(self.pool, connection => {
            let query = sqlx::query(WAIT).bind(job.id).bind(signed(job.attempts)).bind(millis(delay));
            query.bind(token).execute(connection)
        })?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives claimed jobs back, to be claimed again after `delay`.
    pub async fn retry(&self, ids: &[i64], delay: Duration, reason: &str) -> Result<(), IndexError> {
        let reason = said(reason);
        again!(self.pool, connection => {
            sqlx::query(RETRY).bind(ids).bind(millis(delay)).bind(&reason).execute(connection)
        })?;
        Ok(())
    }

    /// Gives jobs up; they stay in sight until a person requeues or discards them, or the same work is enqueued again.
    /// Settling of a study of which objects arrived since it was claimed is due again instead. Where events are wanted, each
    /// delivery is one (`delivery.dead`), in the same transaction.
    pub async fn bury(&self, ids: &[i64], reason: &str) -> Result<(), IndexError> {
        let reason = said(reason);
        let wanted = self.events.wanted();
        let told = again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            let rows = sqlx::query(BURY).bind(ids).bind(&reason).fetch_all(&mut *transaction).await?;
            // A row that cannot be read is of no job of ours; its burial counts all the same.
            let buried: Vec<Job> = rows.iter().filter_map(|line| job(line).ok()).collect();
            let events: Vec<NewEvent> = buried.iter().filter(|_| wanted).map(NewEvent::dead).collect();
            events::append(&mut transaction, &events).await?;
            transaction.commit().await?;
            Ok(!events.is_empty())
        })?;
        if told {
            self.events.work.arrived();
        }
        Ok(())
    }

    /// Lets jobs that were given up be claimed again, with their attempts forgotten. Says how many.
    pub async fn requeue(&self, ids: &[i64]) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => sqlx::query(REQUEUE).bind(ids).execute(connection))?;
        self.work.arrived();
        Ok(done.rows_affected())
    }

    /// Forgets jobs that were given up. Says how many.
    pub async fn discard(&self, ids: &[i64]) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => sqlx::query(DISCARD).bind(ids).execute(connection))?;
        Ok(done.rows_affected())
    }

    /// Jobs that were given up, the latest first.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(DEAD).bind(i64::from(limit)).fetch_all(connection))?;
        rows.iter()
            .map(|line| {
                Ok(DeadJob {
                    id: line.try_get("id")?,
                    task: task(line)?,
                    attempts: attempts(line)?,
                    reason: line.try_get("reason")?,
                    enqueued: line.try_get::<Moment, _>("enqueued")?.into(),
                })
            })
            .collect()
    }

    /// What waits, by kind and by who is to do it; routing first. Reads the whole queue.
    pub async fn waiting_by_destination(&self) -> Result<Vec<Backlog>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(BACKLOG).fetch_all(connection))?;
        let count = |line: &PgRow, column: &str| -> Result<u64, IndexError> {
            u64::try_from(line.try_get::<i64, _>(column)?).map_err(|_| row::unreadable("a count"))
        };
        rows.iter()
            .map(|line| {
                let kind = kind(line)?;
                let text = |column: &str, kinds: &[JobKind]| -> Result<Option<String>, IndexError> {
                    Ok(if kinds.contains(&kind) {
                        Some(line.try_get(column)?)
                    } else {
                        None
                    })
                };
                Ok(Backlog {
                    kind,
                    destination: text("destination", &[JobKind::Deliver])?,
                    chain: text("part", &[JobKind::Settle, JobKind::Analyze])?,
                    plugin: text("destination", &[JobKind::Analyze, JobKind::Plugin])?,
                    queue: text("part", &[JobKind::Plugin])?,
                    waiting: count(line, "waiting")?,
                    dead: count(line, "dead")?,
                    oldest: line.try_get::<Option<Moment>, _>("oldest")?.map(Into::into),
                    last_failure: line.try_get("last_failure")?,
                })
            })
            .collect()
    }

    /// Returns when work may be due: at once when this host enqueued some, and in any case after `timeout`, at most a second.
    pub async fn wait_for_work(&self, timeout: Duration) {
        self.work.wait(timeout).await;
    }
}

/// For intervals.
pub(super) fn millis(duration: Duration) -> i64 {
    // A thousand years is as good as any longer time, and does not overflow the calendar.
    i64::try_from(duration.as_millis())
        .unwrap_or(i64::MAX)
        .min(31_536_000_000_000)
}

/// A reason as a column can hold it, and a page show it.
pub(super) fn said(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(1000).collect()
}

/// The values of [`CLAIM`].
pub(super) fn bind_claim<'q>(
    query: Bound<'q>,
    kind: JobKind,
    destination: &'q str,
    limit: u32,
    lease: Duration,
) -> Bound<'q> {
    query
        .bind(i64::from(limit))
        .bind(millis(lease))
        .bind(kind.as_str())
        .bind(destination)
}

fn kind(line: &PgRow) -> Result<JobKind, IndexError> {
    JobKind::parse(line.try_get("kind")?).ok_or(row::unreadable("a kind of job"))
}

pub(super) fn attempts(line: &PgRow) -> Result<u32, IndexError> {
    Ok(u32::try_from(line.try_get::<i32, _>("attempts")?).unwrap_or(0))
}

fn job(line: &PgRow) -> Result<Job, IndexError> {
    let (kind, destination): (_, String) = (kind(line)?, line.try_get("destination")?);
    Ok(Job {
        id: line.try_get("id")?,
        kind,
        study: row::uid(line, "study_uid")?,
        object: row::uid(line, "object_uid")?,
        destination: (kind == JobKind::Deliver).then_some(destination),
        attempts: attempts(line)?,
    })
}

pub(super) fn settling(line: &PgRow) -> Result<Settling, IndexError> {
    Ok(Settling {
        id: line.try_get("id")?,
        study: row::uid(line, "study_uid")?,
        chain: line.try_get("part")?,
        attempts: attempts(line)?,
    })
}

fn analysis(line: &PgRow) -> Result<Analysis, IndexError> {
    Ok(Analysis {
        id: line.try_get("id")?,
        study: row::uid(line, "study_uid")?,
        chain: line.try_get("part")?,
        plugin: line.try_get("destination")?,
        token: line.try_get("payload")?,
        attempts: attempts(line)?,
    })
}

fn plugin_job(line: &PgRow) -> Result<PluginJob, IndexError> {
    Ok(PluginJob {
        id: line.try_get("id")?,
        plugin: line.try_get("destination")?,
        queue: line.try_get("part")?,
        payload: line.try_get::<Option<Vec<u8>>, _>("payload")?.unwrap_or_default(),
        attempts: attempts(line)?,
    })
}

fn task(line: &PgRow) -> Result<Task, IndexError> {
    let study = || row::uid(line, "study_uid");
    let object = || row::uid(line, "object_uid");
    let (destination, part): (String, String) = (line.try_get("destination")?, line.try_get("part")?);
    Ok(match kind(line)? {
        JobKind::Route => Task::Route {
            study: study()?,
            object: object()?,
        },
        JobKind::Deliver => Task::Deliver {
            study: study()?,
            object: object()?,
            destination,
        },
        JobKind::Settle => Task::Settle {
            study: study()?,
            chain: part,
        },
        JobKind::Analyze => Task::Analyze {
            study: study()?,
            chain: part,
            plugin: destination,
        },
        JobKind::Plugin => Task::Plugin {
            plugin: destination,
            queue: part,
        },
        JobKind::Report => Task::Report {
            peer: part,
            transaction: object()?,
        },
    })
}

/// In the order in which they were enqueued; an UPDATE returns them in any.
pub(super) fn claimed<T>(rows: &[PgRow], read: fn(&PgRow) -> Result<T, IndexError>) -> Result<Vec<T>, IndexError> {
    let mut jobs = Vec::with_capacity(rows.len());
    for line in rows {
        jobs.push((line.try_get::<i64, _>("id")?, read(line)?));
    }
    jobs.sort_by_key(|(id, _)| *id);
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

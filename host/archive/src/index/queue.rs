//! The durable queue: work that was enqueued in the transaction that made it necessary.
//!
//! Any number of hosts claim from it. A claim is a lease: it moves the job's due time to the lease's end, so that a host that
//! dies gives its jobs back by doing nothing. Work is therefore done at least once, and sometimes twice.

use std::time::{Duration, SystemTime};

use isocenter_dicom::uid::Uid;
use sqlx::{Acquire, Row, postgres::PgRow};

use super::{Index, IndexError, NewJob, again, columns::Jobs, moment::Moment, replace::ENQUEUE, row};

/// What kind of work a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Ask the routers where an object should go.
    Route,
    /// Send an object to a destination.
    Deliver,
}

/// A job that was claimed: it is this caller's until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Names this claimable job; a job that was enqueued again gets a new one.
    pub id: i64,
    /// What is to be done.
    pub kind: JobKind,
    /// The study of the object.
    pub study: Uid,
    /// SOP Instance UID.
    pub object: Uid,
    /// Where to, for deliveries.
    pub destination: Option<String>,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// The job.
    pub job: Job,
    /// Why it was given up.
    pub reason: String,
    /// When it was enqueued.
    pub enqueued: SystemTime,
}

/// What waits for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The destination; `None`: routing.
    pub destination: Option<String>,
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the oldest waiting job was enqueued.
    pub oldest: Option<SystemTime>,
    /// Why the last waiting job that failed did.
    pub last_failure: Option<String>,
}

pub(super) const CLAIM_ROUTES: &str = r#"
WITH mine AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE NOT dead AND kind = 'route' AND destination = '' AND due <= now()
    ORDER BY priority, due LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE jobs j SET due = now() + $2 * interval '1 millisecond', attempts = attempts + 1
FROM mine WHERE j.id = mine.id
RETURNING j.id, j.kind, j.study_uid, j.object_uid, j.destination, j.attempts
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
RETURNING j.id, j.kind, j.study_uid, j.object_uid, j.destination, j.attempts
"#;

pub(super) const DONE: &str = "DELETE FROM jobs WHERE id = ANY($1)";

pub(super) const RETRY: &str = r#"
UPDATE jobs SET due = now() + $2 * interval '1 millisecond', reason = $3 WHERE id = ANY($1) AND NOT dead
"#;

const BURY: &str = "UPDATE jobs SET dead = true, reason = $2 WHERE id = ANY($1)";

const REQUEUE: &str = "UPDATE jobs SET dead = false, attempts = 0, due = now() WHERE id = ANY($1) AND dead";

const DEAD: &str = r#"
SELECT id, kind, study_uid, object_uid, destination, attempts, coalesce(reason, '') AS reason, enqueued
FROM jobs WHERE dead ORDER BY enqueued DESC LIMIT $1
"#;

const BACKLOG: &str = r#"
SELECT kind, destination, count(*) FILTER (WHERE NOT dead) AS waiting, count(*) FILTER (WHERE dead) AS dead,
    min(enqueued) FILTER (WHERE NOT dead) AS oldest,
    (array_agg(reason ORDER BY due DESC) FILTER (WHERE NOT dead AND reason IS NOT NULL))[1] AS last_failure
FROM jobs GROUP BY kind, destination ORDER BY kind DESC, destination
"#;

impl Index {
    /// Claims routing jobs that are due, the oldest first. One that is neither finished, retried nor buried within `lease`
    /// can be claimed again.
    pub async fn claim_routes(&self, limit: u32, lease: Duration) -> Result<Vec<Job>, IndexError> {
        let rows = again!(self.pool, connection => {
            sqlx::query(CLAIM_ROUTES).bind(i64::from(limit)).bind(millis(lease)).fetch_all(connection)
        })?;
        jobs(&rows)
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
        jobs(&rows)
    }

    /// Ends jobs, and enqueues what follows from them, in one transaction. What is waiting already is enqueued once.
    pub async fn finish(&self, done: &[i64], follow: &[(Uid, Uid, NewJob)]) -> Result<(), IndexError> {
        if follow.is_empty() {
            again!(self.pool, connection => sqlx::query(DONE).bind(done).execute(connection))?;
            return Ok(());
        }
        let mut jobs = Jobs::none();
        for (study, object, job) in follow {
            jobs.add(study, object, job);
        }
        again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            sqlx::query(DONE).bind(done).execute(&mut *transaction).await?;
            jobs.bind(sqlx::query(ENQUEUE)).execute(&mut *transaction).await?;
            transaction.commit().await
        })?;
        self.work.arrived();
        Ok(())
    }

    /// Gives claimed jobs back, to be claimed again after `delay`.
    pub async fn retry(&self, ids: &[i64], delay: Duration, reason: &str) -> Result<(), IndexError> {
        let reason = said(reason);
        again!(self.pool, connection => {
            sqlx::query(RETRY).bind(ids).bind(millis(delay)).bind(&reason).execute(connection)
        })?;
        Ok(())
    }

    /// Gives jobs up; they stay in sight until a person requeues them.
    pub async fn bury(&self, ids: &[i64], reason: &str) -> Result<(), IndexError> {
        let reason = said(reason);
        again!(self.pool, connection => sqlx::query(BURY).bind(ids).bind(&reason).execute(connection))?;
        Ok(())
    }

    /// Lets jobs that were given up be claimed again, with their attempts forgotten. Says how many.
    pub async fn requeue(&self, ids: &[i64]) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => sqlx::query(REQUEUE).bind(ids).execute(connection))?;
        self.work.arrived();
        Ok(done.rows_affected())
    }

    /// Jobs that were given up, the latest first.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(DEAD).bind(i64::from(limit)).fetch_all(connection))?;
        rows.iter()
            .map(|line| {
                Ok(DeadJob {
                    job: job(line)?,
                    reason: line.try_get("reason")?,
                    enqueued: line.try_get::<Moment, _>("enqueued")?.into(),
                })
            })
            .collect()
    }

    /// What waits, by destination; routing first. Reads the whole queue.
    pub async fn waiting_by_destination(&self) -> Result<Vec<Backlog>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(BACKLOG).fetch_all(connection))?;
        let count = |line: &PgRow, column: &str| -> Result<u64, IndexError> {
            u64::try_from(line.try_get::<i64, _>(column)?).map_err(|_| row::unreadable("a count"))
        };
        rows.iter()
            .map(|line| {
                let destination: String = line.try_get("destination")?;
                Ok(Backlog {
                    destination: (kind(line)? == JobKind::Deliver).then_some(destination),
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

fn kind(line: &PgRow) -> Result<JobKind, IndexError> {
    match line.try_get("kind")? {
        "route" => Ok(JobKind::Route),
        "deliver" => Ok(JobKind::Deliver),
        _ => Err(row::unreadable("a kind of job")),
    }
}

fn job(line: &PgRow) -> Result<Job, IndexError> {
    let (kind, destination): (_, String) = (kind(line)?, line.try_get("destination")?);
    Ok(Job {
        id: line.try_get("id")?,
        kind,
        study: row::uid(line, "study_uid")?,
        object: row::uid(line, "object_uid")?,
        destination: (kind == JobKind::Deliver).then_some(destination),
        attempts: u32::try_from(line.try_get::<i32, _>("attempts")?).unwrap_or(0),
    })
}

/// In the order in which they were enqueued; an UPDATE returns them in any.
fn jobs(rows: &[PgRow]) -> Result<Vec<Job>, IndexError> {
    let mut jobs: Vec<Job> = rows.iter().map(job).collect::<Result<_, _>>()?;
    jobs.sort_by_key(|job| job.id);
    Ok(jobs)
}

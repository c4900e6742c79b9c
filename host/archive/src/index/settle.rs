//! When a study is quiet. Separate from `queue` because the rule, and the reason why no arrival is lost, take thought.
//!
//! Every object that is indexed enqueues the settling of its study; but an arrival must not cost an update. So a job that
//! waits stays as it is, due a quiet time after the study's *first* object. Who claims it asks when the last one arrived
//! ([`Index::is_quiet`]), and if that is not long enough ago the job is put off until it is.
//!
//! No arrival is lost:
//! - An arrival locks the row of a job that waits until its objects are committed, without changing it (the lock of `ON
//!   CONFLICT DO UPDATE` comes before its `WHERE`). A claim passes over rows that are locked; so who has claimed a job sees,
//!   with every later statement, the objects of all arrivals that found it waiting.
//! - An arrival that finds a job claimed marks it, once (`touched`). The end of the job waits for that transaction, and what
//!   is touched is not deleted but made due again ([`Index::finish_settle`]).
//! - An arrival that finds no job inserts one; if the old one is being deleted, it waits for that to be over.
//!
//! A claim is named by its id and its attempts; putting a job off gives it another id. So who comes back after its lease has
//! ended, and another has taken the job, ends nothing.

use std::time::{Duration, SystemTime};

use isocenter_dicom::uid::Uid;
use sqlx::Acquire;

use super::{
    Follow, Index, IndexError, JobKind, Settling, again,
    enqueue::Jobs,
    moment::Moment,
    queue::{self, CLAIM, millis},
};

/// What arrives later than this from now is of a host whose clock is wrong, and keeps no study from being quiet.
pub(super) const LAST_ARRIVAL: &str = r#"
SELECT max(arrived) FILTER (WHERE arrived <= now() + interval '1 minute') AS at FROM objects WHERE study_uid = $1
"#;

/// Puts a claimed job off until the study may be quiet. Answers whether there was no need to and the claim still holds.
pub(super) const QUIET: &str = r#"
WITH last AS MATERIALIZED (
    SELECT max(arrived) FILTER (WHERE arrived <= now() + interval '1 minute') AS at FROM objects WHERE study_uid = $3
), put_off AS (
    UPDATE jobs SET id = DEFAULT, due = last.at + $4 * interval '1 millisecond', attempts = 0, touched = false, reason = NULL
    FROM last
    WHERE id = $1 AND attempts = $2 AND kind = 'settle' AND NOT dead AND last.at + $4 * interval '1 millisecond' > now()
    RETURNING id
)
SELECT NOT EXISTS (SELECT FROM put_off)
    AND EXISTS (SELECT FROM jobs WHERE id = $1 AND attempts = $2 AND kind = 'settle' AND NOT dead)
"#;

/// Waits for an arrival that is touching the row, and then leaves it.
pub(super) const END: &str = "DELETE FROM jobs WHERE id = $1 AND attempts = $2 AND kind = 'settle' AND NOT touched";

pub(super) const AGAIN: &str = r#"
UPDATE jobs SET id = DEFAULT, due = now(), attempts = 0, touched = false, reason = NULL
WHERE id = $1 AND attempts = $2 AND kind = 'settle' AND touched
"#;

impl Index {
    /// Claims studies that may have become quiet, the longest due first. Before anything is done for one of them
    /// [`Index::is_quiet`] must be asked, which puts it off where it is not.
    pub async fn claim_settles(&self, limit: u32, lease: Duration) -> Result<Vec<Settling>, IndexError> {
        let rows = again!(self.pool, connection => {
            queue::bind_claim(sqlx::query(CLAIM), JobKind::Settle, "", limit, lease).fetch_all(connection)
        })?;
        queue::claimed(&rows, queue::settling)
    }

    /// When the last object of a study arrived; `None`: none is stored.
    pub async fn last_arrival(&self, study: &Uid) -> Result<Option<SystemTime>, IndexError> {
        let at: Option<Moment> = again!(self.pool, connection => {
            sqlx::query_scalar(LAST_ARRIVAL).bind(study.as_str()).fetch_one(connection)
        })?;
        Ok(at.map(Into::into))
    }

    /// Whether no object of a claimed job's study arrived for `quiet`. If not, the job is put off until that may be so, and
    /// is not the caller's any more; as it is not when its lease has ended and another has claimed it.
    pub async fn is_quiet(&self, job: &Settling, quiet: Duration) -> Result<bool, IndexError> {
        again!(self.pool, connection => {
            let query = sqlx::query_scalar(QUIET).bind(job.id).bind(signed(job.attempts)).bind(job.study.as_str());
            query.bind(millis(quiet)).fetch_one(connection)
        })
    }

    /// Ends a claimed job, and enqueues what follows from it, in one transaction. `false`: objects arrived since it was
    /// claimed, so that it is due again; or another has claimed it after its lease.
    pub async fn finish_settle(&self, job: &Settling, follow: &[Follow]) -> Result<bool, IndexError> {
        let jobs = Jobs::that(follow)?;
        let (over, ids) = again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            let attempts = signed(job.attempts);
            let ended = sqlx::query(END).bind(job.id).bind(attempts).execute(&mut *transaction).await?;
            let over = ended.rows_affected() > 0;
            if !over {
                sqlx::query(AGAIN).bind(job.id).bind(attempts).execute(&mut *transaction).await?;
            }
            let ids = jobs.enqueue(&mut transaction).await?;
            if ids.iter().all(Option::is_some) {
                transaction.commit().await?;
            }
            Ok((over, ids))
        })?;
        jobs.all(ids)?;
        self.work.arrived();
        Ok(over)
    }
}

pub(super) fn signed(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

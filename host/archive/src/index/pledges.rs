//! What destinations were asked to commit themselves to (PS3.4 Annex J): written down before they are asked, so that a report
//! finds its deliveries whenever and however it comes.
//!
//! The opposite of [`super::commitment`], where peers ask this host. A delivery whose commitment is awaited stays a job: it
//! falls due again when no report comes.

use std::time::Duration;

use isocenter_dicom::uid::Uid;

use super::{Index, IndexError, again, queue::millis};

/// How long it is remembered what was asked.
const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// Rows that are deleted at a time.
const SWEPT: i64 = 1000;
/// What a job says meanwhile.
const AWAITED: &str = "stored there; its commitment is awaited";

pub(super) const PLEDGE: &str = r#"
WITH asked AS (
    INSERT INTO pledges (job, destination, transaction_uid, object_uid)
    SELECT job, $1::text, $2::text, object FROM unnest($3::bigint[], $4::text[]) AS sent (job, object)
    ON CONFLICT DO NOTHING
)
UPDATE jobs SET due = now() + $5::bigint * interval '1 millisecond', reason = $6::text WHERE id = ANY($3) AND NOT dead
"#;

pub(super) const KEPT: &str = r#"
WITH told AS (
    DELETE FROM pledges WHERE transaction_uid = $2 AND object_uid = ANY($3) AND destination = ANY($1) RETURNING job
)
DELETE FROM jobs WHERE id IN (SELECT job FROM told) AND kind = 'deliver'
"#;

pub(super) const NOT_KEPT: &str = r#"
WITH told AS (
    DELETE FROM pledges WHERE transaction_uid = $2 AND object_uid = ANY($3) AND destination = ANY($1) RETURNING job
)
UPDATE jobs SET due = now() + $4::bigint * interval '1 millisecond', reason = $5::text
WHERE id IN (SELECT job FROM told) AND kind = 'deliver' AND NOT dead
"#;

pub(super) const SWEEP: &str = r#"
DELETE FROM pledges WHERE (transaction_uid, object_uid) IN (
    SELECT transaction_uid, object_uid FROM pledges
    WHERE asked < now() - $1 * interval '1 millisecond' ORDER BY asked LIMIT $2
)
"#;

impl Index {
    /// Notes that a destination is asked to commit itself to what it has stored, each a delivery's job and the SOP Instance
    /// UID under which the object was sent. The jobs are due again after `within`.
    pub async fn pledge(
        &self,
        destination: &str,
        transaction: &Uid,
        sent: &[(i64, &Uid)],
        within: Duration,
    ) -> Result<(), IndexError> {
        let jobs: Vec<i64> = sent.iter().map(|(job, _)| *job).collect();
        let objects: Vec<&str> = sent.iter().map(|(_, object)| object.as_str()).collect();
        again!(self.pool, connection => {
            let query = sqlx::query(PLEDGE).bind(destination).bind(transaction.as_str()).bind(&jobs).bind(&objects);
            query.bind(millis(within)).bind(AWAITED).execute(connection)
        })?;
        Ok(())
    }

    /// One of these destinations has committed itself to objects: their deliveries are done. Says how many.
    pub async fn kept(&self, destinations: &[&str], transaction: &Uid, objects: &[&str]) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => {
            let query = sqlx::query(KEPT).bind(destinations).bind(transaction.as_str());
            query.bind(objects).execute(connection)
        })?;
        Ok(done.rows_affected())
    }

    /// One of these destinations has not committed itself to objects: their deliveries are due again after `delay`, with
    /// the reason. Says how many.
    pub async fn not_kept(
        &self,
        destinations: &[&str],
        transaction: &Uid,
        objects: &[&str],
        delay: Duration,
        reason: &str,
    ) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => {
            let query = sqlx::query(NOT_KEPT).bind(destinations).bind(transaction.as_str()).bind(objects);
            query.bind(millis(delay)).bind(reason).execute(connection)
        })?;
        Ok(done.rows_affected())
    }

    /// Deletes what was asked long ago.
    pub(super) async fn sweep_pledges(&self) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => {
            sqlx::query(SWEEP).bind(millis(KEEP)).bind(SWEPT).execute(connection)
        })?;
        Ok(done.rows_affected())
    }
}

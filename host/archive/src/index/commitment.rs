//! Requests of peers for storage commitment (PS3.4 Annex J): written down together with the job that reports them, so that
//! a request that was answered is reported whatever befalls the host.
//!
//! A transaction is its peer's: its UID counts together with the AE title that asked. One job stands for all that is still
//! to be reported of a transaction.

use std::time::Duration;

use isocenter_dicom::uid::Uid;
use sqlx::{Acquire, PgConnection, Row, postgres::PgRow};

use super::{
    Index, IndexError, JobKind, Place, again,
    queue::{self, CLAIM, millis},
    row,
};

/// An object that somebody refers to (PS3.3 Table 10-11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Referenced SOP Class UID (0008,1150).
    pub sop_class: Uid,
    /// Referenced SOP Instance UID (0008,1155).
    pub object: Uid,
}

/// A request for storage commitment that is still to be reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Names it.
    pub id: i64,
    /// The peer has used the transaction UID for another request before.
    pub duplicate: bool,
    /// What the peer wants to be kept, in its order.
    pub references: Vec<Reference>,
}

/// A transaction that is to be reported: claimed like a [`Job`](super::Job).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// As of a job.
    pub id: i64,
    /// The AE title that asked.
    pub peer: String,
    /// Its Transaction UID (0008,1195).
    pub transaction: Uid,
    /// As of a job.
    pub attempts: u32,
}

/// A served object, found by its UID alone.
#[derive(Clone, Debug)]
pub struct Served {
    /// Its SOP class.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub object: Uid,
    /// The study.
    pub study: Uid,
    /// Where it is.
    pub place: Place,
}

/// Requests of one peer that wait for their report at most.
const MOST_OF_A_PEER: i64 = 10_000;
/// How long a reported request is kept, for which time its transaction UID is in use.
const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// How long one is kept whose report was discarded by a person.
const KEEP_UNREPORTED: Duration = Duration::from_secs(396 * 86_400);
/// Rows that are deleted at a time.
const SWEPT: i64 = 1000;

/// Not where the peer has too many.
pub(super) const NOTE: &str = r#"
INSERT INTO commitments (peer, transaction_uid, classes, objects, duplicate)
SELECT $1::text, $2::text, $3::text[], $4::text[], $5::boolean
WHERE (SELECT count(*) FROM (SELECT FROM commitments WHERE peer = $1 AND reported IS NULL LIMIT $6::bigint) few) < $6
ON CONFLICT (peer, transaction_uid) WHERE NOT duplicate DO NOTHING
RETURNING id
"#;

/// Whether a request is the one that was noted before and is not reported yet.
pub(super) const SAME: &str = r#"
SELECT reported IS NULL AND classes = $3 AND objects = $4 FROM commitments
WHERE peer = $1 AND transaction_uid = $2 AND NOT duplicate
"#;

/// Another id, so that who is doing the job with what was there before does not end this one.
pub(super) const ENQUEUE: &str = r#"
INSERT INTO jobs (study_uid, object_uid, kind, destination, part, priority, due)
VALUES ('', $2, 'report', '', $1, 100, now() + $3::bigint * interval '1 millisecond')
ON CONFLICT (study_uid, object_uid, kind, destination, part) WHERE kind <> 'plugin' DO UPDATE
SET id = EXCLUDED.id, due = EXCLUDED.due, attempts = 0, dead = false, reason = NULL, enqueued = EXCLUDED.enqueued
RETURNING id
"#;

pub(super) const HOLD: &str = r#"
UPDATE jobs SET due = now() + $2 * interval '1 millisecond', attempts = 1
WHERE id = $1 AND kind = 'report' AND attempts = 0 AND NOT dead
"#;

pub(super) const HASTEN: &str =
    "UPDATE jobs SET due = now() WHERE id = ANY($1) AND kind = 'report' AND attempts = 0 AND NOT dead";

pub(super) const UNREPORTED: &str = r#"
SELECT id, duplicate, classes, objects FROM commitments
WHERE peer = $1 AND transaction_uid = $2 AND reported IS NULL ORDER BY id
"#;

pub(super) const REPORTED: &str = "UPDATE commitments SET reported = now() WHERE id = $1 AND reported IS NULL";

pub(super) const SERVED: &str = r#"
SELECT o.study_uid, o.object_uid, o.sop_class, o.pack, o.pack_offset, o.length, o.header_length, o.digest
FROM objects o WHERE o.object_uid = ANY($1)
"#;

pub(super) const SWEEP: &str = r#"
DELETE FROM commitments WHERE id IN (
    SELECT id FROM commitments
    WHERE arrived < now() - $1 * interval '1 millisecond'
        AND (reported < now() - $1 * interval '1 millisecond' OR arrived < now() - $2 * interval '1 millisecond')
    ORDER BY arrived LIMIT $3
)
"#;

impl Index {
    /// Notes a request for storage commitment and enqueues its report, not before `delay`: the job's id. `None`: the peer has
    /// too many that wait. The same request again, before it was reported, is noted once; another with its transaction UID
    /// is noted as a duplicate.
    pub async fn note_commitment(
        &self,
        peer: &str,
        transaction: &Uid,
        references: &[Reference],
        delay: Duration,
    ) -> Result<Option<i64>, IndexError> {
        let classes: Vec<&str> = references.iter().map(|one| one.sop_class.as_str()).collect();
        let objects: Vec<&str> = references.iter().map(|one| one.object.as_str()).collect();
        let request = Request {
            peer,
            transaction: transaction.as_str(),
            classes: &classes,
            objects: &objects,
        };
        let job = again!(self.pool, connection => async {
            let mut transaction = connection.begin().await?;
            if !request.note(&mut transaction).await? {
                return Ok(None);
            }
            let job: i64 = sqlx::query_scalar(ENQUEUE)
                .bind(request.peer)
                .bind(request.transaction)
                .bind(millis(delay))
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Some(job))
        })?;
        Ok(job)
    }

    /// Claims reports that are due, the longest due first.
    pub async fn claim_reports(&self, limit: u32, lease: Duration) -> Result<Vec<Report>, IndexError> {
        let rows = again!(self.pool, connection => {
            queue::bind_claim(sqlx::query(CLAIM), JobKind::Report, "", limit, lease).fetch_all(connection)
        })?;
        queue::claimed(&rows, report)
    }

    /// Claims the report of that job before it is due, if nobody has claimed it yet.
    pub async fn hold_report(&self, job: i64, lease: Duration) -> Result<bool, IndexError> {
        let held =
            again!(self.pool, connection => sqlx::query(HOLD).bind(job).bind(millis(lease)).execute(connection))?;
        Ok(held.rows_affected() > 0)
    }

    /// Makes reports due that nobody has claimed yet.
    pub async fn hasten_reports(&self, jobs: &[i64]) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query(HASTEN).bind(jobs).execute(connection))?;
        self.work.arrived();
        Ok(())
    }

    /// What of a transaction is still to be reported, in the order in which it was asked.
    pub async fn unreported(&self, peer: &str, transaction: &Uid) -> Result<Vec<Commitment>, IndexError> {
        let rows = again!(self.pool, connection => {
            sqlx::query(UNREPORTED).bind(peer).bind(transaction.as_str()).fetch_all(connection)
        })?;
        rows.iter().map(commitment).collect()
    }

    /// Notes that a request was reported.
    pub async fn reported(&self, commitment: i64) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query(REPORTED).bind(commitment).execute(connection))?;
        Ok(())
    }

    /// Served objects with these UIDs, whatever their study, in any order.
    pub async fn served(&self, objects: &[&str]) -> Result<Vec<Served>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(SERVED).bind(objects).fetch_all(connection))?;
        rows.iter()
            .map(|line| {
                Ok(Served {
                    sop_class: row::uid(line, "sop_class")?,
                    object: row::uid(line, "object_uid")?,
                    study: row::uid(line, "study_uid")?,
                    place: row::place(line)?,
                })
            })
            .collect()
    }

    /// Deletes requests that were reported long ago.
    pub(super) async fn sweep_commitments(&self) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => {
            let query = sqlx::query(SWEEP).bind(millis(KEEP)).bind(millis(KEEP_UNREPORTED));
            query.bind(SWEPT).execute(connection)
        })?;
        Ok(done.rows_affected())
    }
}

/// A request as its statements take it.
struct Request<'a> {
    peer: &'a str,
    transaction: &'a str,
    classes: &'a [&'a str],
    objects: &'a [&'a str],
}

impl Request<'_> {
    /// `false`: there is no room for it.
    async fn note(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        if self.insert(false, connection).await? {
            return Ok(true);
        }
        let same: Option<bool> = sqlx::query_scalar(SAME)
            .bind(self.peer)
            .bind(self.transaction)
            .bind(self.classes)
            .bind(self.objects)
            .fetch_optional(&mut *connection)
            .await?;
        match same {
            Some(true) => Ok(true),
            Some(false) => self.insert(true, connection).await,
            None => Ok(false),
        }
    }

    async fn insert(&self, duplicate: bool, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let id: Option<i64> = sqlx::query_scalar(NOTE)
            .bind(self.peer)
            .bind(self.transaction)
            .bind(self.classes)
            .bind(self.objects)
            .bind(duplicate)
            .bind(MOST_OF_A_PEER)
            .fetch_optional(connection)
            .await?;
        Ok(id.is_some())
    }
}

fn report(line: &PgRow) -> Result<Report, IndexError> {
    Ok(Report {
        id: line.try_get("id")?,
        peer: line.try_get("part")?,
        transaction: row::uid(line, "object_uid")?,
        attempts: queue::attempts(line)?,
    })
}

fn commitment(line: &PgRow) -> Result<Commitment, IndexError> {
    let uids = |column: &str| -> Result<Vec<Uid>, IndexError> {
        let texts: Vec<String> = line.try_get(column)?;
        let uids = texts.iter().map(|text| Uid::parse(text));
        uids.collect::<Result<_, _>>().map_err(|_| row::unreadable("a UID"))
    };
    let references = uids("classes")?.into_iter().zip(uids("objects")?);
    Ok(Commitment {
        id: line.try_get("id")?,
        duplicate: line.try_get("duplicate")?,
        references: references
            .map(|(sop_class, object)| Reference { sop_class, object })
            .collect(),
    })
}

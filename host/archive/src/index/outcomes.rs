//! What became of every call of a plugin: a row for each, found by object, by study and by plugin.
//!
//! Separate because these rows come at several times the rate of objects. They are written a few hundred at a time by one
//! statement; what they have in common ([`super::steps`], [`super::edits`]) is kept once. Who calls plugins gives the rows
//! to a [`Recorder`](crate::Recorder) rather than here.

use std::time::{Duration, SystemTime};

use isocenter_dicom::uid::Uid;
use sqlx::{Row, postgres::PgRow};

use super::{
    EditList, Index, IndexError, again,
    edits::EditListId,
    moment::Moment,
    queue::{millis, said},
    row,
};

/// Outcomes that are deleted by one statement.
const PRUNED: u32 = 5000;
/// The longest page.
const LONGEST_PAGE: u32 = 1000;

/// A call of a plugin that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutcome {
    /// When it ended.
    pub at: SystemTime,
    /// The operator's name for the plugin.
    pub plugin: String,
    /// Of the component, 64 hexadecimal digits; empty for a part built into the host.
    pub digest: String,
    /// The role in which it was called.
    pub role: &'static str,
    /// The chain, for roles that have one.
    pub chain: Option<String>,
    /// Whether nothing came of it because the chain is a shadow.
    pub shadow: bool,
    /// The study it was about.
    pub study: Option<Uid>,
    /// The SOP Instance UID of the object it was about.
    pub object: Option<Uid>,
    /// The verdict, or a word for the failure.
    pub outcome: &'static str,
    /// Whether the call failed, rather than answered.
    pub failed: bool,
    /// What it did to the object.
    pub edits: EditList,
    /// Processor time.
    pub cpu: Duration,
    /// From its slot to its end.
    pub wall: Duration,
    /// How long it waited for its slot.
    pub queue: Duration,
    /// The largest size of its memory, in bytes.
    pub peak_memory: u64,
    /// Why it answered so or failed, at most 1,000 characters; more are cut off. In the plugin's words.
    pub reason: Option<String>,
}

/// A call of a plugin, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedOutcome {
    /// Grows from batch to batch: what the next page comes `before`.
    pub id: i64,
    /// When it ended.
    pub at: SystemTime,
    /// The operator's name for the plugin.
    pub plugin: String,
    /// Of the component, 64 hexadecimal digits; empty for a part built into the host.
    pub digest: String,
    /// The role in which it was called.
    pub role: String,
    /// The chain, for roles that have one.
    pub chain: Option<String>,
    /// Whether nothing came of it because the chain is a shadow.
    pub shadow: bool,
    /// The study it was about.
    pub study: Option<Uid>,
    /// The SOP Instance UID of the object it was about.
    pub object: Option<Uid>,
    /// The verdict, or a word for the failure.
    pub outcome: String,
    /// Whether the call failed, rather than answered.
    pub failed: bool,
    /// How many edits it made.
    pub edits: u32,
    /// Their list, for [`Index::edit_list`]; `None` where there were none.
    pub edit_list: Option<EditListId>,
    /// Processor time.
    pub cpu: Duration,
    /// From its slot to its end.
    pub wall: Duration,
    /// How long it waited for its slot.
    pub queue: Duration,
    /// The largest size of its memory, in bytes.
    pub peak_memory: u64,
    /// Why it answered so or failed. In the plugin's words.
    pub reason: Option<String>,
}

const IDS: &str = "SELECT nextval('plugin_outcome_ids') FROM generate_series(1, $1)";

/// A list that was used today is only looked at, so that hosts which use the same one do not wait for each other. An outcome
/// is never from the future: a wrong clock must not keep others from being pruned.
pub(super) const INSERT: &str = r#"
WITH lists AS (
    INSERT INTO plugin_edits (digest, list, cut, used)
    SELECT digest, list, cut, now() FROM unnest($15::bytea[], $16::text[], $17::boolean[]) AS l(digest, list, cut)
    WHERE (
        SELECT true FROM plugin_edits e WHERE e.digest = l.digest AND e.used > now() - interval '1 day' LIMIT 1
    ) IS NULL
    ORDER BY digest
    ON CONFLICT (digest) DO UPDATE SET used = EXCLUDED.used
)
INSERT INTO plugin_outcomes (
    id, at, step, failed, edit_count, cpu, wall, queue, peak_memory, outcome, study_uid, object_uid, edits, reason)
SELECT id, least(at, now()), step, failed, edit_count, cpu, wall, queue, peak_memory, outcome, study_uid, object_uid, edits, reason
FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::integer[], $4::boolean[], $5::integer[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::text[]
) AS b(id, at, step, failed, edit_count, cpu, wall, queue, peak_memory, outcome, study_uid, object_uid, edits, reason)
ON CONFLICT DO NOTHING
"#;

/// How every reading begins.
macro_rules! columns {
    () => {
        r#"
SELECT o.id, o.at, s.plugin, s.digest, s.role, s.chain, s.shadow, o.study_uid, o.object_uid, o.outcome, o.failed,
    o.edit_count, o.edits, o.cpu, o.wall, o.queue, o.peak_memory, o.reason
"#
    };
}

/// An object has few outcomes: they are taken by its index and then put in order, never sought in the order of all.
pub(super) const OF_OBJECT: &str = concat!(
    "WITH mine AS MATERIALIZED (
    SELECT * FROM plugin_outcomes WHERE object_uid = $1 AND ($2::text IS NULL OR study_uid = $2) AND id < $3
)",
    columns!(),
    "FROM mine o JOIN plugin_steps s ON s.id = o.step ORDER BY o.id DESC LIMIT $4"
);

pub(super) const OF_STUDY: &str = concat!(
    "WITH mine AS MATERIALIZED (
    SELECT * FROM plugin_outcomes
    WHERE object_uid IS NULL AND study_uid IS NOT NULL AND study_uid = $1 AND id < $2 ORDER BY id DESC LIMIT $3
)",
    columns!(),
    "FROM mine o JOIN plugin_steps s ON s.id = o.step ORDER BY o.id DESC"
);

/// The latest of each of the plugin's steps, and of those the latest.
pub(super) const OF_PLUGIN: &str = concat!(
    columns!(),
    "FROM plugin_steps s
CROSS JOIN LATERAL (SELECT * FROM plugin_outcomes WHERE step = s.id AND id < $2 ORDER BY id DESC LIMIT $3) o
WHERE s.plugin = $1
ORDER BY o.id DESC LIMIT $3"
);

pub(super) const FAILED: &str = concat!(
    columns!(),
    "FROM plugin_steps s
CROSS JOIN LATERAL (SELECT * FROM plugin_outcomes WHERE step = s.id AND failed AND id < $2 ORDER BY id DESC LIMIT $3) o
WHERE $1::text IS NULL OR s.plugin = $1
ORDER BY o.id DESC LIMIT $3"
);

/// The oldest come first, as far as they are old: few are out of order, by the little that hosts' clocks differ.
pub(super) const PRUNE: &str = r#"
DELETE FROM plugin_outcomes WHERE id IN (
    SELECT id FROM (SELECT id, at FROM plugin_outcomes ORDER BY id LIMIT $2) oldest WHERE at < now() - $1 * interval '1 millisecond'
)
"#;

impl Index {
    /// Records calls that have ended. After an error it is unknown whether they are recorded.
    pub async fn record_outcomes(&self, outcomes: &[NewOutcome]) -> Result<(), IndexError> {
        let ids = self.outcome_ids(outcomes.len()).await?;
        self.insert_outcomes(&ids, outcomes).await
    }

    /// Numbers for outcomes. With the same numbers they can be inserted any number of times, and are there once.
    pub(crate) async fn outcome_ids(&self, count: usize) -> Result<Vec<i64>, IndexError> {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        again!(self.recording, connection => sqlx::query_scalar(IDS).bind(count).fetch_all(connection))
    }

    /// Inserts outcomes under their numbers.
    pub(crate) async fn insert_outcomes(&self, ids: &[i64], outcomes: &[NewOutcome]) -> Result<(), IndexError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let lists: Vec<Option<EditListId>> = outcomes.iter().map(|outcome| outcome.edits.id()).collect();
        let distinct: std::collections::BTreeMap<EditListId, &EditList> = lists
            .iter()
            .zip(outcomes)
            .filter_map(|(id, outcome)| Some(((*id)?, &outcome.edits)))
            .collect();
        let reasons: Vec<Option<String>> = outcomes
            .iter()
            .map(|outcome| outcome.reason.as_deref().map(said))
            .collect();
        macro_rules! all {
            ($outcome:ident => $value:expr) => {
                outcomes.iter().map(|$outcome| $value).collect::<Vec<_>>()
            };
        }
        again!(self.recording, connection => async {
            let steps = self.steps.numbers(&mut *connection, outcomes).await?;
            sqlx::query(INSERT)
                .bind(ids)
                .bind(all!(outcome => Moment::from(outcome.at)))
                .bind(steps)
                .bind(all!(outcome => outcome.failed))
                .bind(all!(outcome => i32::try_from(outcome.edits.count()).unwrap_or(i32::MAX)))
                .bind(all!(outcome => micros(outcome.cpu)))
                .bind(all!(outcome => micros(outcome.wall)))
                .bind(all!(outcome => micros(outcome.queue)))
                .bind(all!(outcome => row::signed(outcome.peak_memory)))
                .bind(all!(outcome => outcome.outcome))
                .bind(all!(outcome => outcome.study.as_ref().map(Uid::as_str)))
                .bind(all!(outcome => outcome.object.as_ref().map(Uid::as_str)))
                .bind(lists.iter().map(|id| id.as_ref().map(EditListId::bytes)).collect::<Vec<_>>())
                .bind(&reasons)
                .bind(distinct.keys().map(EditListId::bytes).collect::<Vec<_>>())
                .bind(distinct.values().map(|list| list.text()).collect::<Vec<_>>())
                .bind(distinct.values().map(|list| list.is_cut()).collect::<Vec<_>>())
                .execute(connection)
                .await
        })?;
        Ok(())
    }

    /// What plugins did to an object, the latest first: at most `limit`, and at most 1,000, `before` the last of the page
    /// before. Without a study, that of every study in which the SOP Instance UID was seen.
    pub async fn outcomes_of_object(
        &self,
        study: Option<&Uid>,
        object: &Uid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RecordedOutcome>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(OF_OBJECT).bind(object.as_str()).bind(study.map(Uid::as_str));
            query.bind(before.unwrap_or(i64::MAX)).bind(page(limit)).fetch_all(connection)
        })?;
        rows.iter().map(outcome).collect()
    }

    /// What plugins did about a study as a whole, the latest first; pages as [`Index::outcomes_of_object`].
    pub async fn outcomes_of_study(
        &self,
        study: &Uid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RecordedOutcome>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(OF_STUDY).bind(study.as_str()).bind(before.unwrap_or(i64::MAX));
            query.bind(page(limit)).fetch_all(connection)
        })?;
        rows.iter().map(outcome).collect()
    }

    /// What a plugin did, the latest first; pages as [`Index::outcomes_of_object`].
    pub async fn outcomes_of_plugin(
        &self,
        plugin: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RecordedOutcome>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(OF_PLUGIN).bind(plugin).bind(before.unwrap_or(i64::MAX));
            query.bind(page(limit)).fetch_all(connection)
        })?;
        rows.iter().map(outcome).collect()
    }

    /// Calls that failed, of one plugin or of all, the latest first; pages as [`Index::outcomes_of_object`].
    pub async fn failed_outcomes(
        &self,
        plugin: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<RecordedOutcome>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(FAILED).bind(plugin).bind(before.unwrap_or(i64::MAX));
            query.bind(page(limit)).fetch_all(connection)
        })?;
        rows.iter().map(outcome).collect()
    }

    /// Deletes outcomes that are older than `age`, and lists of edits to which none refers any more, some thousands by each
    /// statement. Says how many outcomes. Any number of hosts may do so at once.
    pub async fn prune_outcomes(&self, age: Duration) -> Result<u64, IndexError> {
        let mut pruned = 0;
        loop {
            let done = again!(self.pool, connection => {
                sqlx::query(PRUNE).bind(millis(age)).bind(i64::from(PRUNED)).execute(connection)
            })?;
            if done.rows_affected() == 0 {
                break;
            }
            pruned += done.rows_affected();
        }
        while self.prune_edit_lists(age, PRUNED).await? > 0 {}
        Ok(pruned)
    }
}

fn page(limit: u32) -> i64 {
    i64::from(limit.min(LONGEST_PAGE))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn outcome(line: &PgRow) -> Result<RecordedOutcome, IndexError> {
    let uid = |column| -> Result<Option<Uid>, IndexError> {
        let text: Option<&str> = line.try_get(column)?;
        text.map(Uid::parse).transpose().map_err(|_| row::unreadable("a UID"))
    };
    let time = |column| -> Result<Duration, IndexError> {
        Ok(Duration::from_micros(line.try_get::<i64, _>(column)?.unsigned_abs()))
    };
    let chain: String = line.try_get("chain")?;
    let list: Option<&[u8]> = line.try_get("edits")?;
    Ok(RecordedOutcome {
        id: line.try_get("id")?,
        at: line.try_get::<Moment, _>("at")?.into(),
        plugin: line.try_get("plugin")?,
        digest: line.try_get("digest")?,
        role: line.try_get("role")?,
        chain: (!chain.is_empty()).then_some(chain),
        shadow: line.try_get("shadow")?,
        study: uid("study_uid")?,
        object: uid("object_uid")?,
        outcome: line.try_get("outcome")?,
        failed: line.try_get("failed")?,
        edits: line.try_get::<i32, _>("edit_count")?.unsigned_abs(),
        edit_list: list.map(EditListId::from_bytes).transpose()?,
        cpu: time("cpu")?,
        wall: time("wall")?,
        queue: time("queue")?,
        peak_memory: line.try_get::<i64, _>("peak_memory")?.unsigned_abs(),
        reason: line.try_get("reason")?,
    })
}

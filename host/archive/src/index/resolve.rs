//! Objects that were in quarantine until somebody decided about them. Separate from `locate` because a decision is written
//! twice: beside the packs, where it is durable ([`crate::pack::resolutions`]), and then here, where it takes effect.

use std::time::SystemTime;

use isocenter_dicom::{header::Identity, uid::Uid};
use sqlx::{Row, postgres::PgRow};

use super::{
    Held, Index, IndexError, NewObject, Place, Source, again,
    columns::{Columns, bind_rows},
    locate::{Quarantined, quarantined},
    moment::Moment,
    row::{self, signed},
};

/// What became of an object in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was let in: stored again, from its bytes in quarantine.
    Released,
    /// It is not wanted.
    Discarded,
}

impl Outcome {
    /// The word that stands in the database and beside the packs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Discarded => "discarded",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Released, Self::Discarded]
            .into_iter()
            .find(|known| known.as_str() == word)
    }
}

/// Who decided what about an object in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What became of it.
    pub outcome: Outcome,
    /// Who decided.
    pub by: String,
    /// Why; no patient data.
    pub reason: String,
    /// When, in whole microseconds.
    pub at: SystemTime,
}

/// An object that is not in quarantine any more.
#[derive(Clone, Debug)]
pub struct ResolvedObject {
    /// Its four UIDs.
    pub identity: Identity,
    /// The transfer syntax it came in.
    pub syntax: Uid,
    /// Where its bytes were in quarantine; they may have been reclaimed.
    pub place: Place,
    /// Why it was held.
    pub held: Held,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
    /// Who decided what.
    pub resolution: Resolution,
}

pub(super) const HELD: &str = r#"
SELECT id, study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason
FROM quarantine WHERE id = $1
"#;

/// Says whether it is so, also when it has been so before: a statement whose answer was lost is repeated.
pub(super) const RESOLVE: &str = r#"
WITH gone AS (
    DELETE FROM quarantine WHERE id = $1
    RETURNING study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason
), there AS (
    INSERT INTO resolved (
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason,
        outcome, resolved_by, resolved_why, resolved_at)
    SELECT *, $2::text, $3::text, $4::text, $5::timestamptz FROM gone
    ON CONFLICT (study_uid, object_uid, pack, pack_offset) DO UPDATE
    SET outcome = EXCLUDED.outcome, resolved_by = EXCLUDED.resolved_by, resolved_why = EXCLUDED.resolved_why,
        resolved_at = EXCLUDED.resolved_at
    RETURNING 1
)
SELECT EXISTS (SELECT FROM there) OR EXISTS (
    SELECT FROM resolved
    WHERE study_uid = $6 AND object_uid = $7 AND pack = $8 AND pack_offset = $9 AND outcome = $2 AND resolved_at = $5)
"#;

/// As the insertion into quarantine, and what was decided.
pub(super) const NOTE: &str = r#"
INSERT INTO resolved (
    study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason,
    outcome, resolved_by, resolved_why, resolved_at)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::bigint[], $9::integer[], $10::bytea[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::smallint[], $18::text[], $19::text[],
    $20::text[], $21::text[], $22::text[], $23::timestamptz[])
ON CONFLICT DO NOTHING
"#;

const RESOLVED: &str = r#"
SELECT study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason,
    outcome, resolved_by, resolved_why, resolved_at
FROM resolved ORDER BY resolved_at DESC LIMIT $1
"#;

impl Index {
    /// An object in quarantine; `None`: there is none of that number, or somebody has decided about it.
    pub async fn held(&self, id: i64) -> Result<Option<Quarantined>, IndexError> {
        let line = again!(self.pool, connection => sqlx::query(HELD).bind(id).fetch_optional(connection))?;
        line.as_ref().map(quarantined).transpose()
    }

    /// What was in quarantine, the latest decision first.
    pub async fn resolved(&self, limit: u32) -> Result<Vec<ResolvedObject>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(RESOLVED).bind(i64::from(limit)).fetch_all(connection))?;
        rows.iter().map(resolved).collect()
    }

    /// Takes an object out of quarantine. `false`: it was not there any more. What was decided must be durable already.
    pub(crate) async fn resolve(&self, held: &Quarantined, resolution: &Resolution) -> Result<bool, IndexError> {
        again!(self.pool, connection => {
            sqlx::query_scalar(RESOLVE)
                .bind(held.id)
                .bind(resolution.outcome.as_str())
                .bind(&resolution.by)
                .bind(&resolution.reason)
                .bind(Moment::from(resolution.at))
                .bind(held.identity.study.as_str())
                .bind(held.identity.sop_instance.as_str())
                .bind(held.place.pack)
                .bind(signed(held.place.offset))
                .fetch_one(connection)
        })
    }

    /// Notes what was decided about objects without putting them into quarantine: their rows were lost.
    pub(crate) async fn note_resolved(&self, objects: &[(NewObject, Resolution)]) -> Result<(), IndexError> {
        if objects.is_empty() {
            return Ok(());
        }
        let batch: Vec<&NewObject> = objects.iter().map(|(object, _)| object).collect();
        let rows = Columns::of(&batch);
        let held = |of: fn(&Held) -> Option<String>| -> Vec<Option<String>> {
            batch.iter().map(|object| object.held.as_ref().and_then(of)).collect()
        };
        let plugins = held(|held| held.plugin.clone());
        let reasons = held(|held| Some(held.reason.clone()));
        let decided = |of: fn(&Resolution) -> &str| -> Vec<&str> { objects.iter().map(|(_, by)| of(by)).collect() };
        again!(self.pool, connection => {
            bind_rows(sqlx::query(NOTE), &rows)
                .bind(&plugins)
                .bind(&reasons)
                .bind(decided(|resolution| resolution.outcome.as_str()))
                .bind(decided(|resolution| &resolution.by))
                .bind(decided(|resolution| &resolution.reason))
                .bind(objects.iter().map(|(_, resolution)| Moment::from(resolution.at)).collect::<Vec<_>>())
                .execute(connection)
        })?;
        Ok(())
    }
}

fn resolved(line: &PgRow) -> Result<ResolvedObject, IndexError> {
    let outcome = Outcome::parse(line.try_get("outcome")?).ok_or(row::unreadable("an outcome"))?;
    Ok(ResolvedObject {
        identity: row::identity(line)?,
        syntax: row::uid(line, "syntax")?,
        place: row::place(line)?,
        held: row::held(line)?,
        source: row::source(line)?,
        arrived: line.try_get::<Moment, _>("arrived")?.into(),
        resolution: Resolution {
            outcome,
            by: line.try_get("resolved_by")?,
            reason: line.try_get("resolved_why")?,
            at: line.try_get::<Moment, _>("resolved_at")?.into(),
        },
    })
}

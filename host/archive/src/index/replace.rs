//! An object takes the place of another under the same UIDs. Separate from `commit` because it is rare, and takes a
//! transaction of several statements: the row is locked, copied aside, and changed.

use sqlx::{Acquire, PgConnection};

use super::{
    Index, IndexError, Indexed, NewObject, again,
    columns::{Columns, Parents, bind_objects},
    commit::{Seen, look},
    enqueue::Jobs,
    events::{Events, append, of_objects},
};

pub(super) const LOCK: &str = r#"
SELECT 1 FROM objects
WHERE (study_uid, object_uid) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY study_uid, object_uid
FOR UPDATE
"#;

pub(super) const SET_ASIDE: &str = r#"
INSERT INTO superseded (
    study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, kept)
SELECT
    study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, $3
FROM objects
WHERE (study_uid, object_uid) IN (SELECT * FROM unnest($1::text[], $2::text[]))
ON CONFLICT DO NOTHING
"#;

/// The series comes along: the new object may be in another one. A series that is left without objects is not found.
pub(super) const SERIES: &str = r#"
INSERT INTO series (
    study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
    manufacturer, station_name, institution_name, step_date, step_time, scheduled_step_ids, requested_procedure_ids, attributes)
SELECT
    study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
    manufacturer, station_name, institution_name, step_date, step_time,
    string_to_array(scheduled_step_ids, '\'), string_to_array(requested_procedure_ids, '\'), attributes
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::date[], $7::time[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::date[], $14::time[], $15::text[], $16::text[], $17::jsonb[]
) AS s(
    study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
    manufacturer, station_name, institution_name, step_date, step_time, scheduled_step_ids, requested_procedure_ids, attributes)
ON CONFLICT DO NOTHING
"#;

pub(super) const CHANGE: &str = r#"
UPDATE objects o SET
    series_uid = b.series_uid, sop_class = b.sop_class, syntax = b.syntax,
    pack = b.pack, pack_offset = b.pack_offset, length = b.length, header_length = b.header_length, digest = b.digest,
    calling_ae = b.calling_ae, called_ae = b.called_ae, peer = b.peer, transport = b.transport, arrived = b.arrived,
    subject = b.subject, hops = b.hops,
    instance_number = b.instance_number, rows = b.rows, columns = b.columns, bits_allocated = b.bits_allocated, frames = b.frames,
    acquisition_number = b.acquisition_number, content_date = b.content_date, content_time = b.content_time, timezone = b.timezone
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::bigint[], $9::integer[], $10::bytea[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::smallint[],
    $18::integer[], $19::integer[], $20::integer[], $21::integer[], $22::integer[], $23::integer[], $24::date[], $25::time[], $26::text[]
) AS b(
    study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops,
    instance_number, rows, columns, bits_allocated, frames, acquisition_number, content_date, content_time, timezone)
WHERE o.study_uid = b.study_uid AND o.object_uid = b.object_uid
"#;

impl Index {
    /// Puts objects in the place of what has their keys, sorted by key and each once.
    pub(super) async fn replace(&self, batch: &[&NewObject], kept: bool) -> Result<Vec<Indexed>, IndexError> {
        again!(self.pool, connection => replace(connection, batch, kept, &self.events))
    }
}

async fn replace(
    connection: &mut PgConnection,
    batch: &[&NewObject],
    kept: bool,
    events: &Events,
) -> Result<Vec<Indexed>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let rows = Columns::of(batch);
    sqlx::query(LOCK)
        .bind(&rows.study)
        .bind(&rows.object)
        .execute(&mut *transaction)
        .await?;
    // Another transaction may have put the same bytes there before we had the lock.
    let seen = look(&mut transaction, batch, &rows).await?;
    let mut answers = Vec::with_capacity(batch.len());
    let mut others = Vec::new();
    for (object, seen) in batch.iter().zip(&seen) {
        answers.push(match seen {
            Some(Seen::Here) => Indexed::New,
            Some(Seen::Same) => Indexed::Identical,
            Some(Seen::Other) => {
                others.push(*object);
                Indexed::Replaced
            }
            // Removed meanwhile. The caller keeps the bytes and tries again.
            None => return Err(sqlx::Error::RowNotFound),
        });
    }
    let rows = Columns::of(&others);
    sqlx::query(SET_ASIDE)
        .bind(&rows.study)
        .bind(&rows.object)
        .bind(kept)
        .execute(&mut *transaction)
        .await?;
    Parents::of(&others)
        .bind_series(sqlx::query(SERIES))
        .execute(&mut *transaction)
        .await?;
    bind_objects(sqlx::query(CHANGE), &rows, &others)
        .execute(&mut *transaction)
        .await?;
    // They were looked at before: these are of the same batch.
    let jobs = Jobs::of(&others).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    jobs.enqueue(&mut transaction).await?;
    if events.wanted() {
        append(&mut transaction, &of_objects(others)).await?;
    }
    transaction.commit().await?;
    Ok(answers)
}

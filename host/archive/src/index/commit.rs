//! Makes durable objects findable: the hot path, one statement for a whole batch.
//!
//! The statement inserts what is not there yet and answers, for each object, whether it was inserted, or which bytes were
//! there before. Only objects that were inserted bring their series, study and jobs with them. What was there before is
//! compared here; only where the policy says that the new one takes its place does [`super::replace`] do more.
//!
//! Batches of several hosts may meet. Rows are inserted in the order of their keys, so that two batches wait for each other
//! at most one way; a row that another transaction committed after our statement began is neither inserted nor seen by it,
//! and asked for once more.

use std::collections::HashSet;

use isocenter_dicom::uid::Uid;
use sqlx::{Acquire, PgConnection, Row, postgres::PgRow};

use super::{
    Duplicates, Index, IndexError, Indexed, NewObject, PackId, StoredTogether, again,
    columns::{Bound, Columns, Parents, bind_objects, bind_rows},
    enqueue::{Jobs, insert_jobs, insert_settles},
    events::{Events, append, of_objects},
    row,
};

// The plans of these statements are made once per connection, perhaps while the tables are empty, and must still be right
// when they are not. A part with LIMIT is looked up row by row; as a plain join it may be made into a scan of the whole table.

/// How both ways of inserting begin: the batch as rows, and the objects of it that are to be inserted.
macro_rules! insert_objects {
    () => {
        r#"
WITH batch AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::bigint[], $9::integer[], $10::bytea[],
        $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::smallint[],
        $18::integer[], $19::integer[], $20::integer[], $21::integer[], $22::integer[], $23::integer[], $24::date[], $25::time[], $26::text[]
    ) WITH ORDINALITY AS b(
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops,
        instance_number, rows, columns, bits_allocated, frames, acquisition_number, content_date, content_time, timezone, n)
), fresh AS (
    INSERT INTO objects (
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops,
        instance_number, rows, columns, bits_allocated, frames, acquisition_number, content_date, content_time, timezone)
    SELECT
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops,
        instance_number, rows, columns, bits_allocated, frames, acquisition_number, content_date, content_time, timezone
    FROM batch b
"#
    };
}

/// How both end: what became of each object of the batch.
macro_rules! answer_for_each {
    () => {
        r#"
SELECT b.n - 1 AS n, f.object_uid IS NOT NULL AS fresh, o.digest, o.pack, o.pack_offset
FROM batch b
LEFT JOIN fresh f ON f.study_uid = b.study_uid AND f.object_uid = b.object_uid
LEFT JOIN LATERAL (
    SELECT digest, pack, pack_offset FROM objects WHERE study_uid = b.study_uid AND object_uid = b.object_uid LIMIT 1
) o ON true
"#
    };
}

/// Inserts objects, and their series, studies and jobs if they are new. Jobs of a study come with any of its objects.
pub(super) const INSERT: &str = concat!(
    insert_objects!(),
    r#"
    ON CONFLICT DO NOTHING
    RETURNING study_uid, series_uid, object_uid
), new_series AS (
    INSERT INTO series (
        study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
        manufacturer, station_name, institution_name, step_date, step_time, scheduled_step_ids, requested_procedure_ids, attributes)
    SELECT
        study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
        manufacturer, station_name, institution_name, step_date, step_time,
        string_to_array(scheduled_step_ids, '\'), string_to_array(requested_procedure_ids, '\'), attributes
    FROM unnest(
        $27::text[], $28::text[], $29::text[], $30::integer[], $31::text[], $32::date[], $33::time[], $34::text[], $35::text[],
        $36::text[], $37::text[], $38::text[], $39::date[], $40::time[], $41::text[], $42::text[], $43::jsonb[]
    ) AS s(
        study_uid, series_uid, modality, series_number, description, series_date, series_time, body_part, laterality,
        manufacturer, station_name, institution_name, step_date, step_time, scheduled_step_ids, requested_procedure_ids, attributes)
    WHERE (study_uid, series_uid) IN (SELECT study_uid, series_uid FROM fresh)
    ON CONFLICT DO NOTHING
), new_studies AS (
    INSERT INTO studies (
        study_uid, patient_name, patient_name_ideographic, patient_name_phonetic, patient_words, patient_id, patient_id_issuer,
        patient_birth_date, patient_sex, study_date, study_time, accession_number,
        referring_name, referring_name_ideographic, referring_name_phonetic, referring_words, study_id, description, attributes)
    SELECT * FROM unnest(
        $44::text[], $45::text[], $46::text[], $47::text[], $48::text[], $49::text[], $50::text[],
        $51::date[], $52::text[], $53::date[], $54::time[], $55::text[],
        $56::text[], $57::text[], $58::text[], $59::text[], $60::text[], $61::text[], $62::jsonb[]
    ) AS s(study_uid)
    WHERE study_uid IN (SELECT study_uid FROM fresh)
    ON CONFLICT DO NOTHING
), new AS MATERIALIZED (
    SELECT * FROM unnest($63::text[], $64::text[], $65::text[], $66::text[], $67::text[], $68::smallint[], $69::bigint[], $70::bytea[])
        AS j(study_uid, object_uid, kind, destination, part, priority, delay, payload)
    WHERE study_uid IN (SELECT study_uid FROM fresh)
      AND (object_uid = '' OR (study_uid, object_uid) IN (SELECT study_uid, object_uid FROM fresh))
), new_settles AS ("#,
    insert_settles!(),
    "), new_jobs AS (",
    insert_jobs!(),
    ")",
    answer_for_each!()
);

/// Inserts objects without jobs whose series and studies are there; one whose are not is neither inserted nor answered for,
/// and goes by [`INSERT`].
pub(super) const INSERT_FAMILIAR: &str = concat!(
    insert_objects!(),
    r#"
    WHERE (SELECT true FROM series s WHERE s.study_uid = b.study_uid AND s.series_uid = b.series_uid LIMIT 1)
      AND (SELECT true FROM studies s WHERE s.study_uid = b.study_uid LIMIT 1)
    ON CONFLICT DO NOTHING
    RETURNING study_uid, object_uid
)
"#,
    answer_for_each!()
);

/// What is there now.
pub(super) const LOOK: &str = r#"
SELECT b.n - 1 AS n, o.digest, o.pack, o.pack_offset
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS b(study_uid, object_uid, n)
JOIN LATERAL (
    SELECT digest, pack, pack_offset FROM objects WHERE study_uid = b.study_uid AND object_uid = b.object_uid LIMIT 1
) o ON true
"#;

/// Puts objects into quarantine; answers where the same bytes are, these or those of an earlier time.
pub(super) const HOLD: &str = r#"
WITH batch AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::bigint[], $9::integer[], $10::bytea[],
        $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::text[], $17::smallint[], $18::text[], $19::text[]
    ) WITH ORDINALITY AS b(
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason, n)
), fresh AS (
    INSERT INTO quarantine (
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason)
    SELECT
        study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
        calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason
    FROM batch
    ON CONFLICT DO NOTHING
    RETURNING study_uid, object_uid, digest
)
SELECT b.n - 1 AS n, f.object_uid IS NOT NULL AS fresh, q.digest, q.pack, q.pack_offset
FROM batch b
LEFT JOIN fresh f ON f.study_uid = b.study_uid AND f.object_uid = b.object_uid AND f.digest = b.digest
LEFT JOIN LATERAL (
    SELECT digest, pack, pack_offset FROM quarantine
    WHERE study_uid = b.study_uid AND object_uid = b.object_uid AND digest = b.digest LIMIT 1
) q ON true
"#;

/// Where the same bytes are held.
pub(super) const LOOK_HELD: &str = r#"
SELECT b.n - 1 AS n, q.digest, q.pack, q.pack_offset
FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS b(study_uid, object_uid, digest, n)
JOIN LATERAL (
    SELECT digest, pack, pack_offset FROM quarantine
    WHERE study_uid = b.study_uid AND object_uid = b.object_uid AND digest = b.digest LIMIT 1
) q ON true
"#;

/// How often a row may come and go under our eyes before we give up.
const LOOKS: u32 = 5;

/// What is under a key.
enum Found {
    Inserted,
    There {
        digest: [u8; 32],
        pack: PackId,
        offset: i64,
    },
    /// Committed by another transaction while our statement ran.
    Unseen,
}

impl Found {
    fn sees(&self, object: &NewObject) -> Option<Seen> {
        match self {
            Self::Unseen => None,
            Self::Inserted => Some(Seen::Here),
            Self::There { digest, pack, offset } => Some(if *digest != object.place.digest {
                Seen::Other
            } else if *pack == object.place.pack && *offset == row::signed(object.place.offset) {
                Seen::Here
            } else {
                Seen::Same
            }),
        }
    }
}

/// What a key's row is to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It refers to this place.
    Here,
    /// It refers to the same bytes at another place.
    Same,
    /// It refers to other bytes.
    Other,
}

impl Index {
    /// Indexes objects whose bytes are durable, and enqueues their jobs, in one round trip; answers in their order.
    ///
    /// May be repeated: what is indexed at the same place is [`Indexed::New`] (or `Held`) again. After an error it is
    /// unknown whether any object was indexed, so its bytes must stay until a repetition or [`Index::known`] tells.
    ///
    /// A second object of the same UIDs in a batch, and objects that replace others, take further round trips.
    pub async fn commit(&self, objects: &[NewObject], duplicates: Duplicates) -> Result<Vec<Indexed>, IndexError> {
        let mut answers = vec![None; objects.len()];
        let (held, mut left): (Vec<usize>, Vec<usize>) =
            (0..objects.len()).partition(|at| objects.get(*at).is_some_and(|object| object.held.is_some()));
        self.round(objects, held, &mut answers, Shelf::Quarantine, duplicates)
            .await?;
        while !left.is_empty() {
            let mut seen = HashSet::new();
            let (first, again) = left.into_iter().partition(|at| {
                objects
                    .get(*at)
                    .is_some_and(|object| seen.insert((&object.identity.study, &object.identity.sop_instance)))
            });
            self.round(objects, first, &mut answers, Shelf::Archive, duplicates)
                .await?;
            left = again;
        }
        let answered: Option<Vec<Indexed>> = answers.into_iter().collect();
        answered.ok_or(row::unreadable("an outcome"))
    }

    /// Indexes objects of which all are to be served or none, and enqueues their jobs, in one transaction. Under no policy does
    /// one take the place of another; those that are stored already, with the same bytes, are in nobody's way.
    ///
    /// May be repeated, as [`Index::commit`].
    pub async fn commit_together(&self, objects: &[NewObject]) -> Result<StoredTogether, IndexError> {
        let mut batch: Vec<&NewObject> = objects.iter().collect();
        batch.sort_by(|a, b| key(a).cmp(&key(b)));
        let twice: Vec<Uid> = batch
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] if key(a) == key(b) => Some(a.identity.sop_instance.clone()),
                _ => None,
            })
            .collect();
        if !twice.is_empty() {
            return Ok(StoredTogether::Conflict(twice));
        }
        let (rows, jobs, parents) = (Columns::of(&batch), Jobs::of(&batch)?, Parents::of(&batch));
        for _ in 0..LOOKS {
            let seen = again!(self.planned, connection => {
                let query = bind_objects(sqlx::query(INSERT), &rows, &batch);
                together(connection, jobs.bind(parents.bind(query)), &batch, &rows, &self.events)
            })?;
            let Some(seen) = seen else { continue };
            let others: Vec<Uid> = batch
                .iter()
                .zip(&seen)
                .filter(|(_, seen)| **seen == Seen::Other)
                .map(|(object, _)| object.identity.sop_instance.clone())
                .collect();
            if !others.is_empty() {
                return Ok(StoredTogether::Conflict(others));
            }
            self.familiar.learn(&batch);
            self.work.arrived();
            if self.events.wanted() {
                self.events.work.arrived();
            }
            let new: HashSet<_> = batch
                .iter()
                .zip(&seen)
                .filter(|(_, seen)| **seen == Seen::Here)
                .map(|(object, _)| key(object))
                .collect();
            let answer = |object| match new.contains(&key(object)) {
                true => Indexed::New,
                false => Indexed::Identical,
            };
            return Ok(StoredTogether::All(objects.iter().map(answer).collect()));
        }
        Err(IndexError::Unavailable("rows come and go while they are written"))
    }

    /// Indexes those of `objects` that `which` names.
    async fn round(
        &self,
        objects: &[NewObject],
        which: Vec<usize>,
        answers: &mut [Option<Indexed>],
        shelf: Shelf,
        duplicates: Duplicates,
    ) -> Result<(), IndexError> {
        let mut batch: Vec<(usize, &NewObject)> = which
            .into_iter()
            .filter_map(|at| Some((at, objects.get(at)?)))
            .collect();
        if batch.is_empty() {
            return Ok(());
        }
        batch.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)));
        let sorted: Vec<&NewObject> = batch.iter().map(|(_, object)| *object).collect();
        let seen = match shelf {
            Shelf::Quarantine => self.hold(&sorted).await?,
            Shelf::Archive => self.insert(&sorted).await?,
        };
        let mut replacing = Vec::new();
        for ((at, object), seen) in batch.iter().zip(seen) {
            let answer = match (shelf, seen, duplicates) {
                (Shelf::Quarantine, Seen::Here, _) => Indexed::Held,
                (Shelf::Archive, Seen::Here, _) => Indexed::New,
                (_, Seen::Same, _) => Indexed::Identical,
                (_, Seen::Other, Duplicates::KeepFirst) => Indexed::Conflict,
                (_, Seen::Other, Duplicates::Replace | Duplicates::KeepBoth) => {
                    replacing.push((*at, *object));
                    continue;
                }
            };
            if let Some(slot) = answers.get_mut(*at) {
                *slot = Some(answer);
            }
        }
        if !replacing.is_empty() {
            let which: Vec<&NewObject> = replacing.iter().map(|(_, object)| *object).collect();
            let replaced = self.replace(&which, duplicates == Duplicates::KeepBoth).await?;
            for ((at, _), answer) in replacing.iter().zip(replaced) {
                if let Some(slot) = answers.get_mut(*at) {
                    *slot = Some(answer);
                }
            }
        }
        let jobs = batch.iter().any(|(at, object)| {
            !object.jobs.is_empty() && matches!(answers.get(*at), Some(Some(Indexed::New | Indexed::Replaced)))
        });
        if jobs {
            self.work.arrived();
        }
        if self.events.wanted() {
            self.events.work.arrived();
        }
        Ok(())
    }

    async fn insert(&self, batch: &[&NewObject]) -> Result<Vec<Seen>, IndexError> {
        let rows = Columns::of(batch);
        let jobs = Jobs::of(batch)?;
        for _ in 0..LOOKS {
            let familiar = jobs.is_empty() && self.familiar.knows(batch);
            let answer = if familiar {
                again!(self.planned, connection => {
                    let query = bind_objects(sqlx::query(INSERT_FAMILIAR), &rows, batch);
                    run(connection, query, batch, &self.events)
                })?
            } else {
                let parents = Parents::of(batch);
                again!(self.planned, connection => {
                    let query = bind_objects(sqlx::query(INSERT), &rows, batch);
                    run(connection, jobs.bind(parents.bind(query)), batch, &self.events)
                })?
            };
            let mut found: Vec<Found> = batch.iter().map(|_| Found::Unseen).collect();
            read(&answer, &mut found)?;
            if found.iter().any(|found| matches!(found, Found::Unseen)) {
                let answer = again!(self.planned, connection => {
                    sqlx::query(LOOK).bind(&rows.study).bind(&rows.object).fetch_all(connection)
                })?;
                read(&answer, &mut found)?;
            }
            let seen: Option<Vec<Seen>> = batch
                .iter()
                .zip(&found)
                .map(|(object, found)| found.sees(object))
                .collect();
            if let Some(seen) = seen {
                if !familiar {
                    self.familiar.learn(batch);
                }
                return Ok(seen);
            }
            // A series that was remembered is gone, or a row was there for the insert and gone for the look: the index is
            // being cleared. Try again, relying on nothing.
            self.familiar.forget();
        }
        Err(IndexError::Unavailable("rows come and go while they are written"))
    }

    async fn hold(&self, batch: &[&NewObject]) -> Result<Vec<Seen>, IndexError> {
        let rows = Columns::of(batch);
        let said = |text: &str| text.replace('\0', "");
        let plugins: Vec<Option<String>> = batch
            .iter()
            .map(|object| object.held.as_ref()?.plugin.as_deref().map(said))
            .collect();
        let reasons: Vec<String> = batch
            .iter()
            .map(|object| object.held.as_ref().map(|held| said(&held.reason)).unwrap_or_default())
            .collect();
        for _ in 0..LOOKS {
            let answer = again!(self.planned, connection => {
                let query = bind_rows(sqlx::query(HOLD), &rows).bind(&plugins).bind(&reasons);
                run(connection, query, batch, &self.events)
            })?;
            let mut found: Vec<Found> = batch.iter().map(|_| Found::Unseen).collect();
            read(&answer, &mut found)?;
            // Of the same bytes twice in a batch, the one that was inserted is seen by the other only now.
            let answer = again!(self.planned, connection => {
                sqlx::query(LOOK_HELD).bind(&rows.study).bind(&rows.object).bind(&rows.digest).fetch_all(connection)
            })?;
            read(&answer, &mut found)?;
            let seen: Option<Vec<Seen>> = batch
                .iter()
                .zip(&found)
                .map(|(object, found)| found.sees(object))
                .collect();
            if let Some(seen) = seen {
                return Ok(seen);
            }
        }
        Err(IndexError::Unavailable("rows come and go while they are written"))
    }
}

/// Where an object is to be indexed.
#[derive(Clone, Copy)]
enum Shelf {
    Archive,
    Quarantine,
}

/// Inserts a batch; where events are wanted, what is new in it is one, in the same transaction.
async fn run(
    connection: &mut PgConnection,
    query: Bound<'_>,
    batch: &[&NewObject],
    events: &Events,
) -> Result<Vec<PgRow>, sqlx::Error> {
    if !events.wanted() {
        return query.fetch_all(connection).await;
    }
    let mut transaction = connection.begin().await?;
    let answer = query.fetch_all(&mut *transaction).await?;
    let mut new = Vec::new();
    for line in &answer {
        let at: i64 = line.try_get("n")?;
        if line.try_get("fresh")? {
            new.extend(usize::try_from(at).ok().and_then(|at| batch.get(at)).copied());
        }
    }
    append(&mut transaction, &of_objects(new)).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// Inserts a batch if no other bytes are under any of its keys. `None`: a row came and went; nothing was inserted.
async fn together(
    connection: &mut PgConnection,
    query: Bound<'_>,
    batch: &[&NewObject],
    rows: &Columns<'_>,
    events: &Events,
) -> Result<Option<Vec<Seen>>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let answer = query.fetch_all(&mut *transaction).await?;
    let mut found: Vec<Found> = batch.iter().map(|_| Found::Unseen).collect();
    let unreadable = |_| sqlx::Error::RowNotFound;
    read(&answer, &mut found).map_err(unreadable)?;
    let new: Vec<&NewObject> = batch
        .iter()
        .zip(&found)
        .filter(|(_, found)| matches!(found, Found::Inserted))
        .map(|(object, _)| *object)
        .collect();
    if found.iter().any(|found| matches!(found, Found::Unseen)) {
        let answer = sqlx::query(LOOK)
            .bind(&rows.study)
            .bind(&rows.object)
            .fetch_all(&mut *transaction)
            .await?;
        read(&answer, &mut found).map_err(unreadable)?;
    }
    let seen: Option<Vec<Seen>> = batch
        .iter()
        .zip(&found)
        .map(|(object, found)| found.sees(object))
        .collect();
    match &seen {
        Some(seen) if !seen.contains(&Seen::Other) => {
            if events.wanted() {
                append(&mut transaction, &of_objects(new)).await?;
            }
            transaction.commit().await?;
        }
        _ => transaction.rollback().await?,
    }
    Ok(seen)
}

fn key(object: &NewObject) -> (&Uid, &Uid) {
    (&object.identity.study, &object.identity.sop_instance)
}

fn read(answer: &[PgRow], found: &mut [Found]) -> Result<(), IndexError> {
    for line in answer {
        let at: i64 = line.try_get("n")?;
        let fresh = line.try_get::<bool, _>("fresh").unwrap_or(false);
        let there = match line.try_get::<Option<PackId>, _>("pack")? {
            _ if fresh => Found::Inserted,
            Some(pack) => Found::There {
                digest: row::digest(line)?,
                pack,
                offset: line.try_get("pack_offset")?,
            },
            None => continue,
        };
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| found.get_mut(at)) {
            *slot = there;
        }
    }
    Ok(())
}

/// What is under the keys of objects, as seen within a transaction that locked them.
pub(super) async fn look(
    connection: &mut PgConnection,
    batch: &[&NewObject],
    rows: &Columns<'_>,
) -> Result<Vec<Option<Seen>>, sqlx::Error> {
    let answer = sqlx::query(LOOK)
        .bind(&rows.study)
        .bind(&rows.object)
        .fetch_all(connection)
        .await?;
    let mut found: Vec<Found> = batch.iter().map(|_| Found::Unseen).collect();
    read(&answer, &mut found).map_err(|_| sqlx::Error::RowNotFound)?;
    Ok(batch
        .iter()
        .zip(&found)
        .map(|(object, found)| found.sees(object))
        .collect())
}

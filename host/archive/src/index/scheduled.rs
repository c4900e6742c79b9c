//! The modality worklist (PS3.4 Annex K): scheduled procedure steps that are kept, found and forgotten.
//!
//! Separate from the tables of what is stored, because no pack has any of it. The rules of matching are theirs all the same.
//! An entry is found until it ends: performed to its end, cancelled or removed. One that has ended stays for a time, and what
//! is told of it again changes nothing: so an order that is sent twice is not done twice.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use isocenter_dicom::{Tag, tags, uid::Uid};
use isocenter_procedure::{DataSet, Identity, ScheduledStep};
use serde_json::{Value, json};
use sqlx::{Row, postgres::PgRow, types::Json};

use super::{
    Index, IndexError, Level, SearchError, Within, again,
    attributes::{Read, json_key},
    fold::{self, Name},
    keys::{Key, Match},
    matching::{self, Condition},
    moment::{Date, Moment, Time},
    queue::millis,
    row,
    search::condition,
    sql::Sql,
};

/// The most entries of one page.
const MOST: u32 = 1000;
/// Entries that are deleted by one statement.
const PRUNED: i64 = 2000;

const fn key(tag: Tag, matching: Match) -> Key {
    Key {
        tag,
        level: Level::Study,
        matching,
    }
}

/// What matches at the top of an entry: the required keys of PS3.4 table K.6-1, and some that people use.
pub(super) const KEYS: [Key; 8] = [
    key(
        tags::PATIENT_NAME,
        Match::Name {
            groups: [
                "w.patient_name",
                "w.patient_name_ideographic",
                "w.patient_name_phonetic",
            ],
            words: "w.patient_name",
        },
    ),
    key(tags::PATIENT_ID, Match::Text("w.patient_id")),
    key(tags::ISSUER_OF_PATIENT_ID, Match::Text("w.patient_id_issuer")),
    key(tags::PATIENT_BIRTH_DATE, Match::Date("w.patient_birth_date")),
    key(tags::PATIENT_SEX, Match::Text("w.patient_sex")),
    key(tags::ACCESSION_NUMBER, Match::Text("w.accession_number")),
    key(tags::REQUESTED_PROCEDURE_ID, Match::Text("w.requested_procedure_id")),
    key(tags::STUDY_INSTANCE_UID, Match::Uid("w.study_uid")),
];

/// What matches in the item of its Scheduled Procedure Step Sequence.
pub(super) const KEYS_OF_STEP: [Key; 7] = [
    key(tags::SCHEDULED_STATION_AE_TITLE, Match::AnyItem("w.station_aes")),
    key(tags::MODALITY, Match::Text("w.modality")),
    key(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, Match::Date("w.start_date")),
    key(tags::SCHEDULED_PROCEDURE_STEP_START_TIME, Match::Time("w.start_time")),
    key(
        tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME,
        Match::Name {
            groups: [
                "w.performing_name",
                "w.performing_name_ideographic",
                "w.performing_name_phonetic",
            ],
            words: "w.performing_name",
        },
    ),
    key(tags::SCHEDULED_PROCEDURE_STEP_ID, Match::Text("w.step_id")),
    key(tags::SCHEDULED_PROCEDURE_STEP_STATUS, Match::Text("w.status")),
];

/// A search of the worklist: matching keys with their values, `\` between several.
#[derive(Clone, Debug, Default)]
pub struct Scheduled {
    /// Keys of the entry itself.
    pub of_entry: Vec<(Tag, String)>,
    /// Keys of its Scheduled Procedure Step.
    pub of_step: Vec<(Tag, String)>,
}

/// Where a page of the worklist ended.
#[derive(Clone, Debug)]
pub struct ScheduledPosition {
    date: Date,
    time: Time,
    study: String,
    step: String,
}

/// An entry, as it is kept.
#[derive(Clone, Debug)]
pub struct KeptStep {
    /// Study Instance UID.
    pub study: Uid,
    /// Scheduled Procedure Step ID.
    pub step: String,
    /// Scheduled Procedure Step Status.
    pub status: String,
    /// SOP Instance UID of the performed step that began last.
    pub performed: Option<String>,
    /// How it ended; `None`: it did not.
    pub outcome: Option<String>,
    /// When it was scheduled first.
    pub scheduled: SystemTime,
    /// When anything changed last.
    pub changed: SystemTime,
    /// All that is known of it, as DICOM JSON.
    pub data_set: DataSet,
}

impl Scheduled {
    /// Whether a key of the entry itself can be matched.
    pub fn can_match(tag: Tag) -> bool {
        KEYS.iter().any(|key| key.tag == tag)
    }

    /// Whether a key of its Scheduled Procedure Step can be matched.
    pub fn can_match_of_step(tag: Tag) -> bool {
        KEYS_OF_STEP.iter().any(|key| key.tag == tag)
    }

    fn conditions(&self) -> Result<Vec<Condition>, SearchError> {
        let (date, time) = (
            tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
            tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
        );
        let given = |wanted: Tag| {
            let found = self.of_step.iter().find(|(tag, _)| *tag == wanted);
            found.map(|(_, value)| value.as_str())
        };
        // Two ranges are one range of moments here, without negotiation (table K.6-1).
        let moments = match (given(date), given(time)) {
            (Some(days), Some(times)) => {
                matching::moments(("w.start_date", "w.start_time"), (date, time), days, times)?
            }
            _ => None,
        };
        let mut conditions = Vec::new();
        for (keys, values) in [(&KEYS[..], &self.of_entry), (&KEYS_OF_STEP[..], &self.of_step)] {
            for (tag, value) in values {
                if moments.is_some() && (*tag == date || *tag == time) {
                    continue;
                }
                let Some(key) = keys.iter().find(|key| key.tag == *tag) else {
                    continue;
                };
                conditions.extend(matching::read(key, value, false)?);
            }
        }
        conditions.extend(moments);
        Ok(conditions)
    }
}

const PAGE: &str = "SELECT w.study_uid, w.step_id, w.status, w.performed, w.outcome, w.scheduled, w.changed, w.attributes, \
                    w.start_date, w.start_time FROM scheduled_steps w WHERE w.ended IS NULL";
fn select(sql: &mut Sql, conditions: &[Condition], after: Option<&ScheduledPosition>, limit: u32) {
    for asked in conditions {
        sql.text(" AND ");
        condition(sql, asked, &Within::everything());
    }
    if let Some(after) = after {
        sql.text(" AND (w.start_date, w.start_time, w.study_uid, w.step_id) > (")
            .value(after.date);
        sql.text(", ").value(after.time);
        sql.text(", ").value(after.study.clone());
        sql.text(", ").value(after.step.clone()).text(")");
    }
    sql.text(" ORDER BY w.start_date, w.start_time, w.study_uid, w.step_id LIMIT ")
        .value(i64::from(limit));
}

/// One statement for a batch. What has ended stays as it is, unless it was cancelled; what is being performed keeps its status.
pub(super) const SCHEDULE: &str = r#"
INSERT INTO scheduled_steps (study_uid, step_id, station_aes, modality, start_date, start_time,
    performing_name, performing_name_ideographic, performing_name_phonetic,
    patient_name, patient_name_ideographic, patient_name_phonetic,
    patient_id, patient_id_issuer, patient_birth_date, patient_sex,
    accession_number, requested_procedure_id, placer, filler, status, attributes)
SELECT n.study_uid, n.step_id, string_to_array(n.station_aes, '\'), n.modality, n.start_date, n.start_time,
    n.performing_name, n.performing_name_ideographic, n.performing_name_phonetic,
    n.patient_name, n.patient_name_ideographic, n.patient_name_phonetic,
    n.patient_id, n.patient_id_issuer, n.patient_birth_date, n.patient_sex,
    n.accession_number, n.requested_procedure_id, n.placer, n.filler, n.status, n.attributes
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::time[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::date[], $16::text[], $17::text[], $18::text[],
    $19::text[], $20::text[], $21::text[], $22::jsonb[])
    AS n(study_uid, step_id, station_aes, modality, start_date, start_time,
    performing_name, performing_name_ideographic, performing_name_phonetic,
    patient_name, patient_name_ideographic, patient_name_phonetic,
    patient_id, patient_id_issuer, patient_birth_date, patient_sex,
    accession_number, requested_procedure_id, placer, filler, status, attributes)
ORDER BY n.study_uid, n.step_id
ON CONFLICT (study_uid, step_id) DO UPDATE SET
    station_aes = excluded.station_aes, modality = excluded.modality,
    start_date = excluded.start_date, start_time = excluded.start_time,
    performing_name = excluded.performing_name,
    performing_name_ideographic = excluded.performing_name_ideographic,
    performing_name_phonetic = excluded.performing_name_phonetic,
    patient_name = excluded.patient_name,
    patient_name_ideographic = excluded.patient_name_ideographic,
    patient_name_phonetic = excluded.patient_name_phonetic,
    patient_id = excluded.patient_id, patient_id_issuer = excluded.patient_id_issuer,
    patient_birth_date = excluded.patient_birth_date, patient_sex = excluded.patient_sex,
    accession_number = excluded.accession_number, requested_procedure_id = excluded.requested_procedure_id,
    placer = excluded.placer, filler = excluded.filler,
    status = CASE WHEN scheduled_steps.performed IS NULL OR scheduled_steps.outcome = 'cancelled' THEN excluded.status
        ELSE scheduled_steps.status END,
    attributes = excluded.attributes, changed = now(),
    performed = CASE WHEN scheduled_steps.outcome = 'cancelled' THEN NULL ELSE scheduled_steps.performed END,
    ended = NULL, outcome = NULL
    WHERE scheduled_steps.ended IS NULL OR scheduled_steps.outcome = 'cancelled'
RETURNING study_uid, step_id
"#;

/// What an order's numbers, or its study, name: one of them is the same, and none of the numbers is another.
macro_rules! of_order {
    ($begin:literal, $end:literal) => {
        concat!(
            $begin,
            "(w.study_uid = $1 OR w.accession_number = $2 OR w.placer = $3 OR w.filler = $4) \
             AND coalesce(w.accession_number = $2, true) AND coalesce(w.placer = $3, true) \
             AND coalesce(w.filler = $4, true) AND ($5::text IS NULL OR w.step_id = $5)",
            $end
        )
    };
}
pub(super) const STEPS_OF_ORDER: &str = of_order!(
    "SELECT w.study_uid, w.step_id, w.status, w.performed, w.outcome, w.scheduled, w.changed, w.attributes, \
     w.start_date, w.start_time FROM scheduled_steps w WHERE ",
    " ORDER BY w.scheduled, w.study_uid LIMIT 100"
);
pub(super) const END_ORDER: &str = of_order!(
    "UPDATE scheduled_steps w SET ended = now(), outcome = $7, changed = now() WHERE w.ended IS NULL AND ",
    " AND ($6::text IS NULL OR w.patient_id = $6)"
);
pub(super) const STATUS_OF_ORDER: &str = of_order!(
    "UPDATE scheduled_steps w SET status = $7, changed = now() WHERE w.ended IS NULL AND w.performed IS NULL AND ",
    " AND ($6::text IS NULL OR w.patient_id = $6)"
);

const REMOVE: &str = "DELETE FROM scheduled_steps WHERE study_uid = $1 AND step_id = $2";

const ONE: &str = "SELECT w.study_uid, w.step_id, w.status, w.performed, w.outcome, w.scheduled, w.changed, w.attributes, \
                   w.start_date, w.start_time FROM scheduled_steps w WHERE w.study_uid = $1 AND w.step_id = $2";

/// What ended long ago, and what should have begun long ago.
pub(super) const PRUNE: &str = r#"
DELETE FROM scheduled_steps WHERE (study_uid, step_id) IN (
    (SELECT study_uid, step_id FROM scheduled_steps
     WHERE ended IS NOT NULL AND ended < now() - $1 * interval '1 millisecond' LIMIT $2)
    UNION ALL
    (SELECT study_uid, step_id FROM scheduled_steps
     WHERE ended IS NULL AND start_date < (now() - $1 * interval '1 millisecond')::date - 1
         AND changed < now() - $1 * interval '1 millisecond' LIMIT $2)
)
"#;

/// The columns of entries.
#[derive(Default)]
struct Columns<'a> {
    study: Vec<&'a str>,
    step: Vec<&'a str>,
    stations: Vec<String>,
    modality: Vec<String>,
    date: Vec<Date>,
    time: Vec<Time>,
    performing: [Vec<Option<String>>; 3],
    patient: [Vec<Option<String>>; 3],
    id: Vec<String>,
    issuer: Vec<Option<String>>,
    birth_date: Vec<Option<Date>>,
    sex: Vec<Option<String>>,
    accession_number: Vec<Option<String>>,
    procedure: Vec<String>,
    placer: Vec<Option<String>>,
    filler: Vec<Option<String>>,
    status: Vec<String>,
    attributes: Vec<Json<&'a DataSet>>,
}

impl<'a> Columns<'a> {
    /// Of a checked entry; what could not be read as a date or time would have been refused there.
    fn add(&mut self, entry: &'a ScheduledStep) -> Result<(), IndexError> {
        let lacking = || row::unreadable("an entry of the worklist that lacks what it must have");
        let read = Read::of(entry.data_set());
        let step = read
            .items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE)
            .next()
            .ok_or_else(lacking)?;
        let put = |columns: &mut [Vec<Option<String>>; 3], name: Name| {
            let groups = [name.alphabetic, name.ideographic, name.phonetic];
            for (column, group) in columns.iter_mut().zip(groups) {
                column.push(group);
            }
        };
        let text = |read: &Read<'_>, tag: Tag| read.text(tag).ok_or_else(lacking);
        let order = entry.order();
        let exact = |text: Option<String>| text.as_deref().and_then(fold::exact);
        self.study.push(entry.study().as_str());
        self.step.push(entry.step());
        self.stations.push(text(&step, tags::SCHEDULED_STATION_AE_TITLE)?);
        self.modality.push(text(&step, tags::MODALITY)?);
        self.date.push(
            step.date(tags::SCHEDULED_PROCEDURE_STEP_START_DATE)
                .ok_or_else(lacking)?,
        );
        self.time.push(
            step.time(tags::SCHEDULED_PROCEDURE_STEP_START_TIME)
                .ok_or_else(lacking)?,
        );
        put(
            &mut self.performing,
            step.name(tags::SCHEDULED_PERFORMING_PHYSICIAN_NAME),
        );
        put(&mut self.patient, read.name(tags::PATIENT_NAME));
        self.id.push(text(&read, tags::PATIENT_ID)?);
        self.issuer.push(read.text(tags::ISSUER_OF_PATIENT_ID));
        self.birth_date.push(read.date(tags::PATIENT_BIRTH_DATE));
        self.sex.push(read.text(tags::PATIENT_SEX));
        self.accession_number.push(exact(order.accession_number));
        self.procedure.push(text(&read, tags::REQUESTED_PROCEDURE_ID)?);
        self.placer.push(exact(order.placer));
        self.filler.push(exact(order.filler));
        self.status.push(text(&step, tags::SCHEDULED_PROCEDURE_STEP_STATUS)?);
        self.attributes.push(Json(entry.data_set()));
        Ok(())
    }

    fn query(&self) -> super::columns::Bound<'_> {
        let [performing, performing_ideographic, performing_phonetic] = &self.performing;
        let [patient, patient_ideographic, patient_phonetic] = &self.patient;
        sqlx::query(SCHEDULE)
            .bind(&self.study)
            .bind(&self.step)
            .bind(&self.stations)
            .bind(&self.modality)
            .bind(&self.date)
            .bind(&self.time)
            .bind(performing)
            .bind(performing_ideographic)
            .bind(performing_phonetic)
            .bind(patient)
            .bind(patient_ideographic)
            .bind(patient_phonetic)
            .bind(&self.id)
            .bind(&self.issuer)
            .bind(&self.birth_date)
            .bind(&self.sex)
            .bind(&self.accession_number)
            .bind(&self.procedure)
            .bind(&self.placer)
            .bind(&self.filler)
            .bind(&self.status)
            .bind(&self.attributes)
    }
}

impl Index {
    /// Keeps entries, or what is new of them: all or none, durably. Answers which are kept; an entry whose step was performed or
    /// discontinued stays as it was, and is not among them. Of two with the same study and step the last counts.
    pub async fn schedule(&self, entries: &[ScheduledStep]) -> Result<Vec<(Uid, String)>, IndexError> {
        let last: BTreeMap<(&str, &str), &ScheduledStep> = entries
            .iter()
            .map(|entry| ((entry.study().as_str(), entry.step()), entry))
            .collect();
        let mut columns = Columns::default();
        for entry in last.values() {
            columns.add(entry)?;
        }
        let rows = again!(self.pool, connection => columns.query().fetch_all(connection))?;
        rows.iter()
            .map(|line| Ok((row::uid(line, "study_uid")?, line.try_get("step_id")?)))
            .collect()
    }

    /// A page of what is to be done and matches, in the order in which it is to begin: at most `limit`, and at most 1000, after
    /// where the page before ended; and where this one ends, `None` when nothing follows.
    ///
    /// # Errors
    /// [`SearchError`]: a value cannot be read.
    pub async fn worklist(
        &self,
        search: &Scheduled,
        after: Option<&ScheduledPosition>,
        limit: u32,
    ) -> Result<(Vec<KeptStep>, Option<ScheduledPosition>), SearchError> {
        let conditions = search.conditions()?;
        let limit = limit.clamp(1, MOST);
        let rows = again!(self.pool, connection => async {
            let mut sql = Sql::new(PAGE);
            select(&mut sql, &conditions, after, limit);
            sql.query().fetch_all(connection).await
        })
        .map_err(SearchError::Index)?;
        let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let position = rows.last().filter(|_| full).map(position).transpose()?;
        let entries: Result<_, IndexError> = rows.iter().map(kept).collect();
        Ok((entries?, position))
    }

    /// The plan that Postgres makes for a page: for tests of the schema.
    #[cfg(test)]
    pub(super) async fn explain_worklist(
        &self,
        search: &Scheduled,
        after: Option<&ScheduledPosition>,
    ) -> Result<String, SearchError> {
        let conditions = search.conditions()?;
        let mut sql = Sql::new("EXPLAIN ");
        sql.text(PAGE);
        select(&mut sql, &conditions, after, 250);
        let rows = sql.query().fetch_all(&self.pool).await.map_err(IndexError::from)?;
        let lines: Result<Vec<String>, sqlx::Error> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(lines.map_err(IndexError::from)?.join("\n"))
    }

    /// One entry, ended or not.
    pub async fn scheduled_step(&self, study: &Uid, step: &str) -> Result<Option<KeptStep>, IndexError> {
        let Some(step) = fold::exact(step) else {
            return Ok(None);
        };
        let found = again!(self.pool, connection => {
            sqlx::query(ONE).bind(study.as_str()).bind(&step).fetch_optional(connection)
        })?;
        found.as_ref().map(kept).transpose()
    }

    /// The entries of an order, ended ones too: of a step, where one is named. Whose they are does not matter.
    pub async fn steps_of_order(&self, identity: &Identity) -> Result<Vec<KeptStep>, IndexError> {
        let named = Named::of(identity);
        let rows = again!(self.pool, connection => named.bind(STEPS_OF_ORDER).fetch_all(connection))?;
        rows.iter().map(kept).collect()
    }

    /// Ends what an order says, of its patient where one is named: `cancelled`, `discontinued` or `completed`. Says how many
    /// entries it was.
    pub async fn end_order(&self, identity: &Identity, outcome: &'static str) -> Result<u64, IndexError> {
        let named = Named::of(identity);
        let ended = again!(self.pool, connection => {
            named.bind(END_ORDER).bind(&named.patient).bind(outcome).execute(connection)
        })?;
        Ok(ended.rows_affected())
    }

    /// Sets the status of what an order says, where no modality has begun it. Says how many entries it was.
    pub async fn set_order_status(&self, identity: &Identity, status: &'static str) -> Result<u64, IndexError> {
        let named = Named::of(identity);
        let set = again!(self.pool, connection => {
            named.bind(STATUS_OF_ORDER).bind(&named.patient).bind(status).execute(connection)
        })?;
        Ok(set.rows_affected())
    }

    /// Forgets an entry, ended or not: told again, it is new. Says whether there was one.
    pub async fn remove_scheduled(&self, study: &Uid, step: &str) -> Result<bool, IndexError> {
        let Some(step) = fold::exact(step) else {
            return Ok(false);
        };
        let removed = again!(self.pool, connection => {
            sqlx::query(REMOVE).bind(study.as_str()).bind(&step).execute(connection)
        })?;
        Ok(removed.rows_affected() > 0)
    }

    /// Forgets entries that ended, or should have begun, longer ago than `keep`, some thousands by each statement. Says how many.
    pub async fn prune_scheduled(&self, keep: Duration) -> Result<u64, IndexError> {
        let mut pruned = 0;
        loop {
            let done = again!(self.pool, connection => {
                sqlx::query(PRUNE).bind(millis(keep)).bind(PRUNED).execute(connection)
            })?;
            if done.rows_affected() == 0 {
                return Ok(pruned);
            }
            pruned += done.rows_affected();
        }
    }
}

/// An identity as its columns have it.
struct Named {
    study: Option<String>,
    accession_number: Option<String>,
    placer: Option<String>,
    filler: Option<String>,
    step: Option<String>,
    patient: Option<String>,
}

impl Named {
    fn of(identity: &Identity) -> Self {
        let exact = |text: &Option<String>| text.as_deref().and_then(fold::exact);
        Self {
            study: identity.study.as_ref().map(|uid| uid.as_str().to_owned()),
            accession_number: exact(&identity.order.accession_number),
            placer: exact(&identity.order.placer),
            filler: exact(&identity.order.filler),
            step: exact(&identity.step),
            patient: exact(&identity.patient),
        }
    }

    /// $1 to $5.
    fn bind(&self, sql: &'static str) -> super::columns::Bound<'_> {
        sqlx::query(sql)
            .bind(&self.study)
            .bind(&self.accession_number)
            .bind(&self.placer)
            .bind(&self.filler)
            .bind(&self.step)
    }
}

fn position(line: &PgRow) -> Result<ScheduledPosition, IndexError> {
    Ok(ScheduledPosition {
        date: line.try_get("start_date")?,
        time: line.try_get("start_time")?,
        study: line.try_get("study_uid")?,
        step: line.try_get("step_id")?,
    })
}

fn kept(line: &PgRow) -> Result<KeptStep, IndexError> {
    let Json(mut data_set): Json<DataSet> = line.try_get("attributes")?;
    let status: String = line.try_get("status")?;
    let item = data_set
        .get_mut(&json_key(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE))
        .and_then(|sequence| sequence.pointer_mut("/Value/0"))
        .and_then(Value::as_object_mut);
    if let Some(item) = item {
        let element = json!({ "vr": "CS", "Value": [status] });
        item.insert(json_key(tags::SCHEDULED_PROCEDURE_STEP_STATUS), element);
    }
    Ok(KeptStep {
        study: row::uid(line, "study_uid")?,
        step: line.try_get("step_id")?,
        status,
        performed: line.try_get("performed")?,
        outcome: line.try_get("outcome")?,
        scheduled: line.try_get::<Moment, _>("scheduled")?.into(),
        changed: line.try_get::<Moment, _>("changed")?.into(),
        data_set,
    })
}

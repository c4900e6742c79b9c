//! Performed procedure steps (PS3.4 Annex F): what modalities say that they do, kept before it is acknowledged.
//!
//! A step that begins is tied to what was scheduled, and a step that ends takes that from the worklist, each in the transaction
//! that keeps it. Where two performed steps are for one scheduled step, the one that began last decides.

use std::time::SystemTime;

use isocenter_dicom::{tags, uid::Uid};
use isocenter_procedure::{DataSet, PerformedStep, State, Unfit, Values};
use sqlx::{Connection, PgConnection, Row, postgres::PgRow, types::Json};

use super::{Index, IndexError, NewEvent, again, attributes::clean, events, fold, moment::Moment, row};

/// The most entries of one page.
const MOST: u32 = 1000;

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is kept; the state it is in now.
    To(State),
    /// There is no such performed step.
    NoSuch,
    /// The step has ended, and is not changed any more.
    Final,
    /// What it would become is no performed step.
    Unfit(Unfit),
}

/// A performed step, as it is kept.
#[derive(Clone, Debug)]
pub struct KeptPerformed {
    /// Grows from step to step: the order in which they were created.
    pub id: i64,
    /// SOP Instance UID.
    pub uid: Uid,
    /// Whether it goes on.
    pub state: State,
    /// The studies that it is for.
    pub studies: Vec<String>,
    /// Who created it.
    pub calling_ae: Option<String>,
    /// When it was created.
    pub created: SystemTime,
    /// When it was changed last.
    pub changed: SystemTime,
    /// All that is known of it, as DICOM JSON.
    pub data_set: DataSet,
}

pub(super) const CREATE: &str = r#"
INSERT INTO performed_steps (uid, state, studies, attributes, calling_ae) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (uid) DO NOTHING
"#;

const IS_SAME: &str = "SELECT attributes = $2 FROM performed_steps WHERE uid = $1";

pub(super) const LOCK: &str = "SELECT attributes, studies FROM performed_steps WHERE uid = $1 FOR UPDATE";

pub(super) const CHANGE: &str =
    "UPDATE performed_steps SET state = $2, attributes = $3, changed = now() WHERE uid = $1";

/// By study and step; or, where the modality gave the study another UID, by the order's number, the patient and the step.
pub(super) const TIE: &str = r#"
UPDATE scheduled_steps w SET performed = $1, status = 'STARTED', changed = now()
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS r(study_uid, step_id, requested_procedure_id, accession_number)
WHERE w.ended IS NULL AND w.step_id = r.step_id
    AND (w.study_uid = r.study_uid OR (w.accession_number = r.accession_number AND w.patient_id = $6))
    AND (r.requested_procedure_id IS NULL OR w.requested_procedure_id = r.requested_procedure_id)
    AND (w.performed IS NULL OR $7)
"#;

/// What is tied to it, or was not there when it began.
pub(super) const END: &str = r#"
UPDATE scheduled_steps SET ended = now(), outcome = $2, changed = now() WHERE performed = $1 AND ended IS NULL
"#;

const ONE: &str =
    "SELECT id, uid, state, studies, attributes, calling_ae, created, changed FROM performed_steps WHERE uid = $1";

const LATEST: &str = r#"
SELECT id, uid, state, studies, attributes, calling_ae, created, changed FROM performed_steps
WHERE ($1::bigint IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
"#;

pub(super) const OF_STUDY: &str = r#"
SELECT id, uid, state, studies, attributes, calling_ae, created, changed FROM performed_steps
WHERE studies && ARRAY[$3] AND ($1::bigint IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
"#;

impl Index {
    /// Keeps a new performed step under its SOP Instance UID, durably, and ties it to what was scheduled. `false`: there is one
    /// of that UID.
    pub async fn create_performed(
        &self,
        uid: &Uid,
        step: &PerformedStep,
        calling_ae: &str,
    ) -> Result<bool, IndexError> {
        let new = New {
            uid,
            step,
            data_set: cleaned(step.data_set()),
            calling_ae: fold::exact(calling_ae),
            tell: self.events.wanted(),
        };
        let mut tries = 0;
        let created = again!(self.pool, connection => {
            tries += 1;
            create(connection, &new, tries > 1)
        })?;
        self.events.work.arrived();
        Ok(created)
    }

    /// Changes a performed step that is in progress, durably. One that ends takes what was scheduled from the worklist.
    pub async fn change_performed(&self, uid: &Uid, changes: &DataSet) -> Result<Changed, IndexError> {
        let changes = cleaned(changes);
        let tell = self.events.wanted();
        // Set by the first try: one whose connection breaks may have been committed all the same.
        let mut earlier = None;
        let changed = again!(self.pool, connection => change(connection, uid, &changes, tell, &mut earlier))?;
        self.events.work.arrived();
        changed
    }

    /// One performed step.
    pub async fn performed_step(&self, uid: &Uid) -> Result<Option<KeptPerformed>, IndexError> {
        let found = again!(self.pool, connection => sqlx::query(ONE).bind(uid.as_str()).fetch_optional(connection))?;
        found.as_ref().map(kept).transpose()
    }

    /// Performed steps, of a study or all, the latest first: at most `limit`, and at most 1000, created before the one with the
    /// number `before`.
    pub async fn performed_steps(
        &self,
        study: Option<&Uid>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptPerformed>, IndexError> {
        let limit = i64::from(limit.clamp(1, MOST));
        let rows = again!(self.pool, connection => async {
            let query = match study {
                None => sqlx::query(LATEST).bind(before).bind(limit),
                Some(study) => sqlx::query(OF_STUDY).bind(before).bind(limit).bind(study.as_str()),
            };
            query.fetch_all(connection).await
        })?;
        rows.iter().map(kept).collect()
    }
}

/// Without what Postgres has no room for in JSON.
fn cleaned(data_set: &DataSet) -> DataSet {
    let mut data_set = data_set.clone();
    data_set.values_mut().for_each(|element| clean(element, 0));
    data_set
}

/// A step that is to be created.
struct New<'a> {
    uid: &'a Uid,
    step: &'a PerformedStep,
    data_set: DataSet,
    calling_ae: Option<String>,
    tell: bool,
}

/// `again`: an earlier try may have been committed, although its answer was lost.
async fn create(connection: &mut PgConnection, new: &New<'_>, again: bool) -> Result<bool, sqlx::Error> {
    let uid = new.uid.as_str();
    let mut transaction = connection.begin().await?;
    let references = new.step.references();
    let studies: Vec<&str> = references
        .iter()
        .filter_map(|reference| reference.study.as_ref().map(Uid::as_str))
        .collect();
    let created = sqlx::query(CREATE)
        .bind(uid)
        .bind(new.step.state().as_str())
        .bind(&studies)
        .bind(Json(&new.data_set))
        .bind(&new.calling_ae)
        .execute(&mut *transaction)
        .await?;
    if created.rows_affected() == 0 {
        let same: Option<bool> = sqlx::query_scalar(IS_SAME)
            .bind(uid)
            .bind(Json(&new.data_set))
            .fetch_optional(&mut *transaction)
            .await?;
        return Ok(again && same == Some(true));
    }
    tie(&mut transaction, new.uid, new.step, Tie::Every).await?;
    if new.tell {
        let event = NewEvent::procedure(new.uid, new.step.state(), &studies);
        events::append(&mut transaction, &[event]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Which scheduled steps a performed one is tied to, of those that it names.
#[derive(Clone, Copy, PartialEq)]
enum Tie {
    /// All: it has begun last.
    Every,
    /// Those that nobody has begun.
    Untouched,
}

/// Ties a performed step to what was scheduled.
async fn tie(connection: &mut PgConnection, uid: &Uid, step: &PerformedStep, which: Tie) -> Result<(), sqlx::Error> {
    let references = step.references();
    let exact = |text: &Option<String>| text.as_deref().and_then(fold::exact);
    let column = |of: &dyn Fn(&isocenter_procedure::Reference) -> Option<String>| -> Vec<Option<String>> {
        references.iter().map(of).collect()
    };
    sqlx::query(TIE)
        .bind(uid.as_str())
        .bind(column(&|reference| reference.study.as_ref().map(ToString::to_string)))
        .bind(column(&|reference| exact(&reference.step)))
        .bind(column(&|reference| exact(&reference.requested_procedure)))
        .bind(column(&|reference| exact(&reference.accession_number)))
        .bind(exact(&step.data_set().first(tags::PATIENT_ID)))
        .bind(which == Tie::Every)
        .execute(connection)
        .await?;
    Ok(())
}

/// The inner error: what is kept cannot be read.
async fn change(
    connection: &mut PgConnection,
    uid: &Uid,
    changes: &DataSet,
    told: bool,
    earlier: &mut Option<DataSet>,
) -> Result<Result<Changed, IndexError>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let found = sqlx::query(LOCK)
        .bind(uid.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(found) = found else {
        return Ok(Ok(Changed::NoSuch));
    };
    let Json(data_set): Json<DataSet> = found.try_get("attributes")?;
    let studies: Vec<String> = found.try_get("studies")?;
    let Ok(before) = PerformedStep::stored(data_set) else {
        return Ok(Err(row::unreadable("a performed step")));
    };
    if before.state() != State::InProgress {
        let written = earlier.as_ref() == Some(before.data_set());
        return Ok(Ok(if written {
            Changed::To(before.state())
        } else {
            Changed::Final
        }));
    }
    let after = match before.changed(changes.clone()) {
        Ok(after) => after,
        Err(unfit) => return Ok(Ok(Changed::Unfit(unfit))),
    };
    sqlx::query(CHANGE)
        .bind(uid.as_str())
        .bind(after.state().as_str())
        .bind(Json(after.data_set()))
        .execute(&mut *transaction)
        .await?;
    let outcome = match after.state() {
        State::InProgress => None,
        State::Completed => Some("completed"),
        State::Discontinued => Some("discontinued"),
    };
    if let Some(outcome) = outcome {
        // What was scheduled after it began is tied to it now; what another step has taken up since is not its any more.
        tie(&mut transaction, uid, &after, Tie::Untouched).await?;
        sqlx::query(END)
            .bind(uid.as_str())
            .bind(outcome)
            .execute(&mut *transaction)
            .await?;
        if told {
            let studies: Vec<&str> = studies.iter().map(String::as_str).collect();
            let event = NewEvent::procedure(uid, after.state(), &studies);
            events::append(&mut transaction, &[event]).await?;
        }
    }
    *earlier = Some(after.data_set().clone());
    transaction.commit().await?;
    Ok(Ok(Changed::To(after.state())))
}

fn kept(line: &PgRow) -> Result<KeptPerformed, IndexError> {
    Ok(KeptPerformed {
        id: line.try_get("id")?,
        uid: row::uid(line, "uid")?,
        state: State::parse(line.try_get("state")?).ok_or(row::unreadable("a state"))?,
        studies: line.try_get("studies")?,
        calling_ae: line.try_get("calling_ae")?,
        created: line.try_get::<Moment, _>("created")?.into(),
        changed: line.try_get::<Moment, _>("changed")?.into(),
        data_set: line.try_get::<Json<DataSet>, _>("attributes")?.0,
    })
}

//! What happened, in order, for sinks to be told. Rows are only ever added, and pruned when every sink has passed them.
//!
//! Separate because of one promise: whoever reads up to an event has seen every event before it, for ever. Numbers from a
//! sequence alone do not give that, since a transaction that drew a low one may commit after another that drew a higher. So
//! numbers are drawn under a lock of the database that is held until the commit: events are numbered in the order in which
//! they become visible. Whoever holds the lock waits for nothing but its own commit, because a transaction takes it as the
//! last thing it does. Commits that append events therefore come one after another over all hosts, a few hundred objects at
//! a time; where no sink is configured, no event is wanted and nothing is locked.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use isocenter_dicom::{Uid, header::Identity};
use isocenter_procedure::State;
use serde_json::{Value, json};
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{
    Held, Index, IndexError, Job, NewObject, Source, again, fold, moment::Moment, queue::millis, row, work::Work,
};

/// The longest page.
const LONGEST_PAGE: u32 = 1000;
/// Where a sink wants some kinds only, so many events are looked through for a page.
const LOOKED_THROUGH: u32 = 5000;
/// Events that are deleted by one statement.
const PRUNED: u32 = 5000;
/// How long an event stays that every sink has passed.
const PASSED: Duration = Duration::from_secs(86_400);
/// How long an event stays for a sink that does not come.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The kinds of events that there are; `plugin-api/events.md` says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An object can be found from now on.
    ObjectStored,
    /// An object is held for a person.
    ObjectQuarantined,
    /// Nothing has arrived for the quiet time of a chain.
    StudyQuiet,
    /// A delivery was given up and waits for a person.
    DeliveryDead,
    /// A modality has begun a procedure step.
    ProcedureStarted,
    /// A procedure step was completed or discontinued.
    ProcedureEnded,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ObjectStored,
        Self::ObjectQuarantined,
        Self::StudyQuiet,
        Self::DeliveryDead,
        Self::ProcedureStarted,
        Self::ProcedureEnded,
    ];

    /// As sinks are told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ObjectStored => "object.stored",
            Self::ObjectQuarantined => "object.quarantined",
            Self::StudyQuiet => "study.quiet",
            Self::DeliveryDead => "delivery.dead",
            Self::ProcedureStarted => "procedure.started",
            Self::ProcedureEnded => "procedure.ended",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What kind: words with dots, such as `study.quiet`; at most 100 characters.
    pub kind: Cow<'static, str>,
    /// What is known of it, as JSON of at most 64 KiB. UIDs and names of the configuration; nothing else of a patient.
    pub data: Value,
}

impl NewEvent {
    /// An event of a kind, which for sinks is an [`EventKind`].
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, data: Value) -> Self {
        Self {
            kind: kind.into(),
            data,
        }
    }

    /// `object.stored`: an object can be found from now on.
    pub fn stored(identity: &Identity, source: &Source) -> Self {
        Self::new(EventKind::ObjectStored.as_str(), about(identity, source))
    }

    /// `object.quarantined`: an object is held for a person. The reason is not told: it may be in a plugin's words.
    pub fn quarantined(identity: &Identity, source: &Source, held: &Held) -> Self {
        let mut data = about(identity, source);
        if let Some(data) = data.as_object_mut() {
            data.insert("plugin".into(), held.plugin.as_deref().and_then(fold::exact).into());
        }
        Self::new(EventKind::ObjectQuarantined.as_str(), data)
    }

    /// `study.quiet`: nothing has arrived for the quiet time of this chain, and the study has so many objects.
    pub fn quiet(study: &Uid, chain: &str, objects: usize) -> Self {
        let data = json!({ "study": study.as_str(), "chain": chain, "objects": objects });
        Self::new(EventKind::StudyQuiet.as_str(), data)
    }

    /// `procedure.started` or `procedure.ended`: a performed step of these studies is in this state from now on.
    pub(super) fn procedure(performed: &Uid, state: State, studies: &[&str]) -> Self {
        let kind = match state {
            State::InProgress => EventKind::ProcedureStarted,
            State::Completed | State::Discontinued => EventKind::ProcedureEnded,
        };
        let data = json!({ "performed": performed.as_str(), "state": state.as_str(), "studies": studies });
        Self::new(kind.as_str(), data)
    }

    /// `delivery.dead`: a delivery was given up and waits for a person. The reason is not told: it may be in a peer's words.
    pub(super) fn dead(job: &Job) -> Self {
        let data = json!({
            "job": job.id,
            "study": job.study.as_str(),
            "object": job.object.as_str(),
            "destination": job.destination,
            "attempts": job.attempts,
        });
        Self::new(EventKind::DeliveryDead.as_str(), data)
    }
}

fn about(identity: &Identity, source: &Source) -> Value {
    json!({
        "study": identity.study.as_str(),
        "series": identity.series.as_str(),
        "object": identity.sop_instance.as_str(),
        "sop_class": identity.sop_class.as_str(),
        "transport": source.transport.as_str(),
        // A sender names itself: bounded as in the object's row.
        "calling_ae": source.calling_ae.as_deref().and_then(fold::exact),
    })
}

/// An event, as it was appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows from event to event, not always by one.
    pub cursor: u64,
    /// When it was appended.
    pub at: SystemTime,
    /// What kind.
    pub kind: String,
    /// What is known of it.
    pub data: Value,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// Those that were asked for, in order.
    pub events: Vec<Event>,
    /// How far was read: whoever has these events is as far as this, over events of other kinds. The cursor that was asked
    /// with, if there is nothing behind it.
    pub through: u64,
}

/// Whether events are wanted here, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct Events {
    wanted: AtomicBool,
    pub(super) work: Work,
}

impl Events {
    pub(super) fn new(wanted: bool) -> Arc<Self> {
        Arc::new(Self {
            wanted: AtomicBool::new(wanted),
            work: Work::default(),
        })
    }

    pub(super) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }
}

/// The last statement of its transaction. The number is the name of the lock, and nobody else's.
pub(super) const APPEND: &str = r#"
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(7598539468998864500))
INSERT INTO events (id, at, kind, data)
SELECT nextval('event_ids'), clock_timestamp(), e.kind, e.data::json
FROM turn, unnest($1::text[], $2::text[]) WITH ORDINALITY AS e(kind, data, n)
ORDER BY e.n
"#;

/// One row without an event where there is none. A page is read from one snapshot, so that `through` counts what is seen.
pub(super) const AFTER: &str = r#"
WITH seen AS MATERIALIZED (SELECT id, at, kind, data FROM events WHERE id > $1 ORDER BY id LIMIT $4)
SELECT (SELECT max(id) FROM seen) AS seen, e.id, e.at, e.kind, e.data
FROM (SELECT) one
LEFT JOIN LATERAL (SELECT * FROM seen WHERE $2::text[] IS NULL OR kind LIKE ANY ($2) ORDER BY id LIMIT $3) e ON true
ORDER BY e.id
"#;

/// From the oldest on, as far as they are old and, if that matters, passed by every sink that is known.
pub(super) const PRUNE: &str = r#"
DELETE FROM events WHERE id IN (
    SELECT id FROM (SELECT id, at FROM events ORDER BY id LIMIT $3) oldest
    WHERE at < now() - $1 * interval '1 millisecond' AND (NOT $2 OR id <= ALL (SELECT cursor FROM sinks))
)
"#;

pub(super) const ANY_SINK: &str = "SELECT EXISTS (SELECT FROM sinks)";

/// Appends events; from then on the transaction must not wait for another.
pub(super) async fn append(connection: &mut PgConnection, events: &[NewEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_ref()).collect();
    let data: Vec<String> = events.iter().map(|event| event.data.to_string()).collect();
    sqlx::query(APPEND).bind(kinds).bind(data).execute(connection).await?;
    Ok(())
}

/// What happened when objects were inserted, of which some are new.
pub(super) fn of_objects<'a>(new: impl IntoIterator<Item = &'a NewObject>) -> Vec<NewEvent> {
    new.into_iter()
        .map(|object| match &object.held {
            None => NewEvent::stored(&object.identity, &object.source),
            Some(held) => NewEvent::quarantined(&object.identity, &object.source, held),
        })
        .collect()
}

impl Index {
    /// Says whether this host appends events: `object.stored`, `object.quarantined`, `delivery.dead`, `procedure.started` and `procedure.ended` in the transaction
    /// that makes it so, and what is given to [`Index::emit`]. While they are not wanted they cost nothing, and are gone for
    /// every sink: so this is to be said by every host of the database, before anything is received. Until it is said, events
    /// are wanted if the database knows a sink.
    pub fn want_events(&self, wanted: bool) {
        self.events.wanted.store(wanted, Ordering::Relaxed);
    }

    /// Whether this host appends events.
    pub fn wants_events(&self) -> bool {
        self.events.wanted()
    }

    /// The same index, which appends no events whatever is said to this one.
    pub(crate) fn without_events(&self) -> Index {
        Index {
            events: Events::new(false),
            ..self.clone()
        }
    }

    /// Appends events, in their order; does nothing where they are not wanted. After an error it is unknown whether they are
    /// appended.
    pub async fn emit(&self, events: &[NewEvent]) -> Result<(), IndexError> {
        if !self.events.wanted() || events.is_empty() {
            return Ok(());
        }
        again!(self.pool, connection => append(connection, events))?;
        self.events.work.arrived();
        Ok(())
    }

    /// Events behind a cursor, in order: at most `limit`, and at most 1,000, of the kinds that match one of the globs (`*` is
    /// any text, `?` any character); of all kinds if there are no globs.
    ///
    /// There may be more behind [`EventPage::through`] although the page is short or empty, unless `through` is the cursor
    /// that was asked with.
    pub async fn events_after(&self, cursor: u64, kinds: &[String], limit: u32) -> Result<EventPage, IndexError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let kinds: Option<Vec<String>> = (!kinds.is_empty()).then(|| kinds.iter().map(|glob| like(glob)).collect());
        let looked_through = if kinds.is_some() { LOOKED_THROUGH } else { limit };
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(AFTER).bind(row::signed(cursor)).bind(&kinds).bind(i64::from(limit));
            query.bind(i64::from(looked_through)).fetch_all(connection)
        })?;
        let mut page = EventPage {
            events: Vec::with_capacity(rows.len()),
            through: cursor,
        };
        for line in &rows {
            if let Some(seen) = line.try_get::<Option<i64>, _>("seen")? {
                page.through = seen.unsigned_abs();
            }
            if line.try_get::<Option<i64>, _>("id")?.is_some() {
                page.events.push(event(line, "id")?);
            }
        }
        if page.events.len() == limit as usize {
            page.through = page.events.last().map_or(page.through, |last| last.cursor);
        }
        Ok(page)
    }

    /// Returns when there may be new events: at once when this host appended some, and in any case after `timeout`, at most a
    /// second.
    pub async fn wait_for_events(&self, timeout: Duration) {
        self.events.work.wait(timeout).await;
    }

    /// Deletes events that all known sinks have passed and that are older than a day, and in any case those older than 30
    /// days, some thousands by each statement. Says how many.
    pub async fn prune_events(&self) -> Result<u64, IndexError> {
        let passed = self.prune_events_older(PASSED, true).await?;
        let missed = self.prune_events_older(KEPT, false).await?;
        if missed > 0 {
            tracing::warn!(
                events = missed,
                days = KEPT.as_secs() / 86_400,
                "events were deleted that a sink never took"
            );
        }
        Ok(passed + missed)
    }

    pub(super) async fn prune_events_older(&self, age: Duration, passed: bool) -> Result<u64, IndexError> {
        let mut pruned = 0;
        loop {
            let done = again!(self.pool, connection => {
                sqlx::query(PRUNE).bind(millis(age)).bind(passed).bind(i64::from(PRUNED)).execute(connection)
            })?;
            if done.rows_affected() == 0 {
                return Ok(pruned);
            }
            pruned += done.rows_affected();
        }
    }
}

/// An event of which `cursor` is the column of its cursor.
pub(super) fn event(line: &PgRow, cursor: &str) -> Result<Event, IndexError> {
    Ok(Event {
        cursor: line.try_get::<i64, _>(cursor)?.unsigned_abs(),
        at: line.try_get::<Moment, _>("at")?.into(),
        kind: line.try_get("kind")?,
        data: line.try_get::<Json<Value>, _>("data")?.0,
    })
}

/// A glob as a pattern of LIKE.
fn like(glob: &str) -> String {
    let mut pattern = String::with_capacity(glob.len());
    for c in glob.chars() {
        match c {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
    }
    pattern
}

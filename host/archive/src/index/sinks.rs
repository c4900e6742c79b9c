//! How far each sink is in the events, who feeds it, and what it could not take.
//!
//! Separate from the events because these rows change all the time. One host at a time feeds a sink, so that it gets its
//! events in order: it holds a lease, renews it while it works, and only with it moves the cursor. A host that dies gives its
//! sinks back by doing nothing. An event may therefore be delivered twice, never not at all.
//!
//! An event that a sink cannot take is parked: copied aside, in sight of the operator, so that the cursor may pass it. It is
//! delivered once more if a person says so.

use std::time::{Duration, SystemTime};

use sqlx::{Row, postgres::PgRow};

use super::{
    Event, Index, IndexError, again,
    events::event,
    moment::Moment,
    queue::{millis, said},
    row,
};

/// The longest page.
const LONGEST_PAGE: u32 = 1000;
/// So many events behind a sink are counted.
const COUNTED: i64 = 100_000;

/// An event that a sink could not take.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedEvent {
    /// Names the parked event.
    pub id: i64,
    /// The sink's name.
    pub sink: String,
    /// What it could not take.
    pub event: Event,
    /// Why. May be in the plugin's words.
    pub reason: String,
    /// When it was parked last.
    pub parked: SystemTime,
    /// Whether it is to be delivered once more.
    pub again: bool,
}

/// How far a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkLag {
    /// The sink's name.
    pub name: String,
    /// The last event that it has.
    pub cursor: u64,
    /// Events behind that, of any kind; counted up to 100,000.
    pub events: u64,
    /// When the first of those was appended.
    pub oldest: Option<SystemTime>,
    /// Events that it could not take.
    pub parked: u64,
    /// Who feeds it; `None` if nobody does.
    pub holder: Option<String>,
}

/// A new sink begins at what is visible now: whatever becomes visible later has a higher number.
pub(super) const CLAIM: &str = r#"
INSERT INTO sinks (name, cursor, holder, leased_until)
VALUES ($1, (SELECT coalesce(max(id), 0) FROM events), $2, now() + $3 * interval '1 millisecond')
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, leased_until = EXCLUDED.leased_until
WHERE sinks.holder IS NULL OR sinks.holder = EXCLUDED.holder OR sinks.leased_until <= now()
RETURNING cursor
"#;

const RELEASE_ALL: &str = "UPDATE sinks SET holder = NULL, leased_until = now() WHERE holder IS NOT NULL";
const RELEASE: &str = "UPDATE sinks SET holder = NULL, leased_until = now() WHERE name = $1 AND holder = $2";

/// A lease that has ended is good as long as nobody else claimed the sink.
pub(super) const ADVANCE: &str = "UPDATE sinks SET cursor = greatest(cursor, $3) WHERE name = $1 AND holder = $2";

const FORGET: &str = "DELETE FROM sinks WHERE name = $1 AND (holder IS NULL OR leased_until <= now())";

/// One that is parked already may be of an event that was pruned.
pub(super) const PARK: &str = r#"
WITH there AS (
    UPDATE parked_events SET reason = $3, parked = now(), again = false WHERE sink = $1 AND event = $2 RETURNING id
), new AS (
    INSERT INTO parked_events (sink, event, at, kind, data, reason)
    SELECT $1, id, at, kind, data, $3 FROM events WHERE id = $2 AND NOT EXISTS (SELECT FROM there)
    ON CONFLICT (sink, event) DO UPDATE SET reason = EXCLUDED.reason, parked = now(), again = false
    RETURNING id
)
SELECT id FROM there UNION ALL SELECT id FROM new
"#;

const PARKED: &str = r#"
SELECT id, sink, event, at, kind, data, reason, parked, again FROM parked_events WHERE id < $1 ORDER BY id DESC LIMIT $2
"#;

const UNPARK: &str = r#"
UPDATE parked_events SET again = true WHERE id = $1 RETURNING id, sink, event, at, kind, data, reason, parked, again
"#;

pub(super) const UNPARKED: &str = r#"
SELECT id, sink, event, at, kind, data, reason, parked, again FROM parked_events WHERE sink = $1 AND again ORDER BY event LIMIT $2
"#;

const DISCARD: &str = "DELETE FROM parked_events WHERE id = $1";

const LAG: &str = r#"
SELECT s.name, s.cursor, CASE WHEN s.leased_until > now() THEN s.holder END AS holder,
    (SELECT count(*) FROM (SELECT FROM events WHERE id > s.cursor LIMIT $2) behind) AS events,
    (SELECT at FROM events WHERE id > s.cursor ORDER BY id LIMIT 1) AS oldest,
    (SELECT count(*) FROM parked_events p WHERE p.sink = s.name) AS parked
FROM sinks s WHERE $1::text IS NULL OR s.name = $1 ORDER BY s.name
"#;

impl Index {
    /// Claims a sink, or renews the claim, and answers its cursor; `None` while it is another's. `holder` names a host, or
    /// rather a run of it. A sink that was never claimed begins at the present end of the events.
    pub async fn claim_sink(&self, name: &str, holder: &str, lease: Duration) -> Result<Option<u64>, IndexError> {
        let cursor: Option<i64> = again!(self.pool, connection => {
            sqlx::query_scalar(CLAIM).bind(name).bind(holder).bind(millis(lease)).fetch_optional(connection)
        })?;
        Ok(cursor.map(i64::unsigned_abs))
    }

    /// Takes every sink from its holder. Only for who knows that no other host is at work on this database: after an end
    /// that was not in order nobody has to wait for the lease of the dead.
    pub async fn release_all_sinks(&self) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query(RELEASE_ALL).execute(connection))?;
        Ok(())
    }

    /// Gives a sink back before its lease ends, if it is this holder's.
    pub async fn release_sink(&self, name: &str, holder: &str) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query(RELEASE).bind(name).bind(holder).execute(connection))?;
        Ok(())
    }

    /// Moves a sink's cursor: it has everything up to this one, or does not want it, or it is parked. `false`, and nothing
    /// moved, if the sink is another's. A cursor never goes back.
    pub async fn advance(&self, name: &str, holder: &str, cursor: u64) -> Result<bool, IndexError> {
        let done = again!(self.pool, connection => {
            sqlx::query(ADVANCE).bind(name).bind(holder).bind(row::signed(cursor)).execute(connection)
        })?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets a sink that is configured no more, so that no event is kept for it. If it comes back, it begins at the end
    /// of that time. What is parked for it stays. `false` if there is none, or somebody feeds it.
    pub async fn forget_sink(&self, name: &str) -> Result<bool, IndexError> {
        let done = again!(self.pool, connection => sqlx::query(FORGET).bind(name).execute(connection))?;
        Ok(done.rows_affected() > 0)
    }

    /// Parks an event that a sink cannot take; one that is parked already gets the new reason, and is not delivered once
    /// more. The cursor stays. `None` if there is no such event any more.
    pub async fn park(&self, sink: &str, cursor: u64, reason: &str) -> Result<Option<i64>, IndexError> {
        let reason = said(reason);
        again!(self.pool, connection => {
            let query = sqlx::query_scalar(PARK).bind(sink).bind(row::signed(cursor)).bind(&reason);
            query.fetch_optional(connection)
        })
    }

    /// Parked events of all sinks, the latest first: at most `limit`, and at most 1,000, `before` the last of the page before.
    pub async fn parked(&self, before: Option<i64>, limit: u32) -> Result<Vec<ParkedEvent>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(PARKED).bind(before.unwrap_or(i64::MAX));
            query.bind(i64::from(limit.min(LONGEST_PAGE))).fetch_all(connection)
        })?;
        rows.iter().map(parked).collect()
    }

    /// Lets a parked event be delivered once more, by whoever feeds its sink. It stays parked until then. `None` if there is
    /// no such one.
    pub async fn unpark(&self, id: i64) -> Result<Option<ParkedEvent>, IndexError> {
        let found = again!(self.pool, connection => sqlx::query(UNPARK).bind(id).fetch_optional(connection))?;
        self.events.work.arrived();
        found.as_ref().map(parked).transpose()
    }

    /// What is to be delivered to a sink once more, in the order of the events: at most `limit`, and at most 1,000. Whoever
    /// feeds the sink ends each by [`Index::discard_parked`] or [`Index::park`].
    pub async fn unparked(&self, sink: &str, limit: u32) -> Result<Vec<ParkedEvent>, IndexError> {
        let rows = again!(self.pool, connection => {
            sqlx::query(UNPARKED).bind(sink).bind(i64::from(limit.min(LONGEST_PAGE))).fetch_all(connection)
        })?;
        rows.iter().map(parked).collect()
    }

    /// Ends a parked event: it was delivered after all, or a person gave it up. `false` if there is no such one.
    pub async fn discard_parked(&self, id: i64) -> Result<bool, IndexError> {
        let done = again!(self.pool, connection => sqlx::query(DISCARD).bind(id).execute(connection))?;
        Ok(done.rows_affected() > 0)
    }

    /// How far a sink is; `None` if it was never claimed.
    pub async fn sink_lag(&self, name: &str) -> Result<Option<SinkLag>, IndexError> {
        Ok(self.lag(Some(name)).await?.pop())
    }

    /// How far each known sink is, by name.
    pub async fn sinks(&self) -> Result<Vec<SinkLag>, IndexError> {
        self.lag(None).await
    }

    async fn lag(&self, name: Option<&str>) -> Result<Vec<SinkLag>, IndexError> {
        let rows = again!(self.pool, connection => sqlx::query(LAG).bind(name).bind(COUNTED).fetch_all(connection))?;
        rows.iter()
            .map(|line| {
                let count = |column| Ok::<_, IndexError>(line.try_get::<i64, _>(column)?.unsigned_abs());
                Ok(SinkLag {
                    name: line.try_get("name")?,
                    cursor: count("cursor")?,
                    events: count("events")?,
                    oldest: line.try_get::<Option<Moment>, _>("oldest")?.map(Into::into),
                    parked: count("parked")?,
                    holder: line.try_get("holder")?,
                })
            })
            .collect()
    }
}

fn parked(line: &PgRow) -> Result<ParkedEvent, IndexError> {
    Ok(ParkedEvent {
        id: line.try_get("id")?,
        sink: line.try_get("sink")?,
        event: event(line, "event")?,
        reason: line.try_get("reason")?,
        parked: line.try_get::<Moment, _>("parked")?.into(),
        again: line.try_get("again")?,
    })
}

//! The index: Postgres tables that say what is stored, where it is, and what is still to be done with it.
//!
//! It is a cache of the packs, rebuilt from them at will, except for the queue and for what plugins need (state, outcomes,
//! events, sinks). Keys start with the study UID, so that the tables can be distributed by it. No row is updated once per
//! object: counts are derived. Every statement is a static string with bound values; a search is put together of static
//! fragments.
//!
//! What is absent: nothing here reads or writes a pack, and no error carries a value of a row.

mod attributes;
mod columns;
mod commit;
mod commitment;
mod edits;
mod enqueue;
mod error;
mod events;
mod familiar;
mod find;
mod fold;
mod job;
mod keys;
mod locate;
mod matching;
mod moment;
mod object;
mod outcomes;
mod performed;
mod place;
mod pledges;
mod query;
mod queue;
mod replace;
mod resolve;
mod row;
mod scheduled;
mod search;
mod settle;
mod sinks;
mod sql;
mod state;
mod steps;
mod totals;
mod upkeep;
mod within;
mod work;

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

pub use attributes::Attributes;
pub use commitment::{Commitment, Reference, Report, Served};
pub use edits::{BadEditListId, EditList, EditListId, LONGEST_EDIT_LIST};
pub use error::{IndexError, SearchError};
pub use events::{Event, EventKind, EventPage, NewEvent};
pub use find::{Find, FindLevel, Match, Position};
pub use job::{Analysis, Backlog, DeadJob, Follow, Job, JobKind, NewJob, PluginJob, Settling, Task};
pub use locate::{Cursor, Known, Located, Quarantined, Standing};
pub use object::{Duplicates, Held, Indexed, NewObject, Source, StoredTogether, Transport};
pub use outcomes::{NewOutcome, RecordedOutcome};
pub use performed::{Changed, KeptPerformed};
pub use place::{PackId, Place};
pub use query::{Include, Level, Query};
pub use resolve::{Outcome, Resolution, ResolvedObject};
pub use scheduled::{KeptStep, Scheduled, ScheduledPosition};
pub use sinks::{ParkedEvent, SinkLag};
pub use state::{LONGEST_STATE_KEY, LONGEST_STATE_VALUE, StateEntry, StateTrouble};
pub use totals::Totals;
pub use upkeep::Upkept;
pub use within::{LimitError, RowLimit, Within};

use events::Events;
use familiar::Familiar;
use steps::Steps;
use work::Work;

/// How long to wait for a connection, a new one included.
const ACQUIRE: Duration = Duration::from_secs(5);
/// The longest that any statement but a migration may run.
const STATEMENT: &str = "60s";
/// Connections for commits, which one task makes one after another; a second serves who commits beside it.
const COMMITS: u32 = 2;
/// Connections for recording what plugins did.
const RECORDINGS: u32 = 1;
/// How often a statement is tried that another transaction, or a lost connection, ended.
const TRIES: u32 = 5;

/// The index. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Index {
    pool: PgPool,
    /// For statements whose plan does not depend on their values: it is made once per connection. Left to itself Postgres
    /// plans the insertion of a batch anew each time, which costs more than the insertion.
    planned: PgPool,
    /// Likewise, of its own: whatever holds up the recording of outcomes must not hold up a commit.
    recording: PgPool,
    work: Arc<Work>,
    familiar: Arc<Familiar>,
    steps: Arc<Steps>,
    events: Arc<Events>,
}

impl Index {
    /// Connects, with at most `max_connections` connections, and brings the schema up to date; hosts that start together do
    /// that one after another.
    pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<Index, IndexError> {
        let options = options.application_name("isocenter").disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::migrate!()
            .run(&mut connection)
            .await
            .map_err(IndexError::Migration)?;
        let wanted = sqlx::query_scalar(events::ANY_SINK).fetch_one(&mut connection).await?;
        connection.close().await?;
        let pool = |connections: u32, options: PgConnectOptions| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                // A lost connection is noticed when it is used, and every statement here may be repeated.
                .test_before_acquire(false)
                .connect_with(options.statement_cache_capacity(200))
        };
        let options = options.options([("statement_timeout", STATEMENT)]);
        let planned = options.clone().options([("plan_cache_mode", "force_generic_plan")]);
        Ok(Self {
            pool: pool(max_connections.saturating_sub(COMMITS + RECORDINGS).max(1), options).await?,
            planned: pool(COMMITS, planned.clone()).await?,
            recording: pool(RECORDINGS, planned).await?,
            work: Arc::default(),
            familiar: Arc::default(),
            steps: Arc::default(),
            events: Events::new(wanted),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query("SELECT 1").execute(connection))?;
        Ok(())
    }

    /// Ends all connections, after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
        self.planned.close().await;
        self.recording.close().await;
    }
}

/// Runs a statement on a connection of the pool. It is repeated, a bounded number of times, when another transaction or a lost
/// connection ended it: so it must be one that may be repeated.
///
/// A macro, because a closure that borrows both its surroundings and the connection cannot yet be said to be `Send`.
macro_rules! again {
    ($pool:expr, $connection:ident => $statement:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match $pool.acquire().await {
                Ok(mut pooled) => {
                    let $connection = &mut *pooled;
                    $statement.await
                }
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if tries < $crate::index::TRIES && $crate::index::repeatable(&error) => {
                    tokio::time::sleep($crate::index::pause(tries)).await;
                }
                outcome => break outcome.map_err($crate::index::IndexError::from),
            }
        }
    }};
}
use again;

/// Whether a statement was ended by something other than itself: a deadlock or a serialisation failure (class 40), or a
/// connection that was lost since it was last used.
fn repeatable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            code.starts_with("40") || matches!(code.as_ref(), "57P01" | "57P02" | "57P03")
        }
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// 5, 10, 20, 40 ms, each more or less: two that collided should not meet again.
fn pause(tries: u32) -> Duration {
    let spread = u64::from(PackId::make().to_bytes().last().copied().unwrap_or_default());
    Duration::from_micros((5000 << tries.min(6).saturating_sub(1)) * (128 + spread) / 256)
}

#[cfg(test)]
mod tests;

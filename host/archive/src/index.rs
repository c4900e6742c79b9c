//! The index: Postgres tables that say what is stored, where it is, and what is still to be done with it.
//!
//! It is a cache of the packs, rebuilt from them at will, except for the queue. Keys start with the study UID, so that the
//! tables can be distributed by it. No row is updated once per object: counts are derived. Every statement is a static
//! string with bound values; a search is put together of static fragments.
//!
//! What is absent: nothing here reads or writes a pack, and no error carries a value of a row.

mod attributes;
mod commit;
mod error;
mod locate;
mod object;
mod place;
mod query;
mod queue;
mod search;
mod totals;

use sqlx::postgres::{PgConnectOptions, PgPool};

pub use attributes::Attributes;
pub use error::{IndexError, SearchError};
pub use locate::{Cursor, Known, Located, Quarantined, Standing};
pub use object::{Duplicates, Held, Indexed, NewJob, NewObject, Source, Transport};
pub use place::{PackId, Place};
pub use query::{Include, Level, Query};
pub use queue::{Backlog, DeadJob, Job, JobKind};
pub use totals::Totals;

/// The index. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Index {
    pool: PgPool,
}

impl Index {
    /// Connects, with at most `max_connections` connections, and brings the schema up to date; hosts that start together do
    /// that one after another.
    pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<Index, IndexError> {
        let _ = (options, max_connections);
        todo!()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), IndexError> {
        todo!()
    }

    /// Ends all connections, after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

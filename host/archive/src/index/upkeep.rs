//! What has to be deleted from time to time of what plugins and peers bring into the database. Separate so that a host has one thing to
//! call, and nothing is forgotten.

use std::time::Duration;

use super::{Index, IndexError};

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Values of plugins that have expired.
    pub state: u64,
    /// Outcomes of calls that are old.
    pub outcomes: u64,
    /// Events that every sink has passed, or that are very old.
    pub events: u64,
    /// Requests for storage commitment that were reported long ago.
    pub commitments: u64,
    /// What destinations were asked to commit themselves to long ago.
    pub pledges: u64,
}

impl Index {
    /// Deletes expired state, outcomes older than `keep_outcomes`, and events and commitments that are done with. Each statement is bounded;
    /// all hosts may do this at once. To be called every few minutes.
    pub async fn upkeep(&self, keep_outcomes: Duration) -> Result<Upkept, IndexError> {
        Ok(Upkept {
            state: self.sweep_state().await?,
            outcomes: self.prune_outcomes(keep_outcomes).await?,
            events: self.prune_events().await?,
            commitments: self.sweep_commitments().await?,
            pledges: self.sweep_pledges().await?,
        })
    }
}

//! A ceiling on what all headers being received may take together.
//!
//! Each object may hold a small header for nothing; a larger one draws on a common budget as it grows, so that many
//! associations sending absurd headers at once wait for, or are refused by, each other instead of filling the machine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::{Refusal, RefusalKind};

/// What every object may hold without asking, in bytes.
const ALLOWANCE: usize = 256 * 1024;
/// The budget is counted in pieces of this many bytes.
const PIECE: usize = 64 * 1024;
/// How long an object waits for others to give memory back.
const PATIENCE: Duration = Duration::from_secs(10);

/// The common budget.
pub(crate) struct HeaderMemory {
    pieces: Arc<Semaphore>,
    total: usize,
}

impl HeaderMemory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            pieces: Arc::new(Semaphore::new(bytes / PIECE)),
            total: bytes / PIECE * PIECE,
        }
    }
}

/// One object's share of the budget; given back on drop.
#[derive(Default)]
pub(crate) struct Share {
    permits: Vec<OwnedSemaphorePermit>,
    covered: usize,
}

impl Share {
    /// Makes sure that `bytes` in all are covered, waiting for others where it must.
    ///
    /// # Errors
    /// [`RefusalKind::TooLarge`] when the whole budget would not do, [`RefusalKind::OutOfResources`] when it did not
    /// become free in time.
    pub(crate) async fn cover(&mut self, memory: &HeaderMemory, bytes: usize) -> Result<(), Refusal> {
        let wanted = bytes.saturating_sub(ALLOWANCE);
        if wanted <= self.covered {
            return Ok(());
        }
        if wanted > memory.total {
            return Err(Refusal::new(
                RefusalKind::TooLarge,
                format!(
                    "the header takes more than the {} bytes that this host has for all headers",
                    memory.total
                ),
            ));
        }
        // Doubling keeps the number of permits small.
        let target = wanted.max(self.covered * 2).min(memory.total).next_multiple_of(PIECE);
        let pieces = u32::try_from((target - self.covered) / PIECE).unwrap_or(u32::MAX);
        let acquire = Arc::clone(&memory.pieces).acquire_many_owned(pieces);
        match tokio::time::timeout(PATIENCE, acquire).await {
            Ok(Ok(permit)) => {
                self.permits.push(permit);
                self.covered = target;
                Ok(())
            }
            _ => Err(Refusal::new(
                RefusalKind::OutOfResources,
                "the memory for headers is in use by other senders; try again",
            )),
        }
    }
}

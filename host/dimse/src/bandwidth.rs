//! Bytes per second that some associations have together. Separate because it outlives them, and because it is no limit of
//! the protocol: who has used up its share is not told, only read from later.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much may come at once after a rest, in time at the full rate.
const BURST: Duration = Duration::from_millis(100);

/// A rate, in bytes per second, that is shared by whoever holds it.
#[derive(Debug)]
pub struct Bandwidth {
    bytes_per_second: NonZeroU64,
    /// When all that was taken would have passed at that rate.
    passed: Mutex<Instant>,
}

impl Bandwidth {
    /// A rate of which nothing is used.
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            passed: Mutex::new(Instant::now()),
        }
    }

    /// Takes so many bytes; until when nothing more may pass. `None`: at once.
    pub(crate) fn take(&self, bytes: usize) -> Option<Instant> {
        self.take_at(Instant::now(), bytes)
    }

    fn take_at(&self, now: Instant, bytes: usize) -> Option<Instant> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let lasts = bytes.saturating_mul(1_000_000) / self.bytes_per_second;
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = now.checked_sub(BURST).map_or(*passed, |earliest| earliest.max(*passed));
        *passed = begins + Duration::from_micros(lasts);
        (*passed > now).then_some(*passed)
    }
}

#[cfg(test)]
mod tests;

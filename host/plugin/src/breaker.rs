//! The breaker: a plugin that fails five times in a row rests, so that its failures cost nobody time.
//!
//! Separate because it is a small state machine over a clock, tested without Wasm.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use isocenter_role::{Failure, State};

/// Failures in a row that trip it.
pub(crate) const FAILURES: u32 = 5;
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(60);
/// Told to callers while the one trial call of a resting plugin runs.
const TRIAL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Inner {
    failures: u32,
    /// Set when tripped.
    until: Option<Instant>,
    /// Trips in a row: the exponent of the rest.
    trips: u32,
    trial: bool,
}

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    inner: Mutex<Inner>,
}

/// Leave to make one call. Dropped without a report (the caller went away), it only frees the trial.
#[derive(Debug)]
pub(crate) struct Leave<'a> {
    breaker: &'a Breaker,
    trial: bool,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> State {
        match self.lock().until {
            None => State::Ready,
            Some(until) => State::Tripped {
                retry_after: until.saturating_duration_since(Instant::now()),
            },
        }
    }

    /// Asks to make a call at `now`.
    pub(crate) fn admit(&self, now: Instant) -> Result<Leave<'_>, Failure> {
        let mut inner = self.lock();
        let trial = match inner.until {
            None => false,
            Some(until) if now < until => {
                return Err(Failure::Tripped {
                    retry_after: until - now,
                    failures: inner.failures,
                });
            }
            Some(_) if inner.trial => {
                return Err(Failure::Tripped {
                    retry_after: TRIAL,
                    failures: inner.failures,
                });
            }
            Some(_) => true,
        };
        inner.trial = trial;
        Ok(Leave { breaker: self, trial })
    }
}

impl Leave<'_> {
    /// Says how the call ended. Answers whether this call tripped the breaker.
    pub(crate) fn report(self, failed: bool, now: Instant) -> bool {
        let mut inner = self.breaker.lock();
        if !failed {
            // Of the calls that began before the trip only the trial may end it.
            if inner.until.is_none() || self.trial {
                *inner = Inner::default();
            }
            return false;
        }
        inner.failures = inner.failures.saturating_add(1);
        let trips = self.trial || (inner.until.is_none() && inner.failures >= FAILURES);
        if trips {
            let rest = Duration::from_secs(1 << inner.trips.min(6)).min(LONGEST_REST);
            inner.until = Some(now + rest);
            inner.trips = inner.trips.saturating_add(1);
        }
        trips
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.lock().trial = false;
        }
    }
}

#[cfg(test)]
mod tests;

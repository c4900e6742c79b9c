//! Time and randomness of a case: the same in every run, unless the case asks for the system's.
//!
//! Separate because an answer that holds a date or a drawn number could not be compared with what is expected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use isocenter_role::backing::{Random, Time};
use toml::value::{Datetime, Offset};

use crate::case::{Now, Seed};

/// 2026-01-02 03:04:05 UTC, in milliseconds since 1970: a case's time unless it says another.
pub(crate) const USUAL: u64 = 1_767_323_045_000;

/// What the monotonic clock goes on by with each look, in nanoseconds: a plugin that waits for it to go on does not wait
/// for ever, and reads the same in every run.
const LOOK: u64 = 1_000_000;

/// A clock that stands, until it is moved.
pub(crate) struct Stopped {
    millis: AtomicU64,
    nanos: AtomicU64,
}

impl Stopped {
    /// The clock of a case; `None`: the system's.
    pub(crate) fn of(now: Now) -> Option<Arc<Stopped>> {
        let Now::At(millis) = now else { return None };
        Some(Arc::new(Stopped {
            millis: millis.into(),
            nanos: AtomicU64::new(0),
        }))
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, pause: Duration) {
        let add = |clock: &AtomicU64, more: u128| {
            let more = u64::try_from(more).unwrap_or(u64::MAX);
            clock
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                    Some(now.saturating_add(more))
                })
                .ok()
        };
        add(&self.millis, pause.as_millis());
        add(&self.nanos, pause.as_nanos());
    }
}

impl Time for Stopped {
    fn unix_millis(&self) -> u64 {
        self.millis.load(Ordering::Relaxed)
    }

    fn monotonic_nanos(&self) -> u64 {
        self.nanos.fetch_add(LOOK, Ordering::Relaxed)
    }
}

/// Numbers that follow from a seed.
pub(crate) struct Drawn {
    seed: u64,
    drawn: AtomicU64,
}

impl Drawn {
    /// The lots of a case; `None`: the system's.
    pub(crate) fn of(seed: Seed) -> Option<Arc<dyn Random>> {
        let Seed::Of(seed) = seed else { return None };
        Some(Arc::new(Drawn {
            seed,
            drawn: AtomicU64::new(0),
        }))
    }
}

impl Random for Drawn {
    fn fill(&self, bytes: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key("isocenter case random");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        hasher.finalize_xof().fill(bytes);
    }
}

/// A moment with its offset from UTC, in milliseconds since 1970; `None` without a date, a time or an offset, and before
/// 1970.
pub(crate) fn unix_millis(at: &Datetime) -> Option<u64> {
    let (date, time) = (at.date?, at.time?);
    let offset = match at.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let minutes = days(i64::from(date.year), i64::from(date.month), i64::from(date.day)) * 24 * 60
        + i64::from(time.hour) * 60
        + i64::from(time.minute)
        - offset;
    let seconds = minutes * 60 + i64::from(time.second.unwrap_or(0));
    let millis = seconds * 1000 + i64::from(time.nanosecond.unwrap_or(0) / 1_000_000);
    u64::try_from(millis).ok()
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are taken to begin in March, so that the leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From 0000-03-01 to 1970-01-01 are 719,468 days.
    365 * year + leap + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_the_calendar_has_it() {
        for (text, millis) in [
            ("2026-01-02T03:04:05Z", Some(USUAL)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00.25+02:00", Some(1_709_200_800_250)),
            ("2000-03-01T00:00:00-01:30", Some(951_874_200_000)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-01-02T03:04:05", None),
            ("2026-01-02", None),
        ] {
            assert_eq!(unix_millis(&text.parse().unwrap()), millis, "{text}");
        }
    }
}

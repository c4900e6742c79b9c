//! The time of day as DICOM writes it.
//!
//! Separate because DICOM has formats of its own (PS3.5 §6.2), and because the host's clock knows no zone but UTC.

use std::fmt;

use crate::{Date, host};

/// A moment in UTC. As text it is a DT: `20260102030405+0000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    seconds: u64,
}

impl Moment {
    /// Now, by the host's clock.
    #[must_use]
    pub fn now() -> Moment {
        Moment::of_unix_millis(host::unix_millis())
    }

    /// So many milliseconds after 1970-01-01 00:00 UTC; the part of a second is dropped.
    #[must_use]
    pub const fn of_unix_millis(millis: u64) -> Moment {
        Moment { seconds: millis / 1000 }
    }

    /// The date as a DA: `20260102`.
    #[must_use]
    pub fn date(self) -> String {
        self.day().to_string()
    }

    /// The day, in UTC.
    #[must_use]
    pub fn day(self) -> Date {
        Date::of_days(i64::try_from(self.seconds / 86_400).unwrap_or(i64::MAX))
    }

    /// The time as a TM: `030405`.
    #[must_use]
    pub fn time(self) -> String {
        let second = self.seconds % 86_400;
        format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}+0000", self.date(), self.time())
    }
}

#[cfg(test)]
mod tests;

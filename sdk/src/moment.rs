//! The time of day as DICOM writes it.
//!
//! Separate because DICOM has formats of its own (PS3.5 §6.2), and because the host's clock knows no zone but UTC.

use std::fmt;

use crate::host;

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
        // Days are counted in years that begin in March, so that a leap day is the last of its year; 400 years have
        // 146,097 days, and 1970-01-01 is day 719,468 from the first of March of the year 0.
        let days = self.seconds / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let day = day - (153 * march + 2) / 5 + 1;
        let (month, next) = if march < 10 { (march + 3, 0) } else { (march - 9, 1) };
        format!("{:04}{month:02}{day:02}", era * 400 + year + next)
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

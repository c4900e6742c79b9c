//! When a draft is made, as DICOM writes it.
//!
//! Separate because a date means nothing without the zone of the object that it stands in, which is the source's: dates
//! of the study are copied from there.

use crate::edit::civil;
use crate::header::Header;
use crate::tags;
use std::time::{SystemTime, UNIX_EPOCH};

/// A date and a time, in the zone of the object.
pub(super) struct Moment {
    /// DA.
    pub(super) date: String,
    /// TM.
    pub(super) time: String,
    /// DT, with its zone.
    pub(super) date_time: String,
}

impl Moment {
    /// In the zone that the source states, or UTC.
    pub(super) fn of(time: SystemTime, source: &Header) -> Self {
        let zone = source.first(tags::TIMEZONE_OFFSET_FROM_UTC);
        let offset = zone.as_deref().and_then(minutes);
        // What lies before 1970 is printed as its beginning.
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or_default() + offset.unwrap_or(0) * 60;
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        let date = format!("{year:04}{month:02}{day:02}");
        let time = format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60);
        let zone = zone.filter(|_| offset.is_some()).unwrap_or_else(|| "+0000".to_owned());
        let date_time = format!("{date}{time}{zone}");
        Self { date, time, date_time }
    }
}

/// Minutes of a zone written as &HHMM.
fn minutes(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

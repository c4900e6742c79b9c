//! Dates, times and instants: read from DICOM's text, bound to Postgres in its own binary form. Separate because a calendar
//! library for three conversions would be more than these lines.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, types::Oid},
};

const DAY: i64 = 86_400_000_000;
/// Postgres counts from 2000-01-01: days after 1970-01-01.
const EPOCH: i64 = 10_957;

/// A day; counts from 2000-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(i32);

/// A time of day; in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(i64);

/// A moment; in microseconds from 2000-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Date {
    /// `YYYYMMDD`, or `YYYY.MM.DD` as before 1993 (PS3.5 §6.2).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\0']);
        let digits: String = match text.len() {
            8 => text.to_owned(),
            10 => text.split('.').collect(),
            _ => return None,
        };
        if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let longest = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if day < 1 || day > longest {
            return None;
        }
        // Days of a calendar whose years begin in March, so that the leap day is the last: whole years, then whole months.
        let (years, months) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let days = 365 * years + years.div_euclid(4) - years.div_euclid(100)
            + years.div_euclid(400)
            + (153 * months + 2) / 5
            + day;
        // 2000-01-01 is day 730,426 of that count.
        i32::try_from(days - 730_426).ok().map(Self)
    }
}

impl Time {
    /// `HH`, `HHMM`, `HHMMSS`, `HHMMSS.F` to `.FFFFFF`, with or without colons (PS3.5 §6.2): the first moment of what is
    /// named, and the last.
    pub(super) fn parse(text: &str) -> Option<(Self, Self)> {
        let text = text.trim_matches([' ', '\0']);
        let (whole, fraction) = text
            .split_once('.')
            .map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        let digits: String = whole.split(':').collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4 | 6) {
            return None;
        }
        let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
        let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let micros = match fraction {
            None => 0,
            Some(fraction) => {
                let valid = (1..=6).contains(&fraction.len())
                    && fraction.bytes().all(|b| b.is_ascii_digit())
                    && digits.len() == 6;
                if !valid {
                    return None;
                }
                format!("{fraction:0<6}").parse().ok()?
            }
        };
        let width = match (digits.len(), fraction.map(str::len)) {
            (2, _) => 3_600_000_000,
            (4, _) => 60_000_000,
            (_, None) => 1_000_000,
            (_, Some(places)) => (places..6).fold(1, |width, _| width * 10),
        };
        // The last second of a day may be a leap second; no day of the database has one.
        let first = (((hour * 60 + minute) * 60 + second) * 1_000_000 + micros).min(DAY - 1);
        Some((Self(first), Self((first + width - 1).min(DAY - 1))))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let micros = |since: Duration| i64::try_from(since.as_micros()).unwrap_or(i64::MAX / 4);
        let since = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        };
        Self(since - EPOCH * DAY)
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        let since = moment.0.saturating_add(EPOCH * DAY);
        UNIX_EPOCH + Duration::from_micros(u64::try_from(since).unwrap_or(0))
    }
}

/// A number that Postgres knows as one of its types.
macro_rules! postgres {
    ($type:ident, $inner:ty, $oid:expr, $array:expr) => {
        impl Type<Postgres> for $type {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($oid))
            }
        }
        impl PgHasArrayType for $type {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($array))
            }
        }
        impl Encode<'_, Postgres> for $type {
            fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                <$inner as Encode<'_, Postgres>>::encode_by_ref(&self.0, buffer)
            }
        }
        impl<'r> Decode<'r, Postgres> for $type {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                <$inner as Decode<'r, Postgres>>::decode(value).map(Self)
            }
        }
    };
}

postgres!(Date, i32, 1082, 1182);
postgres!(Time, i64, 1083, 1183);
postgres!(Moment, i64, 1184, 1185);

#[cfg(test)]
mod tests;

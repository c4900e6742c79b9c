//! Dates, times and ages as DICOM writes them (PS3.5 §6.2): DA, TM, DT and AS, read, counted with and written again.
//!
//! Separate from [`Moment`], which is a point in time: a date of DICOM is a day on somebody's calendar, often a part of one,
//! and says no zone.

use std::fmt;

use crate::Moment;

/// A day of the Gregorian calendar. As text it is a DA: `20260102`.
///
/// ```
/// use isocenter::{Age, Date};
///
/// let birth = Date::parse("19600229").unwrap();
/// let study = Date::parse("20260102").unwrap();
/// assert_eq!(study.days_since(birth), 24_049);
/// assert_eq!(study.plus_days(-2).to_string(), "20251231");
/// assert_eq!(Age::at(birth, study).unwrap().to_string(), "065Y");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// After 1970-01-01.
    days: i64,
}

impl Date {
    /// A day of the years 0 to 9999; `None`: there is no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        if year > 9999 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        // Years begin in March, so that a leap day is the last of its year.
        let (year, month) = match month {
            1 | 2 => (i64::from(year) - 1, i64::from(month) + 9),
            _ => (i64::from(year), i64::from(month) - 3),
        };
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * month + 2) / 5 + i64::from(day) - 1;
        let days = era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468;
        Some(Date { days })
    }

    /// Reads a DA: `YYYYMMDD`, or `YYYY.MM.DD` as it was written before 1993.
    #[must_use]
    pub fn parse(text: &str) -> Option<Date> {
        let text = text.trim();
        match text.as_bytes() {
            [_, _, _, _, b'.', _, _, b'.', _, _] => Date::new(
                digits(text.get(..4)?)?,
                number(text.get(5..7)?)?,
                number(text.get(8..)?)?,
            ),
            [_, _, _, _, _, _, _, _] => Date::new(
                digits(text.get(..4)?)?,
                number(text.get(4..6)?)?,
                number(text.get(6..)?)?,
            ),
            _ => None,
        }
    }

    /// Today in UTC, by the host's clock.
    #[must_use]
    pub fn today() -> Date {
        Moment::now().day()
    }

    pub(crate) const fn of_days(days: i64) -> Date {
        Date { days }
    }

    /// Year, month and day.
    #[must_use]
    pub fn parts(self) -> (u16, u8, u8) {
        let days = self.days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let day = day - (153 * march + 2) / 5 + 1;
        let (month, next) = if march < 10 { (march + 3, 0) } else { (march - 9, 1) };
        let year = (era * 400 + year + next).clamp(0, 9999);
        (year as u16, month as u8, day as u8)
    }

    /// So many days later, or before; held within the years that can be written.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Date {
        // 0000-01-01 and 9999-12-31.
        Date {
            days: self.days.saturating_add(days).clamp(-719_528, 2_932_896),
        }
    }

    /// How many days later this is; negative where it is before.
    #[must_use]
    pub fn days_since(self, other: Date) -> i64 {
        self.days - other.days
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}{month:02}{day:02}")
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn digits(text: &str) -> Option<u16> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok())?
}

fn number(text: &str) -> Option<u8> {
    u8::try_from(digits(text)?).ok()
}

/// A time of day, or as much of one as is known. As text it is a TM of that precision: `1011`, `101112.500000`.
///
/// ```
/// use isocenter::Time;
///
/// let time = Time::parse("101112.5").unwrap();
/// assert_eq!((time.hour, time.minute, time.second, time.micros), (10, Some(11), Some(12), Some(500_000)));
/// assert_eq!(Time::parse("1011").unwrap().second, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the parts of a time")]
pub struct Time {
    pub hour: u8,
    pub minute: Option<u8>,
    /// 60 is a leap second.
    pub second: Option<u8>,
    pub micros: Option<u32>,
}

impl Time {
    /// Reads a TM: `HH`, `HHMM`, `HHMMSS`, with up to six digits of a second, or `HH:MM:SS` as it was written before 1993.
    #[must_use]
    pub fn parse(text: &str) -> Option<Time> {
        let text = text.trim();
        let (clock, fraction) = match text.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (text, None),
        };
        let clock: String = match clock.as_bytes() {
            [_, _, b':', _, _] | [_, _, b':', _, _, b':', _, _] => clock.chars().filter(|c| *c != ':').collect(),
            _ => clock.to_owned(),
        };
        let part = |at: usize, most: u8| match clock.get(at..at + 2) {
            Some(text) => number(text).filter(|value| *value <= most).map(Some),
            None if clock.len() <= at => Some(None),
            None => None,
        };
        let time = Time {
            hour: part(0, 23)??,
            minute: part(2, 59)?,
            second: part(4, 60)?,
            micros: match fraction {
                Some(digits) => Some(micros(digits)?),
                None => None,
            },
        };
        let whole = clock.len() <= 6 && (fraction.is_none() || time.second.is_some());
        whole.then_some(time)
    }

    /// Seconds after midnight; what is not known counts as 0.
    #[must_use]
    pub fn seconds(self) -> u32 {
        let of = |part: Option<u8>| u32::from(part.unwrap_or_default());
        u32::from(self.hour) * 3600 + of(self.minute) * 60 + of(self.second)
    }
}

fn micros(text: &str) -> Option<u32> {
    let fits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let value: u32 = if fits { text.parse().ok()? } else { return None };
    let missing = 6_u32.saturating_sub(u32::try_from(text.len()).unwrap_or(6));
    Some(value * 10_u32.pow(missing))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        for part in [self.minute, self.second].into_iter().map_while(|part| part) {
            write!(f, "{part:02}")?;
        }
        match (self.second, self.micros) {
            (Some(_), Some(micros)) => write!(f, ".{micros:06}"),
            _ => Ok(()),
        }
    }
}

/// A date with a time, or as much of one as is known. As text it is a DT of that precision: `2026`, `20260102030405+0100`.
///
/// ```
/// use isocenter::DateTime;
///
/// let time = DateTime::parse("20260102030405+0100").unwrap();
/// assert_eq!(time.moment().unwrap().to_string(), "20260102020405+0000");
/// assert_eq!(DateTime::parse("2026").unwrap().month, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the parts of a date and a time")]
pub struct DateTime {
    pub year: u16,
    pub month: Option<u8>,
    pub day: Option<u8>,
    pub time: Option<Time>,
    /// Minutes east of UTC; `None`: whatever Timezone Offset From UTC (0008,0201) says, or where the object was made.
    pub offset: Option<i16>,
}

impl DateTime {
    /// Reads a DT.
    #[must_use]
    pub fn parse(text: &str) -> Option<DateTime> {
        let text = text.trim();
        let (text, offset) = match text.rfind(['+', '-']) {
            Some(at) => (text.get(..at)?, Some(offset(text.get(at..)?)?)),
            None => (text, None),
        };
        let year = digits(text.get(..4)?)?;
        let part = |at: usize| match text.get(at..at + 2) {
            Some(text) => number(text).map(Some),
            None if text.len() <= at => Some(None),
            None => None,
        };
        let (month, day) = (part(4)?, part(6)?);
        Date::new(year, month.unwrap_or(1), day.unwrap_or(1))?;
        let time = match text.get(8..) {
            Some(time) if !time.is_empty() => Some(Time::parse(time)?),
            _ => None,
        };
        Some(DateTime {
            year,
            month,
            day,
            time,
            offset,
        })
    }

    /// The day, where it is known.
    #[must_use]
    pub fn date(self) -> Option<Date> {
        Date::new(self.year, self.month?, self.day?)
    }

    /// The moment, where day, time and zone are known and it is not before 1970.
    #[must_use]
    pub fn moment(self) -> Option<Moment> {
        let seconds = self.date()?.days * 86_400 + i64::from(self.time?.seconds()) - i64::from(self.offset?) * 60;
        Some(Moment::of_unix_millis(u64::try_from(seconds).ok()? * 1000))
    }
}

/// `+0100`: minutes, from 12 hours west to 14 hours east.
fn offset(text: &str) -> Option<i16> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let [_, _, _, _, _] = text.as_bytes() else { return None };
    let (hours, minutes) = (number(text.get(1..3)?)?, number(text.get(3..)?)?);
    let offset = sign * (i16::from(hours) * 60 + i16::from(minutes));
    (minutes < 60 && (-720..=840).contains(&offset)).then_some(offset)
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().map_while(|part| part) {
            write!(f, "{part:02}")?;
        }
        if let (Some(_), Some(time)) = (self.day, self.time) {
            write!(f, "{time}")?;
        }
        match self.offset {
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            None => Ok(()),
        }
    }
}

/// An age. As text it is an AS: `045Y`, `018M`, `003W`, `010D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the units of an age")]
pub enum Age {
    Days(u16),
    Weeks(u16),
    Months(u16),
    Years(u16),
}

impl Age {
    /// Reads an AS.
    #[must_use]
    pub fn parse(text: &str) -> Option<Age> {
        let text = text.trim();
        let [_, _, _, unit] = text.as_bytes() else { return None };
        let count = digits(text.get(..3)?)?;
        Some(match unit {
            b'D' => Age::Days(count),
            b'W' => Age::Weeks(count),
            b'M' => Age::Months(count),
            b'Y' => Age::Years(count),
            _ => return None,
        })
    }

    /// The age on a day of who was born on another, in days up to a month, in months up to two years, else in years; `None`:
    /// not born yet, or older than an AS can say.
    #[must_use]
    pub fn at(birth: Date, on: Date) -> Option<Age> {
        let days = u16::try_from(on.days_since(birth).min(i64::from(u16::MAX))).ok()?;
        let ((year, month, day), (born, of_month, of_day)) = (on.parts(), birth.parts());
        let begun = i32::from(day < of_day);
        let months = (i32::from(year) - i32::from(born)) * 12 + i32::from(month) - i32::from(of_month) - begun;
        let months = u16::try_from(months.max(0)).ok()?;
        match months {
            0 => Some(Age::Days(days)),
            1..24 => Some(Age::Months(months)),
            _ => Some(Age::Years(months / 12)).filter(|_| months / 12 <= 999),
        }
    }

    /// About so many days; a month has 30.44, a year 365.25.
    #[must_use]
    pub fn days(self) -> u32 {
        match self {
            Age::Days(days) => u32::from(days),
            Age::Weeks(weeks) => u32::from(weeks) * 7,
            Age::Months(months) => u32::from(months) * 3044 / 100,
            Age::Years(years) => u32::from(years) * 36_525 / 100,
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Age::Days(days) => (days, 'D'),
            Age::Weeks(weeks) => (weeks, 'W'),
            Age::Months(months) => (months, 'M'),
            Age::Years(years) => (years, 'Y'),
        };
        write!(f, "{count:03}{unit}")
    }
}

#[cfg(test)]
mod tests;

//! Days and times of day, read from what DICOM and people write.
//!
//! Apart from ranges because this is the calendar. The archive has its own in the form of its database.

/// A day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// `2024-01-31` or `20240131`.
    pub(super) fn of_bound(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [_, _, _, _, b'-', _, _, b'-', _, _] => Self::of_digits(&text.replace('-', "")),
            _ => Self::of_digits(text),
        }
    }

    /// A DA, also as before 1993 with points between (PS3.5 §6.2), or a DT of which at least the day is known.
    pub(super) fn of_value(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if let [_, _, _, _, b'.', _, _, b'.', _, _] = text.as_bytes() {
            return Self::of_digits(&text.replace('.', ""));
        }
        let (day, rest) = text.split_at_checked(8)?;
        let of_time = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
        rest.chars().all(of_time).then(|| Self::of_digits(day))?
    }

    fn of_digits(digits: &str) -> Option<Self> {
        if digits.len() != 8 {
            return None;
        }
        let year = number(digits.get(0..4)?)?;
        let month = number(digits.get(4..6)?)?;
        let day = number(digits.get(6..8)?)?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let longest = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=longest).contains(&day).then_some(Self { year, month, day })
    }
}

/// A time of day in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(u64);

impl Time {
    /// The first moment of what is named: `08` is eight o'clock.
    pub(super) fn first(text: &str) -> Option<Self> {
        read(text).map(|(first, _)| Self(first))
    }

    /// The last moment of what is named: `08` is the end of that hour.
    pub(super) fn last(text: &str) -> Option<Self> {
        read(text).map(|(first, width)| Self(first + width - 1))
    }
}

/// `HH`, `HHMM`, `HHMMSS`, `HHMMSS.F` to `.FFFFFF`, with or without colons (PS3.5 §6.2): when it begins, and how long it is.
fn read(text: &str) -> Option<(u64, u64)> {
    let text = text.trim_matches(' ');
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = match whole.as_bytes() {
        [_, _, b':', _, _] | [_, _, b':', _, _, b':', _, _] => whole.replace(':', ""),
        _ => whole.to_owned(),
    };
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), number);
    let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
    // The second 60 is a leap second.
    if !matches!(digits.len(), 2 | 4 | 6) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let begins = u64::from((hour * 60 + minute) * 60 + second) * 1_000_000;
    let Some(fraction) = fraction else {
        let seconds = match digits.len() {
            2 => 3_600,
            4 => 60,
            _ => 1,
        };
        return Some((begins, seconds * 1_000_000));
    };
    if digits.len() != 6 || !(1..=6).contains(&fraction.len()) {
        return None;
    }
    let width = (fraction.len()..6).fold(1, |width, _| width * 10);
    Some((begins + u64::from(number(fraction)?) * width, width))
}

/// Digits and nothing else.
fn number(digits: &str) -> Option<u32> {
    let right = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    right.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests;

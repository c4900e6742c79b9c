//! Dates moved by a number of days (PS3.5 §6.2, DA and DT).
//!
//! Separate because it is calendar arithmetic and text, and knows no data set. What cannot be read as a date is not left
//! as it is: the answer is `None`, and the caller clears it.

use crate::VR;

/// One value of a DA or DT element, moved. Ranges are moved at both ends; times and zones stay.
pub(super) fn shift(vr: VR, value: &str, days: i32) -> Option<String> {
    let one: fn(&str, i32) -> Option<String> = if vr == VR::DA { date } else { date_time };
    if value.is_empty() {
        return Some(String::new());
    }
    if let Some(moved) = one(value, days) {
        return Some(moved);
    }
    // A range, whose ends may be open. In a DT, "-" also begins a zone: try every one.
    value.match_indices('-').find_map(|(at, _)| {
        let (from, to) = (value.get(..at)?.trim(), value.get(at + 1..)?.trim());
        if from.is_empty() && to.is_empty() {
            return None;
        }
        let end = |text: &str| {
            if text.is_empty() {
                Some(String::new())
            } else {
                one(text, days)
            }
        };
        Some(format!("{}-{}", end(from)?, end(to)?))
    })
}

/// YYYYMMDD, or YYYY.MM.DD as ACR-NEMA wrote it.
fn date(value: &str, days: i32) -> Option<String> {
    let digits = match value.as_bytes() {
        [_, _, _, _, b'.', _, _, b'.', _, _] => value.replace('.', ""),
        _ => value.to_owned(),
    };
    if digits.len() != 8 {
        return None;
    }
    moved(&digits, days)
}

/// YYYYMMDDHHMMSS.FFFFFF&ZZXX, of which everything after the year may be missing.
fn date_time(value: &str, days: i32) -> Option<String> {
    let (rest, zone) = match value.find(['+', '-']) {
        Some(at) => value.split_at_checked(at)?,
        None => (value, ""),
    };
    if !(zone.is_empty() || zone.len() == 5 && number(zone.get(1..)?).is_some()) {
        return None;
    }
    let (rest, fraction) = match rest.find('.') {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let fraction_fits = fraction.is_empty() || (2..=7).contains(&fraction.len()) && rest.len() == 14;
    if !fraction_fits || !fraction.bytes().skip(1).all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Less than a day is known: its first day is moved, and as much kept of it.
    let (date, time) = match rest.len() {
        4 => (format!("{rest}0101"), ""),
        6 => (format!("{rest}01"), ""),
        8 | 10 | 12 | 14 => (rest.get(..8)?.to_owned(), rest.get(8..)?),
        _ => return None,
    };
    if !time.is_empty() {
        number(time)?;
    }
    let date = moved(&date, days)?;
    let kept = date.get(..rest.len().min(8))?;
    Some(format!("{kept}{time}{fraction}{zone}"))
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        None
    } else {
        digits.parse().ok()
    }
}

fn moved(digits: &str, days: i32) -> Option<String> {
    let (year, month, day) = (
        number(digits.get(..4)?)?,
        number(digits.get(4..6)?)?,
        number(digits.get(6..8)?)?,
    );
    let before = day_number(year, month, day);
    // The 31st of February is no date.
    if calendar(before) != (year, month, day) {
        return None;
    }
    let (year, month, day) = calendar(before + i64::from(days));
    (1..=9999)
        .contains(&year)
        .then(|| format!("{year:04}{month:02}{day:02}"))
}

/// Whether this is a date that exists, as YYYYMMDD.
pub(super) fn is_date(value: &str) -> bool {
    value.len() == 8 && moved(value, 0).is_some()
}

/// Whether this is a date and time, without being a range.
pub(super) fn is_date_time(value: &str) -> bool {
    date_time(value, 0).is_some()
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    calendar(days + 719_468)
}

/// Days since 1 March of the year 0. The year is taken to begin in March, so that the leap day is its last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2).div_euclid(5)
        + day
        - 1
}

fn calendar(days: i64) -> (i64, i64, i64) {
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests;

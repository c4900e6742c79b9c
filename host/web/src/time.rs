//! Points in time and amounts as people and scripts read them.
//!
//! Forty lines instead of a date crate: the host only ever prints UTC, and reads no dates here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `2026-11-21T12:08:26Z`. What lies before 1970 is printed as its beginning.
pub(crate) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Year, month and day of a number of days since 1970-01-01, by counting whole eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// How long ago, in the largest unit that fits: `3 min`.
pub(crate) fn ago(time: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `1.5 GB`, in powers of 1000.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut unit = 1;
    for (name, next) in [
        ("B", 1_000),
        ("kB", 1_000_000),
        ("MB", 1_000_000_000),
        ("GB", 1_000_000_000_000),
    ] {
        if bytes < next {
            return amount(bytes, unit, name);
        }
        unit = next;
    }
    amount(bytes, unit, "TB")
}

fn amount(bytes: u64, unit: u64, name: &str) -> String {
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    if unit == 1 || whole >= 100 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenth} {name}")
    }
}

/// `12 345`, with thin spaces between the groups.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;

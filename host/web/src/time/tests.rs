//! Tables of times and amounts.

use std::time::{Duration, UNIX_EPOCH};

use super::{ago, bytes, count, utc};

#[test]
fn dates() {
    let table = [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (1_795_262_906, "2026-11-21T12:08:26Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ];
    for (seconds, expected) in table {
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }
}

#[test]
fn ages() {
    for (seconds, expected) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (172_800, "2 d")] {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(ago(now - Duration::from_secs(seconds), now), expected);
    }
}

#[test]
fn amounts() {
    for (number, expected) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_550_000, "1.5 MB"),
        (123_456_789, "123 MB"),
        (5_000_000_000_000_000, "5000 TB"),
    ] {
        assert_eq!(bytes(number), expected);
    }
    for (number, expected) in [
        (0, "0"),
        (999, "999"),
        (1000, "1\u{202f}000"),
        (1_234_567, "1\u{202f}234\u{202f}567"),
    ] {
        assert_eq!(count(number), expected);
    }
}

use std::time::{Duration, UNIX_EPOCH};

use super::{Date, Moment, Time};

#[test]
fn dates() {
    for (text, expected) in [
        ("20000101", Some(0)),
        ("19991231", Some(-1)),
        ("20000301", Some(60)),
        ("20240229", Some(8825)),
        ("19700101", Some(-10_957)),
        (" 2000.01.02 ", Some(1)),
        ("00010101", Some(-730_119)),
        ("20230229", None),
        ("20231301", None),
        ("20230100", None),
        ("2023", None),
        ("2023010a", None),
        ("+2300101", None),
        ("２０００", None),
    ] {
        assert_eq!(Date::parse(text), expected.map(Date), "{text}");
    }
}

#[test]
fn times() {
    for (text, expected) in [
        ("00", Some((0, 3_599_999_999))),
        ("0001", Some((60_000_000, 119_999_999))),
        ("000102", Some((62_000_000, 62_999_999))),
        ("00:01:02", Some((62_000_000, 62_999_999))),
        ("000102.5", Some((62_500_000, 62_599_999))),
        ("000102.000005 ", Some((62_000_005, 62_000_005))),
        ("235960", Some((86_399_999_999, 86_399_999_999))),
        ("24", None),
        ("0060", None),
        ("0001.5", None),
        ("000102.", None),
        ("000102.1234567", None),
        ("1", None),
        ("", None),
        ("ab", None),
    ] {
        assert_eq!(
            Time::parse(text).map(|(first, last)| (first.0, last.0)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn moments_return() {
    for time in [UNIX_EPOCH, UNIX_EPOCH + Duration::from_micros(1_795_263_796_123_456)] {
        assert_eq!(std::time::SystemTime::from(Moment::from(time)), time);
    }
}

use proptest::prelude::*;

use super::{Date, Time};

proptest! {
    /// Days in their order are dates in their order; there are as many as the calendar has.
    #[test]
    fn days_that_exist(year in 1900..2100_u32, month in 0..14_u32, day in 0..33_u32) {
        let length = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && year != 1900 => 29,
            2 => 28,
            _ => 0,
        };
        let (bound, value) = (format!("{year:04}-{month:02}-{day:02}"), format!("{year:04}{month:02}{day:02}"));
        prop_assert_eq!(Date::of_bound(&bound).is_some(), (1..=length).contains(&day));
        prop_assert_eq!(Date::of_bound(&bound), Date::of_value(&value));
        prop_assert_eq!(Date::of_bound(&bound), Date::of_bound(&value));
    }

    #[test]
    fn every_text_is_taken(text in ".{0,20}") {
        Date::of_bound(&text);
        Date::of_value(&text);
        prop_assert!(Time::first(&text) <= Time::last(&text));
    }

    #[test]
    fn times_are_in_order(a in 0..86_400_u32, b in 0..86_400_u32) {
        let text = |t: u32| format!("{:02}{:02}{:02}", t / 3600, t / 60 % 60, t % 60);
        prop_assert_eq!(Time::first(&text(a)).cmp(&Time::first(&text(b))), a.cmp(&b));
    }
}

#[test]
fn dates() {
    let day = Date::of_bound("2024-02-29");
    for value in [
        "20240229",
        "20240229 ",
        "2024.02.29",
        "20240229235959.5+0100",
        "2024022912",
    ] {
        assert_eq!(Date::of_value(value), day, "{value:?}");
    }
    for wrong in [
        "",
        "2024",
        "202402",
        "20230229",
        "20240230",
        "2024-02-29",
        "20240229x",
        "2024022é",
        "20241301",
    ] {
        assert_eq!(Date::of_value(wrong), None, "{wrong:?}");
    }
}

#[test]
fn times() {
    for (value, first, last) in [
        ("08", 28_800_000_000, 32_399_999_999),
        ("0830", 30_600_000_000, 30_659_999_999),
        ("08:30", 30_600_000_000, 30_659_999_999),
        ("08:30:01", 30_601_000_000, 30_601_999_999),
        ("083001.5", 30_601_500_000, 30_601_599_999),
        ("083001.000001", 30_601_000_001, 30_601_000_001),
        ("235960", 86_400_000_000, 86_400_999_999),
    ] {
        assert_eq!(
            (Time::first(value), Time::last(value)),
            (Some(Time(first)), Some(Time(last))),
            "{value:?}"
        );
    }
    for wrong in [
        "",
        "8",
        "083",
        "2400",
        "0860",
        "083061",
        "0830.5",
        "083001.",
        "083001.0000001",
        "8:30",
        "08:3",
        "é8",
    ] {
        assert_eq!(Time::first(wrong), None, "{wrong:?}");
    }
}

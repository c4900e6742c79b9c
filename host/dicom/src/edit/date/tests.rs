//! Dates there and back.

use super::*;
use proptest::prelude::*;

#[test]
fn table() {
    let cases: &[(VR, &str, i32, Option<&str>)] = &[
        (VR::DA, "20240228", 1, Some("20240229")),
        (VR::DA, "20230228", 1, Some("20230301")),
        (VR::DA, "20240101", -1, Some("20231231")),
        (VR::DA, "19000228", 1, Some("19000301")),
        (VR::DA, "20000228", 1, Some("20000229")),
        (VR::DA, "2024.01.31", 1, Some("20240201")),
        (VR::DA, "", 5, Some("")),
        (VR::DA, "20240101-20240131", 31, Some("20240201-20240302")),
        (VR::DA, "-20240131", 1, Some("-20240201")),
        (VR::DA, "20240131-", 1, Some("20240201-")),
        (VR::DA, "-", 1, None),
        (VR::DA, "20240230", 1, None),
        (VR::DA, "20241301", 1, None),
        (VR::DA, "20240100", 1, None),
        (VR::DA, "2024", 1, None),
        (VR::DA, "2024010a", 1, None),
        (VR::DA, "last week", 1, None),
        (VR::DA, "99991231", 1, None),
        (VR::DA, "00010101", -1, None),
        (VR::DA, "２０２４", 1, None),
        (
            VR::DT,
            "20240228123456.123456+0100",
            1,
            Some("20240229123456.123456+0100"),
        ),
        (VR::DT, "20240228-0500", 1, Some("20240229-0500")),
        (VR::DT, "202402281234", 1, Some("202402291234")),
        (VR::DT, "2024", -1, Some("2023")),
        (VR::DT, "202403", -1, Some("202402")),
        (VR::DT, "20240228-20240301", 1, Some("20240229-20240302")),
        (
            VR::DT,
            "20240228120000-0500-20240301120000-0500",
            1,
            Some("20240229120000-0500-20240302120000-0500"),
        ),
        (VR::DT, "2024022812.5", 1, None),
        (VR::DT, "20240228123456.1234567", 1, None),
        (VR::DT, "20240228+01", 1, None),
        (VR::DT, "2024022", 1, None),
        (VR::DT, "20240228 12", 1, None),
    ];
    for (vr, value, days, expected) in cases {
        assert_eq!(shift(*vr, value, *days).as_deref(), *expected, "{value} + {days}");
    }
}

proptest! {
    #[test]
    fn there_and_back(year in 1000i64..3000, month in 1i64..=12, day in 1i64..=28, days in -100_000i32..100_000) {
        let value = format!("{year:04}{month:02}{day:02}");
        let moved = shift(VR::DA, &value, days).unwrap();
        prop_assert_eq!(shift(VR::DA, &moved, -days), Some(value));
    }

    #[test]
    fn any_text_is_answered(value in ".{0,40}", days: i32) {
        let _ = shift(VR::DA, &value, days);
        let _ = shift(VR::DT, &value, days);
    }
}

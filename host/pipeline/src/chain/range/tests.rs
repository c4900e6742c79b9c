use expect_test::expect;
use proptest::prelude::*;

use super::{Quantity, Range};

fn told(quantity: Quantity, from: Option<&str>, to: Option<&str>) -> String {
    match Range::new(quantity, from, to) {
        Ok(range) => range.to_string(),
        Err(error) => error.to_string(),
    }
}

proptest! {
    #[test]
    fn numbers(from in -1_000..1_000_i64, to in -1_000..1_000_i64, value in -1_000..1_000_i64) {
        let range = Range::new(Quantity::Number, Some(&from.to_string()), Some(&to.to_string()));
        match range {
            Ok(range) => prop_assert_eq!(range.contains(&value.to_string()), (from..=to).contains(&value)),
            Err(_) => prop_assert!(from > to),
        }
    }

    #[test]
    fn ends_are_included(a in -1e9_f64..1e9, b in -1e9_f64..1e9) {
        let (from, to) = (a.min(b).to_string(), a.max(b).to_string());
        let range = Range::new(Quantity::Number, Some(&from), Some(&to)).unwrap();
        prop_assert!(range.contains(&from) && range.contains(&to));
        let open = Range::new(Quantity::Number, Some(&from), None).unwrap();
        prop_assert!(open.contains(&to));
    }
}

#[test]
fn what_is_in_a_range() {
    for (quantity, from, to, value, expected) in [
        (Quantity::Number, Some("0.5"), Some("1"), "0.625 ", true),
        (Quantity::Number, Some("0.5"), Some("1"), "1.0E0", true),
        (Quantity::Number, Some("0.5"), Some("1"), "1.01", false),
        (Quantity::Number, Some("512"), None, "512", true),
        (Quantity::Number, Some("0"), None, "many", false),
        (Quantity::Date, Some("2024-01-01"), Some("2024-12-31"), "20241231", true),
        (
            Quantity::Date,
            Some("2024-01-01"),
            Some("2024-12-31"),
            "20250101",
            false,
        ),
        (Quantity::Date, None, Some("20241231"), "20241231235959", true),
        (Quantity::Date, None, Some("20241231"), "2024", false),
        (Quantity::Time, Some("22:00"), None, "2230", true),
        (Quantity::Time, None, Some("05:59"), "055959.999", true),
        (Quantity::Time, None, Some("05:59"), "0600", false),
    ] {
        let range = Range::new(quantity, from, to).unwrap();
        assert_eq!(range.contains(value), expected, "{value:?} in {range}");
    }
}

#[test]
fn what_a_bound_is_written_as() {
    for (text, quantity) in [
        ("1.5", Quantity::Number),
        ("-15", Quantity::Number),
        ("20240101", Quantity::Number),
        ("2024-01-01", Quantity::Date),
        ("08:30", Quantity::Time),
        ("08:30:00", Quantity::Time),
        ("1e-5", Quantity::Number),
        ("", Quantity::Number),
    ] {
        assert_eq!(Quantity::of(text), quantity, "{text:?}");
    }
}

#[test]
fn what_is_no_range() {
    expect!["has neither `from` nor `to`"].assert_eq(&told(Quantity::Number, None, None));
    expect![[r#"has "thin" as an end, which must be a number"#]].assert_eq(&told(Quantity::Number, Some("thin"), None));
    expect![[r#"has "2024-02-30" as an end, which must be a date, such as "2024-01-31" or "20240131""#]]
        .assert_eq(&told(Quantity::Date, Some("2024-02-30"), None));
    expect![[r#"has "25:00" as an end, which must be a time, such as "08:30" or "083000""#]].assert_eq(&told(
        Quantity::Time,
        None,
        Some("25:00"),
    ));
    expect!["has a `from` after its `to`, so nothing could match"].assert_eq(&told(
        Quantity::Number,
        Some("10"),
        Some("9.5"),
    ));
    expect!["has a `from` after its `to`, so nothing could match; over midnight, give two ranges, one without `to` and one without `from`"].assert_eq(&told(Quantity::Time, Some("22:00"), Some("06:00")));
    expect!["08:00 to 08"].assert_eq(&told(Quantity::Time, Some("08:00"), Some("08")));
}

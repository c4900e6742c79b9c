use proptest::prelude::*;

use super::Decimal;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|| panic!("{text:?} is a number"))
}

proptest! {
    /// Integers of a common scale are the reference.
    #[test]
    fn order_is_exact(a in -99_999_999_999_999_i64.., b in -99_999_999_999_999_i64.., x in 0..8_u32, y in 0..8_u32) {
        let reference = |mantissa: i64, exponent: u32| i128::from(mantissa) * 10_i128.pow(exponent);
        let (left, right) = (decimal(&format!("{a}E{x}")), decimal(&format!("{b}E{y}")));
        prop_assert_eq!(left.cmp(&right), reference(a, x).cmp(&reference(b, y)));
    }

    #[test]
    fn notations_of_a_number_are_equal(n in -9_999_999_i64..9_999_999, places in 0..7_u32) {
        let plain = decimal(&format!("{n}"));
        let shifted = decimal(&format!("{n}.{}", "0".repeat(places as usize)));
        prop_assert_eq!(&plain, &shifted);
        let scaled = decimal(&format!("{n}{}e-{places}", "0".repeat(places as usize)));
        prop_assert_eq!(&plain, &scaled);
    }

    #[test]
    fn doubles_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
        prop_assume!(a.is_finite() && b.is_finite());
        let (left, right) = (decimal(&a.to_string()), decimal(&b.to_string()));
        prop_assert_eq!(Some(left.cmp(&right)), a.partial_cmp(&b));
    }

    #[test]
    fn every_text_is_taken(text in ".{0,40}") {
        if let Some(number) = Decimal::parse(&text) {
            prop_assert_eq!(number.cmp(&number), std::cmp::Ordering::Equal);
        }
    }
}

#[test]
fn what_a_double_would_not_tell_apart() {
    assert!(decimal("18446744073709551614") < decimal("18446744073709551615"));
    assert!(decimal("0.1") < decimal("0.10000000000000001"));
    assert_eq!(decimal("-0"), decimal("0.00E7"));
    assert!(decimal("-1e-9999") < decimal("0"));
    assert!(decimal("9.99e9") < decimal("1e10"));
}

#[test]
fn notations() {
    for right in ["1", "+1", "-1", " 1 ", "1.", ".5", "1E5", "1e+5", "1.5E-5", "007"] {
        assert!(Decimal::parse(right).is_some(), "{right:?}");
    }
    let long = "1".repeat(513);
    for wrong in [
        "", "-", ".", "E5", "1E", "1E5.0", "1,5", "1 5", "--1", "inf", "NaN", "0x10", "1e10000", "٣", &long,
    ] {
        assert!(Decimal::parse(wrong).is_none(), "{wrong:?}");
    }
}

use expect_test::expect;
use proptest::prelude::*;

use super::{Expression, ExpressionError, Glob, Pattern};
use crate::chain::{Quantity, Range};

#[test]
fn globs_match_whole_texts() {
    for (pattern, text, expected) in [
        ("CT*", "CT1", true),
        ("CT*", "CT", true),
        ("CT*", "MCT", false),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("?", "", false),
        ("?", "é", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxbyy", false),
        ("**a", "bba", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*.*", "1.2", true),
    ] {
        assert_eq!(
            Glob::new(pattern).matches(text),
            expected,
            "{pattern:?} against {text:?}"
        );
    }
}

#[test]
fn a_hostile_pattern_ends_soon() {
    let pattern = Glob::new(&"*a".repeat(200));
    assert!(!pattern.matches(&"a".repeat(190)));
    assert!(!Glob::new(&format!("{}b", "a*".repeat(30))).matches(&"a".repeat(5_000)));
}

proptest! {
    /// The crate `regex` is the reference.
    #[test]
    fn globs_are_anchored_expressions(pattern in "[ab*?é\n]{0,8}", text in "[abé\n]{0,12}") {
        let mut expression = String::from("(?s)\\A");
        for letter in pattern.chars() {
            match letter {
                '*' => expression.push_str(".*"),
                '?' => expression.push('.'),
                other => expression.push_str(&regex::escape(&other.to_string())),
            }
        }
        expression.push_str("\\z");
        let expected = Expression::new(&expression).unwrap().matches(&text);
        prop_assert_eq!(Glob::new(&pattern).matches(&text), expected);
    }

    #[test]
    fn every_text_is_taken(pattern in ".{0,40}", text in ".{0,40}") {
        Glob::new(&pattern).matches(&text);
        if let Ok(expression) = Expression::new(&pattern) {
            expression.matches(&text);
        }
        prop_assert!(Glob::new(&text.replace(['*', '?'], "x")).matches(&text.replace(['*', '?'], "x")));
    }
}

#[test]
fn expressions_are_found_anywhere() {
    for (pattern, text, expected) in [
        ("CT", "ACTB", true),
        ("^CT", "ACTB", false),
        ("^CT[0-9]+$", "CT12", true),
        ("(?i)chest", "Thorax CHEST", true),
        ("", "", true),
        ("^\\p{L}+$", "Müller", true),
        ("knee|hip", "left hip", true),
    ] {
        assert_eq!(
            Expression::new(pattern).unwrap().matches(text),
            expected,
            "{pattern:?} in {text:?}"
        );
    }
}

#[test]
fn what_is_no_expression_is_told_in_a_line() {
    let told = |pattern: &str| match Expression::new(pattern) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    };
    expect!["is not a regular expression: unclosed group"].assert_eq(&told("a(b"));
    expect!["is not a regular expression: backreferences are not supported"].assert_eq(&told("(a)\\1"));
    expect!["is not a regular expression: look-around, including look-ahead and look-behind, is not supported"]
        .assert_eq(&told("(?=a)"));
    expect!["is not a regular expression: unclosed group"].assert_eq(&told(&"(".repeat(1_000)));
    expect![[r#"is a regular expression that takes more than 1024 KiB when it is compiled; smaller counts, or `(?-u:\w)` for ASCII alone, make it smaller"#]].assert_eq(&told("(?:a{1000}){1000}"));
    assert_eq!(Expression::new("\\w{20000}"), Err(ExpressionError::TooLarge));
    // What people write fits.
    expect!["accepted"].assert_eq(&told(r"(?i)^(CT|MR|PT)[-_ ]?\w{1,16}\d{4}[.]\d{2}$"));
}

/// A backtracking engine would not end on this.
#[test]
fn a_hostile_text_ends_soon() {
    let expression = Expression::new("(a*)*(a*)*b$").unwrap();
    assert!(!expression.matches(&"a".repeat(crate::chain::condition::LONGEST_ELEMENT)));
}

#[test]
fn patterns_are_shown() {
    let shown = |pattern: Pattern| pattern.to_string();
    assert_eq!(shown(Pattern::Glob(Glob::new("CT*"))), "CT*");
    assert_eq!(shown(Pattern::Expression(Expression::new("^CT").unwrap())), "/^CT/");
    let range = |from, to| Pattern::Range(Range::new(Quantity::Number, from, to).unwrap());
    assert_eq!(shown(range(Some("1"), Some("2.50"))), "1 to 2.50");
    assert_eq!(shown(range(Some("1"), None)), "from 1");
    assert_eq!(shown(range(None, Some("2"))), "up to 2");
}

/// About the largest expression that is accepted.
#[test]
fn a_large_expression_ends_on_the_longest_value() {
    let expression = Expression::new(r"\w{1,10}[-_ ]?\w{1,5}\dx$").unwrap();
    let text = "ä1_".repeat(crate::chain::condition::LONGEST_ELEMENT / 4);
    assert!(!expression.matches(&text));
}

use super::*;

#[test]
fn lines_cannot_forge_lines() {
    for (text, expected) in [
        ("plain", "plain".to_owned()),
        ("two\nlines", "two\\nlines".to_owned()),
        ("\u{1b}[31mred", "\\u{1b}[31mred".to_owned()),
        (&"x".repeat(5000), format!("{}…", "x".repeat(LONGEST_LINE))),
    ] {
        assert_eq!(line(text), expected);
    }
}

#[test]
fn values_are_printed_only_where_allowed() {
    let fields = [
        ("patient".to_owned(), "Doe".to_owned()),
        ("slice".to_owned(), "1".to_owned()),
    ];
    assert_eq!(attributes(&fields, false), "patient slice");
    assert_eq!(attributes(&fields, true), "patient=Doe slice=1");
}

#[test]
fn the_budget_counts_lines_and_bytes() {
    for (bytes, calls, lines, suppressed) in [(10, 300, 200, 100), (1024, 100, 64, 36), (MOST_BYTES + 1, 1, 0, 1)] {
        let mut budget = LogBudget::default();
        for _ in 0..calls {
            budget.take(bytes);
        }
        assert_eq!((budget.lines, budget.suppressed), (lines, suppressed), "{bytes}");
    }
}

use super::Glob;

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

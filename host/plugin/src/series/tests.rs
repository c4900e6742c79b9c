use super::*;

#[test]
fn names() {
    for (name, expected) in [
        ("objects", true),
        ("objects_2", true),
        ("2objects", false),
        ("", false),
        ("a b", false),
        ("é", false),
        (&"x".repeat(64), true),
        (&"x".repeat(65), false),
    ] {
        let registry = Registry::default();
        registry.count(name, 1);
        assert_eq!(registry.all().len() == 1, expected, "{name}");
    }
}

#[test]
fn a_name_keeps_its_kind_and_sums_do_not_overflow() {
    let registry = Registry::default();
    registry.count("a", u64::MAX);
    registry.count("a", 1);
    registry.observe("a", 1.0);
    registry.observe("b", f64::INFINITY);
    assert_eq!(
        registry.all(),
        [Series {
            name: "a".into(),
            measure: Measure::Counter(u64::MAX)
        }]
    );
}

use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn the_track_is_what_components_link_on() {
    for (text, expected) in [
        ("0.0.3", "0.0.3"),
        ("0.1.0", "0.1"),
        ("0.1.9", "0.1"),
        ("0.2.0", "0.2"),
        ("1.4.2", "1"),
        ("12.0.0", "12"),
    ] {
        assert_eq!(track(&version(text)), expected);
    }
}

#[test]
fn each_change_asks_for_one_version() {
    for (old, change, fits) in [
        ("0.1.0", Change::None, "0.1.0"),
        ("0.1.0", Change::Minor, "0.1.1"),
        ("0.1.4", Change::Minor, "0.1.5"),
        ("0.1.4", Change::Major, "0.2.0"),
        ("1.2.3", Change::None, "1.2.3"),
        ("1.2.3", Change::Minor, "1.3.0"),
        ("1.2.3", Change::Major, "2.0.0"),
    ] {
        let mut fitting = Vec::new();
        for new in [
            "0.1.0", "0.1.1", "0.1.4", "0.1.5", "0.2.0", "0.3.0", "1.2.2", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "3.0.0",
        ] {
            if misfit(&version(old), &version(new), change).is_none() {
                fitting.push(new);
            }
        }
        assert_eq!(fitting, [fits], "{old} {change}");
    }
}

#[test]
fn any_change_may_be_the_step_to_one() {
    for change in [Change::None, Change::Minor, Change::Major] {
        assert_eq!(misfit(&version("0.3.2"), &version("1.0.0"), change), None);
    }
    assert!(misfit(&version("1.2.0"), &version("1.0.0"), Change::None).is_some());
}

#[test]
fn versions_that_no_package_may_have() {
    assert_eq!(flaw(Some(&version("0.1.0"))), None);
    for (bad, expected) in [
        (None, "it has no version"),
        (
            Some("0.2.0-rc1"),
            "0.2.0-rc1 takes no part in the matching of versions; it must be three numbers",
        ),
        (
            Some("0.2.0+5"),
            "0.2.0+5 takes no part in the matching of versions; it must be three numbers",
        ),
        (
            Some("0.0.1"),
            "0.0.1 allows no minor change; the first version is 0.1.0",
        ),
    ] {
        assert_eq!(flaw(bad.map(version).as_ref()).as_deref(), Some(expected));
    }
}

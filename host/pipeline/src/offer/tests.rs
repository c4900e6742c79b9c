//! What is offered, in which order.

use super::{Kinds, contexts, convertible};

#[test]
fn what_is_stored_is_proposed_before_what_it_can_become() {
    let kind = |class: &str, syntax: &str| (class.to_owned(), syntax.to_owned());
    let kinds: Kinds = [kind("1.2", "1.2.840.10008.1.2"), kind("1.2", "1.2.840.10008.1.2.5")].into();
    assert_eq!(
        contexts(&kinds),
        [
            ("1.2", "1.2.840.10008.1.2"),
            ("1.2", "1.2.840.10008.1.2.5"),
            ("1.2", "1.2.840.10008.1.2.1"),
            ("1.2", "1.2.840.10008.1.2.4.80"),
            ("1.2", "1.2.840.10008.1.2.4.70"),
        ]
    );
    let many: Kinds = (0..100)
        .map(|n| kind(&format!("1.{n}"), "1.2.840.10008.1.2.5"))
        .collect();
    let offered = contexts(&many);
    assert_eq!(offered.len(), 128);
    assert!(
        offered[..100]
            .iter()
            .all(|(_, syntax)| *syntax == "1.2.840.10008.1.2.5")
    );
}

#[test]
fn what_can_become_what() {
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    let cases = [
        ("1.2.840.10008.1.2.1", JPEG_LS, true),
        ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2", true),
        // Nothing makes it, and nothing reads it.
        ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90", false),
        ("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.1", false),
        ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1", false),
    ];
    for (stored, taken, can) in cases {
        assert_eq!(convertible(stored, |syntax| syntax == taken), can, "{stored} {taken}");
    }
}

use super::*;
use crate::fake;

#[test]
fn what_is_a_uid() {
    for (text, expected) in [
        ("1.2.840.10008.1.2", true),
        ("2.25.0", true),
        ("0.0", true),
        ("1", false),
        ("", false),
        ("1..2", false),
        ("1.2.", false),
        ("1.02", false),
        ("1.2a", false),
        ("1.2 ", false),
    ] {
        assert_eq!(is_valid(text), expected, "{text}");
    }
    assert!(is_valid(&["1"; 32].join(".")));
    assert!(!is_valid(&["1"; 33].join(".")));
}

#[test]
fn new_ones_are_valid_and_differ() {
    let _host = fake::Host::new();
    let (one, other) = (random(), random());
    assert!(is_valid(&one) && is_valid(&other));
    assert_ne!(one, other);
    for bytes in [[0; 16], [0xFF; 16]] {
        let number: u128 = of_uuid(bytes).strip_prefix("2.25.").unwrap().parse().unwrap();
        assert_eq!((number >> 76 & 0xF, number >> 62 & 3), (4, 2));
    }
}

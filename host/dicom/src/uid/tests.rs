//! What is a UID and what is not.

use super::*;

#[test]
fn table() {
    let long = format!("1.{}", "2".repeat(62));
    let longer = format!("{long}3");
    let cases: &[(&str, Result<&str, BadUid>)] = &[
        ("1.2.840.10008.1.1", Ok("1.2.840.10008.1.1")),
        ("1", Ok("1")),
        ("1.2.3\0", Ok("1.2.3")),
        ("1.2.3 ", Ok("1.2.3")),
        ("1.02.3", Ok("1.02.3")),
        (&long, Ok(&long)),
        (&longer, Err(BadUid::TooLong(65))),
        ("", Err(BadUid::Empty)),
        ("\0", Err(BadUid::Empty)),
        (".1", Err(BadUid::EmptyComponent(0))),
        ("1..2", Err(BadUid::EmptyComponent(2))),
        ("1.2.", Err(BadUid::EmptyComponent(4))),
        (" 1.2", Err(BadUid::Character(0))),
        ("../../etc/passwd", Err(BadUid::EmptyComponent(0))),
        ("1/2", Err(BadUid::Character(1))),
        ("1.2\x003", Err(BadUid::Character(3))),
        ("١.٢", Err(BadUid::Character(0))),
    ];
    for (text, expected) in cases {
        assert_eq!(
            Uid::parse(text).as_ref().map(Uid::as_str),
            expected.as_ref().map(|s| *s),
            "{text:?}"
        );
    }
}

#[test]
fn serde_round_trip_checks() {
    let uid: Uid = serde_json::from_str("\"1.2.3\"").unwrap();
    assert_eq!(serde_json::to_string(&uid).unwrap(), "\"1.2.3\"");
    assert!(serde_json::from_str::<Uid>("\"a\"").is_err());
}

#[test]
fn random_ones_are_uuids() {
    // Version 4 and variant 10, whatever was drawn.
    assert_eq!(Uid::random([0; 16]), "2.25.302240678275694148452352");
    let highest = Uid::random([0xFF; 16]);
    assert_eq!(
        highest,
        format!("2.25.{}", 0xFFFF_FFFF_FFFF_4FFF_BFFF_FFFF_FFFF_FFFF_u128).as_str()
    );
    assert!(Uid::parse(highest.as_str()).is_ok());
}

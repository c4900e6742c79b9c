//! Which syntaxes are known, and what they mean.

use super::*;

#[test]
fn table() {
    // uid, explicit, big endian, deflated, encapsulated
    let cases: &[(&str, Option<[bool; 4]>)] = &[
        ("1.2.840.10008.1.2", Some([false, false, false, false])),
        ("1.2.840.10008.1.2\0", Some([false, false, false, false])),
        ("1.2.840.10008.1.2.1", Some([true, false, false, false])),
        ("1.2.840.10008.1.2.2", Some([true, true, false, false])),
        ("1.2.840.10008.1.2.1.99", Some([true, false, true, false])),
        ("1.2.840.10008.1.2.1.98", Some([true, false, false, true])),
        ("1.2.840.10008.1.2.4.50", Some([true, false, false, true])),
        ("1.2.840.10008.1.2.4.203", Some([true, false, false, true])),
        ("1.2.840.10008.1.2.4.95", Some([true, false, true, false])),
        ("1.2.840.10008.1.2.5", Some([true, false, false, true])),
        ("1.2.840.10008.1.2.8.1", Some([true, false, false, true])),
        ("1.2.840.10008.1.2.6.1", None), // RFC 2557 MIME: not for objects
        ("1.2.840.10008.1.1", None),
        ("1.2.3.4.5", None),
        ("", None),
        ("JPEG", None),
    ];
    for (uid, expected) in cases {
        let found = TransferSyntax::lookup(uid)
            .map(|s| [s.is_explicit(), s.is_big_endian(), s.is_deflated(), s.is_encapsulated()]);
        assert_eq!(found, *expected, "{uid}");
    }
    assert_eq!(TransferSyntax::lookup(EXPLICIT_LE), Some(TransferSyntax::explicit_le()));
    assert_eq!(TransferSyntax::lookup(IMPLICIT_LE), Some(TransferSyntax::implicit_le()));
    assert_eq!(TransferSyntax::lookup(EXPLICIT_BE), Some(TransferSyntax::explicit_be()));
}

use super::*;

#[test]
fn what_can_be_stored() {
    let table = [
        ("1.2.840.10008.5.1.4.1.1.2", true),      // CT
        ("1.2.840.10008.5.1.4.1.1.1", true),      // CR
        ("1.2.840.10008.5.1.4.1.1.6", true),      // ultrasound, retired
        ("1.2.840.10008.5.1.4.1.1.77.1.6", true), // whole slide
        ("1.2.840.10008.5.1.4.1.1.104.1", true),  // encapsulated PDF
        ("1.2.840.10008.5.1.4.1.1.79.1", true),   // a name without the word image
        ("1.2.840.10008.5.1.4.38.1", true),       // hanging protocol
        ("1.2.840.113619.4.30", true),            // private
        ("2.25.1", true),                         // private
        ("1.2.840.100080.1", true),               // private, nearly the root
        (VERIFICATION, false),
        (STORAGE_COMMITMENT, false),
        (WORKLIST_FIND, false),
        (PATIENT_ROOT_FIND, false),
        (STUDY_ROOT_GET, false),
        ("1.2.840.10008.1.3.10", false),          // media storage directory
        ("1.2.840.10008.5.1.1.9", false),         // grayscale print management
        ("1.2.840.10008.5.1.1.27", false),        // stored print
        ("1.2.840.10008.5.1.4.1.1.200.4", false), // protocol approval find
        ("1.2.840.10008.5.1.4.1.1.2.99", false),  // not in the standard
        ("1.2.840.10008.5.1.4.", false),
        ("", false),
        ("1", false),
        ("1..2", false),
        ("CT", false),
    ];
    for (uid, expected) in table {
        assert_eq!(is_storage(uid), expected, "{uid}");
    }
}

#[test]
fn table_is_sorted_and_named() {
    assert!(STORAGE.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(name("1.2.840.10008.5.1.4.1.1.2"), Some("CT Image Storage"));
    assert_eq!(name(VERIFICATION), Some("Verification"));
    assert_eq!(name("1.2.3"), None);
    assert!(storage_classes().all(|(uid, _)| is_storage(&uid)));
}

use super::*;

#[test]
fn keywords_and_tags() {
    for (name, expected) in [
        ("PatientID", Some(0x0010_0020)),
        ("Modality", Some(0x0008_0060)),
        ("SOPClassUID", Some(0x0008_0016)),
        ("(0010,0010)", Some(0x0010_0010)),
        ("0010,0010", Some(0x0010_0010)),
        ("00100010", Some(0x0010_0010)),
        ("patientid", None),
        ("PatientI", None),
        ("", None),
        ("~", None),
        ("001000", None),
    ] {
        assert_eq!(tag(name), expected.map(Tag), "{name}");
    }
}

#[test]
fn every_row_is_found_and_sorted() {
    let mut before = "";
    for line in ATTRIBUTES.lines() {
        let (word, digits) = line.split_once(' ').unwrap();
        assert!(before < word, "{before} {word}");
        assert_eq!(tag(word), u32::from_str_radix(digits, 16).ok().map(Tag), "{word}");
        before = word;
    }
}

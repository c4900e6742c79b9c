//! Names of attributes as clients write them.

use isocenter_dicom::Tag;

use super::{COMMON, Path, digits, keyword, parse};

#[test]
fn names_and_digits() {
    let table = [
        ("PatientName", Tag(0x0010, 0x0010), vec![]),
        ("00100010", Tag(0x0010, 0x0010), vec![]),
        ("0020000D", Tag(0x0020, 0x000D), vec![]),
        ("0020000d", Tag(0x0020, 0x000D), vec![]),
        ("00091001", Tag(0x0009, 0x1001), vec![]),
        (
            "RequestAttributesSequence.00400009",
            Tag(0x0040, 0x0275),
            vec![Tag(0x0040, 0x0009)],
        ),
    ];
    for (name, tag, inside) in table {
        assert_eq!(parse(name), Ok(Path { tag, inside }), "{name}");
    }
}

#[test]
fn a_mistake_is_answered_with_the_nearest() {
    let table = [
        ("PatientNam", "PatientName"),
        ("patientid", "PatientID"),
        ("StudyInstanceUId", "StudyInstanceUID"),
        ("Modalityy", "Modality"),
        ("0010001", "PatientName"),
        ("RequestAttributesSequence.Nonsence", ""),
    ];
    for (name, nearest) in table {
        let error = parse(name).unwrap_err();
        assert!(
            nearest.is_empty() || error.nearest == nearest || name.starts_with('0'),
            "{name}: {error}"
        );
    }
    assert_eq!(
        parse("PatientNam").unwrap_err().to_string(),
        "\"PatientNam\" is no attribute: write a keyword such as PatientName, or eight hexadecimal digits such as 00100010"
    );
}

#[test]
fn every_suggestion_is_a_keyword() {
    for name in COMMON {
        let path = parse(name).unwrap();
        assert_eq!(keyword(path.tag), name);
        assert_eq!(parse(&digits(path.tag)).unwrap(), path);
    }
}

use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{Tag, tags};

use super::{Condition, Element, LONGEST_ELEMENT};
use crate::chain::{Glob, Pattern, Quantity, Range};

const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);
const REQUESTED_PROCEDURE: Tag = Tag(0x0040, 0x1001);
const PRIVATE: Tag = Tag(0x0029, 0x1001);

/// Elements in implicit VR little endian, in which every length has four bytes.
fn element(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend(value);
    bytes
}

fn header(elements: &[(Tag, Vec<u8>)]) -> Header {
    let bytes: Vec<u8> = elements.iter().flat_map(|(tag, value)| element(*tag, value)).collect();
    Header::parse(TransferSyntax::implicit_le(), &bytes, Limits::default())
        .unwrap()
        .0
}

fn object() -> Header {
    let item = |id: &[u8]| element(Tag(0xFFFE, 0xE000), &element(REQUESTED_PROCEDURE, id));
    header(&[
        (tags::IMAGE_TYPE, b"ORIGINAL\\PRIMARY\\AXIAL ".to_vec()),
        (tags::STUDY_DATE, b"20240131".to_vec()),
        (tags::MODALITY, b"CT".to_vec()),
        (tags::STUDY_DESCRIPTION, Vec::new()),
        (tags::SLICE_THICKNESS, b"0.625 ".to_vec()),
        (tags::ROWS, 512_u16.to_le_bytes().to_vec()),
        (REQUEST_ATTRIBUTES, [item(b"P1"), item(b"P2")].concat()),
    ])
}

fn source() -> Source {
    Source {
        calling_ae: Some("CT1".to_owned()),
        called_ae: Some("ISOCENTER".to_owned()),
        peer: Some("10.1.2.3".to_owned()),
        transport: Transport::Dimse,
        subject: None,
        hops: 0,
    }
}

fn globs(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::Glob(Glob::new(text))).collect()
}

fn range(quantity: Quantity, from: &str, to: &str) -> Vec<Pattern> {
    vec![Pattern::Range(Range::new(quantity, Some(from), Some(to)).unwrap())]
}

fn by_element(element: impl Into<Element>, patterns: Vec<Pattern>) -> Condition {
    Condition {
        elements: vec![(element.into(), patterns)],
        ..Condition::default()
    }
}

#[test]
fn nothing_asked_is_everything() {
    let nothing = Source {
        calling_ae: None,
        called_ae: None,
        peer: None,
        transport: Transport::File,
        subject: None,
        hops: 0,
    };
    assert!(Condition::default().matches(&header(&[]), &nothing));
    assert!(Condition::default().is_empty());
}

#[test]
fn where_an_object_comes_from() {
    let cases: [(Condition, bool); 8] = [
        (
            Condition {
                calling_ae: globs(&["MR*", "CT*"]),
                ..Condition::default()
            },
            true,
        ),
        (
            Condition {
                calling_ae: globs(&["MR*"]),
                ..Condition::default()
            },
            false,
        ),
        (
            Condition {
                called_ae: globs(&["ISO?ENTER"]),
                ..Condition::default()
            },
            true,
        ),
        (
            Condition {
                address: vec!["10.0.0.0/8".parse().unwrap()],
                ..Condition::default()
            },
            true,
        ),
        (
            Condition {
                address: vec!["10.1.2.4".parse().unwrap()],
                ..Condition::default()
            },
            false,
        ),
        (
            Condition {
                transport: vec![Transport::Stow, Transport::Dimse],
                ..Condition::default()
            },
            true,
        ),
        (
            Condition {
                transport: vec![Transport::File],
                ..Condition::default()
            },
            false,
        ),
        // Every key must match.
        (
            Condition {
                calling_ae: globs(&["CT*"]),
                transport: vec![Transport::File],
                ..Condition::default()
            },
            false,
        ),
    ];
    for (condition, expected) in cases {
        assert_eq!(condition.matches(&object(), &source()), expected, "{condition:?}");
    }
}

#[test]
fn what_is_not_there_matches_nothing() {
    let nobody = Source {
        calling_ae: None,
        called_ae: None,
        peer: None,
        transport: Transport::Stow,
        subject: None,
        hops: 0,
    };
    for condition in [
        Condition {
            calling_ae: globs(&["*"]),
            ..Condition::default()
        },
        Condition {
            called_ae: globs(&["*"]),
            ..Condition::default()
        },
        Condition {
            address: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            ..Condition::default()
        },
        // Absent, and empty.
        by_element(tags::BODY_PART_EXAMINED, globs(&["*"])),
        by_element(tags::STUDY_DESCRIPTION, globs(&["*"])),
        by_element(PRIVATE, globs(&["*"])),
        // A key without a pattern; the configuration refuses it.
        by_element(tags::MODALITY, Vec::new()),
    ] {
        assert!(!condition.matches(&object(), &nobody), "{condition:?}");
    }
}

#[test]
fn elements() {
    let nested = |sequences: &[Tag]| Element {
        sequences: sequences.to_vec(),
        tag: REQUESTED_PROCEDURE,
    };
    for (condition, expected) in [
        (by_element(tags::MODALITY, globs(&["MR", "C?"])), true),
        // Any value of several.
        (by_element(tags::IMAGE_TYPE, globs(&["AXIAL"])), true),
        (by_element(tags::IMAGE_TYPE, globs(&["DERIVED"])), false),
        (by_element(tags::ROWS, range(Quantity::Number, "512", "1024")), true),
        (
            by_element(tags::SLICE_THICKNESS, range(Quantity::Number, "0", "0.62")),
            false,
        ),
        (
            by_element(tags::STUDY_DATE, range(Quantity::Date, "2024-01-01", "2024-01-31")),
            true,
        ),
        // Any item of a sequence.
        (by_element(nested(&[REQUEST_ATTRIBUTES]), globs(&["P2"])), true),
        (by_element(nested(&[REQUEST_ATTRIBUTES]), globs(&["P3"])), false),
        (by_element(nested(&[]), globs(&["P2"])), false),
    ] {
        assert_eq!(condition.matches(&object(), &source()), expected, "{condition:?}");
    }
}

#[test]
fn an_element_beyond_all_measure_matches_nothing() {
    let of_length = |length: usize| header(&[(tags::STUDY_DESCRIPTION, vec![b'x'; length])]);
    let condition = by_element(tags::STUDY_DESCRIPTION, globs(&["*"]));
    assert!(condition.matches(&of_length(LONGEST_ELEMENT), &source()));
    assert!(!condition.matches(&of_length(LONGEST_ELEMENT + 2), &source()));
}

/// A quarter of a million items, each asked once.
#[test]
fn many_items_end_soon() {
    let item = element(Tag(0xFFFE, 0xE000), &element(REQUESTED_PROCEDURE, b"P1"));
    let object = header(&[(REQUEST_ATTRIBUTES, item.repeat(250_000))]);
    let condition = by_element(
        Element {
            sequences: vec![REQUEST_ATTRIBUTES],
            tag: REQUESTED_PROCEDURE,
        },
        globs(&["P2"]),
    );
    assert!(!condition.matches(&object, &source()));
}

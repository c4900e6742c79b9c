//! Whose a draft is, whatever its source was written in; and what is refused.

use super::*;
use crate::header::tests::{Writer, header, syntaxes};
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

const IDS: Tag = tags::OTHER_PATIENT_I_DS_SEQUENCE;

fn text(text: &str) -> Value {
    Value::Text(vec![text.to_owned()])
}

fn at(steps: &[(Tag, u32)], tag: Tag) -> Path {
    Path {
        within: steps.iter().map(|&(sequence, item)| Step { sequence, item }).collect(),
        tag,
    }
}

fn issue() -> Issue {
    Issue {
        instance: Uid::parse("2.25.1").unwrap(),
        series: Uid::parse("2.25.2").unwrap(),
        seed: [7; 16],
        number: 3,
        // 2026-11-21, 23:30 in UTC.
        created: UNIX_EPOCH + Duration::from_secs(1_795_303_800),
        maker: Maker {
            host_version: "0.1.0".into(),
            plugin: "lung".into(),
            plugin_version: "2.0".into(),
            digest: "blake3:0123456789abcdef0123456789abcdef".into(),
        },
    }
}

/// A source in Latin-1, with a private element and a sequence.
fn source(syntax: &TransferSyntax, change: impl Fn(&mut Writer)) -> Arc<Header> {
    let mut w = Writer::new(syntax);
    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100")
        .identity()
        .text(tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0100")
        .text(tags::MODALITY, VR::CS, "CT")
        .put(tags::PATIENT_NAME, VR::PN, b"M\xFCller^J\xF6rg ")
        .text(tags::PATIENT_ID, VR::LO, " 007 ")
        .text(tags::PATIENT_BIRTH_DATE, VR::DA, "1970.01.01")
        .put(Tag(0x0011, 0x0010), VR::LO, b"ACME")
        .put(tags::PATIENT_WEIGHT, VR::DS, b"80")
        .sequence(
            IDS,
            true,
            &[&|w| {
                w.put(tags::PATIENT_ID, VR::LO, b"\xE9tage ")
                    .put(Tag(0x0011, 0x0010), VR::LO, b"ACME");
            }],
        )
        .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3.7");
    change(&mut w);
    Arc::new(header(syntax, &w.bytes))
}

fn capture(sources: Vec<Arc<Header>>, elements: Vec<(Path, Value)>) -> Draft {
    let mut all = vec![
        (tags::ROWS.into(), Value::Unsigned(vec![2])),
        (tags::COLUMNS.into(), Value::Unsigned(vec![3])),
    ];
    all.extend(elements);
    Draft {
        kind: Kind::SecondaryCapture,
        sources,
        elements: all,
        pixels: Bytes::from_static(&[1, 2, 3, 4, 5, 6]),
    }
}

#[test]
fn whose_it_is_comes_from_the_source() {
    for syntax in syntaxes() {
        let built = capture(vec![source(&syntax, |_| {})], vec![]).build(&issue()).unwrap();
        let header = &built.header;
        let first = |tag| header.first(tag).unwrap_or_default();
        assert_eq!(first(tags::SPECIFIC_CHARACTER_SET), "ISO_IR 192");
        assert_eq!(first(tags::PATIENT_NAME), "Müller^Jörg");
        // Byte for byte, though no date is written so any more, and spaces mean nothing.
        assert_eq!(
            header.element(&tags::PATIENT_BIRTH_DATE.into()).unwrap().bytes(),
            b"1970.01.01"
        );
        assert_eq!(header.element(&tags::PATIENT_ID.into()).unwrap().bytes(), b" 007  ");
        assert_eq!(first(tags::PATIENT_WEIGHT), "80");
        assert_eq!(header.value(&at(&[(IDS, 0)], tags::PATIENT_ID)), Some(text("étage")));
        assert_eq!(header.tags(&[Step { sequence: IDS, item: 0 }]), [tags::PATIENT_ID]);
        assert_eq!(
            header.element(&Tag(0x0011, 0x0010).into()).map(|element| element.tag()),
            None
        );
        assert_eq!(first(tags::STUDY_INSTANCE_UID), "1.2.3.1");
        // A secondary capture without a position is in no space.
        assert_eq!(first(tags::FRAME_OF_REFERENCE_UID), "");
        // Empty where the source has none.
        assert_eq!(header.text(tags::ACCESSION_NUMBER), Some(vec![]));
        assert_eq!(built.identity.sop_instance, "2.25.1");
        assert_eq!(built.identity.series, "2.25.2");
        assert_eq!(built.identity.sop_class, Kind::SecondaryCapture.sop_class());
        // In the source's zone it is tomorrow already.
        assert_eq!(first(tags::INSTANCE_CREATION_DATE), "20261122");
        assert_eq!(first(tags::INSTANCE_CREATION_TIME), "003000");
        let references = [(tags::SOURCE_IMAGE_SEQUENCE, 0)];
        assert_eq!(
            header.value(&at(&references, tags::REFERENCED_SOP_INSTANCE_UID)),
            Some(text("1.2.3.4"))
        );
        let equipment = [(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, 0)];
        assert_eq!(
            header.value(&at(&equipment, tags::SOFTWARE_VERSIONS)),
            Some(Value::Text(vec!["Isocenter 0.1.0".into(), "lung 2.0".into()]))
        );
        assert_eq!(
            header.value(&at(&equipment, tags::CONTRIBUTION_DATE_TIME)),
            Some(text("20261122003000+0100"))
        );
        let bytes: Vec<u8> = built.pieces().flat_map(|piece| piece.to_vec()).collect();
        assert!(bytes.ends_with(&[0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 6, 0, 0, 0, 1, 2, 3, 4, 5, 6]));
        // It is taken in as any other object is.
        let (again, rest) = Header::parse(TransferSyntax::explicit_le(), &bytes, Limits::default()).unwrap();
        assert_eq!((again.to_json(), rest.len()), (header.to_json(), 18));
    }
}

#[test]
fn what_the_author_sets_is_there() {
    let views = [(tags::VIEW_CODE_SEQUENCE, 0)];
    let built = capture(
        vec![source(&TransferSyntax::explicit_le(), |_| {})],
        vec![
            (tags::SERIES_DESCRIPTION.into(), text("肺")),
            (tags::IMAGE_POSITION_PATIENT.into(), Value::Real(vec![0.0, 0.5, 1.0])),
            (tags::INSTANCE_NUMBER.into(), text("9")),
            (tags::DERIVATION_DESCRIPTION.into(), text("by hand")),
            (at(&views, tags::CODE_MEANING), text("ä")),
            (at(&[(tags::VIEW_CODE_SEQUENCE, 1)], tags::CODE_MEANING), text("b")),
            (tags::ANATOMIC_REGION_SEQUENCE.into(), Value::Text(vec![])),
        ],
    );
    let header = built.build(&issue()).unwrap().header;
    assert_eq!(header.first(tags::SERIES_DESCRIPTION).as_deref(), Some("肺"));
    assert_eq!(header.first(tags::INSTANCE_NUMBER).as_deref(), Some("9"));
    assert_eq!(header.first(tags::DERIVATION_DESCRIPTION).as_deref(), Some("by hand"));
    assert_eq!(header.first(tags::FRAME_OF_REFERENCE_UID).as_deref(), Some("1.2.3.7"));
    assert_eq!(header.items(&tags::VIEW_CODE_SEQUENCE.into()), Some(2));
    assert_eq!(header.value(&at(&views, tags::CODE_MEANING)), Some(text("ä")));
    assert_eq!(header.items(&tags::ANATOMIC_REGION_SEQUENCE.into()), Some(0));
}

#[test]
fn what_is_lossy_stays_lossy() {
    let lossy = source(&TransferSyntax::explicit_le(), |w| {
        w.text(tags::BODY_PART_EXAMINED, VR::CS, "not a code string")
            .text(tags::LATERALITY, VR::CS, "R")
            .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01")
            .text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, "12.5");
    });
    let clean = vec![(tags::LOSSY_IMAGE_COMPRESSION.into(), text("00"))];
    let header = capture(vec![lossy], clean).build(&issue()).unwrap().header;
    assert_eq!(header.first(tags::LOSSY_IMAGE_COMPRESSION).as_deref(), Some("01"));
    assert_eq!(
        header.first(tags::LOSSY_IMAGE_COMPRESSION_RATIO).as_deref(),
        Some("12.5")
    );
}

#[test]
fn what_is_refused() {
    let syntax = TransferSyntax::explicit_le();
    let good = || vec![source(&syntax, |_| {})];
    let other = |tag: Tag, vr: VR, value: &'static str| {
        let mut w = Writer::le();
        w.identity();
        for (own, own_vr, own_value) in [
            (tags::PATIENT_NAME, VR::PN, "Müller^Jörg"),
            (tags::PATIENT_ID, VR::LO, "007"),
        ] {
            if own != tag {
                w.text(own, own_vr, own_value);
            }
        }
        w.text(tag, vr, value);
        Arc::new(header(&syntax, &w.bytes))
    };
    let of = |kind: Kind, sources: Vec<Arc<Header>>, elements: Vec<(Path, Value)>, pixels: &'static [u8]| Draft {
        kind,
        sources,
        elements,
        pixels: Bytes::from_static(pixels),
    };
    let set = |tag: Tag, value: &str| vec![(Path::from(tag), text(value))];
    let cases: Vec<(Draft, &str)> = vec![
        (
            capture(vec![], vec![]),
            "a draft needs an object that it derives from: patient and study come from there",
        ),
        (
            capture(vec![good().remove(0), other(tags::PATIENT_ID, VR::LO, "008")], vec![]),
            "the objects that the draft derives from are of different patients: Patient ID (0010,0020), or its issuer, differs",
        ),
        (
            capture(
                vec![
                    other(tags::PATIENT_ID, VR::LO, ""),
                    other(tags::ISSUER_OF_PATIENT_ID, VR::LO, "a"),
                ],
                vec![],
            ),
            "the objects that the draft derives from are of different patients: Patient ID (0010,0020), or its issuer, differs",
        ),
        (
            capture(vec![other(tags::SOP_CLASS_UID, VR::UI, "")], vec![]),
            "an object that the draft derives from cannot be referenced: SOP Class UID (0008,0016) stands twice, with different values",
        ),
        (
            capture(
                vec![source(&syntax, |w| {
                    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
                        .put(tags::STUDY_ID, VR::SH, b"ok");
                })],
                set(tags::PATIENT_NAME, "Doe"),
            ),
            "PatientName (0010,0010) cannot be set in a draft: patient and study are those of the object that it derives from",
        ),
        (
            capture(good(), vec![(at(&[(IDS, 0)], tags::PATIENT_ID), text("9"))]),
            "OtherPatientIDsSequence (0010,1002)[0].(0010,0020) cannot be set in a draft: patient and study are those of the object that it derives from",
        ),
        (
            capture(good(), set(tags::SOP_INSTANCE_UID, "1.2")),
            "SOPInstanceUID (0008,0018) cannot be set in a draft: the host sets it",
        ),
        (
            of(
                Kind::StructuredReport,
                good(),
                set(tags::VERIFICATION_FLAG, "VERIFIED"),
                b"",
            ),
            "VerificationFlag (0040,A493) cannot be set in a draft: only a person can verify a report",
        ),
        (
            of(Kind::Segmentation, good(), set(tags::MODALITY, "CT"), b""),
            "Modality (0008,0060) cannot be set in a draft: the host sets it",
        ),
        (
            capture(
                good(),
                vec![(at(&[(tags::VIEW_CODE_SEQUENCE, 1)], tags::CODE_VALUE), text("1"))],
            ),
            "(0054,0220)[1].(0008,0100) cannot be set: the item before it has not been set yet",
        ),
        (
            capture(good(), vec![(tags::PIXEL_DATA.into(), Value::Bytes(Bytes::new()))]),
            "(7FE0,0010) cannot be edited: it is pixel data",
        ),
        (
            capture(good(), set(tags::CONTENT_DATE, "tomorrow")),
            "the value for (0008,0023) does not fit its VR DA: it takes a date as YYYYMMDD",
        ),
        (
            of(Kind::SecondaryCapture, good(), vec![], &[1]),
            "a secondary capture needs Rows (0028,0010), which was not set",
        ),
        (
            capture(good(), set(tags::NUMBER_OF_FRAMES, "2")),
            "NumberOfFrames (0028,0008) of a secondary capture must be 1; each further frame is a draft of its own",
        ),
        (
            capture(good(), vec![(tags::BITS_ALLOCATED.into(), Value::Unsigned(vec![16]))]),
            "the pixel data has 6 bytes, and Rows x Columns x Samples per Pixel x Number of Frames x Bits Allocated needs 12",
        ),
        (
            capture(good(), vec![(tags::BITS_ALLOCATED.into(), Value::Unsigned(vec![12]))]),
            "BitsAllocated (0028,0100) of a secondary capture must be 8 or 16",
        ),
        (
            capture(good(), vec![(tags::BITS_STORED.into(), Value::Unsigned(vec![9]))]),
            "BitsStored (0028,0101) of a secondary capture must be between 1 and Bits Allocated",
        ),
        (
            of(Kind::StructuredReport, good(), vec![], b""),
            "a structured report needs ConceptNameCodeSequence (0040,A043), which was not set",
        ),
        (
            of(Kind::EncapsulatedPdf, good(), vec![], b"<html>"),
            "the document is not a PDF: it does not begin with \"%PDF-\"",
        ),
        (
            of(Kind::PresentationState, good(), vec![], b""),
            "a presentation state needs DisplayedAreaSelectionSequence (0070,005A), which was not set",
        ),
        (
            of(
                Kind::Segmentation,
                good(),
                set(tags::SEGMENTATION_TYPE, "LABELMAP"),
                b"",
            ),
            "a segmentation needs SegmentSequence (0062,0002), which was not set",
        ),
    ];
    for (draft, sentence) in cases {
        let error = draft.build(&issue()).expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn an_unreadable_name_is_not_passed_on() {
    let mut w = Writer::le();
    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
        .identity()
        .put(tags::PATIENT_NAME, VR::PN, b"M\xFCller^");
    let source = Arc::new(header(&TransferSyntax::explicit_le(), &w.bytes));
    let error = capture(vec![source], vec![]).build(&issue()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "(0010,0010) of the object that the draft derives from cannot be read in its character set"
    );
}

proptest! {
    #[test]
    fn any_elements_make_an_object_of_the_same_patient_or_an_error(
        elements in prop::collection::vec((
            prop::collection::vec((prop::sample::select(vec![tags::VIEW_CODE_SEQUENCE, IDS, tags::SEGMENT_SEQUENCE, tags::ROWS]), 0u32..3), 0..3),
            prop::sample::select(vec![tags::PATIENT_ID, tags::CODE_MEANING, tags::ROWS, tags::SERIES_DESCRIPTION, tags::STUDY_INSTANCE_UID, tags::VIEW_CODE_SEQUENCE, Tag(9, 0x1001)]),
            prop_oneof![
                prop::collection::vec("[A-Z0-9é]{0,9}", 0..3).prop_map(Value::Text),
                prop::collection::vec(0u64..5, 0..3).prop_map(Value::Unsigned),
            ],
        ), 0..5),
    ) {
        let elements = elements.into_iter().map(|(steps, tag, value)| (at(&steps, tag), value)).collect();
        let draft = capture(vec![source(&TransferSyntax::explicit_le(), |_| {})], elements);
        if let Ok(built) = draft.build(&issue()) {
            let id = built.header.first(tags::PATIENT_ID);
            prop_assert_eq!(id.as_deref(), Some("007"));
            prop_assert_eq!(built.identity.study.as_str(), "1.2.3.1");
            crate::header::tests::exercise(&built.header);
        }
    }
}

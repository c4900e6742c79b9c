//! Headers: what is read, what is refused, and that the size of chunks does not matter.

use super::*;
use crate::error::Problem;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Writes data sets by hand, in any of the three encodings.
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    explicit: bool,
    big: bool,
}

impl Writer {
    pub(crate) fn new(syntax: &TransferSyntax) -> Self {
        Self {
            bytes: Vec::new(),
            explicit: syntax.is_explicit(),
            big: syntax.is_big_endian(),
        }
    }

    pub(crate) fn le() -> Self {
        Self::new(&TransferSyntax::explicit_le())
    }

    pub(crate) fn u16(&mut self, n: u16) -> &mut Self {
        self.bytes
            .extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        self
    }

    pub(crate) fn u32(&mut self, n: u32) -> &mut Self {
        self.bytes
            .extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        self
    }

    pub(crate) fn head(&mut self, tag: Tag, vr: VR, length: u32) -> &mut Self {
        self.u16(tag.0).u16(tag.1);
        if !self.explicit {
            return self.u32(length);
        }
        self.bytes.extend(vr.to_bytes());
        if crate::vr::has_long_header(vr) {
            self.u16(0).u32(length)
        } else {
            self.u16(length as u16)
        }
    }

    pub(crate) fn put(&mut self, tag: Tag, vr: VR, value: &[u8]) -> &mut Self {
        self.head(tag, vr, value.len() as u32);
        self.bytes.extend(value);
        self
    }

    pub(crate) fn text(&mut self, tag: Tag, vr: VR, value: &str) -> &mut Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == VR::UI { 0 } else { b' ' });
        }
        self.put(tag, vr, &value)
    }

    /// An item or delimiter.
    pub(crate) fn mark(&mut self, element: u16, length: u32) -> &mut Self {
        self.u16(0xFFFE).u16(element).u32(length)
    }

    /// A sequence with items, written by `items`; lengths defined or not.
    pub(crate) fn sequence(&mut self, tag: Tag, defined: bool, items: &[&dyn Fn(&mut Self)]) -> &mut Self {
        let mut inner = Self {
            bytes: Vec::new(),
            explicit: self.explicit,
            big: self.big,
        };
        for item in items {
            let mut one = Self {
                bytes: Vec::new(),
                explicit: self.explicit,
                big: self.big,
            };
            item(&mut one);
            inner.mark(0xE000, if defined { one.bytes.len() as u32 } else { u32::MAX });
            inner.bytes.extend(one.bytes);
            if !defined {
                inner.mark(0xE00D, 0);
            }
        }
        self.head(tag, VR::SQ, if defined { inner.bytes.len() as u32 } else { u32::MAX });
        self.bytes.extend(inner.bytes);
        if !defined {
            self.mark(0xE0DD, 0);
        }
        self
    }

    /// The four UIDs of an identity.
    pub(crate) fn identity(&mut self) -> &mut Self {
        self.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2")
            .text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4")
            .text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.1")
            .text(tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.2")
    }
}

pub(crate) fn syntaxes() -> [TransferSyntax; 3] {
    [
        TransferSyntax::explicit_le(),
        TransferSyntax::implicit_le(),
        TransferSyntax::explicit_be(),
    ]
}

/// A data set with something of everything.
pub(crate) fn sample(syntax: &TransferSyntax, defined: bool) -> Vec<u8> {
    let mut w = Writer::new(syntax);
    let big = syntax.is_big_endian();
    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100")
        .text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2")
        .text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4")
        .text(tags::STUDY_DATE, VR::DA, "20240228")
        .text(tags::MODALITY, VR::CS, "CT")
        .sequence(tags::REFERENCED_STUDY_SEQUENCE, defined, &[])
        .sequence(
            tags::REFERENCED_IMAGE_SEQUENCE,
            defined,
            &[
                &|w| {
                    w.text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2")
                        .text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.2.3.9")
                        .sequence(
                            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
                            defined,
                            &[&|w| {
                                w.text(tags::CODE_VALUE, VR::SH, "121311")
                                    .put(Tag(0x0009, 0x0010), VR::LO, b"ACME");
                            }],
                        );
                },
                &|_| {},
            ],
        )
        .put(Tag(0x0009, 0x0010), VR::LO, b"ACME")
        .put(Tag(0x0009, 0x1001), VR::UN, b"\x01\x02\x03\x04")
        .put(tags::PATIENT_NAME, VR::PN, b"M\xFCller^J\xF6rg=\xE9 ")
        .text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.1")
        .text(tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.2")
        .text(tags::IMAGE_POSITION_PATIENT, VR::DS, "-1.5\\0\\1e2");
    let rows: &[u8] = if big { b"\x02\x00" } else { b"\x00\x02" };
    w.put(tags::ROWS, VR::US, rows);
    w.bytes
}

/// The same with native pixel data.
pub(crate) fn with_pixels(syntax: &TransferSyntax, defined: bool) -> Vec<u8> {
    let mut w = Writer::new(syntax);
    w.bytes = sample(syntax, defined);
    w.put(tags::PIXEL_DATA, VR::OW, &[7; 64]);
    w.bytes
}

pub(crate) fn header(syntax: &TransferSyntax, bytes: &[u8]) -> Header {
    Header::parse(syntax.clone(), bytes, Limits::default()).unwrap().0
}

fn at(steps: &[(Tag, u32)], tag: Tag) -> Path {
    Path {
        within: steps.iter().map(|&(sequence, item)| Step { sequence, item }).collect(),
        tag,
    }
}

#[test]
fn everything_is_found_in_every_encoding() {
    for syntax in syntaxes() {
        for defined in [true, false] {
            let bytes = with_pixels(&syntax, defined);
            let (header, rest) = Header::parse(syntax.clone(), &bytes, Limits::default()).unwrap();
            assert_eq!(header.bytes().len() + rest.len(), bytes.len());
            assert_eq!(header.bytes(), &sample(&syntax, defined));
            let identity = header.identity().unwrap();
            assert_eq!(
                [
                    &identity.sop_class,
                    &identity.sop_instance,
                    &identity.study,
                    &identity.series
                ]
                .map(|u| u.as_str()),
                ["1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.3.1", "1.2.3.2"]
            );
            assert_eq!(header.first(tags::PATIENT_NAME).as_deref(), Some("Müller^Jörg=é"));
            assert_eq!(header.text(tags::IMAGE_POSITION_PATIENT).unwrap(), ["-1.5", "0", "1e2"]);
            assert_eq!(header.first(tags::ROWS).as_deref(), Some("512"));
            assert_eq!(header.value(&tags::ROWS.into()), Some(Value::Unsigned(vec![512])));
            assert_eq!(
                header.value(&Tag(0x0009, 0x1001).into()),
                Some(Value::Bytes(Bytes::from_static(&[1, 2, 3, 4])))
            );
            assert_eq!(header.text(tags::PATIENT_ID), None);
            assert_eq!(header.first(tags::REFERENCED_IMAGE_SEQUENCE), None);
            assert_eq!(header.items(&tags::REFERENCED_IMAGE_SEQUENCE.into()), Some(2));
            assert_eq!(header.items(&tags::REFERENCED_STUDY_SEQUENCE.into()), Some(0));
            assert_eq!(header.items(&tags::PATIENT_NAME.into()), None);
            let deep = [
                (tags::REFERENCED_IMAGE_SEQUENCE, 0),
                (tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, 0),
            ];
            assert_eq!(
                header.value(&at(&deep, tags::CODE_VALUE)),
                Some(Value::Text(vec!["121311".into()]))
            );
            assert_eq!(
                header.tags(&at(&deep, tags::CODE_VALUE).within),
                [tags::CODE_VALUE, Tag(0x0009, 0x0010)]
            );
            assert_eq!(
                header.tags(&at(&[(tags::REFERENCED_IMAGE_SEQUENCE, 1)], Tag(0, 0)).within),
                []
            );
            assert_eq!(
                header.value(&at(&[(tags::REFERENCED_IMAGE_SEQUENCE, 2)], tags::CODE_VALUE)),
                None
            );
            assert_eq!(header.value(&at(&[(tags::PATIENT_NAME, 0)], tags::CODE_VALUE)), None);
            assert_eq!(header.tags(&[]).len(), 14);
        }
    }
}

#[test]
fn debug_shows_no_values() {
    let syntax = TransferSyntax::explicit_le();
    let header = header(&syntax, &sample(&syntax, true));
    let shown = format!(
        "{header:?} {:?} {:?}",
        header.element(&tags::PATIENT_NAME.into()),
        header.value(&tags::PATIENT_NAME.into())
    );
    assert!(!shown.contains("rg"), "{shown}");
}

#[test]
fn an_item_has_its_own_character_set() {
    let mut w = Writer::le();
    w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100").sequence(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        true,
        &[
            &|w| {
                w.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
                    .text(tags::CODE_MEANING, VR::LO, "Müller");
            },
            &|w| {
                w.put(tags::CODE_MEANING, VR::LO, b"M\xFCller");
            },
        ],
    );
    let header = header(&TransferSyntax::explicit_le(), &w.bytes);
    for item in [0, 1] {
        let path = at(&[(tags::REQUEST_ATTRIBUTES_SEQUENCE, item)], tags::CODE_MEANING);
        assert_eq!(
            header.value(&path),
            Some(Value::Text(vec!["Müller".into()])),
            "item {item}"
        );
    }
}

#[test]
fn un_holds_implicit_little_endian() {
    let inner = |w: &mut Writer| {
        w.text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.2.3.9");
    };
    for syntax in [TransferSyntax::explicit_le(), TransferSyntax::explicit_be()] {
        let implicit = TransferSyntax::implicit_le();
        for (tag, defined) in [
            (tags::REFERENCED_IMAGE_SEQUENCE, false),
            (Tag(0x0009, 0x1001), false),
            (tags::REFERENCED_IMAGE_SEQUENCE, true),
        ] {
            let mut sequence = Writer::new(&implicit);
            sequence.sequence(tag, defined, &[&inner]);
            let items = &sequence.bytes[8..];
            let mut w = Writer::new(&syntax);
            w.identity()
                .head(tag, VR::UN, if defined { items.len() as u32 } else { u32::MAX });
            w.bytes.extend(items);
            // A number after it, to see that the encoding is back.
            w.put(
                tags::ROWS,
                VR::US,
                if syntax.is_big_endian() { &[0, 5] } else { &[5, 0] },
            );
            let header = header(&syntax, &w.bytes);
            assert_eq!(header.items(&tag.into()), Some(1), "{tag} {defined}");
            let value = header.value(&at(&[(tag, 0)], tags::REFERENCED_SOP_INSTANCE_UID));
            assert_eq!(value, Some(Value::Text(vec!["1.2.3.9".into()])));
            assert_eq!(header.first(tags::ROWS).as_deref(), Some("5"));
        }
        // A known element as UN is what the dictionary says; its number is little endian.
        let mut w = Writer::new(&syntax);
        w.put(tags::PATIENT_NAME, VR::UN, b"Doe^John")
            .put(tags::ROWS, VR::UN, &[5, 0]);
        let header = header(&syntax, &w.bytes);
        assert_eq!(header.first(tags::PATIENT_NAME).as_deref(), Some("Doe^John"));
        assert_eq!(header.first(tags::ROWS).as_deref(), Some("5"));
    }
    // What does not read as items stays bytes.
    let mut w = Writer::le();
    w.put(tags::REFERENCED_IMAGE_SEQUENCE, VR::UN, b"whatever")
        .text(tags::MODALITY, VR::CS, "CT");
    let header = header(&TransferSyntax::explicit_le(), &w.bytes);
    assert_eq!(header.items(&tags::REFERENCED_IMAGE_SEQUENCE.into()), None);
    assert_eq!(header.first(tags::MODALITY).as_deref(), Some("CT"));
}

#[test]
fn oddities_that_are_survived() {
    let explicit = TransferSyntax::explicit_le();
    let read = |w: &Writer| header(&explicit, &w.bytes);

    // A VR of the future.
    let mut w = Writer::le();
    w.u16(0x0009).u16(0x1001).bytes.extend(b"ZZ\0\0\x02\0\0\0ab");
    w.text(tags::MODALITY, VR::CS, "CT");
    assert_eq!(
        read(&w).value(&Tag(0x0009, 0x1001).into()),
        Some(Value::Bytes(Bytes::from_static(b"ab")))
    );

    // Items without VRs in an explicit data set.
    let mut w = Writer::le();
    let mut implicit = Writer::new(&TransferSyntax::implicit_le());
    implicit.sequence(
        Tag(0x2005, 0x1402),
        false,
        &[&|w| {
            w.text(tags::CODE_VALUE, VR::SH, "121311")
                .text(tags::CODE_MEANING, VR::LO, "x");
        }],
    );
    w.head(Tag(0x2005, 0x1402), VR::SQ, u32::MAX)
        .bytes
        .extend(&implicit.bytes[8..]);
    w.text(Tag(0x300A, 0x0002), VR::SH, "plan");
    let header = read(&w);
    let path = at(&[(Tag(0x2005, 0x1402), 0)], tags::CODE_MEANING);
    assert_eq!(header.value(&path), Some(Value::Text(vec!["x".into()])));
    assert_eq!(header.first(Tag(0x300A, 0x0002)).as_deref(), Some("plan"));

    // An icon in fragments, its pixel data not the object's.
    let mut w = Writer::le();
    w.sequence(
        tags::ICON_IMAGE_SEQUENCE,
        false,
        &[&|w| {
            w.put(tags::ROWS, VR::US, &[1, 0])
                .head(tags::PIXEL_DATA, VR::OB, u32::MAX);
            w.mark(0xE000, 0).mark(0xE000, 4).bytes.extend(b"abcd");
            w.mark(0xE0DD, 0);
        }],
    );
    w.text(Tag(0x300A, 0x0002), VR::SH, "plan");
    let header = read(&w);
    let icon = at(&[(tags::ICON_IMAGE_SEQUENCE, 0)], tags::PIXEL_DATA);
    assert_eq!(header.element(&icon).unwrap().bytes().len(), 20);
    assert_eq!(header.first(Tag(0x300A, 0x0002)).as_deref(), Some("plan"));

    // Odd length, tags out of order, one twice, group 0002.
    let mut w = Writer::le();
    w.put(tags::PATIENT_ID, VR::LO, b"abc")
        .text(tags::MODALITY, VR::CS, "CT")
        .text(tags::MODALITY, VR::CS, "MR")
        .text(tags::TRANSFER_SYNTAX_UID, VR::UI, "1.2");
    let header = read(&w);
    assert_eq!(header.first(tags::PATIENT_ID).as_deref(), Some("abc"));
    assert_eq!(header.first(tags::MODALITY).as_deref(), Some("CT"));
    assert_eq!(header.to_json().keys().collect::<Vec<_>>(), ["00080060", "00100020"]);

    // Numbers of a wrong length.
    let mut w = Writer::le();
    w.put(tags::ROWS, VR::US, &[5, 0, 1]).put(tags::COLUMNS, VR::US, &[]);
    assert_eq!(read(&w).text(tags::ROWS).unwrap(), ["5"]);
    assert_eq!(read(&w).text(tags::COLUMNS).unwrap(), [""; 0]);
}

#[test]
fn us_or_ss_follows_pixel_representation() {
    for syntax in syntaxes() {
        for (representation, expected) in [(0u8, "65535"), (1, "-1")] {
            let mut w = Writer::new(&syntax);
            let value = if syntax.is_big_endian() {
                [0, representation]
            } else {
                [representation, 0]
            };
            let stated = if representation == 1 { VR::SS } else { VR::US };
            w.put(tags::PIXEL_REPRESENTATION, VR::US, &value).put(
                tags::SMALLEST_IMAGE_PIXEL_VALUE,
                stated,
                &[255, 255],
            );
            let header = header(&syntax, &w.bytes);
            assert_eq!(
                header.first(tags::SMALLEST_IMAGE_PIXEL_VALUE).as_deref(),
                Some(expected),
                "{syntax:?}"
            );
        }
    }
}

#[test]
fn what_is_refused() {
    fn write(f: impl Fn(&mut Writer)) -> Vec<u8> {
        let mut w = Writer::le();
        f(&mut w);
        w.bytes
    }
    let nested = |count: usize| {
        write(|w| {
            for _ in 0..count {
                w.head(Tag(0x0008, 0x1140), VR::SQ, u32::MAX).mark(0xE000, u32::MAX);
            }
            for _ in 0..count {
                w.mark(0xE00D, 0).mark(0xE0DD, 0);
            }
        })
    };
    let sq = tags::REFERENCED_IMAGE_SEQUENCE;
    let item = Tag(0xFFFE, 0xE000);
    type Case = (&'static str, Vec<u8>, Option<(Option<Tag>, u64, Problem)>);
    let cases: Vec<Case> = vec![
        ("nothing", vec![], None),
        ("64 deep", nested(64), None),
        ("65 deep", nested(65), Some((Some(sq), 64 * 20, Problem::TooDeep(64)))),
        (
            "100,000 deep",
            nested(100_000),
            Some((Some(sq), 64 * 20, Problem::TooDeep(64))),
        ),
        (
            "binary VR",
            write(|w| {
                w.u16(0x0010).u16(0x0010).bytes.extend(b"\x01\x02\x02\0ab");
            }),
            Some((Some(tags::PATIENT_NAME), 0, Problem::UnknownVr([1, 2]))),
        ),
        (
            "unknown VR with a short length",
            write(|w| {
                w.u16(0x0010).u16(0x0010).bytes.extend(b"ZZ\x02\0ab");
            }),
            Some((Some(tags::PATIENT_NAME), 0, Problem::UnknownVr(*b"ZZ"))),
        ),
        (
            "text of undefined length",
            write(|w| {
                w.head(Tag(0x0040, 0xA160), VR::UT, u32::MAX);
            }),
            Some((Some(Tag(0x0040, 0xA160)), 0, Problem::UndefinedLength("UT"))),
        ),
        (
            "length beyond the limit",
            write(|w| {
                w.text(tags::MODALITY, VR::CS, "CT")
                    .head(Tag(0x0040, 0xA160), VR::UT, 0xFFFF_FF00);
            }),
            Some((
                Some(Tag(0x0040, 0xA160)),
                10,
                Problem::HeaderTooLong {
                    length: 0xFFFF_FF00 + 12,
                    limit: 32 << 20,
                },
            )),
        ),
        (
            "ends in a value",
            write(|w| {
                w.head(tags::PATIENT_NAME, VR::PN, 10).bytes.extend(b"Doe");
            }),
            Some((Some(tags::PATIENT_NAME), 0, Problem::Ends)),
        ),
        (
            "ends in an element header",
            write(|w| {
                w.text(tags::MODALITY, VR::CS, "CT").u16(0x0010);
            }),
            Some((None, 10, Problem::EndsInHeader)),
        ),
        (
            "ends in a sequence",
            write(|w| {
                w.head(sq, VR::SQ, u32::MAX).mark(0xE000, 0);
            }),
            Some((Some(sq), 0, Problem::Ends)),
        ),
        (
            "item longer than its sequence",
            write(|w| {
                w.head(sq, VR::SQ, 18)
                    .mark(0xE000, 12)
                    .text(tags::MODALITY, VR::CS, "CT")
                    .text(tags::MODALITY, VR::CS, "CT");
            }),
            Some((Some(item), 12, Problem::BeyondParent { length: 12, left: 10 })),
        ),
        (
            "element longer than its item",
            write(|w| {
                w.head(sq, VR::SQ, 18)
                    .mark(0xE000, 10)
                    .head(tags::MODALITY, VR::CS, 4)
                    .bytes
                    .extend(b"CT  ");
            }),
            Some((Some(tags::MODALITY), 20, Problem::BeyondParent { length: 4, left: 2 })),
        ),
        (
            "item that ends in an element header",
            write(|w| {
                w.head(sq, VR::SQ, 12).mark(0xE000, 4).u32(0).u32(0);
            }),
            Some((Some(item), 20, Problem::ParentEnds)),
        ),
        (
            "item delimiter at the top",
            write(|w| _ = w.mark(0xE00D, 0)),
            Some((Some(Tag(0xFFFE, 0xE00D)), 0, Problem::StrayDelimiter)),
        ),
        (
            "item at the top",
            write(|w| _ = w.mark(0xE000, 0)),
            Some((Some(item), 0, Problem::StrayDelimiter)),
        ),
        (
            "element in a sequence",
            write(|w| {
                w.head(sq, VR::SQ, u32::MAX).text(tags::MODALITY, VR::CS, "CT");
            }),
            Some((Some(tags::MODALITY), 12, Problem::NotAnItem)),
        ),
        (
            "sequence delimiter in a sequence of defined length",
            write(|w| {
                w.head(sq, VR::SQ, 8).mark(0xE0DD, 0);
            }),
            Some((Some(Tag(0xFFFE, 0xE0DD)), 12, Problem::StrayDelimiter)),
        ),
        (
            "delimiter with a length",
            write(|w| {
                w.head(sq, VR::SQ, u32::MAX).mark(0xE0DD, 4);
            }),
            Some((Some(Tag(0xFFFE, 0xE0DD)), 12, Problem::DelimiterLength(4))),
        ),
        (
            "fragment of undefined length in an icon",
            write(|w| {
                w.head(sq, VR::SQ, u32::MAX)
                    .mark(0xE000, u32::MAX)
                    .head(tags::PIXEL_DATA, VR::OB, u32::MAX)
                    .mark(0xE000, u32::MAX);
            }),
            Some((Some(item), 32, Problem::UndefinedFragment)),
        ),
    ];
    for (name, bytes, expected) in cases {
        let started = Instant::now();
        let found = Header::parse(TransferSyntax::explicit_le(), &bytes, Limits::default()).err();
        let found = found.map(|error| (error.tag(), error.offset(), error.problem().clone()));
        assert_eq!(found, expected, "{name}");
        assert!(
            started.elapsed() < Duration::from_millis(500),
            "{name} took {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn limits() {
    let syntax = TransferSyntax::explicit_le();
    let bytes = with_pixels(&syntax, true);
    let size = sample(&syntax, true).len();
    let parse = |limits| {
        Header::parse(syntax.clone(), &bytes, limits)
            .map(drop)
            .map_err(|e| e.problem().clone())
    };
    assert_eq!(
        parse(Limits {
            header_bytes: size,
            ..Limits::default()
        }),
        Ok(())
    );
    let short = parse(Limits {
        header_bytes: size - 1,
        ..Limits::default()
    });
    assert!(matches!(short, Err(Problem::HeaderTooLong { .. })), "{short:?}");
    assert_eq!(
        parse(Limits {
            elements: 22,
            ..Limits::default()
        }),
        Ok(())
    );
    assert_eq!(
        parse(Limits {
            elements: 21,
            ..Limits::default()
        }),
        Err(Problem::TooManyElements(21))
    );
    assert_eq!(
        parse(Limits {
            depth: 1,
            ..Limits::default()
        }),
        Err(Problem::TooDeep(1))
    );
}

#[test]
fn identity_is_judged() {
    let uids = [
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
    ];
    let cases: &[(&str, &[&str], &str)] = &[
        ("missing", &[], "Study Instance UID (0020,000D) is missing"),
        ("empty", &[""], "Study Instance UID (0020,000D) is empty"),
        (
            "a path",
            &["../../x"],
            "Study Instance UID (0020,000D) is not a UID: a UID has no empty component, this has one at position 0",
        ),
        (
            "two values",
            &["1.2\\1.3"],
            "Study Instance UID (0020,000D) has 2 values where one belongs",
        ),
        (
            "twice",
            &["1.2", "1.3"],
            "Study Instance UID (0020,000D) stands twice, with different values",
        ),
        ("twice the same", &["1.2", "1.2 "], ""),
    ];
    for (name, values, expected) in cases {
        let mut w = Writer::le();
        for tag in uids {
            if tag != tags::STUDY_INSTANCE_UID {
                w.text(tag, VR::UI, "1.2.3");
                continue;
            }
            for value in *values {
                w.text(tag, VR::UI, value);
            }
        }
        let header = header(&TransferSyntax::explicit_le(), &w.bytes);
        let found = header.identity().map_err(|missing| missing.to_string());
        assert_eq!(found.err().unwrap_or_default(), *expected, "{name}");
    }
}

/// The rows that a header has, for comparison.
fn rows(header: &Header) -> Vec<(Tag, VR, u32, u32, u32, u32)> {
    header
        .table()
        .iter()
        .map(|e| (e.tag, e.vr, e.start, e.value, e.end, e.next))
        .collect()
}

fn in_chunks(syntax: &TransferSyntax, bytes: &[u8], sizes: &[usize]) -> Result<(Header, Bytes), ParseError> {
    let mut reader = HeaderReader::new(syntax.clone(), Limits::default());
    let mut rest = bytes;
    for (turn, size) in sizes.iter().cycle().enumerate() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        if turn % 2 == 0 {
            reader.push(chunk)?
        } else {
            reader.push_bytes(Bytes::copy_from_slice(chunk))?
        };
        rest = after;
    }
    reader.finish()
}

#[test]
fn one_byte_at_a_time() {
    for syntax in syntaxes() {
        let bytes = with_pixels(&syntax, false);
        let (whole, rest) = Header::parse(syntax.clone(), &bytes, Limits::default()).unwrap();
        let (pieces, rest_of_pieces) = in_chunks(&syntax, &bytes, &[1]).unwrap();
        assert_eq!(rows(&whole), rows(&pieces));
        assert_eq!((whole.bytes(), rest), (pieces.bytes(), rest_of_pieces));
    }
}

#[test]
fn what_is_behind_the_header_is_not_copied() {
    let syntax = TransferSyntax::explicit_le();
    let mut w = Writer::le();
    w.bytes = sample(&syntax, true);
    w.put(tags::PIXEL_DATA, VR::OW, &vec![7; 1 << 20]);
    let bytes = Bytes::from(w.bytes);
    let mut reader = HeaderReader::new(syntax.clone(), Limits::default());
    // The first chunk ends inside the header, so the second has the start of the pixel data within it.
    reader.push_bytes(bytes.slice(..100)).unwrap();
    assert_eq!(
        reader.push_bytes(bytes.slice(100..)).unwrap(),
        Progress::PixelDataReached
    );
    let (header, rest) = reader.finish().unwrap();
    assert_eq!(rest, bytes.slice(header.bytes().len()..));
    // In the chunk that was pushed, not in a copy of it.
    assert!(bytes.as_ptr_range().contains(&rest.as_ptr()));
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(
        sizes in prop::collection::vec(1usize..40, 1..12),
        which in 0usize..3,
        defined: bool,
        cut in 0usize..900,
    ) {
        let syntax = &syntaxes()[which];
        let mut bytes = with_pixels(syntax, defined);
        bytes.truncate(bytes.len().saturating_sub(cut));
        let whole = Header::parse(syntax.clone(), &bytes, Limits::default());
        let pieces = in_chunks(syntax, &bytes, &sizes);
        match (whole, pieces) {
            (Ok((a, rest_a)), Ok((b, rest_b))) => {
                prop_assert_eq!(rows(&a), rows(&b));
                prop_assert_eq!(a.bytes(), b.bytes());
                prop_assert_eq!(rest_a, rest_b);
            }
            (Err(a), Err(b)) => prop_assert_eq!(a, b),
            (a, b) => prop_assert!(false, "{:?} {:?}", a, b),
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), which in 0usize..3) {
        if let Ok((header, _)) = Header::parse(syntaxes()[which].clone(), &bytes, Limits::default()) {
            exercise(&header);
        }
    }

    #[test]
    fn damaged_data_sets_never_panic(
        damage in prop::collection::vec((0usize..700, any::<u8>()), 1..6),
        which in 0usize..3,
        defined: bool,
    ) {
        let syntax = &syntaxes()[which];
        let mut bytes = with_pixels(syntax, defined);
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        if let Ok((header, _)) = Header::parse(syntax.clone(), &bytes, Limits::default()) {
            exercise(&header);
        }
    }
}

/// Asks a header for everything.
pub(crate) fn exercise(header: &Header) {
    let _ = header.identity();
    let _ = header.to_json();
    for tag in header.tags(&[]) {
        let _ = (header.text(tag), header.value(&tag.into()), header.items(&tag.into()));
    }
}

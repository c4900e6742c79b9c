//! Edits one by one, at every depth, in every encoding; and what is refused.

use super::*;
use crate::header::tests::{Writer, header, sample, syntaxes};
use crate::syntax::TransferSyntax;
use crate::{Step, Uid};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const IMAGES: Tag = tags::REFERENCED_IMAGE_SEQUENCE;
const METHODS: Tag = tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE;
const PURPOSE: Tag = tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE;

fn key() -> SiteKey {
    SiteKey::new([7; 32])
}

fn remapped(uid: &str) -> String {
    key().remap(&Uid::parse(uid).unwrap()).to_string()
}

fn at(steps: &[(Tag, u32)], tag: Tag) -> Path {
    Path {
        within: steps.iter().map(|&(sequence, item)| Step { sequence, item }).collect(),
        tag,
    }
}

fn text(values: &[&str]) -> Value {
    Value::Text(values.iter().map(ToString::to_string).collect())
}

fn set(at: impl Into<Path>, value: Value) -> Edit {
    Edit::Set { at: at.into(), value }
}

fn changes(edited: &Edited) -> Vec<(Tag, ChangeKind, u32)> {
    edited
        .changed
        .iter()
        .map(|change| (change.tag, change.kind, change.count))
        .collect()
}

/// Applies edits to the sample in every encoding; the JSON of the result must be that of the sample, changed by `expect`.
fn check(name: &str, edits: &[Edit], changed: &[(Tag, ChangeKind, u32)], expect: impl Fn(&mut Json)) {
    for syntax in syntaxes() {
        for defined in [true, false] {
            let before = header(&syntax, &sample(&syntax, defined));
            let edited = apply(&before, edits, &key()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut expected = Json::Object(before.to_json());
            expect(&mut expected);
            assert_eq!(
                Json::Object(edited.header.to_json()),
                expected,
                "{name} {syntax:?} {defined}"
            );
            assert_eq!(changes(&edited), changed, "{name} {syntax:?} {defined}");
        }
    }
}

#[test]
fn each_edit() {
    use ChangeKind::{Cleared, ItemAdded, Remapped, Removed, Set, Shifted};
    let deep = [(IMAGES, 0), (PURPOSE, 0)];
    let name = tags::PATIENT_NAME;
    check("nothing", &[], &[], |_| {});
    check("set", &[set(name, text(&["Ä^B"]))], &[(name, Set, 1)], |json| {
        json["00100010"]["Value"] = json!([{"Alphabetic": "Ä^B"}]);
    });
    check(
        "set new",
        &[set(tags::PATIENT_ID, text(&["1", "2"]))],
        &[(tags::PATIENT_ID, Set, 1)],
        |json| {
            json["00100020"] = json!({"vr": "LO", "Value": ["1", "2"]});
        },
    );
    check(
        "set a number",
        &[set(tags::COLUMNS, Value::Unsigned(vec![300]))],
        &[(tags::COLUMNS, Set, 1)],
        |json| {
            json["00280011"] = json!({"vr": "US", "Value": [300]});
        },
    );
    check(
        "set words",
        &[set(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            Value::Bytes(Bytes::from_static(b"\x01\0\x02\0")),
        )],
        &[(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, Set, 1)],
        |json| {
            json["00281201"] = json!({"vr": "OW", "InlineBinary": "AQACAA=="});
        },
    );
    check(
        "set deep",
        &[set(at(&deep, tags::CODE_VALUE), text(&["longer than before"]))],
        &[(tags::CODE_VALUE, Set, 1)],
        |json| {
            json["00081140"]["Value"][0]["0040A170"]["Value"][0]["00080100"]["Value"] = json!(["longer than before"]);
        },
    );
    check(
        "set in an empty item",
        &[set(at(&[(IMAGES, 1)], tags::CODE_MEANING), text(&["é"]))],
        &[(tags::CODE_MEANING, Set, 1)],
        |json| {
            json["00081140"]["Value"][1]["00080104"] = json!({"vr": "LO", "Value": ["é"]});
        },
    );
    check("clear", &[Edit::Clear(name.into())], &[(name, Cleared, 1)], |json| {
        json["00100010"] = json!({"vr": "PN"});
    });
    check(
        "clear a sequence",
        &[Edit::Clear(IMAGES.into())],
        &[(IMAGES, Cleared, 1)],
        |json| {
            json["00081140"] = json!({"vr": "SQ"});
        },
    );
    check(
        "clear what is absent or empty",
        &[
            Edit::Clear(tags::PATIENT_ID.into()),
            Edit::Clear(tags::REFERENCED_STUDY_SEQUENCE.into()),
        ],
        &[],
        |_| {},
    );
    check(
        "remove",
        &[Edit::Remove(name.into()), Edit::Remove(tags::PATIENT_ID.into())],
        &[(name, Removed, 1)],
        |json| {
            json.as_object_mut().unwrap().remove("00100010");
        },
    );
    check(
        "remove deep",
        &[
            Edit::Remove(at(&deep, tags::CODE_VALUE)),
            Edit::Remove(at(&[(IMAGES, 9)], name)),
        ],
        &[(tags::CODE_VALUE, Removed, 1)],
        |json| {
            json["00081140"]["Value"][0]["0040A170"]["Value"][0]
                .as_object_mut()
                .unwrap()
                .remove("00080100");
        },
    );
    check(
        "remove everywhere",
        &[Edit::RemoveEverywhere(tags::CODE_VALUE)],
        &[(tags::CODE_VALUE, Removed, 1)],
        |json| {
            json["00081140"]["Value"][0]["0040A170"]["Value"][0]
                .as_object_mut()
                .unwrap()
                .remove("00080100");
        },
    );
    check(
        "remove private",
        &[Edit::RemovePrivate {
            keep_creators: vec!["OTHER".into()],
        }],
        &[(Tag(9, 0x10), Removed, 2), (Tag(9, 0x1001), Removed, 1)],
        |json| {
            json.as_object_mut().unwrap().retain(|key, _| !key.starts_with("0009"));
            json["00081140"]["Value"][0]["0040A170"]["Value"][0]
                .as_object_mut()
                .unwrap()
                .remove("00090010");
        },
    );
    check(
        "keep private",
        &[Edit::RemovePrivate {
            keep_creators: vec![" ACME ".into()],
        }],
        &[],
        |_| {},
    );
    check(
        "remap",
        &[Edit::RemapUid(tags::SOP_INSTANCE_UID.into())],
        &[(tags::SOP_INSTANCE_UID, Remapped, 1)],
        |json| {
            json["00080018"]["Value"] = json!([remapped("1.2.3.4")]);
        },
    );
    check(
        "remap everywhere",
        &[Edit::RemapUidsEverywhere {
            keep: vec![tags::SERIES_INSTANCE_UID],
        }],
        &[
            (tags::SOP_INSTANCE_UID, Remapped, 1),
            (tags::REFERENCED_SOP_INSTANCE_UID, Remapped, 1),
            (tags::STUDY_INSTANCE_UID, Remapped, 1),
        ],
        |json| {
            json["00080018"]["Value"] = json!([remapped("1.2.3.4")]);
            json["0020000D"]["Value"] = json!([remapped("1.2.3.1")]);
            json["00081140"]["Value"][0]["00081155"]["Value"] = json!([remapped("1.2.3.9")]);
        },
    );
    check(
        "shift",
        &[Edit::ShiftDatesEverywhere { days: 2 }],
        &[(tags::STUDY_DATE, Shifted, 1)],
        |json| {
            json["00080020"]["Value"] = json!(["20240301"]);
        },
    );
    check(
        "add an item",
        &[
            Edit::AddItem(IMAGES.into()),
            set(at(&[(IMAGES, 2)], tags::CODE_VALUE), text(&["1"])),
        ],
        &[(tags::CODE_VALUE, Set, 1), (IMAGES, ItemAdded, 1)],
        |json| {
            let items = json["00081140"]["Value"].as_array_mut().unwrap();
            items.push(json!({"00080100": {"vr": "SH", "Value": ["1"]}}));
        },
    );
    check(
        "add an item to an empty sequence",
        &[Edit::AddItem(tags::REFERENCED_STUDY_SEQUENCE.into())],
        &[(tags::REFERENCED_STUDY_SEQUENCE, ItemAdded, 1)],
        |json| {
            json["00081110"]["Value"] = json!([{}]);
        },
    );
    check(
        "add an item deep",
        &[Edit::AddItem(at(&[(IMAGES, 0)], PURPOSE))],
        &[(PURPOSE, ItemAdded, 1)],
        |json| {
            let items = json["00081140"]["Value"][0]["0040A170"]["Value"]
                .as_array_mut()
                .unwrap();
            items.push(json!({}));
        },
    );
    check(
        "make sequences",
        &[
            Edit::AddItem(METHODS.into()),
            Edit::AddItem(METHODS.into()),
            set(at(&[(METHODS, 0)], tags::CODE_VALUE), text(&["113100"])),
            set(at(&[(METHODS, 1)], tags::CODE_MEANING), text(&["é"])),
            Edit::AddItem(at(&[(METHODS, 1)], PURPOSE)),
            set(at(&[(METHODS, 1), (PURPOSE, 0)], tags::CODE_VALUE), text(&["x"])),
            Edit::AddItem(Tag(9, 0x1005).into()),
            set(at(&[(Tag(9, 0x1005), 0)], tags::STUDY_DATE), text(&["20240101"])),
            Edit::ShiftDatesEverywhere { days: 1 },
        ],
        &[
            (tags::STUDY_DATE, Set, 1),
            (tags::STUDY_DATE, Shifted, 2),
            (tags::CODE_VALUE, Set, 2),
            (tags::CODE_MEANING, Set, 1),
            (Tag(9, 0x1005), ItemAdded, 1),
            (METHODS, ItemAdded, 2),
            (PURPOSE, ItemAdded, 1),
        ],
        |json| {
            json["00080020"]["Value"] = json!(["20240229"]);
            json["00120064"] = json!({"vr": "SQ", "Value": [
                {"00080100": {"vr": "SH", "Value": ["113100"]}},
                {
                    "00080104": {"vr": "LO", "Value": ["é"]},
                    "0040A170": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["x"]}}]},
                },
            ]});
            json["00091005"] = json!({"vr": "SQ", "Value": [{"00080020": {"vr": "DA", "Value": ["20240102"]}}]});
        },
    );
    check(
        "add to what was emptied or taken away",
        &[
            Edit::Clear(IMAGES.into()),
            Edit::AddItem(IMAGES.into()),
            Edit::AddItem(METHODS.into()),
            Edit::Remove(METHODS.into()),
            Edit::AddItem(METHODS.into()),
        ],
        &[
            (IMAGES, ItemAdded, 1),
            (IMAGES, Cleared, 1),
            (METHODS, ItemAdded, 2),
            (METHODS, Removed, 1),
        ],
        |json| {
            json["00081140"]["Value"] = json!([{}]);
            json["00120064"] = json!({"vr": "SQ", "Value": [{}]});
        },
    );
    check(
        "in order",
        &[
            set(name, text(&["X"])),
            Edit::Clear(name.into()),
            set(tags::STUDY_DATE, text(&["20240101"])),
            Edit::ShiftDatesEverywhere { days: 1 },
            Edit::RemoveEverywhere(PURPOSE),
            Edit::Remove(IMAGES.into()),
        ],
        &[
            (tags::STUDY_DATE, Set, 1),
            (tags::STUDY_DATE, Shifted, 1),
            (IMAGES, Removed, 1),
            (name, Set, 1),
            (name, Cleared, 1),
            (PURPOSE, Removed, 1),
        ],
        |json| {
            json["00100010"] = json!({"vr": "PN"});
            json["00080020"]["Value"] = json!(["20240102"]);
            json.as_object_mut().unwrap().remove("00081140");
        },
    );
}

#[test]
fn what_is_refused() {
    let syntax = TransferSyntax::explicit_le();
    let before = header(&syntax, &sample(&syntax, true));
    let cases: &[(Edit, &str)] = &[
        (
            set(tags::PATIENT_NAME, text(&["王"])),
            "the value for (0010,0010) does not fit its VR PN: the object's character set cannot express it",
        ),
        (
            set(tags::ROWS, text(&["many"])),
            "the value for (0028,0010) does not fit its VR US: text values cannot be given to it",
        ),
        (
            set(tags::STUDY_INSTANCE_UID, text(&["abc"])),
            "the value for (0020,000D) does not fit its VR UI: a UID holds only digits and dots, this holds another character at position 0",
        ),
        (
            set(at(&[(IMAGES, 2)], tags::PATIENT_ID), text(&["1"])),
            "(0008,1140)[2].(0010,0020) cannot be set: the item it lies in does not exist",
        ),
        (
            set(at(&[(tags::PATIENT_NAME, 0)], tags::PATIENT_ID), text(&["1"])),
            "(0010,0010)[0].(0010,0020) cannot be set: the item it lies in does not exist",
        ),
        (
            set(IMAGES, text(&["1"])),
            "(0008,1140) is a sequence and cannot be given a value",
        ),
        (
            set(tags::PIXEL_DATA, Value::Bytes(Bytes::new())),
            "(7FE0,0010) cannot be edited: it is pixel data",
        ),
        (
            Edit::Remove(tags::PIXEL_DATA.into()),
            "(7FE0,0010) cannot be edited: it is pixel data",
        ),
        (
            set(Tag(0xFFFC, 0xFFFC), Value::Bytes(Bytes::new())),
            "(FFFC,FFFC) cannot be set: its place is after the pixel data",
        ),
        (
            set(at(&[(Tag(0xFFFA, 0xFFFA), 0)], tags::PATIENT_ID), text(&["1"])),
            "(FFFA,FFFA)[0].(0010,0020) cannot be set: its place is after the pixel data",
        ),
        (
            Edit::AddItem(tags::PATIENT_NAME.into()),
            "(0010,0010) cannot be given an item: its VR is PN, not SQ",
        ),
        (
            Edit::AddItem(tags::PATIENT_ID.into()),
            "(0010,0020) cannot be given an item: its VR is LO, not SQ",
        ),
        (
            Edit::AddItem(at(&[(METHODS, 0)], PURPOSE)),
            "(0012,0064)[0].(0040,A170) cannot be set: the item it lies in does not exist",
        ),
        (
            Edit::AddItem(Tag(0xFFFA, 0xFFFA).into()),
            "(FFFA,FFFA) cannot be set: its place is after the pixel data",
        ),
        (
            Edit::AddItem(tags::PIXEL_DATA.into()),
            "(7FE0,0010) cannot be edited: it is pixel data",
        ),
        (
            Edit::AddItem(Tag(0xFFFE, 0xE000).into()),
            "(FFFE,E000) cannot be edited: it is part of the encoding, not of the object",
        ),
        (
            set(Tag(0x0008, 0), Value::Unsigned(vec![1])),
            "(0008,0000) cannot be edited: it is part of the encoding, not of the object",
        ),
        (
            Edit::Remove(Tag(0xFFFE, 0xE000).into()),
            "(FFFE,E000) cannot be edited: it is part of the encoding, not of the object",
        ),
        (
            Edit::RemapUid(tags::PATIENT_NAME.into()),
            "(0010,0010) cannot be remapped: its VR is PN, not UI",
        ),
        (
            set(tags::PATIENT_ID, text(&[&"x".repeat(70_000)])),
            "the value for (0010,0020) is too long: 70000 bytes in a LO element",
        ),
    ];
    for (edit, expected) in cases {
        let error = apply(&before, std::slice::from_ref(edit), &key()).expect_err(expected);
        assert_eq!(error.to_string(), *expected);
    }
}

#[test]
fn only_what_is_touched_changes() {
    // Padding, odd lengths, group lengths, both styles of length: all as they were.
    let build = |name: &str, lengths: bool, uid: &str| {
        let mut w = Writer::le();
        w.put(Tag(0x0008, 0), VR::UL, &[1, 2, 3, 4])
            .text(tags::MODALITY, VR::CS, "CT  ");
        if lengths {
            w.put(Tag(0x0010, 0), VR::UL, &[9; 4]);
        }
        w.text(tags::PATIENT_NAME, VR::PN, name)
            .put(tags::PATIENT_ID, VR::LO, b"abc");
        w.sequence(
            tags::REQUEST_ATTRIBUTES_SEQUENCE,
            false,
            &[&|w| {
                w.text(tags::CODE_VALUE, VR::SH, "x   ");
            }],
        );
        if lengths {
            w.put(Tag(0x3006, 0), VR::UL, &[9; 4]);
        }
        w.sequence(
            Tag(0x3006, 0x0010),
            true,
            &[&|w| {
                w.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, uid).sequence(
                    Tag(0x3006, 0x0012),
                    false,
                    &[&|w| {
                        w.text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, "1.2.840.10008.3.1.2.3.1")
                            .text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, uid);
                    }],
                );
            }],
        );
        w.bytes
    };
    let syntax = TransferSyntax::explicit_le();
    let before = header(&syntax, &build("Doe^John", true, "1.2.3"));
    let edits = [
        set(tags::PATIENT_NAME, text(&["Anonymous"])),
        Edit::RemapUidsEverywhere { keep: vec![] },
    ];
    let edited = apply(&before, &edits, &key()).unwrap();
    assert_eq!(edited.header.bytes(), &build("Anonymous", false, &remapped("1.2.3")));
}

#[test]
fn private_blocks() {
    let blocks: &[(&str, &[(u16, &str)])] = &[
        (
            "",
            &[
                (0x10, "ACME"),
                (0x1001, "a"),
                (0x11, "OTHER"),
                (0x1101, "b"),
                (0x1201, "c"),
                (0x05, "d"),
            ],
        ),
        ("twice", &[(0x10, "ACME"), (0x10, "OTHER"), (0x1001, "a")]),
    ];
    let cases: &[(&str, &[&str], &[u16])] = &[
        ("", &[], &[]),
        ("", &["ACME"], &[0x10, 0x1001]),
        ("", &["OTHER"], &[0x11, 0x1101]),
        ("", &["acme"], &[]),
        ("twice", &["ACME"], &[]),
        ("twice", &["ACME", "OTHER"], &[0x10, 0x1001]),
    ];
    for (name, keep, expected) in cases {
        let mut w = Writer::le();
        for (element, value) in blocks.iter().find(|(block, _)| block == name).unwrap().1 {
            w.text(Tag(0x0009, *element), VR::LO, value);
        }
        let before = header(&TransferSyntax::explicit_le(), &w.bytes);
        let edit = Edit::RemovePrivate {
            keep_creators: keep.iter().map(ToString::to_string).collect(),
        };
        let edited = apply(&before, &[edit], &key()).unwrap();
        let left: Vec<u16> = edited.header.tags(&[]).iter().map(|tag| tag.element()).collect();
        assert_eq!(left, *expected, "{name} {keep:?}");
    }
}

#[test]
fn duplicates_do_not_hide() {
    let mut w = Writer::le();
    w.text(tags::PATIENT_ID, VR::LO, "a")
        .text(tags::PATIENT_ID, VR::LO, "b");
    let before = header(&TransferSyntax::explicit_le(), &w.bytes);
    for (edit, left) in [
        (set(tags::PATIENT_ID, text(&["x"])), 1),
        (Edit::Remove(tags::PATIENT_ID.into()), 0),
        (Edit::Clear(tags::PATIENT_ID.into()), 2),
        (Edit::RemoveEverywhere(tags::PATIENT_ID), 0),
    ] {
        let edited = apply(&before, &[edit], &key()).unwrap().header;
        assert_eq!(edited.table().len(), left);
        assert!(!edited.bytes().contains(&b'a') && !edited.bytes().contains(&b'b'));
    }
    let mut w = Writer::le();
    w.text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2")
        .text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2");
    let before = header(&TransferSyntax::explicit_le(), &w.bytes);
    let edited = apply(&before, &[Edit::RemapUid(tags::STUDY_INSTANCE_UID.into())], &key())
        .unwrap()
        .header;
    assert_eq!(edited.text(tags::STUDY_INSTANCE_UID).unwrap(), [remapped("1.2")]);
}

#[test]
fn dates_and_uids_that_are_none_do_not_stay() {
    let mut w = Writer::le();
    w.text(tags::STUDY_DATE, VR::DA, "John Doe")
        .text(tags::SERIES_DATE, VR::DA, "20240228\\Doe")
        .text(tags::STUDY_TIME, VR::TM, "120000")
        .text(tags::STUDY_INSTANCE_UID, VR::UI, "John Doe")
        .text(Tag(0x0008, 0x0058), VR::UI, "1.2.3\\1.2.840.10008.1.2\\")
        .put(tags::FRAME_OF_REFERENCE_UID, VR::UN, b"1.2.3\0");
    let before = header(&TransferSyntax::explicit_le(), &w.bytes);
    let edits = [
        Edit::ShiftDatesEverywhere { days: 1 },
        Edit::RemapUidsEverywhere { keep: vec![] },
    ];
    let edited = apply(&before, &edits, &key()).unwrap();
    let header = &edited.header;
    assert_eq!(header.text(tags::STUDY_DATE).unwrap(), [""; 0]);
    assert_eq!(header.text(tags::SERIES_DATE).unwrap(), ["20240229", ""]);
    assert_eq!(header.first(tags::STUDY_TIME).unwrap(), "120000");
    assert!(header.first(tags::STUDY_INSTANCE_UID).unwrap().starts_with("2.25."));
    assert_eq!(
        header.text(Tag(0x0008, 0x0058)).unwrap(),
        [&remapped("1.2.3"), "1.2.840.10008.1.2", ""]
    );
    assert_eq!(header.first(tags::FRAME_OF_REFERENCE_UID).unwrap(), remapped("1.2.3"));
    assert_eq!(header.bytes().windows(4).position(|w| w == b"John"), None);
    assert!(changes(&edited).contains(&(tags::STUDY_DATE, ChangeKind::Cleared, 1)));
}

#[test]
fn sequences_hidden_in_un_are_edited_or_refused() {
    for syntax in [TransferSyntax::explicit_le(), TransferSyntax::explicit_be()] {
        let mut implicit = Writer::new(&TransferSyntax::implicit_le());
        implicit.sequence(
            IMAGES,
            true,
            &[&|w| {
                w.text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.2.3");
            }],
        );
        for defined in [true, false] {
            let mut w = Writer::new(&syntax);
            if defined {
                w.put(IMAGES, VR::UN, &implicit.bytes[8..]);
            } else {
                w.head(IMAGES, VR::UN, u32::MAX).bytes.extend(&implicit.bytes[8..]);
                w.bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
            }
            let before = header(&syntax, &w.bytes);
            let edits = [
                Edit::RemapUidsEverywhere { keep: vec![] },
                set(at(&[(IMAGES, 0)], tags::ROWS), Value::Unsigned(vec![5])),
            ];
            let edited = apply(&before, &edits, &key()).unwrap().header;
            let value = |tag| edited.value(&at(&[(IMAGES, 0)], tag));
            assert_eq!(
                value(tags::REFERENCED_SOP_INSTANCE_UID),
                Some(text(&[&remapped("1.2.3")]))
            );
            assert_eq!(value(tags::ROWS), Some(Value::Unsigned(vec![5])));
        }
    }
    let mut w = Writer::le();
    w.text(tags::MODALITY, VR::CS, "CT")
        .put(IMAGES, VR::UN, b"not items, but a name");
    let before = header(&TransferSyntax::explicit_le(), &w.bytes);
    let everywhere = Edit::RemapUidsEverywhere { keep: vec![] };
    let edited = apply(&before, &[everywhere], &key()).unwrap();
    assert_eq!(changes(&edited), [(IMAGES, ChangeKind::Cleared, 1)]);
    assert_eq!(edited.header.element(&IMAGES.into()).unwrap().bytes(), b"");
    // Other edits leave it alone.
    let edited = apply(&before, &[set(tags::MODALITY, text(&["MR"]))], &key()).unwrap();
    assert_eq!(
        edited.header.element(&IMAGES.into()).unwrap().bytes(),
        b"not items, but a name"
    );
}

#[test]
fn items_are_added_to_sequences_hidden_in_un() {
    for syntax in [TransferSyntax::explicit_le(), TransferSyntax::explicit_be()] {
        let mut implicit = Writer::new(&TransferSyntax::implicit_le());
        implicit.sequence(IMAGES, true, &[&|w| _ = w.text(tags::CODE_VALUE, VR::SH, "a")]);
        for defined in [true, false] {
            let mut w = Writer::new(&syntax);
            if defined {
                w.put(IMAGES, VR::UN, &implicit.bytes[8..]);
            } else {
                w.head(IMAGES, VR::UN, u32::MAX).bytes.extend(&implicit.bytes[8..]);
                w.bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
            }
            let before = header(&syntax, &w.bytes);
            let added = [
                Edit::AddItem(IMAGES.into()),
                set(at(&[(IMAGES, 1)], tags::ROWS), Value::Unsigned(vec![5])),
            ];
            let edited = apply(&before, &added, &key()).unwrap().header;
            assert_eq!(edited.items(&IMAGES.into()), Some(2));
            assert_eq!(edited.value(&at(&[(IMAGES, 0)], tags::CODE_VALUE)), Some(text(&["a"])));
            assert_eq!(
                edited.value(&at(&[(IMAGES, 1)], tags::ROWS)),
                Some(Value::Unsigned(vec![5]))
            );
            let anew = [
                Edit::Clear(IMAGES.into()),
                Edit::AddItem(IMAGES.into()),
                set(at(&[(IMAGES, 0)], tags::ROWS), Value::Unsigned(vec![5])),
            ];
            let edited = apply(&before, &anew, &key()).unwrap().header;
            assert_eq!(edited.items(&IMAGES.into()), Some(1));
            assert_eq!(
                edited.value(&at(&[(IMAGES, 0)], tags::ROWS)),
                Some(Value::Unsigned(vec![5]))
            );
        }
    }
    let mut w = Writer::le();
    w.put(IMAGES, VR::UN, b"not items, but a name");
    let before = header(&TransferSyntax::explicit_le(), &w.bytes);
    let error = apply(&before, &[Edit::AddItem(IMAGES.into())], &key()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "(0008,1140) cannot be given an item: its VR is UN, not SQ"
    );
}

#[test]
fn sequences_are_not_added_without_end() {
    let deep = |depth: usize| at(&vec![(PURPOSE, 0); depth], PURPOSE);
    for syntax in syntaxes() {
        let before = header(&syntax, &sample(&syntax, true));
        let edits: Vec<Edit> = (0..DEPTH).map(|depth| Edit::AddItem(deep(depth))).collect();
        let edited = apply(&before, &edits, &key()).unwrap().header;
        assert_eq!(edited.items(&deep(DEPTH - 1)), Some(1));
        assert!(Header::parse(syntax, edited.bytes(), Limits::default()).is_ok());
        let more: Vec<Edit> = (0..=DEPTH).map(|depth| Edit::AddItem(deep(depth))).collect();
        let error = apply(&before, &more, &key()).unwrap_err();
        assert!(
            error.to_string().ends_with("sequences are nested at most 64 deep"),
            "{error}"
        );
    }
}

#[test]
fn new_private_elements_get_a_vr_that_holds_them() {
    let cases = [
        (text(&["a"]), VR::LO),
        (text(&[&"a".repeat(65)]), VR::UT),
        (Value::Signed(vec![-1]), VR::SV),
        (Value::Unsigned(vec![1]), VR::UV),
        (Value::Real(vec![0.5]), VR::FD),
        (Value::Tags(vec![tags::ROWS]), VR::AT),
        (Value::Bytes(Bytes::from_static(b"ab")), VR::UN),
    ];
    let syntax = TransferSyntax::explicit_le();
    let before = header(&syntax, &sample(&syntax, true));
    for (value, vr) in cases {
        let edited = apply(&before, &[set(Tag(0x0009, 0x1005), value.clone())], &key())
            .unwrap()
            .header;
        let path = Tag(0x0009, 0x1005).into();
        assert_eq!(edited.element(&path).unwrap().vr(), vr);
        assert_eq!(edited.value(&path), Some(value));
    }
}

#[test]
fn uids_map_the_same_always_and_everywhere() {
    let uid = Uid::parse("1.2.3.4").unwrap();
    let mapped = key().remap(&uid);
    assert_eq!(mapped, key().remap(&Uid::parse("1.2.3.4\0").unwrap()));
    assert_ne!(mapped, SiteKey::new([8; 32]).remap(&uid));
    assert_ne!(mapped, key().remap(&Uid::parse("1.2.3.5").unwrap()));
    assert!(mapped.as_str().starts_with("2.25.") && mapped.as_str().len() <= 44);
    // The value that a site's archive already holds: it must never change.
    assert_eq!(mapped, "2.25.262776502439378372011968137737231795190");
    let class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap();
    assert_eq!(key().remap(&class), class);
    assert_eq!(format!("{:?}", key()), "SiteKey(redacted)");
}

fn edit() -> impl Strategy<Value = Edit> {
    let tag = prop::sample::select(vec![
        tags::PATIENT_NAME,
        tags::MODALITY,
        IMAGES,
        PURPOSE,
        tags::CODE_VALUE,
        tags::REFERENCED_SOP_INSTANCE_UID,
        tags::STUDY_DATE,
        tags::ROWS,
        Tag(9, 0x1001),
    ]);
    let steps = prop::sample::select(vec![
        vec![],
        vec![(IMAGES, 0)],
        vec![(IMAGES, 1)],
        vec![(IMAGES, 0), (PURPOSE, 0)],
    ]);
    let path = (steps, tag.clone()).prop_map(|(steps, tag)| at(&steps, tag));
    let value = prop_oneof![
        prop::collection::vec("[A-Z0-9]{0,9}", 0..3).prop_map(Value::Text),
        prop::collection::vec(any::<u64>(), 0..3).prop_map(Value::Unsigned),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    prop_oneof![
        (path.clone(), value).prop_map(|(at, value)| Edit::Set { at, value }),
        path.clone().prop_map(Edit::Clear),
        path.clone().prop_map(Edit::Remove),
        path.clone().prop_map(Edit::AddItem),
        path.prop_map(Edit::RemapUid),
        tag.prop_map(Edit::RemoveEverywhere),
        Just(Edit::RemovePrivate { keep_creators: vec![] }),
        Just(Edit::RemapUidsEverywhere { keep: vec![] }),
        any::<i32>().prop_map(|days| Edit::ShiftDatesEverywhere { days }),
    ]
}

proptest! {
    #[test]
    fn any_edits_leave_a_data_set_or_an_error(edits in prop::collection::vec(edit(), 0..8), which in 0usize..3, defined: bool) {
        let syntax = &syntaxes()[which];
        let before = header(syntax, &sample(syntax, defined));
        if let Ok(edited) = apply(&before, &edits, &key()) {
            prop_assert!(!edited.changed.is_empty() || edited.header.bytes() == before.bytes());
            crate::header::tests::exercise(&edited.header);
        }
    }

    #[test]
    fn no_edits_no_change(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0usize..3) {
        if let Ok((before, _)) = Header::parse(syntaxes()[which].clone(), &bytes, Limits::default()) {
            let edited = apply(&before, &[], &key()).unwrap();
            prop_assert_eq!(edited.header.bytes(), before.bytes());
            let mut out = Vec::new();
            Level::of(&before).write(&before, &mut out);
            prop_assert_eq!(&out, before.bytes());
        }
    }
}

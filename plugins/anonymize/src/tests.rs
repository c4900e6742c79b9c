use isocenter::{Path, Step, fake};

use super::*;

fn recorded(object: &fake::Object, config: &str) -> (Verdict, Vec<fake::Edit>) {
    let config: Config = serde_json::from_str(config).unwrap();
    let mut edits = fake::Edits::default();
    let passage = fake::Passage::default();
    let verdict = Anonymize::apply(&object.object(), &passage.passage(), &mut edits.edits(), &config).unwrap();
    (verdict, edits.recorded)
}

/// What is done to one element of an object that has it, at the top and inside an item.
#[test]
fn actions() {
    let set = |text: &str| Some(format!("set {text}"));
    let (remove, clear, keep) = (Some("remove".to_owned()), Some("clear".to_owned()), None);
    for (tag, vr, value, config, expected) in [
        (0x0008_0080, b"LO", "St Mary", "{}", set("REMOVED")), // X/Z/D
        (
            0x0008_0080,
            b"LO",
            "St Mary",
            r#"{"retain": ["institution-identity"]}"#,
            keep.clone(),
        ),
        (0x0008_0081, b"ST", "1 Street", "{}", remove.clone()), // X
        (0x0008_0090, b"PN", "Dr^A", "{}", clear.clone()),      // Z
        (0x0008_1030, b"LO", "Head", "{}", remove.clone()),
        (0x0008_0020, b"DA", "20240102", "{}", keep.clone()), // shifted with all
        (0x0008_0020, b"DA", "20240102", r#"{"dates": "clear"}"#, clear.clone()),
        (0x0008_0020, b"DA", "20240102", r#"{"dates": "keep"}"#, keep.clone()),
        (0x0008_0030, b"TM", "101010", "{}", keep.clone()),
        (0x0008_0030, b"TM", "10 Downing", "{}", clear.clone()),
        (0x0008_0030, b"TM", "101010", r#"{"times": "clear"}"#, clear.clone()),
        (0x0010_0030, b"DA", "19700101", "{}", clear.clone()),
        (0x0018_1000, b"LO", "SN1", "{}", set("REMOVED")), // X/Z/D
        (
            0x0018_1000,
            b"LO",
            "SN1",
            r#"{"retain": ["device-identity"]}"#,
            keep.clone(),
        ),
        (0x0018_0015, b"CS", "HEAD", "{}", keep.clone()), // not in the table
        (0x0018_0024, b"SH", "seq for DOE", "{}", set("REMOVED")), // but it names the patient
        (0x0018_0024, b"SH", "seq", "{}", keep.clone()),
        (0x0008_3010, b"UI", "1.2.3", "{}", keep.clone()), // remapped with all
        (0x0040_FFF0, b"PN", "Any^Name", "{}", clear.clone()), // a name that the table does not know
        (0x0018_0001, b"UN", "?", "{}", remove.clone()),
        (0x5000_3000, b"OW", "?", "{}", remove.clone()),
        (0x6012_0022, b"LO", "?", "{}", remove.clone()),
        (0x0009_1001, b"LO", "?", "{}", keep.clone()), // one edit for all private elements
    ] {
        let tag = Tag(tag);
        let element = fake::Object::default().with_text(tag, vr, value);
        let sequence = Tag(0x0008_1140);
        let within = [Step {
            sequence: sequence.0,
            item: 0,
        }];
        for (path, object) in [
            (Path::from(tag), element.clone()),
            (
                Path::inside(&within, tag),
                fake::Object::default().with_items(sequence, vec![element]),
            ),
        ] {
            let object = object.with_text(tags::PATIENT_ID, b"LO", "for DOE");
            let (_, edits) = recorded(&object, config);
            let done = edits.iter().find_map(|edit| match edit {
                fake::Edit::Remove(at) if *at == path => Some("remove".to_owned()),
                fake::Edit::Clear(at) if *at == path => Some("clear".to_owned()),
                fake::Edit::Set(at, Value::Text(texts)) if *at == path => Some(format!("set {}", texts.join("\\"))),
                _ => None,
            });
            assert_eq!(done, expected, "{tag} {value} {config} {path:?}");
        }
    }
}

#[test]
fn replacements_come_last() {
    let (verdict, edits) = recorded(
        &fake::Object::default()
            .with_text(tags::PATIENT_ID, b"LO", "P1")
            .with_text(tags::PATIENT_BIRTH_DATE, b"DA", "19700101"),
        "{}",
    );
    assert!(matches!(verdict, Verdict::Keep));
    let kinds: Vec<String> = edits
        .iter()
        .map(|edit| format!("{edit:?}").split('(').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "Clear",
            "RemovePrivate",
            "RemoveEverywhere",
            "RemoveEverywhere",
            "RemapUidsEverywhere",
            "ShiftDatesEverywhere",
            "Set", // the patient's pseudonyms
            "Set",
            "Set", // what was done, in words
            "AddItem",
            "Set",
            "Set",
            "Set",
            "AddItem",
            "Set",
            "Set",
            "Set",
            "Set"
        ]
    );
}

#[test]
fn what_was_done_is_coded() {
    let sequence = tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE;
    let earlier = fake::Object::default().with_text(tags::CODE_VALUE, b"SH", "113101");
    for (object, config, expected) in [
        (fake::Object::default(), "{}", "0:113100 1:113107"),
        (fake::Object::default(), r#"{"dates": "clear"}"#, "0:113100"),
        (
            fake::Object::default(),
            r#"{"dates": "keep", "retain": ["uids", "device-identity", "institution-identity", "patient-characteristics"]}"#,
            "0:113100 1:113106 2:113108 3:113109 4:113110 5:113112",
        ),
        (
            fake::Object::default().with_items(sequence, vec![earlier]),
            r#"{"dates": "clear"}"#,
            "1:113100",
        ),
    ] {
        let (_, edits) = recorded(&object, config);
        let added = edits
            .iter()
            .filter(|edit| **edit == fake::Edit::AddItem(sequence.into()))
            .count();
        let codes: Vec<String> = edits
            .iter()
            .filter_map(|edit| match edit {
                fake::Edit::Set(at, Value::Text(texts)) if at.tag == tags::CODE_VALUE.0 => {
                    Some(format!("{}:{}", at.within.first()?.item, texts.concat()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(codes.join(" "), expected, "{config}");
        assert_eq!(added, codes.len());
    }
}

#[test]
fn burned_in_text_is_held() {
    let object = fake::Object::default().with_text(tags::BURNED_IN_ANNOTATION, b"CS", "YES");
    assert!(matches!(recorded(&object, "{}").0, Verdict::Quarantine(_)));
    assert!(matches!(recorded(&object, r#"{"burned-in": "pass"}"#).0, Verdict::Keep));
}

#[test]
fn pseudonyms() {
    let patient = |id: &str, issuer: &str, name: &str, study: &str| {
        let object = fake::Object::default()
            .with_text(tags::PATIENT_ID, b"LO", id)
            .with_text(tags::ISSUER_OF_PATIENT_ID, b"LO", issuer)
            .with_text(tags::PATIENT_NAME, b"PN", name)
            .with_text(tags::STUDY_INSTANCE_UID, b"UI", study);
        let patient = Patient::of(&object.object(), "site-key").unwrap();
        (patient.id(), patient.name(), patient.days(365))
    };
    let base = patient("1", "", "A", "1.2");
    for (id, issuer, name, study, same) in [
        ("1", "", "B", "1.3", true),
        ("1 ", "", "A", "1.2", true),
        ("2", "", "A", "1.2", false),
        ("1", "X", "A", "1.2", false),
        ("", "", "1", "1.2", false),
        ("", "", "", "1", false),
    ] {
        let other = patient(id, issuer, name, study);
        assert_eq!(base.0 == other.0, same, "{id} {issuer} {name} {study}");
        assert_eq!(base.1 == other.1, same, "{id} {issuer} {name} {study}");
    }
    assert_eq!(base.0.len(), 24);
    for most in [1, 2, 365, 3650] {
        for id in 0..100 {
            let object = fake::Object::default().with_text(tags::PATIENT_ID, b"LO", &format!("P{id}"));
            let days = Patient::of(&object.object(), "site-key").unwrap().days(most);
            assert!((1..=i32::try_from(most).unwrap()).contains(&days), "{days} of {most}");
        }
    }
}

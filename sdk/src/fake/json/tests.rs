use crate::{Tag, Value, Vr, fake, tags};

const TEXT: &str = r#"{
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "00080060": {"vr": "CS"},
    "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}, {}]},
    "00091001": {"vr": "UN", "InlineBinary": "AQIDBA=="},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "C"}]},
    "00189087": {"vr": "FD", "Value": [0.5]},
    "00200013": {"vr": "IS", "Value": [7]},
    "00200032": {"vr": "DS", "Value": [-1.5, 0, 100]},
    "00280009": {"vr": "AT", "Value": ["00181063"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00281052": {"vr": "SS", "Value": [-3]}
}"#;

#[test]
fn what_is_read_is_what_a_plugin_sees_and_what_is_written() {
    let fake = fake::Object::from_json(TEXT).unwrap();
    let object = fake.object();
    for (tag, expected) in [
        (tags::SOP_INSTANCE_UID, Value::Text(vec!["1.2.3".into()])),
        (tags::MODALITY, Value::Text(vec![])),
        (Tag(0x0009_1001), Value::Bytes(vec![1, 2, 3, 4])),
        (tags::PATIENT_NAME, Value::Text(vec!["A^B==C".into()])),
        (Tag(0x0018_9087), Value::Real(vec![0.5])),
        (
            tags::IMAGE_POSITION_PATIENT,
            Value::Text(vec!["-1.5".into(), "0".into(), "100".into()]),
        ),
        (Tag(0x0028_0009), Value::Tags(vec![0x0018_1063])),
        (tags::ROWS, Value::Unsigned(vec![512])),
        (Tag(0x0028_1052), Value::Signed(vec![-3])),
    ] {
        assert_eq!(object.get(tag), Some(expected), "{tag}");
    }
    assert_eq!(object.integer(tags::INSTANCE_NUMBER), Some(7));
    let images: Vec<_> = object.sequence(tags::REFERENCED_IMAGE_SEQUENCE).collect();
    assert_eq!(images.len(), 2);
    assert_eq!(
        images[0].first(tags::REFERENCED_SOP_INSTANCE_UID).as_deref(),
        Some("1.2")
    );
    assert_eq!(images[0].elements(), [(tags::REFERENCED_SOP_INSTANCE_UID, Vr(*b"UI"))]);
    assert_eq!(images[1].first(tags::REFERENCED_SOP_INSTANCE_UID), None);
    let expected: serde_json::Value = serde_json::from_str(TEXT).unwrap();
    let written: serde_json::Value = serde_json::from_str(&object.json()).unwrap();
    assert_eq!(written, expected);
    let listed = fake::Object::from_json(&format!("[{TEXT}]")).unwrap();
    assert_eq!(listed.object().json(), object.json());
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("7", "it is no object"),
        ("[]", "a list of 0"),
        ("{", "EOF"),
        (r#"{"PatientID": {"vr": "LO"}}"#, "PatientID is no tag"),
        (r#"{"00100020": {}}"#, "00100020 has no `vr`"),
        (
            r#"{"00280010": {"vr": "US", "Value": [-1]}}"#,
            "00280010 has -1, which is no number",
        ),
        (
            r#"{"00091001": {"vr": "OB", "InlineBinary": "?"}}"#,
            "00091001 has no valid base64",
        ),
        (
            r#"{"00081140": {"vr": "SQ", "Value": [3]}}"#,
            "00081140 has 3, which is no item",
        ),
        (
            r#"{"00100020": {"vr": "LO", "Value": "P1"}}"#,
            "00100020 has a `Value` that is no list",
        ),
    ] {
        let error = fake::Object::from_json(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = fake::Object::from_json_file("/nowhere/object.json").unwrap_err();
    assert!(error.starts_with("/nowhere/object.json: "), "{error}");
}

#[test]
fn random_numbers_are_the_same_in_every_run() {
    let host = fake::Host::new();
    let first = crate::host::random(40);
    assert_ne!(first, crate::host::random(40));
    host.set_seed(0);
    assert_eq!(first, crate::host::random(40));
    host.set_seed(1);
    assert_ne!(first, crate::host::random(40));
    assert_ne!(first[..8], [0; 8]);
}

use serde_json::{Map, Value, json};

use super::Attributes;
use crate::index::{fold::Name, moment::Date};

fn of(data_set: Value) -> Attributes {
    let Value::Object(map) = data_set else {
        panic!("an object")
    };
    Attributes::from_json(map)
}

#[test]
fn columns_of_a_usual_header() {
    let attributes = of(json!({
        "00080020": {"vr": "DA", "Value": ["20000102"]},
        "00080030": {"vr": "TM", "Value": ["0001"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "山田"}]},
        "00100020": {"vr": "LO", "Value": [" 12 34 "]},
        "00200011": {"vr": "IS", "Value": [7]},
        "00200013": {"vr": "IS", "Value": [" 12 "]},
        "00280010": {"vr": "US", "Value": [512]},
        "00400275": {"vr": "SQ", "Value": [
            {"00400009": {"vr": "SH", "Value": ["S1"]}, "00401001": {"vr": "SH", "Value": ["R1"]}},
            {"00400009": {"vr": "SH", "Value": ["S2"]}},
            {},
        ]},
        "00420011": {"vr": "OB", "InlineBinary": "AAAA"},
    }));
    let name = Name {
        alphabetic: Some("muller^jorg".into()),
        ideographic: Some("山田".into()),
        phonetic: None,
    };
    assert_eq!(attributes.study.patient_name, name);
    assert_eq!(attributes.study.patient_id.as_deref(), Some("12 34"));
    assert_eq!(attributes.study.date, Date::parse("20000102"));
    assert_eq!(attributes.series.modality.as_deref(), Some("CT"));
    assert_eq!(attributes.series.number, Some(7));
    assert_eq!(attributes.series.scheduled_step_ids.as_deref(), Some("S1\\S2"));
    assert_eq!(attributes.series.requested_procedure_ids.as_deref(), Some("R1"));
    assert_eq!(attributes.object.instance_number, Some(12));
    assert_eq!(attributes.object.rows, Some(512));
    let shown: Vec<_> = attributes.study.shown.keys().map(String::as_str).collect();
    assert_eq!(shown, ["00080020", "00080030", "00100010", "00100020"]);
    assert_eq!(attributes.series.shown.len(), 3);
}

#[test]
fn nonsense_is_left_out() {
    let attributes = of(json!({
        "00080020": {"vr": "DA", "Value": ["tomorrow"]},
        "00080030": {"vr": "TM"},
        "00100010": {"vr": "PN", "Value": ["a string"]},
        "00100020": {"vr": "LO", "Value": [null, "a\u{0}b"]},
        "00081030": {"vr": "LO", "Value": ["x".repeat(100_000)]},
        "00200011": {"vr": "IS", "Value": [99_999_999_999_i64]},
        "00200013": {"vr": "IS", "Value": [1.5]},
        "00280010": "nothing",
    }));
    assert_eq!(attributes.study.date, None);
    assert_eq!(attributes.study.patient_name, Name::default());
    assert_eq!(attributes.study.patient_id.as_deref(), Some("ab"));
    assert_eq!(attributes.study.shown["00100020"]["Value"][1], json!("ab"));
    assert_eq!(attributes.study.description.map(|text| text.len()), Some(256));
    assert!(!attributes.study.shown.contains_key("00081030"));
    assert_eq!(
        (
            attributes.series.number,
            attributes.object.instance_number,
            attributes.object.rows
        ),
        (None, None, None)
    );
    assert_eq!(of(Value::Object(Map::new())).study.shown, Map::new());
}

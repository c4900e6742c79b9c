use std::time::SystemTime;

use isocenter_dicom::header::Limits;
use isocenter_dicom::uid::Uid;

use super::*;

fn read(elements: Value) -> Result<Asked, Unfit> {
    let syntax = TransferSyntax::explicit_le();
    let bytes = answer::data_set(elements.as_object().unwrap(), &syntax, None);
    Asked::read(&Header::parse(syntax, &bytes, Limits::default()).unwrap().0)
}

#[test]
fn keys_go_to_the_entry_or_to_its_step() {
    let asked = read(json!({
        "00080052": {"vr": "CS", "Value": ["WORKLIST"]},
        "00080050": {"vr": "SH"},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "M*"}]},
        "00400100": {"vr": "SQ", "Value": [{
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00400002": {"vr": "DA", "Value": ["20260101-20260107"]},
            "00400003": {"vr": "TM"},
        }]},
    }))
    .unwrap();
    assert!(asked.complete);
    assert_eq!(asked.search.of_entry, [(tags::PATIENT_NAME, "M*".to_owned())]);
    assert_eq!(
        asked.search.of_step,
        [
            (tags::MODALITY, "CT".to_owned()),
            (
                tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
                "20260101-20260107".to_owned()
            )
        ]
    );
    // The modality of an entry is its step's.
    for unknown in [
        json!({"00080060": {"vr": "CS", "Value": ["CT"]}}),
        json!({"00104000": {"vr": "LT", "Value": ["x"]}}),
        json!({"00321064": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["X"]}}]}}),
    ] {
        assert!(!read(unknown).unwrap().complete);
    }
    let two = json!({"00400100": {"vr": "SQ", "Value": [{"00080060": {"vr": "CS"}}, {"00080060": {"vr": "CS"}}]}});
    assert_eq!(
        read(two).unwrap_err().offending,
        [tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE]
    );
}

#[test]
fn an_answer_has_what_was_asked_for() {
    let entry = KeptStep {
        study: Uid::parse("1.2").unwrap(),
        step: "S".into(),
        status: "SCHEDULED".into(),
        performed: None,
        outcome: None,
        scheduled: SystemTime::UNIX_EPOCH,
        changed: SystemTime::UNIX_EPOCH,
        data_set: json!({
            "00100020": {"vr": "LO", "Value": ["P1"]},
            "00104000": {"vr": "LT", "Value": ["x"]},
            "00400100": {"vr": "SQ", "Value": [{
                "00080060": {"vr": "CS", "Value": ["CT"]},
                "00400009": {"vr": "SH", "Value": ["S"]},
            }]},
        })
        .as_object()
        .unwrap()
        .clone(),
    };
    let answered = |asked: Value| Value::Object(read(asked).unwrap().response(&entry));
    assert_eq!(
        answered(json!({
            "00100020": {"vr": "LO"},
            "00100030": {"vr": "DA"},
            "00081110": {"vr": "SQ"},
            "00400100": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH"}, "00400010": {"vr": "SH"}}]},
        })),
        json!({
            "00100020": {"vr": "LO", "Value": ["P1"]},
            "00100030": {"vr": "DA"},
            "00081110": {"vr": "SQ"},
            "00400100": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["S"]}, "00400010": {"vr": "SH"}}]},
        })
    );
    let whole = json!({"00400100": {"vr": "SQ"}});
    assert_eq!(
        answered(whole)["00400100"],
        Value::Object(entry.data_set.clone())["00400100"]
    );
}

use serde_json::{Value, json};

use super::ScheduledStep;

fn entry() -> Value {
    json!({
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00401001": {"vr": "SH", "Value": ["RP1"]},
        "00080050": {"vr": "SH", "Value": ["A1"]},
        "00400100": {"vr": "SQ", "Value": [{
            "00400009": {"vr": "SH", "Value": ["S1"]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00400001": {"vr": "AE", "Value": ["CT1", "CT2"]},
            "00400002": {"vr": "DA", "Value": ["20260304"]},
            "00400003": {"vr": "TM", "Value": ["0930"]},
        }]},
    })
}

fn faults(given: &Value) -> Vec<String> {
    let faults = ScheduledStep::of(given).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn an_entry_gets_the_study_of_its_order() {
    let first = ScheduledStep::of(&entry()).unwrap();
    assert_eq!(first, ScheduledStep::of(&entry()).unwrap());
    assert!(first.study().as_str().starts_with("2.25."));
    assert_eq!(first.step(), "S1");
    assert_eq!(
        first
            .of_step(isocenter_dicom::tags::SCHEDULED_PROCEDURE_STEP_STATUS)
            .as_deref(),
        Some("SCHEDULED")
    );
    // Another step of the same requested procedure is of the same study; another patient's is not.
    let mut other = entry();
    other["00400100"]["Value"][0]["00400009"]["Value"][0] = json!("S2");
    assert_eq!(ScheduledStep::of(&other).unwrap().study(), first.study());
    other["00100020"]["Value"][0] = json!("P2");
    assert_ne!(ScheduledStep::of(&other).unwrap().study(), first.study());
    other["0020000D"] = json!({"vr": "UI", "Value": ["1.2.3"]});
    assert_eq!(ScheduledStep::of(&other).unwrap().study().as_str(), "1.2.3");
}

#[test]
fn every_fault_is_named_at_once_and_no_value() {
    let mut given = entry();
    given["00100010"] = json!({"vr": "PN"});
    given["00401001"]["Value"] = json!([""]);
    let step = &mut given["00400100"]["Value"][0];
    step["00080060"]["Value"] = json!([]);
    step["00400002"] = json!({"vr": "DA"});
    assert_eq!(
        faults(&given),
        [
            "PatientName (0010,0010) must be given",
            "RequestedProcedureID (0040,1001) must be given",
            "ScheduledProcedureStepSequence (0040,0100)[0] Modality (0008,0060) must be given",
            "ScheduledProcedureStepSequence (0040,0100)[0] ScheduledProcedureStepStartDate (0040,0002) must be given",
        ]
    );
    let mut given = entry();
    given["0020000D"] = json!({"vr": "UI", "Value": ["secret"]});
    given["00100030"] = json!({"vr": "DA", "Value": ["31.12.1960"]});
    given["00100040"] = json!({"vr": "LO", "Value": ["F"]});
    let told = faults(&given);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(!told.concat().contains("secret") && !told.concat().contains("1960"));
    given = entry();
    given["00400100"]["Value"] = json!([]);
    assert_eq!(
        faults(&given),
        ["ScheduledProcedureStepSequence (0040,0100) must have one item, and has 0"]
    );
}

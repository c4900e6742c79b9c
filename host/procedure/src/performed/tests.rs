use isocenter_dicom::tags;
use serde_json::{Value, json};

use super::{PerformedStep, State, Why};
use crate::data_set::{DataSet, Values};

fn map(value: Value) -> DataSet {
    value.as_object().unwrap().clone()
}

fn created() -> DataSet {
    map(json!({
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00400270": {"vr": "SQ", "Value": [{
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00400009": {"vr": "SH", "Value": ["S1"]},
            "00080050": {"vr": "SH"},
        }]},
        "00400253": {"vr": "SH", "Value": ["PPS1"]},
        "00400241": {"vr": "AE", "Value": ["CT1"]},
        "00400244": {"vr": "DA", "Value": ["20260304"]},
        "00400245": {"vr": "TM", "Value": ["093012"]},
        "00400252": {"vr": "CS", "Value": ["IN PROGRESS"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
    }))
}

fn ended() -> DataSet {
    map(json!({
        "00400252": {"vr": "CS", "Value": ["COMPLETED"]},
        "00400250": {"vr": "DA", "Value": ["20260304"]},
        "00400251": {"vr": "TM", "Value": ["0945"]},
        "00400340": {"vr": "SQ", "Value": [{
            "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
            "00181030": {"vr": "LO", "Value": ["Thorax"]},
        }]},
    }))
}

#[test]
fn a_step_is_created_changed_and_ended() {
    let step = PerformedStep::create(created()).unwrap();
    assert_eq!(step.state(), State::InProgress);
    let [reference] = &step.references()[..] else { panic!() };
    assert_eq!(reference.study.as_ref().unwrap().as_str(), "1.2.3");
    assert_eq!(
        (reference.step.as_deref(), reference.accession_number.as_deref()),
        (Some("S1"), None)
    );
    let mut changes = ended();
    // Whose it is cannot be changed.
    changes.insert("00100020".into(), json!({"vr": "LO", "Value": ["P2"]}));
    let step = step.changed(changes).unwrap();
    assert_eq!(step.state(), State::Completed);
    assert_eq!(step.data_set().first(tags::PATIENT_ID).as_deref(), Some("P1"));
    assert_eq!(PerformedStep::stored(step.data_set().clone()).unwrap(), step);
}

#[test]
fn what_is_required_is_named() {
    let without = |key: &str| {
        let mut data_set = created();
        data_set.remove(key);
        PerformedStep::create(data_set).unwrap_err()
    };
    for key in [
        "00400253", "00400241", "00400244", "00400245", "00400252", "00080060", "00400270",
    ] {
        let unfit = without(key);
        assert_eq!(unfit.why, Why::MissingAttribute, "{key}");
        assert_eq!(unfit.tags.len(), 1);
    }
    let mut empty = created();
    empty.insert("00080060".into(), json!({"vr": "CS"}));
    assert_eq!(PerformedStep::create(empty).unwrap_err().why, Why::MissingValue);
    for status in ["COMPLETED", "whatever"] {
        let mut other = created();
        other.insert("00400252".into(), json!({"vr": "CS", "Value": [status]}));
        assert_eq!(PerformedStep::create(other).unwrap_err().why, Why::InvalidValue);
    }
    let step = PerformedStep::create(created()).unwrap();
    for key in ["00400250", "00400251", "00400340"] {
        let mut changes = ended();
        changes.remove(key);
        assert_eq!(step.changed(changes).unwrap_err().why, Why::MissingAttribute, "{key}");
    }
    let mut changes = ended();
    changes.insert("00400340".into(), json!({"vr": "SQ"}));
    assert_eq!(step.changed(changes).unwrap_err().why, Why::MissingValue);
    let mut changes = ended();
    changes["00400340"]["Value"][0]
        .as_object_mut()
        .unwrap()
        .remove("0020000E");
    assert_eq!(step.changed(changes).unwrap_err().tags, [tags::SERIES_INSTANCE_UID]);
    let mut changes = map(json!({}));
    changes.insert("00400254".into(), json!({"vr": "LO", "Value": ["Thorax"]}));
    assert_eq!(step.changed(changes).unwrap().state(), State::InProgress);
}

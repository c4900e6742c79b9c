use isocenter_dicom::answer;
use serde_json::json;

use super::*;

fn identifier(elements: serde_json::Value) -> Header {
    let syntax = TransferSyntax::implicit_le();
    let bytes = answer::data_set(elements.as_object().unwrap(), &syntax, None);
    Header::parse(syntax, &bytes, LIMITS).unwrap().0
}

#[test]
fn levels_are_those_of_the_model() {
    let table = [
        ("PATIENT", [true, false, true]),
        ("STUDY", [true, true, true]),
        ("SERIES", [true, true, false]),
        ("IMAGE", [true, true, false]),
        ("study", [false; 3]),
        ("", [false; 3]),
    ];
    for (name, expected) in table {
        let asked = identifier(json!({"00080052": {"vr": "CS", "Value": [name]}}));
        let answered = [Root::Patient, Root::Study, Root::PatientStudyOnly].map(|root| level(&asked, root).is_ok());
        assert_eq!(answered, expected, "{name}");
    }
}

#[test]
fn one_thing_is_named_at_each_level_above() {
    let table = [
        ("1.2", None),
        ("1.2\\1.3", Some(tags::STUDY_INSTANCE_UID)),
        ("*", Some(tags::STUDY_INSTANCE_UID)),
        ("", Some(tags::STUDY_INSTANCE_UID)),
    ];
    for (study, expected) in table {
        let values: Vec<&str> = study.split('\\').collect();
        let asked = identifier(json!({"0020000D": {"vr": "UI", "Value": values}}));
        let refused = check_above(&asked, Root::Study, FindLevel::Series).err();
        assert_eq!(refused.map(|unfit| unfit.offending[0]), expected, "{study}");
    }
    let nobody = identifier(json!({"0020000D": {"vr": "UI", "Value": ["1.2"]}}));
    let refused = check_above(&nobody, Root::Patient, FindLevel::Series).unwrap_err();
    assert_eq!(
        (refused.status, refused.offending),
        (status::DATA_SET_MISMATCH, vec![tags::PATIENT_ID])
    );
    assert!(check_above(&nobody, Root::Patient, FindLevel::Patient).is_ok());
}

use serde_json::{Value, json};

use super::check;

fn faults(given: &Value) -> Vec<String> {
    check(given).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_data_set_comes_out_in_one_form() {
    let given = json!({
        "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
        "0020000d": {"vr": "UI", "Value": ["1.2.3"]},
        "00100010": {"vr": "PN", "Value": ["Hong^Gildong=洪^吉洞=홍^길동"]},
        "00100020": {"Value": ["P1"]},
        "00101020": {"vr": "DS", "Value": [1.75]},
        "00400100": {"vr": "SQ", "Value": [{"00400001": {"vr": "AE", "Value": ["A", "B"]}}]},
        "00080050": {"vr": "SH"},
    });
    let expected = json!({
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Hong^Gildong", "Ideographic": "洪^吉洞", "Phonetic": "홍^길동"}]},
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00101020": {"vr": "DS", "Value": [1.75]},
        "00400100": {"vr": "SQ", "Value": [{"00400001": {"vr": "AE", "Value": ["A", "B"]}}]},
        "00080050": {"vr": "SH"},
    });
    assert_eq!(Value::Object(check(&given).unwrap()), expected);
    assert_eq!(Value::Object(check(&expected).unwrap()), expected);
}

#[test]
fn faults_name_the_place_and_never_the_value() {
    let long = "secret".repeat(20);
    let given = json!({
        "PatientID": {"vr": "LO", "Value": ["secret"]},
        "00020010": {"vr": "UI", "Value": ["1.2"]},
        "00080060": {"vr": "SH", "Value": ["CT"]},
        "00100020": {"vr": "LO", "Value": [long]},
        "00100030": {"vr": "DA", "Value": ["secret"]},
        "00100040": {"vr": "CS", "Value": {"a": "secret"}},
        "00104000": {"vr": "LT", "BulkDataURI": "http://secret"},
        "00400100": {"vr": "SQ", "Value": [{"00400002": {"vr": "DA", "Value": ["sec\u{1b}ret"]}}]},
        "00091001": {"Value": ["secret"]},
    });
    let told = faults(&given);
    assert_eq!(
        told,
        [
            "TransferSyntaxUID (0002,0010) does not belong into such a data set",
            "Modality (0008,0060) must have the VR CS",
            "(0009,1001) is not in the dictionary: its `vr` must be given",
            "PatientID (0010,0020) has a value of more than 64 characters",
            "PatientBirthDate (0010,0030) cannot have such a value: it takes a date as YYYYMMDD",
            "PatientSex (0010,0040) must have an array as `Value`",
            "PatientComments (0010,4000) has a binary value, which is not taken here",
            "ScheduledProcedureStepSequence (0040,0100)[0] ScheduledProcedureStepStartDate (0040,0002) cannot have such a value: it cannot contain control characters",
            "has a name that is no tag: eight hexadecimal digits, such as 00100020",
        ]
    );
    assert!(!told.concat().contains("secret"));
}

#[test]
fn what_is_too_much_is_refused() {
    let mut nested = json!({});
    for _ in 0..9 {
        nested = json!({"00400100": {"vr": "SQ", "Value": [nested]}});
    }
    assert!(faults(&nested).concat().ends_with("is more than 8 sequences deep"));
    let many = json!({"00081140": {"vr": "SQ", "Value": vec![json!({"00081150": {"vr": "UI"}}); 2001]}});
    assert!(faults(&many).concat().contains("more than 2000 elements"));
    let text = json!({"00080119": {"vr": "UC", "Value": vec!["x".repeat(10_000); 30]}});
    assert!(faults(&text).concat().contains("bytes of text"));
    assert!(!faults(&json!([])).is_empty());
}

use isocenter_dicom::header::Limits;

use super::*;

fn read(elements: serde_json::Value, root: Root, relational: bool) -> Result<Find, Unfit> {
    let syntax = TransferSyntax::explicit_le();
    let bytes = answer::data_set(elements.as_object().unwrap(), &syntax, None);
    let identifier = Header::parse(syntax, &bytes, Limits::default()).unwrap().0;
    asked(&identifier, root, relational)
}

#[test]
fn unique_keys_say_what_is_asked_for() {
    let find = read(
        json!({"00080052": {"vr": "CS", "Value": ["SERIES"]}, "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "0020000E": {"vr": "UI", "Value": ["1.3", "1.4"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "X*"}]}}),
        Root::Study,
        false,
    )
    .unwrap();
    assert_eq!(find.level, FindLevel::Series);
    assert_eq!(
        find.matching,
        [
            (tags::STUDY_INSTANCE_UID, "1.2".to_owned()),
            (tags::SERIES_INSTANCE_UID, "1.3\\1.4".to_owned())
        ]
    );
    let patient = json!({"00080052": {"vr": "CS", "Value": ["PATIENT"]}, "00100020": {"vr": "LO", "Value": ["P1"]}});
    assert_eq!(read(patient, Root::Patient, false).unwrap().level, FindLevel::Study);
}

#[test]
fn nothing_is_retrieved_by_patterns_or_by_nothing() {
    let study = |uids: serde_json::Value| {
        let elements = json!({"00080052": {"vr": "CS", "Value": ["STUDY"]}, "0020000D": {"vr": "UI", "Value": uids}});
        read(elements, Root::Study, true).map_err(|unfit| (unfit.status, unfit.offending))
    };
    assert!(study(json!(["1.2"])).is_ok());
    for uids in [json!([]), json!(["*"]), json!(["1.2", "1.*"]), json!(["x"])] {
        let refused = study(uids.clone()).unwrap_err();
        assert_eq!(
            refused,
            (status::DATA_SET_MISMATCH, vec![tags::STUDY_INSTANCE_UID]),
            "{uids}"
        );
    }
    let everybody = json!({"00080052": {"vr": "CS", "Value": ["PATIENT"]}, "00100020": {"vr": "LO", "Value": ["*"]}});
    assert!(read(everybody, Root::Patient, false).is_err());
}

#[test]
fn the_last_status_says_what_failed() {
    let progress = |completed, failed, warning| Progress {
        completed,
        failed,
        warning,
        ..Progress::default()
    };
    let table = [
        (0, 0, 0, 0x0000),
        (3, 0, 0, 0x0000),
        (2, 1, 0, 0xB000),
        (2, 0, 1, 0xB000),
        (0, 1, 1, 0xB000),
        (0, 3, 0, 0xA702),
    ];
    for (completed, failed, warning, code) in table {
        let status = progress(completed, failed, warning).status();
        assert_eq!(status.code(), code, "{completed} {failed} {warning}");
    }
}

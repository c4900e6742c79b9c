use isocenter_dicom::answer;
use isocenter_dicom::header::Limits;
use isocenter_dicom::syntax::TransferSyntax;

use super::*;

fn read(elements: Value, root: Root, options: Options) -> Result<Asked, Unfit> {
    let syntax = TransferSyntax::explicit_le();
    let bytes = answer::data_set(elements.as_object().unwrap(), &syntax, None);
    Asked::read(
        &Header::parse(syntax, &bytes, Limits::default()).unwrap().0,
        root,
        options,
    )
}

#[test]
fn each_key_goes_where_it_can_be_answered() {
    let asked = read(
        json!({
            "00080052": {"vr": "CS", "Value": ["STUDY"]},
            "00080054": {"vr": "AE"},
            "00080061": {"vr": "CS", "Value": ["CT", "MR"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "M*"}]},
            "00100020": {"vr": "LO", "Value": ["*"]},
            "00101020": {"vr": "DS"},
            "00081080": {"vr": "LO"},
            "0020000D": {"vr": "UI"},
            "00201208": {"vr": "IS"},
        }),
        Root::Study,
        Options::default(),
    )
    .unwrap();
    assert!(asked.complete);
    assert_eq!(
        asked.find.matching,
        [
            (tags::MODALITIES_IN_STUDY, "CT\\MR".to_owned()),
            (tags::PATIENT_NAME, "M*".to_owned())
        ]
    );
    // Admitting Diagnoses Description is in the index; Patient's Size too.
    assert_eq!(asked.from_header, []);
    assert!(asked.find.wanted.contains(&tags::NUMBER_OF_STUDY_RELATED_INSTANCES));
    assert!(!asked.find.wanted.contains(&tags::STUDY_INSTANCE_UID));
}

#[test]
fn what_is_not_of_the_level_is_not_supported() {
    let study = |more: Value| {
        let mut elements = json!({"00080052": {"vr": "CS", "Value": ["STUDY"]}});
        elements
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        read(elements, Root::Study, Options::default()).unwrap()
    };
    // Modality and Slice Thickness are not a study's, a private element is nobody's.
    for alien in ["00080060", "00180050", "00291010", "0020000E"] {
        assert!(!study(json!({alien: {"vr": "LO"}})).complete, "{alien}");
    }
    let visit = study(json!({"00380300": {"vr": "LO"}, "0020000D": {"vr": "UI"}}));
    assert!(visit.complete);
    assert_eq!(visit.from_header, [tags::CURRENT_PATIENT_LOCATION]);
    // What cannot be matched is not matched, and that is said.
    assert!(!study(json!({"00380300": {"vr": "LO", "Value": ["WARD 3"]}})).complete);
}

#[test]
fn items_of_the_request_attributes_match() {
    let asked = read(
        json!({
            "00080052": {"vr": "CS", "Value": ["SERIES"]},
            "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["S1"]}, "00401001": {"vr": "SH"}}]},
        }),
        Root::Study,
        Options::default(),
    )
    .unwrap();
    assert!(asked.complete);
    assert!(
        asked
            .find
            .matching
            .contains(&(tags::SCHEDULED_PROCEDURE_STEP_ID, "S1".to_owned()))
    );
    assert!(asked.find.wanted.contains(&tags::REQUEST_ATTRIBUTES_SEQUENCE));
}

#[test]
fn relational_queries_need_no_keys_above() {
    let series = json!({"00080052": {"vr": "CS", "Value": ["SERIES"]}, "0020000E": {"vr": "UI"}});
    assert!(read(series.clone(), Root::Study, Options::default()).is_err());
    let relational = Options::negotiated(Some(&Bytes::from_static(&[1, 0, 1])));
    assert_eq!(
        (relational.relational, relational.combined, relational.fuzzy),
        (true, false, true)
    );
    assert!(read(series, Root::Study, relational).is_ok());
}

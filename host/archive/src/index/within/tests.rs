use isocenter_dicom::{Tag, tags};

use super::{LimitError, RowLimit, Test, Within};
use crate::index::Level;

fn limit(tag: Tag, one_of: &[&str]) -> RowLimit {
    RowLimit {
        tag,
        one_of: one_of.iter().map(|value| (*value).to_owned()).collect(),
    }
}

#[test]
fn values_are_compared_as_they_are() {
    let long = "x".repeat(256);
    let short = "x".repeat(255);
    let table = [
        (
            tags::PATIENT_ID,
            vec!["P1", " P 2 ", "*", "?", "a%_"],
            Level::Study,
            "st.patient_id",
            vec!["P1", "P 2", "*", "?", "a%_"],
        ),
        (
            tags::PATIENT_ID,
            vec!["", " ", "\0", "P\u{0}1", &long, &short],
            Level::Study,
            "st.patient_id",
            vec![&short[..]],
        ),
        (
            tags::MODALITY,
            vec!["CT\\MR"],
            Level::Series,
            "se.modality",
            vec!["CT\\MR"],
        ),
        (
            tags::SOP_CLASS_UID,
            vec!["1.2\0"],
            Level::Object,
            "o.sop_class",
            vec!["1.2"],
        ),
        (
            tags::SENDING_APPLICATION_ENTITY_TITLE,
            vec!["CT1 "],
            Level::Object,
            "o.calling_ae",
            vec!["CT1"],
        ),
        (
            tags::INSTITUTION_NAME,
            vec![],
            Level::Series,
            "se.institution_name",
            vec![],
        ),
    ];
    for (tag, one_of, level, column, expected) in table {
        let expected = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(
            Within::limits(&[limit(tag, &one_of)]),
            Ok(Within(vec![(level, Test::OneOf(column, expected))])),
            "{one_of:?}"
        );
    }
}

#[test]
fn names_keep_case_and_groups() {
    let names = limit(
        tags::REFERRING_PHYSICIAN_NAME,
        &["Müller^Jörg^^", "=山田^太郎", "A=B=C", "a=b=c=d", "=", "^", "*"],
    );
    let within = Within::limits(&[names]).unwrap();
    let Some((
        Level::Study,
        Test::Name {
            plain, grouped, groups, ..
        },
    )) = within.0.first()
    else {
        panic!("{within:?}")
    };
    assert_eq!(plain.0, ["muller^jorg", "*"]);
    assert_eq!(plain.1, ["Müller^Jörg", "*"]);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        *grouped,
        [[None, some("山田^太郎"), None], [some("A"), some("B"), some("C")]]
    );
    assert_eq!(
        groups[1],
        "rtrim(st.attributes #>> '{00080090,Value,0,Ideographic}', ' ^')"
    );
}

#[test]
fn what_cannot_be_limited_by_is_named() {
    for tag in [
        tags::PATIENT_AGE,
        tags::STUDY_DATE,
        tags::ROWS,
        tags::MODALITIES_IN_STUDY,
        tags::SCHEDULED_PROCEDURE_STEP_ID,
        tags::PIXEL_DATA,
        Tag(0x0009, 0x0010),
    ] {
        let both = [limit(tags::PATIENT_ID, &["P1"]), limit(tag, &["x"])];
        assert_eq!(Within::limits(&both), Err(LimitError::Unsupported { tag }));
    }
    let error = Within::limits(&[limit(tags::PATIENT_AGE, &[])]).unwrap_err();
    assert_eq!(error.to_string(), "objects cannot be limited by (0010,1010)");
    let many = vec![""; 10_001];
    let error = Within::limits(&[limit(tags::MODALITY, &many)]).unwrap_err();
    assert_eq!(error.to_string(), "a limit by (0008,0060) has more than 10000 values");
    let error = Within::limits(&[limit(tags::PATIENT_NAME, &many)]).unwrap_err();
    assert_eq!(error.to_string(), "a limit by (0010,0010) has more than 1000 values");
    let error = Within::limits(&vec![limit(tags::MODALITY, &[]); 65]).unwrap_err();
    assert_eq!(error.to_string(), "there are more than 64 limits");
    assert!(Within::limits(&[]).unwrap().is_everything());
}

use isocenter_dicom::{Tag, tags};

use super::{Condition, read};
use crate::index::{
    Level,
    keys::find,
    moment::{Date, Time},
};

fn condition(tag: Tag, value: &str) -> Option<Condition> {
    read(find(tag, Level::Object).expect("a key"), value, false).expect("a value")
}

#[test]
fn text() {
    let one = |values: &[&str]| Condition::OneOf("st.patient_id", values.iter().map(|v| (*v).to_owned()).collect());
    let like = |pattern: &str| Condition::Like("st.patient_id", pattern.to_owned());
    for (value, expected) in [
        ("", None),
        ("*", None),
        ("  ", None),
        ("**", None),
        ("12 3 ", Some(one(&["12 3"]))),
        ("A\\B", Some(one(&["A", "B"]))),
        ("A*", Some(like("A%"))),
        ("A**", Some(like("A%"))),
        ("?*?", Some(like("_%_"))),
        ("100%_\\*", Some(like("100\\%\\_\\\\%"))),
        ("%*", Some(like("\\%%"))),
        ("'; DROP TABLE studies; --", Some(one(&["'; DROP TABLE studies; --"]))),
    ] {
        assert_eq!(condition(tags::PATIENT_ID, value), expected, "{value}");
    }
}

#[test]
fn names() {
    let any = |folded: &str| {
        let groups = [
            "st.patient_name",
            "st.patient_name_ideographic",
            "st.patient_name_phonetic",
        ];
        Condition::Any(
            groups
                .iter()
                .map(|group| Condition::OneOf(group, vec![folded.to_owned()]))
                .collect(),
        )
    };
    assert_eq!(condition(tags::PATIENT_NAME, "SMÏTH^John^"), Some(any("smith^john")));
    assert_eq!(condition(tags::PATIENT_NAME, "*=*"), None);
    assert_eq!(
        condition(tags::PATIENT_NAME, "Smi*=山田"),
        Some(Condition::All(vec![
            Condition::Like("st.patient_name", "smi%".to_owned()),
            Condition::OneOf("st.patient_name_ideographic", vec!["山田".to_owned()]),
        ]))
    );
    let fuzzy = read(
        find(tags::PATIENT_NAME, Level::Study).expect("a key"),
        "Jo* SMITH",
        true,
    )
    .expect("a value");
    assert_eq!(
        fuzzy,
        Some(Condition::All(vec![
            Condition::Like("st.patient_words", "% jo%".to_owned()),
            Condition::Like("st.patient_words", "% smith%".to_owned()),
        ]))
    );
}

#[test]
fn ranges() {
    let day = |text| Date::parse(text);
    let dates = |first, last| Some(Condition::Dates("st.study_date", first, last));
    for (value, expected) in [
        ("20200101", dates(day("20200101"), day("20200101"))),
        ("20200101-20200131", dates(day("20200101"), day("20200131"))),
        ("20200101-", dates(day("20200101"), None)),
        ("-20200131", dates(None, day("20200131"))),
        ("-", None),
    ] {
        assert_eq!(condition(tags::STUDY_DATE, value), expected, "{value}");
    }
    let (first, last) = (Time::parse("10"), Time::parse("1130"));
    let times = |first, last| Some(Condition::Times("st.study_time", first, last));
    for (value, expected) in [
        ("10", times(first.map(|t| t.0), first.map(|t| t.1))),
        ("10-1130", times(first.map(|t| t.0), last.map(|t| t.1))),
        ("-1130", times(None, last.map(|t| t.1))),
    ] {
        assert_eq!(condition(tags::STUDY_TIME, value), expected, "{value}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (tag, value, expected) in [
        (
            tags::STUDY_DATE,
            "yesterday",
            "(0008,0020) must be a day YYYYMMDD, or a range of days with a hyphen",
        ),
        (
            tags::STUDY_TIME,
            "2500",
            "(0008,0030) must be a time HHMMSS.FFFFFF, or a range of times with a hyphen",
        ),
        (tags::SERIES_NUMBER, "one", "(0020,0011) must be a whole number"),
        (
            tags::PATIENT_ID,
            "a\0b",
            "(0010,0020) must be shorter than 64 KiB and without NUL",
        ),
    ] {
        let error = read(find(tag, Level::Object).expect("a key"), value, false).expect_err("an error");
        assert_eq!(error.to_string(), expected);
    }
}

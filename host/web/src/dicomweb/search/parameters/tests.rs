//! Query strings and what they ask of the index.

use axum::extract::Query as QueryString;
use axum::http::Uri;
use isocenter_archive::index::{Include, Level};
use isocenter_dicom::{Tag, tags};

use super::Search;
use crate::dicomweb::Scope;

fn read(query: &str) -> Result<Search, String> {
    let uri: Uri = format!("/x?{query}").parse().unwrap();
    let QueryString(pairs) = QueryString::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
    Search::read(Level::Study, Scope::default(), pairs).map_err(|error| error.to_string())
}

#[test]
fn matching() {
    let table: Vec<(&str, Vec<(Tag, &str)>)> = vec![
        ("", vec![]),
        ("PatientName=DOE*", vec![(tags::PATIENT_NAME, "DOE*")]),
        ("00100020=", vec![(tags::PATIENT_ID, "")]),
        (
            "StudyDate=20200101-20201231",
            vec![(tags::STUDY_DATE, "20200101-20201231")],
        ),
        (
            "PatientName=M%C3%BCller%5EJ+K",
            vec![(tags::PATIENT_NAME, "Müller^J K")],
        ),
        (
            "0020000D=1.2,1.3&0020000d=1.4",
            vec![(tags::STUDY_INSTANCE_UID, "1.2,1.3"), (tags::STUDY_INSTANCE_UID, "1.4")],
        ),
    ];
    for (query, expected) in table {
        let search = read(query).unwrap();
        let got: Vec<(Tag, &str)> = search
            .query
            .matching
            .iter()
            .map(|(tag, value)| (*tag, value.as_str()))
            .collect();
        assert_eq!(got, expected, "{query}");
    }
}

#[test]
fn including() {
    let table = [
        ("", Include::Tags(vec![])),
        (
            "includefield=00081030,00080060&includefield=PatientSex",
            Include::Tags(vec![tags::STUDY_DESCRIPTION, tags::MODALITY, tags::PATIENT_SEX]),
        ),
        (
            "includefield=00081030%2C00080060%2C",
            Include::Tags(vec![tags::STUDY_DESCRIPTION, tags::MODALITY]),
        ),
        ("includefield=all", Include::All),
        ("includefield=PatientSex,ALL", Include::All),
        (
            "includefield=RequestAttributesSequence.ScheduledProcedureStepID",
            Include::Tags(vec![tags::REQUEST_ATTRIBUTES_SEQUENCE]),
        ),
    ];
    for (query, expected) in table {
        assert_eq!(read(query).unwrap().query.include, expected, "{query}");
    }
}

#[test]
fn the_rest() {
    let search = read("limit=10&offset=20&fuzzymatching=TRUE").unwrap();
    assert_eq!(
        (search.limit, search.query.offset, search.query.fuzzy),
        (Some(10), 20, true)
    );
    assert!(read("accept=application/json").unwrap().query.matching.is_empty());
    let search = read("emptyvaluematching=true&ReferencedStudySequence.ReferencedSOPClassUID=1.2").unwrap();
    assert_eq!(search.warnings.len(), 2, "{:?}", search.warnings);
    assert!(search.query.matching.is_empty());
}

#[test]
fn mistakes() {
    let table = [
        ("limit=-1", "parameter limit: it must be a whole number, 0 or more"),
        ("limit=ten", "parameter limit: it must be a whole number, 0 or more"),
        ("offset=1e3", "parameter offset: it must be a whole number, 0 or more"),
        (
            "fuzzymatching=perhaps",
            "parameter fuzzymatching: it must be true or false",
        ),
        (
            "PatientNam=DOE",
            "\"PatientNam\" is no attribute: write a keyword such as PatientName, or eight hexadecimal digits such as 00100010",
        ),
        (
            "includefield=Modallity",
            "\"Modallity\" is no attribute: write a keyword such as Modality, or eight hexadecimal digits such as 00080060",
        ),
    ];
    for (query, expected) in table {
        assert_eq!(read(query).unwrap_err(), expected, "{query}");
    }
}

//! What clients accept and what they get.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};

use super::{Resource, Shape, Syntaxes, accepted, json, objects};

fn headers(values: &[&'static str]) -> HeaderMap {
    values
        .iter()
        .map(|value| (ACCEPT, HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn objects_of_a_resource() {
    let one_of = |uids: &[&str]| Syntaxes::OneOf(uids.iter().map(|uid| (*uid).to_owned()).collect());
    type Case = (&'static [&'static str], Resource, Option<(Shape, Syntaxes)>);
    let table: Vec<Case> = vec![
        (&[], Resource::Many, Some((Shape::Multipart, Syntaxes::Any))),
        (&[], Resource::One, Some((Shape::Multipart, Syntaxes::Any))),
        (&["*/*"], Resource::One, Some((Shape::Multipart, Syntaxes::Any))),
        (
            &[r#"multipart/related; type="application/dicom""#],
            Resource::Many,
            Some((Shape::Multipart, Syntaxes::Any)),
        ),
        (
            &["multipart/related;type=application/dicom;transfer-syntax=*"],
            Resource::Many,
            Some((Shape::Multipart, Syntaxes::Any)),
        ),
        (
            &[r#"multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1"#],
            Resource::Many,
            Some((Shape::Multipart, one_of(&["1.2.840.10008.1.2.1"]))),
        ),
        (
            &[
                "multipart/related; type=application/dicom; transfer-syntax=1.2.3, multipart/related; type=application/dicom; transfer-syntax=1.2.4",
            ],
            Resource::Many,
            Some((Shape::Multipart, one_of(&["1.2.3", "1.2.4"]))),
        ),
        (
            &[
                "multipart/related; type=application/dicom; transfer-syntax=1.2.3",
                "multipart/related; type=application/dicom;q=0.5",
            ],
            Resource::Many,
            Some((Shape::Multipart, Syntaxes::Any)),
        ),
        (&["application/dicom"], Resource::Many, None),
        (
            &["application/dicom"],
            Resource::One,
            Some((Shape::Single, Syntaxes::Any)),
        ),
        (
            &["application/dicom; transfer-syntax=1.2.3, */*;q=0.1"],
            Resource::One,
            Some((Shape::Single, one_of(&["1.2.3"]))),
        ),
        (
            &["multipart/related; type=application/dicom;q=0.4, application/dicom;q=0.5"],
            Resource::One,
            Some((Shape::Single, Syntaxes::Any)),
        ),
        (&["multipart/related; type=image/jpeg"], Resource::Many, None),
        (
            &["application/dicom;q=0"],
            Resource::One,
            Some((Shape::Multipart, Syntaxes::Any)),
        ),
        (&["text/html"], Resource::One, None),
    ];
    for (accept, resource, expected) in table {
        let got = objects(&accepted(&headers(accept), None), resource).ok();
        assert_eq!(got, expected, "{accept:?} {resource:?}");
    }
}

#[test]
fn json_answers() {
    let dicom_json = Some("application/dicom+json");
    let table: Vec<(&[&'static str], Option<&str>, Option<&str>)> = vec![
        (&[], None, dicom_json),
        (&["*/*"], None, dicom_json),
        (&["application/dicom+json"], None, dicom_json),
        (&["application/json"], None, Some("application/json")),
        (&["application/json;q=0.9, application/dicom+json"], None, dicom_json),
        (&["text/html,application/xml;q=0.9,*/*;q=0.8"], None, dicom_json),
        (&[r#"multipart/related; type="application/dicom+xml""#], None, None),
        (&["text/html"], None, None),
        (&["text/html"], Some("application/dicom+json"), dicom_json),
        (&["text/html"], Some("application/dicom json"), dicom_json),
        (&["text/html"], Some(""), None),
    ];
    for (accept, parameter, expected) in table {
        let got = json(&accepted(&headers(accept), parameter)).ok();
        assert_eq!(got, expected, "{accept:?} {parameter:?}");
    }
}

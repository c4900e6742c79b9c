//! Reports and what their sender gets.

use axum::http::StatusCode;
use isocenter_dicom::header::Identity;
use isocenter_dicom::uid::Uid;
use serde_json::{Value, json};

use super::{COERCED, Failed, Named, Report, Stored};
use crate::base_url::BaseUrl;

fn stored(study: &str, object: &str, warning: Option<u16>) -> Stored {
    let uid = |text: &str| Uid::parse(text).unwrap();
    Stored {
        class: "1.2.9".into(),
        object: object.into(),
        at: Some(Identity {
            sop_class: uid("1.2.9"),
            sop_instance: uid(object),
            series: uid("1.3"),
            study: uid(study),
        }),
        warning,
    }
}

fn failed(object: Option<&str>, passing: bool) -> Failed {
    Failed {
        named: Named {
            class: None,
            object: object.map(str::to_owned),
        },
        code: 0xC000,
        passing,
        reason: "the header ends inside (0008,0018)".into(),
    }
}

#[test]
fn statuses() {
    let table = [
        (vec![stored("1.1", "1.4", None)], vec![], StatusCode::OK),
        (vec![stored("1.1", "1.4", Some(COERCED))], vec![], StatusCode::ACCEPTED),
        (
            vec![stored("1.1", "1.4", None)],
            vec![failed(None, false)],
            StatusCode::ACCEPTED,
        ),
        (vec![], vec![failed(None, false)], StatusCode::CONFLICT),
        (
            vec![],
            vec![failed(None, false), failed(None, true)],
            StatusCode::CONFLICT,
        ),
        (vec![], vec![failed(None, true)], StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (stored, failed, status) in table {
        let report = Report { stored, failed };
        assert_eq!(report.status(), status, "{report:?}");
        let answer = report.answer(&BaseUrl::fixed("http://h"));
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("warning"), !report.failed.is_empty());
        assert_eq!(
            answer.headers().contains_key("retry-after"),
            status == StatusCode::SERVICE_UNAVAILABLE
        );
    }
}

#[test]
fn response_module() {
    let report = Report {
        stored: vec![
            stored("1.1", "1.4", None),
            Stored {
                at: None,
                ..stored("1.1", "1.5", Some(COERCED))
            },
        ],
        failed: vec![failed(Some("1.6"), false), failed(None, false)],
    };
    let expected = json!({
        "00081190": { "vr": "UR", "Value": ["http://h/dicom-web/studies/1.1"] },
        "00081198": { "vr": "SQ", "Value": [{
            "00000902": { "vr": "LO", "Value": ["the header ends inside (0008,0018)"] },
            "00081155": { "vr": "UI", "Value": ["1.6"] },
            "00081197": { "vr": "US", "Value": [0xC000] },
        }] },
        "00081199": { "vr": "SQ", "Value": [
            {
                "00081150": { "vr": "UI", "Value": ["1.2.9"] },
                "00081155": { "vr": "UI", "Value": ["1.4"] },
                "00081190": { "vr": "UR", "Value": ["http://h/dicom-web/studies/1.1/series/1.3/instances/1.4"] },
            },
            {
                "00081150": { "vr": "UI", "Value": ["1.2.9"] },
                "00081155": { "vr": "UI", "Value": ["1.5"] },
                "00081196": { "vr": "US", "Value": [0xB000] },
            },
        ] },
        "0008119A": { "vr": "SQ", "Value": [{
            "00000902": { "vr": "LO", "Value": ["the header ends inside (0008,0018)"] },
            "00081197": { "vr": "US", "Value": [0xC000] },
        }] },
    });
    assert_eq!(Value::Object(report.data_set(&BaseUrl::fixed("http://h"))), expected);
}

#[test]
fn objects_of_two_studies_have_no_study_url() {
    let report = Report {
        stored: vec![stored("1.1", "1.4", None), stored("1.2", "1.5", None)],
        failed: vec![],
    };
    assert!(!report.data_set(&BaseUrl::fixed("http://h")).contains_key("00081190"));
}

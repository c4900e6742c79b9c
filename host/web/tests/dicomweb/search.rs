//! QIDO-RS: what is found at which level, and how mistakes are answered.

use axum::http::StatusCode;
use isocenter_web::Limits;
use serde_json::{Value, json};

use crate::host::Host;
use crate::object::Object;

/// The first values of a tag in every result.
fn values(results: &Value, tag: &str) -> Vec<Value> {
    results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result[tag]["Value"][0].clone())
        .collect()
}

async fn filled(limits: Limits) -> Host {
    let host = Host::with(limits).await;
    let other = Object {
        name: "Müller^Jürgen",
        patient: "Q-7",
        date: "20200101",
        ..Object::of(2, 1, 1)
    };
    host.store(&[
        Object::of(1, 1, 1),
        Object::of(1, 1, 2),
        Object::of(1, 2, 1),
        Object::of(1, 2, 2),
        Object::of(1, 2, 3),
        other,
    ])
    .await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn every_level_is_found() {
    let host = filled(Limits::default()).await;
    let table = [
        ("/dicom-web/studies", 2),
        ("/dicom-web/studies?PatientID=Q-7", 1),
        ("/dicom-web/studies?00100020=Q-7", 1),
        ("/dicom-web/studies?PatientName=doe*", 1),
        ("/dicom-web/studies?PatientName=muller*", 1),
        ("/dicom-web/studies?PatientName=j%C3%BCrgen&fuzzymatching=true", 1),
        ("/dicom-web/studies?StudyDate=20200101-20201231", 1),
        ("/dicom-web/studies?StudyInstanceUID=1.2.826.1,1.2.826.2", 2),
        ("/dicom-web/studies?PatientID=nobody", 0),
        ("/dicom-web/studies?limit=1", 1),
        ("/dicom-web/studies?limit=0", 0),
        ("/dicom-web/studies?offset=1", 1),
        ("/dicom-web/studies?offset=99", 0),
        ("/dicom-web/series", 3),
        ("/dicom-web/series?Modality=CT", 3),
        ("/dicom-web/studies/1.2.826.1/series", 2),
        ("/dicom-web/studies/1.2.826.9/series", 0),
        ("/dicom-web/instances", 6),
        ("/dicom-web/studies/1.2.826.1/instances", 5),
        ("/dicom-web/studies/1.2.826.1/series/1.2.826.1.2/instances", 3),
        (
            "/dicom-web/studies/1.2.826.1/series/1.2.826.1.2/instances?InstanceNumber=2",
            1,
        ),
    ];
    for (path, count) in table {
        let answer = host.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/dicom+json");
        assert_eq!(
            answer.json().as_array().unwrap().len(),
            count,
            "{path}: {}",
            answer.text()
        );
    }
    let found = host.get("/dicom-web/studies?PatientID=P-1").await.json();
    assert_eq!(values(&found, "00081190"), ["http://host/dicom-web/studies/1.2.826.1"]);
    assert_eq!(values(&found, "00100010"), [json!({ "Alphabetic": "DOE^JANE" })]);
    let found = host
        .get("/dicom-web/studies/1.2.826.1/series/1.2.826.1.1/instances")
        .await
        .json();
    assert_eq!(
        values(&found, "00081190"),
        ["1.2.826.1.1.1", "1.2.826.1.1.2"]
            .map(|uid| format!("http://host/dicom-web/studies/1.2.826.1/series/1.2.826.1.1/instances/{uid}"))
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_is_included_when_asked_for() {
    let host = filled(Limits::default()).await;
    let path = "/dicom-web/studies/1.2.826.1/series/1.2.826.1.1/instances";
    for include in ["00189424", "AcquisitionProtocolDescription", "all"] {
        let found = host.get(&format!("{path}?includefield={include}")).await.json();
        assert_eq!(
            values(&found, "00189424"),
            ["a comment that no index holds"; 2],
            "{include}"
        );
    }
    let found = host
        .get("/dicom-web/studies?includefield=00081030,00080060")
        .await
        .json();
    assert_eq!(values(&found, "00081030"), ["Head & neck"; 2]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_results_are_cut_with_a_warning() {
    let host = filled(Limits {
        search_results: 2,
        ..Limits::default()
    })
    .await;
    let answer = host.get("/dicom-web/instances").await;
    assert_eq!(answer.json().as_array().unwrap().len(), 2);
    assert!(answer.header("warning").contains("offset=2"), "{:?}", answer.headers);
    // Who asked for no more than there is, or than is given, needs no warning.
    for path in [
        "/dicom-web/instances?limit=2",
        "/dicom-web/instances?offset=4",
        "/dicom-web/studies",
    ] {
        assert_eq!(host.get(path).await.header("warning"), "", "{path}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named() {
    let host = filled(Limits::default()).await;
    let table = [
        ("/dicom-web/studies?PatientNam=X", "PatientName"),
        ("/dicom-web/studies?limit=x", "limit"),
        ("/dicom-web/studies?StudyDate=yesterday", "StudyDate"),
        ("/dicom-web/studies/1.2.x/series", "study UID"),
        ("/dicom-web/studies/1.2/series/..%2f..%2fetc/instances", "series UID"),
    ];
    for (path, named) in table {
        let answer = host.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert!(
            answer.json()["error"].as_str().unwrap().contains(named),
            "{path}: {}",
            answer.text()
        );
    }
    // Well written, but not matched here: answered, with a warning.
    let answer = host.get("/dicom-web/studies?KVP=120").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("warning").contains("KVP"), "{:?}", answer.headers);
    let answer = host
        .get_as(
            "/dicom-web/studies",
            "multipart/related; type=\"application/dicom+xml\"",
        )
        .await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(
        host.get_as("/dicom-web/studies", "application/json")
            .await
            .header("content-type"),
        "application/json"
    );
    host.stop().await;
}

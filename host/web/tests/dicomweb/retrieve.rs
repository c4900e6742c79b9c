//! WADO-RS: objects and metadata, in every shape that is offered.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::host::{Answer, Host};
use crate::object::Object;

/// The contents of the parts of a multipart answer.
fn parts(answer: &Answer) -> Vec<Vec<u8>> {
    let boundary = answer
        .header("content-type")
        .rsplit_once("boundary=")
        .unwrap()
        .1
        .to_owned();
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = answer.body.as_slice();
    while let Some(at) = memchr::memmem::find(rest, delimiter.as_bytes()) {
        rest = &rest[at + delimiter.len()..];
        if rest.starts_with(b"--") {
            assert_eq!(rest, b"--\r\n");
            return parts;
        }
        let head = memchr::memmem::find(rest, b"\r\n\r\n").unwrap();
        let lines = std::str::from_utf8(&rest[..head]).unwrap();
        let length: usize = lines
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            lines.contains("Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
            "{lines}"
        );
        rest = &rest[head + 4..];
        parts.push(rest[..length].to_vec());
        rest = &rest[length..];
        assert!(rest.starts_with(b"\r\n"));
    }
    panic!("no closing delimiter");
}

fn objects() -> Vec<Object> {
    let report = Object {
        pixels: None,
        ..Object::of(1, 2, 1)
    };
    vec![Object::of(1, 1, 1), Object::of(1, 1, 2), Object::of(1, 1, 10), report]
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_every_level() {
    let host = Host::start().await;
    let objects = objects();
    host.store(&objects).await;
    let files: Vec<Vec<u8>> = objects.iter().map(Object::file).collect();
    let table = [
        ("/dicom-web/studies/1.2.826.1", &files[..]),
        ("/dicom-web/studies/1.2.826.1/series/1.2.826.1.1", &files[..3]),
        (
            "/dicom-web/studies/1.2.826.1/series/1.2.826.1.1/instances/1.2.826.1.1.2",
            &files[1..2],
        ),
    ];
    for (path, expected) in table {
        let answer = host.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            answer
                .header("content-type")
                .starts_with("multipart/related; type=\"application/dicom\"; boundary=")
        );
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{path}");
        assert!(parts(&answer) == expected, "{path}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_accept() {
    let host = Host::start().await;
    let objects = objects();
    host.store(&objects).await;
    let study = "/dicom-web/studies/1.2.826.1";
    let object = objects[0].path();
    let explicit = "1.2.840.10008.1.2.1";
    let jpeg = "1.2.840.10008.1.2.4.50";
    let table = [
        (study, "*/*".to_owned(), StatusCode::OK),
        (
            study,
            "multipart/related; type=application/dicom; transfer-syntax=*".to_owned(),
            StatusCode::OK,
        ),
        (
            study,
            format!("multipart/related; type=\"application/dicom\"; transfer-syntax={explicit}"),
            StatusCode::OK,
        ),
        (
            study,
            format!("multipart/related; type=\"application/dicom\"; transfer-syntax={jpeg}"),
            StatusCode::NOT_ACCEPTABLE,
        ),
        (study, "application/dicom".to_owned(), StatusCode::NOT_ACCEPTABLE),
        (study, "text/html".to_owned(), StatusCode::NOT_ACCEPTABLE),
        (&object, "application/dicom".to_owned(), StatusCode::OK),
        (
            &object,
            format!("application/dicom; transfer-syntax={jpeg}"),
            StatusCode::NOT_ACCEPTABLE,
        ),
    ];
    for (path, accept, status) in table {
        assert_eq!(host.get_as(path, &accept).await.status, status, "{path} {accept}");
    }
    let answer = host
        .get_as(
            study,
            &format!("multipart/related; type=application/dicom; transfer-syntax={jpeg}"),
        )
        .await;
    let sentence = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(
        sentence.contains("1.2.826.1.1.1") && sentence.contains(explicit),
        "{sentence}"
    );
    let answer = host.get(&format!("{object}?accept=application/dicom")).await;
    assert_eq!(
        answer.header("content-type"),
        format!("application/dicom; transfer-syntax={explicit}")
    );
    assert_eq!(answer.body, objects[0].file());
    let head = host
        .send(Request::head(object.as_str()).body(Body::empty()).unwrap())
        .await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_every_level() {
    let host = Host::start().await;
    let objects = objects();
    host.store(&objects).await;
    let table = [
        ("/dicom-web/studies/1.2.826.1/metadata".to_owned(), vec![1, 2, 10, 1]),
        (
            "/dicom-web/studies/1.2.826.1/series/1.2.826.1.1/metadata".to_owned(),
            vec![1, 2, 10],
        ),
        (format!("{}/metadata", objects[1].path()), vec![2]),
    ];
    for (path, numbers) in table {
        let answer = host.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "application/dicom+json");
        let found: Vec<i64> = answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|data_set| data_set["00200013"]["Value"][0].as_i64().unwrap())
            .collect();
        assert_eq!(found, numbers, "{path}");
    }
    let image = &host.get(&format!("{}/metadata", objects[0].path())).await.json()[0];
    assert_eq!(
        image["7FE00010"],
        json!({ "vr": "OW", "BulkDataURI": format!("http://host{}", objects[0].path()) })
    );
    assert_eq!(
        image["00083002"],
        json!({ "vr": "UI", "Value": ["1.2.840.10008.1.2.1"] })
    );
    assert_eq!(
        image["00100010"],
        json!({ "vr": "PN", "Value": [{ "Alphabetic": "DOE^JANE" }] })
    );
    let report = &host.get(&format!("{}/metadata", objects[3].path())).await.json()[0];
    assert!(report.get("7FE00010").is_none());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_of_many_pages_streams_whole() {
    let host = Host::start().await;
    // More than one page of places, so that the length is not known when the answer begins.
    let objects: Vec<Object> = (1..=600).map(|number| Object::of(3, 1, number)).collect();
    host.store(&objects).await;
    let answer = host.get("/dicom-web/studies/1.2.826.3").await;
    assert_eq!(answer.header("content-length"), "");
    let parts = parts(&answer);
    assert_eq!(parts.len(), 600);
    assert!(parts.iter().zip(&objects).all(|(part, object)| *part == object.file()));
    let metadata = host.get("/dicom-web/studies/1.2.826.3/metadata").await.json();
    assert_eq!(metadata.as_array().unwrap().len(), 600);
    let found = host.get("/dicom-web/studies/1.2.826.3/instances").await.json();
    assert_eq!(found.as_array().unwrap().len(), 600);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() {
    let host = Host::start().await;
    host.store(&objects()).await;
    let table = [
        ("/dicom-web/studies/1.2.3", StatusCode::NOT_FOUND, "study 1.2.3"),
        (
            "/dicom-web/studies/1.2.826.1/series/1.2.3",
            StatusCode::NOT_FOUND,
            "series 1.2.3",
        ),
        (
            "/dicom-web/studies/1.2.3/metadata",
            StatusCode::NOT_FOUND,
            "study 1.2.3",
        ),
        ("/dicom-web/studies/abc", StatusCode::BAD_REQUEST, "study UID"),
        (
            "/dicom-web/studies/1.2/series/1.2/instances/1..2",
            StatusCode::BAD_REQUEST,
            "instance UID",
        ),
        (
            "/dicom-web/studies/1.2/series/1.2/instances/1.2/frames/1,2",
            StatusCode::NOT_IMPLEMENTED,
            "frames",
        ),
        (
            "/dicom-web/studies/1.2/rendered",
            StatusCode::NOT_IMPLEMENTED,
            "rendering",
        ),
        (
            "/dicom-web/studies/1.2/series/1.2/instances/1.2/thumbnail",
            StatusCode::NOT_IMPLEMENTED,
            "rendering",
        ),
        ("/dicom-web/studies/%FF%FE", StatusCode::BAD_REQUEST, "UID"),
        ("/dicom-web/patients", StatusCode::NOT_FOUND, "/dicom-web/studies"),
        ("/studies", StatusCode::NOT_FOUND, "/dicom-web"),
        ("/nonsense", StatusCode::NOT_FOUND, "/api"),
    ];
    for (path, status, named) in table {
        let answer = host.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer.json()["error"].as_str().unwrap().contains(named),
            "{path}: {}",
            answer.text()
        );
    }
    let answer = host
        .send(Request::delete("/dicom-web/studies/1.2").body(Body::empty()).unwrap())
        .await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, POST, OPTIONS")
    );
    let answer = host
        .send(Request::options("/dicom-web/series").body(Body::empty()).unwrap())
        .await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (StatusCode::NO_CONTENT, "GET, HEAD, OPTIONS")
    );
    host.stop().await;
}

//! STOW-RS: what is taken, what is not, and what the sender is told.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::stream;
use isocenter_web::Limits;
use serde_json::{Value, json};

use crate::host::{Host, RELATED};
use crate::object::{Object, multipart};

/// The Failure Reasons of an answer, those of unnamed objects last.
fn codes(answer: &Value) -> Vec<u64> {
    ["00081198", "0008119A"]
        .iter()
        .filter_map(|sequence| answer[sequence]["Value"].as_array())
        .flatten()
        .map(|item| item["00081197"]["Value"][0].as_u64().unwrap())
        .collect()
}

fn stored(answer: &Value) -> usize {
    answer["00081199"]["Value"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_taken_and_come_back_bit_for_bit() {
    let host = Host::start().await;
    let objects = [Object::of(1, 1, 1), Object::of(1, 1, 2), Object::of(1, 2, 1)];
    let files: Vec<Vec<u8>> = objects.iter().map(Object::file).collect();
    let answer = host.post("/dicom-web/studies", RELATED, multipart(&files)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/dicom+json");
    let body = answer.json();
    assert_eq!(
        body["00081190"]["Value"],
        json!(["http://host/dicom-web/studies/1.2.826.1"])
    );
    assert_eq!(stored(&body), 3);
    let first = &body["00081199"]["Value"][0];
    assert_eq!(first["00081155"]["Value"], json!([objects[0].uid]));
    assert_eq!(
        first["00081190"]["Value"],
        json!([format!("http://host{}", objects[0].path())])
    );

    for (object, file) in objects.iter().zip(&files) {
        let answer = host.get_as(&object.path(), "application/dicom").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.body == *file, "{} changed", object.uid);
    }

    // Again: identical content is acknowledged and stored once.
    let answer = host.post("/dicom-web/studies", RELATED, multipart(&files)).await;
    assert_eq!((answer.status, stored(&answer.json())), (StatusCode::OK, 3));
    assert_eq!(host.archive.index().totals().await.unwrap().objects, 3);

    // A bare body is one object.
    let bare = Object::of(2, 1, 1);
    let answer = host.post("/dicom-web/studies", "application/dicom", bare.file()).await;
    assert_eq!((answer.status, stored(&answer.json())), (StatusCode::OK, 1));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_fail_do_not_stop_the_others() {
    let host = Host::start().await;
    let kept = Object::of(1, 1, 1);
    host.store(std::slice::from_ref(&kept)).await;
    let other_content = Object {
        pixels: Some(vec![9; 10]),
        ..kept.clone()
    };
    let good = Object::of(1, 1, 2);
    let cut = Object::of(1, 1, 3).file();
    let cut = cut[..cut.len() - 7].to_vec();
    let verification = Object {
        class: "1.2.840.10008.1.1",
        ..Object::of(1, 1, 4)
    };
    let elsewhere = Object::of(7, 1, 1);
    let parts = [
        other_content.file(),
        b"hello".to_vec(),
        cut,
        verification.file(),
        elsewhere.file(),
        good.file(),
    ];
    let answer = host
        .post("/dicom-web/studies/1.2.826.1", RELATED, multipart(&parts))
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let body = answer.json();
    assert_eq!(stored(&body), 1, "{body:#}");
    assert_eq!(codes(&body), [0x0111, 0xC000, 0x0122, 0xA900, 0xC000], "{body:#}");
    assert!(
        answer
            .header("warning")
            .starts_with("299 isocenter \"5 of 6 not stored"),
        "{}",
        answer.header("warning")
    );
    for item in body["00081198"]["Value"].as_array().unwrap() {
        let reason = item["00000902"]["Value"][0].as_str().unwrap();
        assert!(reason.len() > 10 && !reason.contains("DOE"), "{reason}");
    }
    // What was there stays, what failed is nowhere.
    assert_eq!(host.get_as(&kept.path(), "application/dicom").await.body, kept.file());
    assert_eq!(host.get(&elsewhere.path()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(host.archive.index().totals().await.unwrap().objects, 2);

    // Nothing but failures.
    let answer = host
        .post("/dicom-web/studies", RELATED, multipart(&[b"hello".to_vec()]))
        .await;
    assert_eq!(
        (answer.status, codes(&answer.json())),
        (StatusCode::CONFLICT, vec![0xC000])
    );
    // Nothing at all.
    let answer = host.post("/dicom-web/studies", RELATED, multipart(&[])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert!(answer.json()["error"].as_str().unwrap().contains("no object"));
    let answer = host.post("/dicom-web/studies/nonsense", RELATED, multipart(&[])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = host.post("/dicom-web/studies", "text/plain", vec![]).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_stores_its_whole_parts_only() {
    let host = Host::start().await;
    let (whole, torn) = (Object::of(1, 1, 1), Object::of(1, 1, 2));
    let body = multipart(&[whole.file(), torn.file()]);
    let cut = body.len() - 40;
    for (number, end) in [Ok(()), Err(std::io::ErrorKind::ConnectionReset)]
        .into_iter()
        .enumerate()
    {
        let mut chunks: Vec<std::io::Result<Bytes>> = body[..cut]
            .chunks(1000 + number)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        if let Err(kind) = end {
            chunks.push(Err(kind.into()));
        }
        let request = Request::post("/dicom-web/studies")
            .header("content-type", RELATED)
            .body(Body::from_stream(stream::iter(chunks)))
            .unwrap();
        let answer = host.send(request).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let report = answer.json();
        assert_eq!((stored(&report), codes(&report)), (1, vec![0x0110]), "{report:#}");
        assert_eq!(host.get(&torn.path()).await.status, StatusCode::NOT_FOUND);
        assert_eq!(host.get_as(&whole.path(), "application/dicom").await.body, whole.file());
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_permits_are_told_to_come_again() {
    let host = Host::with(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    // The first request's body never ends, so its permit is held.
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let body = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let request = Request::post("/dicom-web/studies")
        .header("content-type", RELATED)
        .body(Body::from_stream(body))
        .unwrap();
    let router = host.router.clone();
    let first = tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status() });
    // The second chunk fits once the first has been read, and the third once the second has.
    for _ in 0..3 {
        sender.send(Ok(Bytes::from_static(b"--b0\r\n"))).await.unwrap();
    }
    let answer = host.get("/dicom-web/studies").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(host.get("/healthz").await.status, StatusCode::OK);
    drop(sender);
    first.await.unwrap();
    assert_eq!(host.get("/dicom-web/studies").await.status, StatusCode::OK);
    host.stop().await;
}

//! Bodies that are whole, and bodies that break off, stop, or are too large.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use futures::stream::{self, StreamExt};

use super::Parts;
use crate::app::Limits;
use crate::multipart::Event;

const RELATED: &str = "multipart/related; type=\"application/dicom\"; boundary=b0";

fn limits() -> Limits {
    Limits {
        body_idle: Duration::from_millis(50),
        body_bytes: 100,
        ..Limits::default()
    }
}

fn request(headers: &[(&str, &str)], body: Body) -> Request {
    let mut request = Request::post("/dicom-web/studies");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// Everything that can be read, in words, and the status of what ended it.
async fn read(request: Request) -> (Vec<String>, Option<StatusCode>) {
    let mut events = Vec::new();
    let mut parts = match Parts::of(request, &limits()) {
        Ok(parts) => parts,
        Err(error) => return (events, Some(error.status())),
    };
    loop {
        match parts.next().await {
            Ok(Event::Head(_)) => events.push("head".to_owned()),
            Ok(Event::Data(data)) => events.push(String::from_utf8_lossy(&data).into_owned()),
            Ok(Event::End) => events.push("end".to_owned()),
            Ok(Event::Closed) => return (events, None),
            Err(error) => return (events, Some(error.status())),
        }
    }
}

#[tokio::test]
async fn whole_bodies() {
    let (events, end) = read(request(
        &[("content-type", RELATED)],
        Body::from("--b0\r\n\r\none\r\n--b0\r\n\r\ntwo\r\n--b0--"),
    ))
    .await;
    assert_eq!((events.join(" "), end), ("head one end head two end".to_owned(), None));

    let (events, end) = read(request(&[("content-type", "application/dicom")], Body::from("one"))).await;
    assert_eq!((events.join(" "), end), ("head one end".to_owned(), None));
}

#[tokio::test]
async fn headers_that_are_refused() {
    let table: [(&[(&str, &str)], StatusCode); 8] = [
        (&[], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[("content-type", "nonsense")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            &[("content-type", "multipart/form-data; boundary=b0")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            &[(
                "content-type",
                "multipart/related; type=\"application/dicom+json\"; boundary=b0",
            )],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            &[("content-type", "application/dicom"), ("content-encoding", "gzip")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            &[("content-type", "multipart/related; type=application/dicom")],
            StatusCode::BAD_REQUEST,
        ),
        (
            &[(
                "content-type",
                "multipart/related; type=application/dicom; boundary=\"\"",
            )],
            StatusCode::BAD_REQUEST,
        ),
        (
            &[("content-type", "application/dicom"), ("content-length", "101")],
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ];
    for (headers, status) in table {
        assert_eq!(
            read(request(headers, Body::empty())).await,
            (vec![], Some(status)),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn bodies_that_end_badly() {
    let chunks = |chunks: Vec<Result<&'static [u8], std::io::Error>>| {
        Body::from_stream(stream::iter(chunks).map(|chunk| chunk.map(Bytes::from_static)))
    };
    let broken = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let stalled = Body::from_stream(
        stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"--b0\r\n\r\none"))]).chain(stream::pending()),
    );
    let table = [
        // No closing delimiter.
        (
            chunks(vec![Ok(b"--b0\r\n\r\none\r\n--b0")]),
            "head one",
            StatusCode::BAD_REQUEST,
        ),
        // The connection broke in the second part.
        (
            chunks(vec![Ok(b"--b0\r\n\r\none\r\n--b0\r\n\r\ntwo"), broken()]),
            "head one end head two",
            StatusCode::BAD_REQUEST,
        ),
        // Nothing of the kind.
        (chunks(vec![Ok(b"hello")]), "", StatusCode::BAD_REQUEST),
        // More than the limit, in chunks.
        (
            chunks(vec![Ok(b"--b0\r\n\r\n"), Ok(&[b'x'; 60]), Ok(&[b'x'; 60])]),
            &format!("head {}", "x".repeat(60)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        // It stopped.
        (stalled, "head one", StatusCode::REQUEST_TIMEOUT),
    ];
    for (body, events, status) in table {
        let (read, end) = read(request(&[("content-type", RELATED)], body)).await;
        assert_eq!((read.join(" ").as_str(), end), (events, Some(status)));
    }
}

#[tokio::test]
async fn a_bare_body_that_breaks_is_not_a_whole_object() {
    let body = Body::from_stream(stream::iter([
        Ok(Bytes::from_static(b"one")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]));
    let (events, end) = read(request(&[("content-type", "application/dicom")], body)).await;
    assert_eq!(
        (events.join(" ").as_str(), end),
        ("head one", Some(StatusCode::BAD_REQUEST))
    );
}

#[tokio::test]
async fn the_rest_of_a_part_can_be_skipped_once() {
    let body = Body::from("--b0\r\n\r\none\r\n--b0\r\n\r\ntwo\r\n--b0--");
    let mut parts = Parts::of(request(&[("content-type", RELATED)], body), &limits()).unwrap();
    assert!(matches!(parts.next().await, Ok(Event::Head(_))));
    parts.skip_part().await.unwrap();
    // At the end of a part there is nothing to skip: the next part is not touched.
    parts.skip_part().await.unwrap();
    assert!(matches!(parts.next().await, Ok(Event::Head(_))));
    assert_eq!(parts.data().await.unwrap(), Some(Bytes::from_static(b"two")));
}

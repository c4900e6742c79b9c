//! What arrives is what was stated, and what the host alone writes.

use isocenter_outbound::{Header, Request};

use crate::server::{Answer, Server};
use crate::{client, get, read};

#[tokio::test]
async fn a_request_arrives_as_stated_and_its_answer_comes_back() {
    let server = Server::start(|_| {
        Answer::text(
            "HTTP/1.1 201 Created\r\nX-Id: 7\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\nnot decompressed",
        )
    })
    .await;
    let request = Request {
        headers: vec![
            Header::new("Content-Type", "application/fhir+json"),
            Header::secret("Authorization", "Bearer hunter2"),
        ],
        body: "{\"a\":1}".into(),
        ..Request::new("POST", server.url("/fhir/./x/../Patient?name=a%20b#fragment"))
    };
    let mut response = client(&[server.origin()]).send(request).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.header("x-ID").as_deref(), Some("7"));
    assert_eq!(response.header("x-none"), None);
    assert_eq!(read(&mut response).await.unwrap(), "not decompressed");
    assert!(response.read(1).await.unwrap().is_empty());
    assert_eq!(
        server.requests(),
        [format!(
            "POST /fhir/Patient?name=a%20b HTTP/1.1\r\ncontent-type: application/fhir+json\r\n\
             authorization: Bearer hunter2\r\nuser-agent: isocenter/{}\r\nhost: {}\r\nconnection: close\r\n\
             content-length: 7\r\n\r\n{{\"a\":1}}",
            env!("CARGO_PKG_VERSION"),
            server.address
        )]
    );
}

#[tokio::test]
async fn every_form_of_a_body_is_read_to_its_end() {
    for (method, answer, body) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ""),
        (
            "GET",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            "x",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9;x=y\r\ndefghijkl\r\n0\r\nTrailer: 1\r\n\r\n",
            "abcdefghijkl",
        ),
        (
            "GET",
            "HTTP/1.0 200 OK\r\n\r\nuntil the connection ends",
            "until the connection ends",
        ),
        ("GET", "HTTP/1.1 500 Internal\r\nContent-Length: 3\r\n\r\nwhy", "why"),
    ] {
        let server = Server::start(move |_| Answer::text(answer)).await;
        let request = Request::new(method, server.url("/"));
        let mut response = client(&[server.origin()]).send(request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), body, "{answer}");
    }
}

#[tokio::test]
async fn an_empty_body_is_announced_where_one_is_expected() {
    for (method, announced) in [
        ("POST", true),
        ("PUT", true),
        ("PATCH", true),
        ("GET", false),
        ("HEAD", false),
    ] {
        let server = Server::start(|_| Answer::text("HTTP/1.1 204 No Content\r\n\r\n")).await;
        let request = Request::new(method, server.url("/"));
        client(&[server.origin()]).send(request).await.unwrap();
        assert_eq!(
            server.requests()[0].contains("content-length: 0\r\n"),
            announced,
            "{method}"
        );
    }
}

#[tokio::test]
async fn each_request_has_a_connection_of_its_own() {
    let server = Server::start(|_| Answer::ok("x")).await;
    let client = client(&[server.origin()]);
    for _ in 0..3 {
        let mut response = client.send(get(server.url("/"))).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), "x");
    }
    server.ended(3).await;
    assert_eq!(server.requests().len(), 3);
}

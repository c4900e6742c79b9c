//! A server that lies: an error without a word of what the request carried, and never half an answer as a whole one.

use isocenter_outbound::{Header, Request, Trouble};

use crate::server::{Answer, Server};
use crate::{client, get, read};

#[tokio::test]
async fn what_is_no_answer_is_an_error_that_tells_nothing() {
    for answer in [
        "",
        "HTTP/1.1 200",
        "just text, as HTTP 0.9 had it",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = Server::start(move |_| Answer::text(answer)).await;
        let request = Request {
            headers: vec![Header::secret("x-key", "hunter2"), Header::new("x-name", "DOE")],
            body: "DOE".into(),
            ..Request::new("POST", server.url("/DOE/4711?name=DOE"))
        };
        let refused = client(&[server.origin()]).send(request).await.unwrap_err();
        assert!(matches!(refused, Trouble::Protocol(_)), "{answer}: {refused:?}");
        let shown = format!("{refused} {refused:?}");
        for told in ["DOE", "4711", "hunter2"] {
            assert!(!shown.contains(told), "{answer}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_not_a_body() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnot a size\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nfffffffffffffffff\r\n",
    ] {
        let server = Server::start(move |_| Answer::text(answer)).await;
        let mut response = client(&[server.origin()]).send(get(server.url("/"))).await.unwrap();
        let ended = read(&mut response).await;
        assert!(matches!(ended, Err(Trouble::Protocol(_))), "{answer}: {ended:?}");
        assert_eq!(response.read(1).await.map(|_| String::new()), ended, "the error stays");
    }
}

#[tokio::test]
async fn what_follows_an_answer_belongs_to_nobody() {
    let server = Server::start(|_| {
        Answer::text(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond",
        )
    })
    .await;
    let client = client(&[server.origin()]);
    for _ in 0..2 {
        let mut response = client.send(get(server.url("/"))).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), "first");
    }
}

#[tokio::test]
async fn a_smuggled_header_never_reaches_a_server() {
    let server = Server::start(|_| Answer::ok("x")).await;
    let client = client(&[server.origin()]);
    for header in [
        Header::new("x", "a\r\nHost: evil.example"),
        Header::new("x\r\nHost", "evil.example"),
        Header::new("x: y\r\n\r\nGET /second", "z"),
        Header::new("Host", "evil.example"),
        Header::new("Content-Length", "0"),
        Header::new("Transfer-Encoding", "chunked"),
        Header::new("Connection", "x-key"),
        Header::secret("authorization", "hunter2\n"),
    ] {
        let request = Request {
            headers: vec![header],
            ..get(server.url("/"))
        };
        let refused = client.send(request).await.unwrap_err();
        assert!(
            matches!(refused, Trouble::Denied(_) | Trouble::Protocol(_)),
            "{refused:?}"
        );
        assert!(
            !refused.to_string().contains("hunter2") && !refused.to_string().contains("evil"),
            "{refused}"
        );
    }
    assert!(server.requests().is_empty());
}

//! Nothing lasts, grows or piles up beyond its bound.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use isocenter_outbound::{Connection, Network, Options, Outbound, Request, System, Trouble};

use crate::server::{Answer, Server};
use crate::{client, client_over, get, grant, read, soon};

#[tokio::test]
async fn a_server_that_never_answers_costs_the_time_of_the_request() {
    let server = Server::start(|_| Answer::Stall(b"HTTP/1.1 200".to_vec())).await;
    let client = client(&[server.origin()]);
    let late = client.send(soon(get(server.url("/")))).await;
    assert_eq!(late.unwrap_err(), Trouble::Timeout);
    let late = Request {
        deadline: Some(Instant::now() + Duration::from_millis(100)),
        ..get(server.url("/"))
    };
    assert_eq!(client.send(late).await.unwrap_err(), Trouble::Timeout);
    // Both connections are ended by this side.
    server.ended(2).await;
}

#[tokio::test]
async fn a_body_that_stands_still_ends_with_the_time_of_the_request() {
    let server = Server::start(|_| Answer::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())).await;
    let request = Request {
        timeout: Some(Duration::from_secs(1)),
        ..get(server.url("/"))
    };
    let mut response = client(&[server.origin()]).send(request).await.unwrap();
    assert_eq!(response.read(100).await.unwrap(), "half");
    assert_eq!(response.read(100).await, Err(Trouble::Timeout));
    assert_eq!(response.read(100).await, Err(Trouble::Timeout));
    server.ended(1).await;
}

#[tokio::test]
async fn an_endless_body_ends_at_its_bound() {
    let server = Server::start(|_| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Answer::Endless(
            head.to_vec(),
            b"400\r\n".iter().copied().chain([b'x'; 1024]).chain(*b"\r\n").collect(),
        )
    })
    .await;
    let options = Options {
        response_bytes: 100_000,
        ..Options::default()
    };
    let client = client_over(options, Arc::new(System), &[server.origin()]);
    let mut response = client.send(get(server.url("/"))).await.unwrap();
    let mut received = 0;
    let end = loop {
        match response.read(usize::MAX).await {
            Ok(piece) if piece.is_empty() => panic!("it ended by itself"),
            Ok(piece) => received += piece.len(),
            Err(trouble) => break trouble,
        }
    };
    assert_eq!(end, Trouble::TooLarge);
    assert!((1..=100_000).contains(&received), "{received}");
    server.ended(1).await;
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_begun() {
    let most = 16 << 20;
    for (length, fits) in [(most, true), (most + 1, false)] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let server = Server::start(move |_| Answer::Stall(head.clone().into())).await;
        let answer = client(&[server.origin()]).send(get(server.url("/"))).await;
        assert_eq!(answer.err(), (!fits).then_some(Trouble::TooLarge));
    }
}

#[tokio::test]
async fn the_head_of_an_answer_is_bounded() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(65 * 1024));
    let endless = Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".to_vec());
    let endless_name = Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; 1024]);
    for answer in [Answer::text(&many), Answer::text(&long), endless, endless_name] {
        let answer = std::sync::Mutex::new(Some(answer));
        let server = Server::start(move |_| answer.lock().unwrap().take().unwrap()).await;
        let refused = client(&[server.origin()]).send(get(server.url("/"))).await;
        assert_eq!(refused.unwrap_err(), Trouble::TooLarge);
    }
}

#[tokio::test]
async fn connections_are_counted_per_plugin_and_in_all() {
    let server = Server::start(|_| Answer::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())).await;
    let options = Options {
        connections_per_plugin: 2,
        connections: 3,
        ..Options::default()
    };
    let outbound = Outbound::new(options).unwrap();
    let (one, other) = (
        outbound.client(grant(&[server.origin()])),
        outbound.client(grant(&[server.origin()])),
    );
    let first = one.send(get(server.url("/"))).await.unwrap();
    let second = one.clone().send(get(server.url("/"))).await.unwrap();
    assert_eq!(
        one.send(soon(get(server.url("/")))).await.unwrap_err(),
        Trouble::Timeout
    );
    let third = other.send(get(server.url("/"))).await.unwrap();
    assert_eq!(
        other.send(soon(get(server.url("/")))).await.unwrap_err(),
        Trouble::Timeout
    );
    assert_eq!(server.requests().len(), 3);
    // What waited in vain holds nothing: each gets a connection as soon as one is free.
    drop(first);
    let fourth = other.send(get(server.url("/"))).await.unwrap();
    drop((second, third));
    let fifth = one.send(get(server.url("/"))).await.unwrap();
    assert_eq!((fourth.status(), fifth.status()), (200, 200));
}

#[tokio::test]
async fn a_body_that_was_read_gives_its_connection_back() {
    let server = Server::start(|_| Answer::ok("whole")).await;
    let options = Options {
        connections: 1,
        ..Options::default()
    };
    let client = client_over(options, Arc::new(System), &[server.origin()]);
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut response = client.send(get(server.url("/"))).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), "whole");
        held.push(response);
    }
    assert_eq!(held.len(), 3);
}

/// A resolver that answers when it is told to.
#[derive(Default)]
struct Hanging(Arc<tokio::sync::Notify>);

impl Network for Hanging {
    fn resolve(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let told = self.0.clone();
        async move {
            told.notified().await;
            Ok(Vec::new())
        }
        .boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Connection>> {
        System.connect(address)
    }
}

#[tokio::test]
async fn resolutions_that_hang_do_not_pile_up() {
    let server = Server::start(|_| Answer::ok("x")).await;
    let options = Options {
        connections_per_plugin: 1,
        ..Options::default()
    };
    let entries = ["http://hanging.example".to_owned(), server.origin()];
    let network = Arc::new(Hanging::default());
    let client = client_over(options, network.clone(), &entries);
    let hanging = client.send(soon(get("http://hanging.example/"))).await;
    assert_eq!(hanging.unwrap_err(), Trouble::Timeout);
    // The request is over, but the resolver still works for it: that is the plugin's one connection.
    assert_eq!(
        client.send(soon(get(server.url("/")))).await.unwrap_err(),
        Trouble::Timeout
    );
    assert!(server.requests().is_empty());
    network.0.notify_one();
    assert_eq!(client.send(get(server.url("/"))).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_address_that_hangs_leaves_time_for_the_next() {
    let server = Server::start(|_| Answer::ok("x")).await;
    let origin = format!("http://two.example:{}", server.address.port());
    let client = client_over(Options::default(), Arc::new(HalfHanging), std::slice::from_ref(&origin));
    let request = Request {
        timeout: Some(Duration::from_secs(2)),
        ..get(&origin)
    };
    assert_eq!(client.send(request).await.unwrap().status(), 200);
}

/// Two addresses, of which the first takes no connection and does not refuse it either.
struct HalfHanging;

impl Network for HalfHanging {
    fn resolve(&self, _: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async { Ok(vec![[8, 8, 8, 8].into(), [1, 1, 1, 1].into()]) }.boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Connection>> {
        if address.ip() == IpAddr::from([8, 8, 8, 8]) {
            return futures::future::pending().boxed();
        }
        System.connect(SocketAddr::from(([127, 0, 0, 1], address.port())))
    }
}

#[tokio::test]
async fn a_bound_that_makes_no_sense_is_refused() {
    for options in [
        Options {
            connections: 0,
            ..Options::default()
        },
        Options {
            connections_per_plugin: 0,
            ..Options::default()
        },
        Options {
            timeout: Duration::ZERO,
            ..Options::default()
        },
        Options {
            timeout: Duration::from_secs(301),
            ..Options::default()
        },
    ] {
        assert!(Outbound::new(options).is_err());
    }
}

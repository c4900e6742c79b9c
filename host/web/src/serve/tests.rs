//! Real sockets on the loopback interface.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::{get, post};
use futures::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Connections, serve_within};

const SHORT: Duration = Duration::from_millis(200);

struct Host {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn host(bounds: Connections) -> Host {
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from(vec![0; 65_536]))
        }))
    };
    let slow = || async {
        tokio::time::sleep(SHORT).await;
        "done"
    };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/refused",
            post(|| async { (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not this") }),
        )
        .route("/slow", get(slow))
        .route("/endless", get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve_within(
        listener,
        router,
        async {
            let _ = stopped.await;
        },
        bounds,
    ));
    Host { address, stop, task }
}

fn bounds() -> Connections {
    Connections {
        limit: 2,
        header: SHORT,
        write_stall: SHORT,
        drain: Duration::from_secs(2),
    }
}

async fn send(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn an_answer_before_the_body_was_read_arrives() {
    let host = host(bounds()).await;
    for size in [1, 100_000, 2_000_000] {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(host.address).await.unwrap();
            let head = format!("POST /refused HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // As most clients do: first all of the request, then the answer.
            stream.write_all(&vec![b'x'; size]).await.unwrap();
            let answer = read_to_end(&mut stream).await;
            assert!(
                answer.starts_with("HTTP/1.1 415 ") && answer.ends_with("not this"),
                "{size}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_header_that_does_not_end_is_cut_off() {
    let host = host(bounds()).await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
    let begun = Instant::now();
    read_to_end(&mut stream).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_cut_off() {
    let host = host(bounds()).await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    send(&mut stream, "/endless").await;
    // Not read for longer than the stall allows; what the kernel holds can still be read, and then the end is there.
    tokio::time::sleep(SHORT * 4).await;
    let mut sink = vec![0; 1 << 20];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        match stream.read(&mut sink).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    panic!("the connection is still open");
}

#[tokio::test]
async fn one_connection_too_many_waits_for_its_turn() {
    let host = host(bounds()).await;
    let mut first = TcpStream::connect(host.address).await.unwrap();
    let second = TcpStream::connect(host.address).await.unwrap();
    let mut third = TcpStream::connect(host.address).await.unwrap();
    send(&mut first, "/slow").await;
    drop(second);
    send(&mut third, "/").await;
    assert!(read_to_end(&mut third).await.ends_with("hello"));
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_takes_no_new_ones() {
    let host = host(bounds()).await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    send(&mut stream, "/slow").await;
    tokio::time::sleep(SHORT / 4).await;
    host.stop.send(()).unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("done"));
    tokio::time::timeout(Duration::from_secs(1), host.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(host.address).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_in_bounded_time() {
    let host = host(Connections {
        write_stall: Duration::from_secs(60),
        drain: SHORT,
        ..bounds()
    })
    .await;
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    send(&mut stream, "/endless").await;
    tokio::time::sleep(SHORT / 4).await;
    host.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(2), host.task)
        .await
        .unwrap()
        .unwrap();
}

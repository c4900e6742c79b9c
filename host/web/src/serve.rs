//! The listening side of HTTP: sockets, their options, their timeouts, and an end in bounded time.
//!
//! A loop of our own because three things must be true of every connection and the stock loop sets none of them:
//! TCP_NODELAY (without it small answers wait 40 ms for a delayed acknowledgement), a bound on how long a request's
//! header may take, and a bound on how long a peer may not read its answer.

mod linger;
mod operator;
mod write_stall;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use self::linger::Linger;
pub use self::operator::OperatorSocket;
use self::write_stall::WriteStall;

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Open at once; further ones wait in the kernel's queue.
    pub limit: usize,
    /// A request's header must arrive within this time; also how long an idle connection is kept.
    pub header: Duration,
    /// A peer must take a byte of its answer within this time.
    pub write_stall: Duration,
    /// What requests in progress get to end once shutdown has begun.
    pub drain: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            limit: 1024,
            header: Duration::from_secs(30),
            write_stall: Duration::from_secs(60),
            drain: Duration::from_secs(20),
        }
    }
}

/// Serves until `shutdown` completes, then lets requests in progress end within [`Connections::drain`]'s default.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    serve_within(listener, router, shutdown, Connections::default()).await;
}

/// [`serve`] with other bounds.
pub async fn serve_within(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    bounds: Connections,
) {
    let mut shutdown = pin!(shutdown);
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(bounds.limit));
    let mut connections = JoinSet::new();
    loop {
        // Reap what has ended, so that the set stays as large as what is open.
        while connections.try_join_next().is_some() {}
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        match (permit, accepted) {
            (Ok(permit), Ok((stream, peer))) => {
                open(&mut connections, &graceful, &router, &bounds, stream, peer, permit)
            }
            (Err(_closed), _) => break,
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors, most likely: give others time to close theirs.
                if !is_of_the_connection(&error) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    // New connections are refused from here on.
    drop(listener);
    if tokio::time::timeout(bounds.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            open = connections.len(),
            "requests were cut off: they did not end within the drain time"
        );
    }
    // Dropping the set aborts whatever is left.
}

/// Whether the trouble is the peer's, gone before it was accepted.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn open(
    connections: &mut JoinSet<()>,
    graceful: &GracefulShutdown,
    router: &Router,
    bounds: &Connections,
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = router.clone().map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header)
        .serve_connection(
            TokioIo::new(Linger::new(WriteStall::new(stream, bounds.write_stall))),
            TowerToHyperService::new(service),
        );
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        let _permit = permit;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

#[cfg(test)]
mod tests;

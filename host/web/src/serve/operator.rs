//! The operator's door: a Unix socket beside the data, which only its owner can open. Whoever comes through it runs the
//! host, without a name and without authenticators; it leads to `/api` and `/metrics` and nowhere else.

use std::fs::{self, DirBuilder, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::{Connections, WriteStall};
use crate::access::Operator;

/// Connections at a time.
const MOST: usize = 32;

/// The socket. Dropping it removes its file.
#[derive(Debug)]
pub struct OperatorSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl OperatorSocket {
    /// Listens at `path`, in the place of what an earlier host may have left there. The caller sees to it that no other
    /// host runs on the same data.
    ///
    /// # Errors
    /// The system's; among them that a path of more than about 100 bytes is none for a socket.
    pub fn bind(path: &Path) -> io::Result<Self> {
        // Made where nobody else can look, so that at no moment the socket is open to others; then moved.
        let closed = path.with_extension("new");
        match fs::remove_dir_all(&closed) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&closed)?;
        let made = closed.join("s");
        let bound = UnixListener::bind(&made).and_then(|listener| {
            fs::set_permissions(&made, Permissions::from_mode(0o600))?;
            fs::rename(&made, path)?;
            Ok(listener)
        });
        let _ = fs::remove_dir_all(&closed);
        Ok(Self {
            listener: bound?,
            path: path.to_owned(),
        })
    }

    /// Serves until `shutdown` completes, then lets requests in progress end within the drain time.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>, bounds: Connections) {
        let mut shutdown = pin!(shutdown);
        let graceful = GracefulShutdown::new();
        let permits = Arc::new(Semaphore::new(MOST));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let next = async {
                let permit = Arc::clone(&permits).acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = &mut shutdown => break,
                next = next => next,
            };
            let (stream, _) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the operator's socket could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let service = router.clone().map_request(|request: hyper::Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(Operator);
                request
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(bounds.header)
                .serve_connection(
                    TokioIo::new(WriteStall::new(stream, bounds.write_stall)),
                    TowerToHyperService::new(service),
                );
            let connection = graceful.watch(connection);
            connections.spawn(async move {
                let _permit = permit;
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the operator ended early");
                }
            });
        }
        let _ = tokio::time::timeout(bounds.drain, graceful.shutdown()).await;
    }
}

impl Drop for OperatorSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

//! The two things by which a request leaves the process: a name is resolved, an address is dialled.
//!
//! Separate so that tests can answer in the place of DNS and of the internet. What is between the two, the judgement of
//! the address, is not here and cannot be replaced.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures::future::{BoxFuture, FutureExt as _};
use tokio::net::TcpStream;

/// Resolves and dials. Each is called once per step: what was resolved and judged is what is dialled.
pub trait Network: Send + Sync + 'static {
    /// The addresses of a host, in the order in which to try them. Never asked about an address.
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

    /// A connection to exactly this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Connection>>;
}

/// A connection that nothing has been sent on.
#[derive(Debug)]
pub struct Connection {
    /// To read from and write to.
    pub stream: TcpStream,
    /// The address of its near end: the one that was dialled, if a machine dialled itself.
    pub local: IpAddr,
}

impl Connection {
    /// A connection as it is.
    ///
    /// # Errors
    /// If its near end has no address any more.
    pub fn new(stream: TcpStream) -> io::Result<Connection> {
        let local = stream.local_addr()?.ip();
        Ok(Connection { stream, local })
    }
}

/// The network of this machine, with the resolver of its C library.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Network for System {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Connection>> {
        async move { Connection::new(TcpStream::connect(address).await?) }.boxed()
    }
}

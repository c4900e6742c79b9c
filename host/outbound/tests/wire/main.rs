//! Requests over real sockets: what arrives at a server, what does not, and what a plugin is told.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod addresses;
mod bounds;
mod hostile;
mod network;
mod redirects;
mod requests;
mod server;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use isocenter_outbound::{Client, Grant, Network, Options, Outbound, Request, Response, System, Trouble};

fn grant(entries: &[String]) -> Grant {
    Grant::parse(entries).unwrap()
}

/// A client over the network of this machine.
fn client(entries: &[String]) -> Client {
    client_over(Options::default(), Arc::new(System), entries)
}

fn client_over(options: Options, network: Arc<dyn Network>, entries: &[String]) -> Client {
    Outbound::with_network(options, network).unwrap().client(grant(entries))
}

fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A request whose time ends before its answer comes.
fn soon(request: Request) -> Request {
    Request {
        timeout: Some(Duration::from_millis(100)),
        ..request
    }
}

/// The whole body.
async fn read(response: &mut Response) -> Result<String, Trouble> {
    let mut body = Vec::new();
    loop {
        let piece = response.read(7).await?;
        assert!(piece.len() <= 7);
        if piece.is_empty() {
            return Ok(String::from_utf8(body).unwrap());
        }
        body.extend_from_slice(&piece);
    }
}

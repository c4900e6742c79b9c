//! One request and the head of its answer, on a connection of its own.
//!
//! Separate because it is all that touches the network, and the only place where a name becomes an address: resolved
//! once, judged, and dialled as judged.

use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Position};

use crate::client::{Shared, Slot};
use crate::grant::{Grant, Origin, Scheme};
use crate::network::Connection;
use crate::options::{MOST_HEADER_BYTES, MOST_HEADERS};
use crate::request::Checked;
use crate::trouble::Trouble;

/// The most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// The head of an answer, and the connection that its body comes from.
pub(crate) struct Reply {
    pub(crate) response: http::Response<Incoming>,
    /// Ends the connection when dropped.
    pub(crate) connection: AbortOnDropHandle<()>,
}

impl Reply {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }
}

/// Makes a request that the grant allows. The caller ends it at the deadline.
pub(crate) async fn run(
    shared: &Shared,
    grant: &Grant,
    request: &Checked,
    slot: &Arc<Slot>,
    deadline: Instant,
) -> Result<Reply, Trouble> {
    let message = message(request)?;
    let addresses = addresses(shared, grant, request, slot).await?;
    let stream = dial(shared, grant, request, &addresses, deadline).await?;
    let stream = match request.origin.scheme {
        Scheme::Http => Either::Left(stream),
        Scheme::Https => {
            let connector = TlsConnector::from(shared.tls.clone());
            let secured = connector.connect(server_name(&request.origin)?, stream).await;
            Either::Right(secured.map_err(|error| {
                Trouble::Connect(format!("TLS with {} does not come about: {error}", request.origin))
            })?)
        }
    };
    let reply = exchange(stream, message)
        .await
        .map_err(|error| trouble(&request.origin, &error))?;
    // The connection's own bound counts what one read brings beyond it.
    let head: usize = (reply.headers().iter())
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if head > MOST_HEADER_BYTES {
        return Err(Trouble::TooLarge);
    }
    Ok(reply)
}

async fn exchange<S>(stream: S, message: http::Request<Full<bytes::Bytes>>) -> hyper::Result<Reply>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MOST_HEADERS)
        .max_buf_size(MOST_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        // What goes wrong reaches whoever reads the answer.
        let _ = connection.await;
    }));
    let response = sender.send_request(message).await?;
    Ok(Reply { response, connection })
}

fn message(request: &Checked) -> Result<http::Request<Full<bytes::Bytes>>, Trouble> {
    let invalid = |what: &str| Trouble::Protocol(format!("{what} of the URL is not valid in a request"));
    let path = &request.url[Position::BeforePath..Position::AfterQuery];
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = Uri::try_from(path).map_err(|_| invalid("the path or the query"))?;
    *message.headers_mut() = request.headers.clone();
    let host = HeaderValue::try_from(request.origin.authority()).map_err(|_| invalid("the host"))?;
    message.headers_mut().insert(HOST, host);
    // RFC 9110 §8.6; hyper announces only a body that is there.
    if request.body.is_empty() && matches!(request.method, Method::POST | Method::PUT | Method::PATCH) {
        message
            .headers_mut()
            .insert(CONTENT_LENGTH, const { HeaderValue::from_static("0") });
    }
    message
        .headers_mut()
        .insert(CONNECTION, const { HeaderValue::from_static("close") });
    Ok(message)
}

/// The addresses to dial, judged.
async fn addresses(
    shared: &Shared,
    grant: &Grant,
    request: &Checked,
    slot: &Arc<Slot>,
) -> Result<Vec<IpAddr>, Trouble> {
    let Checked { origin, url, .. } = request;
    match &origin.host {
        // The grant names it, or the request would not be here.
        Host::Ipv4(address) => Ok(vec![(*address).into()]),
        Host::Ipv6(address) => Ok(vec![(*address).into()]),
        Host::Domain(name) => allowed(grant, origin, url.path(), resolve(shared, origin, name, slot).await?),
    }
}

/// A connection to the first address that answers. Each may take an equal share of the time that is left.
async fn dial(
    shared: &Shared,
    grant: &Grant,
    request: &Checked,
    addresses: &[IpAddr],
    deadline: Instant,
) -> Result<TcpStream, Trouble> {
    let origin = &request.origin;
    let mut failure = Trouble::Connect(format!("{origin} has no address"));
    for (left, address) in (1_u32..=addresses.len() as u32).rev().zip(addresses) {
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        let connecting = shared.network.connect(SocketAddr::new(*address, origin.port));
        match tokio::time::timeout(share, connecting).await {
            Ok(Ok(Connection { stream, local })) => {
                if local == *address {
                    not_this_machine(grant, request, local)?;
                }
                // It only costs time without it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = Trouble::Connect(format!("{origin} does not answer: {error}")),
            Err(_) => failure = Trouble::Timeout,
        }
    }
    Err(failure)
}

/// The addresses of a name. The resolver of the system cannot be interrupted, so the slot is held until it ends: a plugin
/// cannot pile up resolutions that nobody waits for.
async fn resolve(shared: &Shared, origin: &Origin, name: &str, slot: &Arc<Slot>) -> Result<Vec<IpAddr>, Trouble> {
    let resolution = shared.network.resolve(name);
    let slot = slot.clone();
    let resolution = tokio::spawn(async move {
        let found = resolution.await;
        drop(slot);
        found
    });
    match resolution.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Trouble::Connect(format!("{origin} is not found: {error}"))),
        Err(_) => Err(Trouble::Connect(format!("{origin} is not found: the resolver failed"))),
    }
}

/// Those addresses that the grant allows; an error if there are none.
fn allowed(grant: &Grant, origin: &Origin, path: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Trouble> {
    let mut addresses = Vec::new();
    let mut denied = None;
    for address in found.into_iter().take(MOST_ADDRESSES) {
        match grant.judge_address(origin, path, address) {
            Ok(()) => addresses.push(address),
            Err(why) => denied = denied.or(Some(why)),
        }
    }
    match denied {
        Some(why) if addresses.is_empty() => Err(Trouble::Denied(why)),
        _ => Ok(addresses),
    }
}

/// A machine that dials its own public address reaches what listens on it, as by loopback. Nothing has been sent yet.
fn not_this_machine(grant: &Grant, request: &Checked, own: IpAddr) -> Result<(), Trouble> {
    let Checked { origin, url, .. } = request;
    if !matches!(origin.host, Host::Domain(_)) {
        return Ok(());
    }
    grant
        .by_address(origin, url.path(), own, "an address of this machine")
        .map_err(Trouble::Denied)
}

fn server_name(origin: &Origin) -> Result<ServerName<'static>, Trouble> {
    match &origin.host {
        Host::Ipv4(address) => Ok(IpAddr::from(*address).into()),
        Host::Ipv6(address) => Ok(IpAddr::from(*address).into()),
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Trouble::Connect(format!("{origin} is not a name that a certificate can have"))),
    }
}

/// What hyper says, and why. Its texts and those below it speak of the protocol, not of what was sent.
pub(crate) fn trouble(origin: &Origin, error: &hyper::Error) -> Trouble {
    if error.is_parse_too_large() {
        return Trouble::TooLarge;
    }
    if error.is_incomplete_message() {
        return Trouble::Protocol(format!("{origin} ended the connection before its answer was complete"));
    }
    let mut text = format!("{origin} gave no valid answer: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Trouble::Protocol(text)
}

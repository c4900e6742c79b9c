//! The collector: one request for each batch, on a connection of its own.
//!
//! Apart from the export so that the wire is in one place. No connection is kept: a batch a second is little, and what is
//! not kept cannot be half open.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::config::CollectorUrl;

/// What one exchange may take.
const TIME: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Where spans are sent to.
pub(super) struct Collector {
    url: CollectorUrl,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    #[error("it does not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it did not answer within {} s", TIME.as_secs())]
    Slow,
}

impl Collector {
    pub(super) fn at(url: &CollectorUrl) -> Self {
        Self { url: url.clone() }
    }

    /// Sends an encoded `ExportTraceServiceRequest`: how many of its spans the collector refused.
    pub(super) async fn send(&self, body: Bytes) -> Result<u64, Trouble> {
        tokio::time::timeout(TIME, self.exchange(body))
            .await
            .map_err(|_| Trouble::Slow)?
    }

    async fn exchange(&self, body: Bytes) -> Result<u64, Trouble> {
        let address = self.url.address();
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with this call, at the latest.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::post(self.url.path())
            .header(header::HOST, address.to_string())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::CONNECTION, "close")
            .body(Full::new(body))?;
        let answer = sender.send_request(request).await?;
        if !answer.status().is_success() {
            return Err(Trouble::Status(answer.status().as_u16()));
        }
        // The spans have arrived; what cannot be read here only says what was wrong with some of them.
        let said = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
        let said = said.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let partial = ExportTraceServiceResponse::decode(said)
            .unwrap_or_default()
            .partial_success;
        Ok(partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0)))
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

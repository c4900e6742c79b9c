//! What an association runs over: TCP, or TLS over it. Separate so that the wire need not know which.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::connect::dial;
use crate::error::AssociationError;
use crate::tls::ClientTls;

/// A connection to a peer.
#[derive(Debug)]
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Encrypted (PS3.15 §B.12), from either side.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The subject of the certificate that the peer has shown and that TLS has verified (RFC 5280 §4.1.2.6).
    pub fn certificate_subject(&self) -> Option<String> {
        let Self::Tls(stream) = self else {
            return None;
        };
        let certificate = stream.get_ref().1.peer_certificates()?.first()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(parsed.subject().to_string())
    }
}

/// A connection to a peer at `host:port`, within a limit for each of its two steps: TCP with TCP_NODELAY, and over it TLS
/// where it is given. The peer's certificate must be for that host.
///
/// # Errors
/// [`AssociationError::Connection`] or [`AssociationError::Timeout`].
pub async fn reach(address: &str, tls: Option<&ClientTls>, limit: Duration) -> Result<Stream, AssociationError> {
    let stream = dial(address, limit).await?;
    let Some(tls) = tls else {
        return Ok(Stream::Plain(stream));
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    tls.connect(stream, host.trim_matches(['[', ']']), limit).await
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Plain(stream)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

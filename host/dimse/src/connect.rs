//! The requestor's side.

use bytes::Bytes;
use futures::Stream;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::association::Association;
use crate::command::Command;
use crate::error::AssociationError;
use crate::negotiation::Proposal;
use crate::options::Options;
use crate::status::Status;

/// The answer to a C-STORE or C-ECHO.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreStatus {
    /// The status.
    pub status: Status,
    /// Error Comment (0000,0902).
    pub comment: Option<String>,
}

/// A TCP connection.
///
/// # Errors
/// todo
pub async fn dial(
    _address: impl ToSocketAddrs,
    _limit: Duration,
) -> Result<TcpStream, AssociationError> {
    todo!()
}

/// Requests an association.
///
/// # Errors
/// todo
pub async fn connect<S>(
    _stream: S,
    _options: &Options,
    _proposal: &Proposal,
) -> Result<Association<S>, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    todo!()
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    /// C-STORE.
    ///
    /// # Errors
    /// todo
    pub async fn store<D>(
        &mut self,
        _context: u8,
        _sop_class: &str,
        _sop_instance: &str,
        _data: D,
    ) -> Result<StoreStatus, AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        todo!()
    }

    /// C-ECHO.
    ///
    /// # Errors
    /// todo
    pub async fn echo(&mut self) -> Result<Status, AssociationError> {
        todo!()
    }

    /// The next response to a request; pending ones too, each with its data set to read by [`Association::data`].
    ///
    /// # Errors
    /// todo
    pub async fn response(&mut self, _message_id: u16) -> Result<Command, AssociationError> {
        todo!()
    }

    /// A Message ID that is not in use.
    pub fn next_message_id(&mut self) -> u16 {
        todo!()
    }
}

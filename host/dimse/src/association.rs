//! An established association.

use bytes::Bytes;
use futures::Stream;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::command::Command;
use crate::error::{AbortReason, AssociationError};
use crate::negotiation::{AcceptedContext, Request, RoleSelection};

/// An established association. One task drives it.
pub struct Association<S> {
    _stream: S,
}

/// What the peer sends when no message is under way.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// A message; its data set, if it has one, is read by [`Association::data`].
    Message(Message),
    /// The peer asked for release and has been answered. Nothing more will come.
    Released,
}

/// A DIMSE message without its data set.
#[derive(Clone, Debug)]
pub struct Message {
    /// The presentation context, an accepted one.
    pub context: u8,
    /// The command set.
    pub command: Command,
    /// A data set follows.
    pub has_data: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    /// What was asked for.
    pub fn request(&self) -> &Request {
        todo!()
    }

    /// All accepted contexts, by id.
    pub fn contexts(&self) -> &[AcceptedContext] {
        todo!()
    }

    /// The role selections that were granted.
    pub fn roles(&self) -> &[RoleSelection] {
        todo!()
    }

    /// An accepted context.
    pub fn context(&self, _id: u8) -> Option<&AcceptedContext> {
        todo!()
    }

    /// The first accepted context for a SOP class in a transfer syntax.
    pub fn context_for(&self, _abstract_syntax: &str, _transfer_syntax: &str) -> Option<u8> {
        todo!()
    }

    /// Waits for the next message or the release.
    ///
    /// # Errors
    /// todo
    pub async fn next(&mut self) -> Result<Incoming, AssociationError> {
        todo!()
    }

    /// Next fragment.
    ///
    /// # Errors
    /// todo
    pub async fn data(&mut self) -> Result<Option<Bytes>, AssociationError> {
        todo!()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// todo
    pub async fn send(
        &mut self,
        _context: u8,
        _command: &Command,
        _data: Option<Bytes>,
    ) -> Result<(), AssociationError> {
        todo!()
    }

    /// Sends a message whose data set is a stream of fragments.
    ///
    /// # Errors
    /// todo
    pub async fn send_stream<D>(
        &mut self,
        _context: u8,
        _command: &Command,
        _data: D,
    ) -> Result<(), AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        todo!()
    }

    /// Ends the association at once.
    pub async fn abort(self, _reason: AbortReason) {
        todo!()
    }

    /// Ends the association in order.
    ///
    /// # Errors
    /// todo
    pub async fn release(self) -> Result<(), AssociationError> {
        todo!()
    }
}

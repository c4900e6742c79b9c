//! What a peer may say while this side performs its request: that it has heard enough (C-CANCEL, PS3.7 §9.3.2.3), that
//! it goes, and, where this side makes requests of its own on the way (C-GET), what it thinks of them. Separate because it
//! is the one place where messages come that nobody waits for in turn.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Association, Incoming};
use crate::command::{Command, CommandField};
use crate::error::{AssociationError, Violation};
use crate::waits::A_SUBOPERATION;

/// Longer than any operation.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// What a peer said while its request was being performed.
#[derive(Clone, Debug)]
pub enum Meanwhile {
    /// It wants the operation to end.
    Cancel,
    /// It answers a request of this side. Its data set, if it has one, is dropped.
    Response(Command),
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    /// Waits, however long it takes, for what the peer says while this side performs its `request`. What is to be
    /// performed is polled beside this, and may be answered between two calls. Cancels of other requests are passed over.
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`AssociationError::ReleasedEarly`] where the peer released the association, and a [`Violation`] where it asked for
    /// something else; or what befell the connection. The association is over.
    pub async fn meanwhile(&mut self, request: u16) -> Result<Meanwhile, AssociationError> {
        self.heard(request, FOREVER, "what comes while a request is performed")
            .await
    }

    /// [`Association::meanwhile`] while a response is due: waits at most
    /// [`Options::response_time`](crate::Options::response_time). Cancel-safe.
    ///
    /// # Errors
    /// As [`Association::meanwhile`], and [`AssociationError::Timeout`].
    pub async fn meanwhile_response(&mut self, request: u16) -> Result<Meanwhile, AssociationError> {
        let limit = self.options.response_time;
        self.heard(request, limit, A_SUBOPERATION).await
    }

    async fn heard(
        &mut self,
        request: u16,
        limit: Duration,
        what: &'static str,
    ) -> Result<Meanwhile, AssociationError> {
        loop {
            let command = match self.next_within(limit, what).await? {
                Incoming::Released => return Err(AssociationError::ReleasedEarly),
                Incoming::Message(message) => message.command,
            };
            match command.field() {
                CommandField::C_CANCEL_RQ if command.message_id() == request => return Ok(Meanwhile::Cancel),
                CommandField::C_CANCEL_RQ => {}
                field if field.is_response() => return Ok(Meanwhile::Response(command)),
                field => return self.conclude(Err(Violation::RequestAmid(field).into())).await,
            }
        }
    }
}

//! A request that takes its time: while it is performed, the peer may cancel it, and may go. Separate because every service
//! that answers more than once needs it, and must hear a cancel within a moment whatever it is waiting for.

use std::future::Future;
use std::pin::pin;

use bytes::Bytes;
use isocenter_dimse::{Association, AssociationError, Command, Meanwhile, Message, Stream};

/// A request that is being performed.
pub(super) struct Operation<'a> {
    pub(super) association: &'a mut Association<Stream>,
    pub(super) request: &'a Message,
}

impl Operation<'_> {
    /// Does something unless, or until, the peer cancels the request: then it is dropped, and `None` comes of it. Also looks
    /// for a cancel that has come before.
    ///
    /// # Errors
    /// The association is over: what was being done is dropped too.
    pub(super) async fn unless_cancelled<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, AssociationError> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                heard = self.association.meanwhile(self.request.command.message_id()) => match heard? {
                    Meanwhile::Cancel => return Ok(None),
                    Meanwhile::Response(response) => {
                        tracing::debug!(field = %response.field(), "nothing here waits for it");
                    }
                },
                done = &mut work => return Ok(Some(done)),
            }
        }
    }

    /// Sends a response.
    ///
    /// # Errors
    /// The association is over.
    pub(super) async fn respond(&mut self, response: &Command, data: Option<Bytes>) -> Result<(), AssociationError> {
        self.association.send(self.request.context, response, data).await
    }
}

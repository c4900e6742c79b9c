//! The acceptor's side of association establishment.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::association::Association;
use crate::error::AssociationError;
use crate::negotiation::{Admission, Request};
use crate::options::Options;

/// A request for an association that has not been answered.
pub struct Indication<S> {
    _stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Indication<S> {
    /// Waits for the A-ASSOCIATE-RQ and checks it.
    ///
    /// # Errors
    /// todo
    pub async fn receive(_stream: S, _options: &Options) -> Result<Self, AssociationError> {
        todo!()
    }

    /// What is asked.
    pub fn request(&self) -> &Request {
        todo!()
    }

    /// Answers.
    ///
    /// # Errors
    /// todo
    pub async fn answer(self, _admission: Admission) -> Result<Association<S>, AssociationError> {
        todo!()
    }
}

/// Receives a request, has it decided, answers it.
///
/// # Errors
/// todo
pub async fn accept<S, F>(
    stream: S,
    options: &Options,
    decide: F,
) -> Result<Association<S>, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    F: AsyncFnOnce(&Request) -> Admission,
{
    let indication = Indication::receive(stream, options).await?;
    let admission = decide(indication.request()).await;
    indication.answer(admission).await
}

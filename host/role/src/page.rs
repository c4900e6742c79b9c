//! Routes: HTTP below `/plugins/NAME/`, answered by a plugin.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{Call, Part, Visible};

/// The body of a request, pulled.
pub trait RequestBody: Send {
    /// The next bytes; empty at the end. The error says why there are no more (the client went away, too large).
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// What a client asks of a plugin.
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Below `/plugins/NAME`, beginning with `/`, percent-decoded.
    pub path: String,
    /// Pairs of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Header lines, names in lower case, without credentials (`Authorization`, `Cookie`).
    pub headers: Vec<(String, String)>,
    /// Who asks, as the authenticators named them; empty where there are none.
    pub subject: String,
    /// What they bring.
    pub body: Box<dyn RequestBody>,
    /// The archive as they may see it.
    pub archive: Arc<dyn Visible>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A piece of an answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes that the plugin wrote.
    Bytes(Bytes),
    /// A stored object as a Part 10 file, streamed by the host.
    Object {
        /// Study Instance UID.
        study: String,
        /// SOP Instance UID.
        object: String,
    },
}

/// What the plugin answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status; 200 unless the plugin said otherwise.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// The body in its order; the bytes of plugins together take at most 16 MiB.
    pub body: Vec<Piece>,
}

/// Answers HTTP.
pub trait Route: Part {
    /// One request.
    fn handle(self: Arc<Self>, request: Request) -> Call<'static, Answer>;
}

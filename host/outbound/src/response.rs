//! An answer, whose body is pulled in pieces. Separate because it is what a plugin holds on to: it has a deadline and a
//! bound of its own, and gives its connection back as soon as it can.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::client::Slot;
use crate::exchange::{self, Reply};
use crate::grant::Origin;
use crate::options::Options;
use crate::request::Checked;
use crate::trouble::Trouble;

/// What a host answered. Its body is not decompressed. Dropping it ends the connection.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    origin: Origin,
    body: Body,
    /// Received, not read yet: at most one piece.
    pending: Bytes,
    /// How much more may be received, in bytes.
    left: u64,
    deadline: Instant,
}

enum Body {
    Open(Open),
    Ended(Result<(), Trouble>),
}

struct Open {
    incoming: Incoming,
    _connection: AbortOnDropHandle<()>,
    _slot: Arc<Slot>,
}

impl Response {
    pub(crate) fn new(
        reply: Reply,
        request: &Checked,
        options: &Options,
        deadline: Instant,
        slot: Arc<Slot>,
    ) -> Result<Response, Trouble> {
        let (head, incoming) = reply.response.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Trouble::Protocol(format!(
                "{} changes to another protocol",
                request.origin
            )));
        }
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let announced = announced.and_then(|length| length.parse::<u64>().ok());
        if request.method != Method::HEAD && announced.is_some_and(|length| length > options.response_bytes) {
            return Err(Trouble::TooLarge);
        }
        Ok(Response {
            status: head.status,
            headers: head.headers,
            origin: request.origin.clone(),
            body: Body::Open(Open {
                incoming,
                _connection: reply.connection,
                _slot: slot,
            }),
            pending: Bytes::new(),
            left: options.response_bytes,
            deadline,
        })
    }

    /// The status code, 200 to 599.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// All headers, as received.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, in any case; what is not UTF-8 is replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The next bytes of the body: at least one and at most `limit` (0 counts as 1), as soon as there are some; empty at
    /// its end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Trouble::Timeout`] when the time of the request ends, [`Trouble::TooLarge`] when the body exceeds its bound,
    /// [`Trouble::Protocol`] when it ends early. What was read before is then not the whole; the error stays.
    pub async fn read(&mut self, limit: usize) -> Result<Bytes, Trouble> {
        while self.pending.is_empty() {
            let ended = match &mut self.body {
                Body::Ended(how) => return how.clone().map(|()| Bytes::new()),
                Body::Open(open) => match next(open, &self.origin, self.deadline).await {
                    Ok(Some(piece)) => match self.left.checked_sub(piece.len() as u64) {
                        Some(left) => {
                            self.left = left;
                            self.pending = piece;
                            continue;
                        }
                        None => Err(Trouble::TooLarge),
                    },
                    Ok(None) => Ok(()),
                    Err(trouble) => Err(trouble),
                },
            };
            self.body = Body::Ended(ended);
        }
        Ok(self.pending.split_to(limit.clamp(1, self.pending.len())))
    }
}

/// The next piece of data; `None` at the end. Trailers are passed over.
async fn next(open: &mut Open, origin: &Origin, deadline: Instant) -> Result<Option<Bytes>, Trouble> {
    loop {
        let frame = tokio::time::timeout_at(deadline, open.incoming.frame()).await;
        match frame.map_err(|_| Trouble::Timeout)? {
            None => return Ok(None),
            Some(Err(error)) => return Err(exchange::trouble(origin, &error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

//! The body of a STOW-RS request as a sequence of parts, read from the socket with a bound on everything: bytes,
//! parts, header lines, and the time between two bytes.
//!
//! Separate so that `store` sees parts only: a bare `application/dicom` body looks like a body with one part.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures::StreamExt;

use crate::accept;
use crate::app::Limits;
use crate::error::RouteError;
use crate::media::MediaType;
use crate::multipart::{self, Event, PartHead, Reader};

/// What the store transaction takes, in one sentence.
const WANTED: &str =
    "send objects as multipart/related; type=\"application/dicom\"; boundary=…, or one object as application/dicom";

/// The parts of a body.
pub(super) struct Parts {
    chunks: Chunks,
    form: Form,
    /// Between a part's head and its end.
    inside: bool,
}

enum Form {
    /// Boxed for its size beside the other.
    Multipart(Box<Reader>),
    Bare(Bare),
}

/// How far a bare body has been told as if it were one part.
#[derive(Clone, Copy)]
enum Bare {
    Head,
    Data,
    Closed,
}

impl Parts {
    /// Begins to read a request's body.
    ///
    /// # Errors
    /// What its headers say already: a type that is not taken, a length that is too large.
    pub(super) fn of(request: Request, limits: &Limits) -> Result<Self, RouteError> {
        let headers = request.headers();
        let form = form(headers, limits)?;
        let limit = limits.body_bytes;
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(RouteError::TooLarge { limit });
        }
        Ok(Self {
            chunks: Chunks {
                body: request.into_body().into_data_stream(),
                idle: limits.body_idle,
                limit,
                seen: 0,
            },
            form,
            inside: false,
        })
    }

    /// The next event. After [`Event::Closed`] there is none to ask for.
    pub(super) async fn next(&mut self) -> Result<Event, RouteError> {
        let event = self.read().await?;
        self.inside = matches!(event, Event::Head(_) | Event::Data(_));
        Ok(event)
    }

    async fn read(&mut self) -> Result<Event, RouteError> {
        let Self { chunks, form, .. } = self;
        match form {
            Form::Multipart(reader) => loop {
                if let Some(event) = reader.next()? {
                    return Ok(event);
                }
                match chunks.next().await {
                    Ok(Some(chunk)) => reader.push(chunk),
                    Ok(None) => return Err(reader.end().into()),
                    // A broken connection is told in the words of what it cut off.
                    Err(RouteError::BrokenBody) => return Err(reader.end().into()),
                    Err(error) => return Err(error),
                }
            },
            Form::Bare(state) => match *state {
                Bare::Head => {
                    *state = Bare::Data;
                    Ok(Event::Head(PartHead::default()))
                }
                Bare::Data => Ok(match chunks.next().await? {
                    Some(chunk) => Event::Data(chunk),
                    None => {
                        *state = Bare::Closed;
                        Event::End
                    }
                }),
                Bare::Closed => Ok(Event::Closed),
            },
        }
    }

    /// The next bytes of the part at hand; `None` at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, RouteError> {
        match self.next().await? {
            Event::Data(data) => Ok(Some(data)),
            Event::Head(_) | Event::End | Event::Closed => Ok(None),
        }
    }

    /// Reads to the end of the part at hand, if it is not there yet.
    pub(super) async fn skip_part(&mut self) -> Result<(), RouteError> {
        while self.inside {
            self.next().await?;
        }
        Ok(())
    }
}

fn form(headers: &HeaderMap, limits: &Limits) -> Result<Form, RouteError> {
    let unsupported = |reason: String| RouteError::UnsupportedMediaType(reason);
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(unsupported(
            "a Content-Encoding is not taken: send the body as it is".to_owned(),
        ));
    }
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|value| MediaType::parse(value.to_str().ok()?))
        .ok_or_else(|| unsupported(format!("the Content-Type is missing or unreadable: {WANTED}")))?;
    match media.essence() {
        accept::DICOM => Ok(Form::Bare(Bare::Head)),
        accept::RELATED => {
            let inner = media.parameter("type").unwrap_or(accept::DICOM);
            if !inner.eq_ignore_ascii_case(accept::DICOM) {
                return Err(unsupported(format!(
                    "objects in parts of other types than application/dicom are not taken: {WANTED}"
                )));
            }
            let boundary = media
                .parameter("boundary")
                .ok_or(RouteError::BadMultipart(multipart::BadMultipart::Boundary))?;
            let limits = multipart::Limits {
                parts: limits.parts,
                header_bytes: limits.part_header_bytes,
            };
            Ok(Form::Multipart(Box::new(Reader::new(boundary, limits)?)))
        }
        _ => Err(unsupported(format!("this Content-Type is not taken: {WANTED}"))),
    }
}

/// The body's bytes as they arrive.
struct Chunks {
    body: BodyDataStream,
    idle: Duration,
    limit: u64,
    seen: u64,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<Bytes>, RouteError> {
        loop {
            let Ok(chunk) = tokio::time::timeout(self.idle, self.body.next()).await else {
                return Err(RouteError::SlowBody {
                    seconds: self.idle.as_secs(),
                });
            };
            let chunk = match chunk {
                None => return Ok(None),
                Some(Err(error)) => {
                    tracing::info!(%error, "a request body broke off");
                    return Err(RouteError::BrokenBody);
                }
                Some(Ok(chunk)) => chunk,
            };
            self.seen = self.seen.saturating_add(chunk.len() as u64);
            if self.seen > self.limit {
                return Err(RouteError::TooLarge { limit: self.limit });
            }
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! A JSON array as a body that is written while its elements are found.
//!
//! A study's metadata may be hundreds of megabytes; only one piece of about [`PIECE`] bytes is held. When an element
//! cannot be had, the body breaks off without its closing bracket, so that no client takes half an answer for a whole one.

use std::pin::Pin;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use serde_json::{Map, Value};

use crate::error::RouteError;

/// Bytes after which a piece is sent.
const PIECE: usize = 64 << 10;

/// One DICOM JSON data set.
pub(super) type DataSet = Map<String, Value>;

/// The answer that holds `elements`.
pub(super) fn response(
    content_type: &'static str,
    elements: impl Stream<Item = Result<DataSet, RouteError>> + Send + 'static,
) -> Response {
    ([(CONTENT_TYPE, content_type)], Body::from_stream(pieces(elements))).into_response()
}

struct Writer {
    elements: Pin<Box<dyn Stream<Item = Result<DataSet, RouteError>> + Send>>,
    piece: Vec<u8>,
    separator: u8,
    over: bool,
}

fn pieces(
    elements: impl Stream<Item = Result<DataSet, RouteError>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, RouteError>> + Send {
    let writer = Writer {
        elements: Box::pin(elements),
        piece: Vec::new(),
        separator: b'[',
        over: false,
    };
    stream::try_unfold(writer, |mut writer| async move {
        if writer.over {
            return Ok(None);
        }
        while writer.piece.len() < PIECE {
            let Some(element) = writer.elements.next().await else {
                if writer.separator == b'[' {
                    writer.piece.push(b'[');
                }
                writer.piece.push(b']');
                writer.over = true;
                break;
            };
            writer.piece.push(writer.separator);
            writer.separator = b',';
            // A map of JSON values is always writable: the only errors are those of a writer that can fail.
            let element = element?;
            if serde_json::to_writer(&mut writer.piece, &element).is_err() {
                return Err(RouteError::BrokenBody);
            }
        }
        let piece = Bytes::from(std::mem::take(&mut writer.piece));
        Ok(Some((piece, writer)))
    })
}

#[cfg(test)]
mod tests;

//! Objects of which some are written anew, in a transfer syntax that the request accepts: their lengths are not known before.
//!
//! What cannot be converted is found out with its first frame. The first object can still be refused for it; a later one
//! breaks the connection, as one that cannot be read does.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;
use isocenter_dicom::part10;
use isocenter_pipeline::retrieve::{self, Outgoing};

use super::super::objects::Objects;
use super::ahead::ahead;
use super::{BoxError, LINE_END, part_head, with_headers};
use crate::accept::{self, Shape, Syntaxes};
use crate::app::AppState;
use crate::base_url::BaseUrl;
use crate::error::RouteError;
use crate::random;

pub(super) async fn answer(
    state: &AppState,
    objects: Objects,
    base: BaseUrl,
    shape: Shape,
    syntaxes: Syntaxes,
) -> Result<Response, RouteError> {
    let mut objects = Box::pin(objects.stream());
    let Some(first) = objects.next().await.transpose()? else {
        return Err(RouteError::BrokenBody);
    };
    let first = converted(state, &first, &syntaxes).await?;
    if shape == Shape::Single {
        let content_type = format!("{}; transfer-syntax={}", accept::DICOM, first.syntax.uid());
        return Ok(with_headers(Body::from_stream(ahead(file(first))), &content_type, None));
    }
    let boundary = random::token();
    let last = format!("--{boundary}--\r\n");
    let content_type = format!("{}; type=\"{}\"; boundary={boundary}", accept::RELATED, accept::DICOM);
    let state = state.clone();
    let others = objects.then(move |at| {
        let (state, syntaxes) = (state.clone(), syntaxes.clone());
        async move { converted(&state, &at?, &syntaxes).await }
    });
    let parts = stream::iter([Ok(first)])
        .chain(others)
        .map_err(|error: RouteError| {
            // The client only sees the connection break.
            tracing::error!(%error, "an object is not converted");
            BoxError::from(error)
        })
        .map_ok(move |object| {
            let head = part_head(&boundary, &base, &object.identity, object.syntax.uid().as_str(), "");
            let piece = |text: Bytes| stream::iter([Ok(text)]);
            piece(head.into())
                .chain(file(object).map_err(BoxError::from))
                .chain(piece(Bytes::from_static(LINE_END)))
        })
        .try_flatten()
        .chain(stream::iter([Ok(Bytes::from(last))]));
    Ok(with_headers(Body::from_stream(ahead(parts)), &content_type, None))
}

/// An object in a syntax that is accepted.
async fn converted(state: &AppState, at: &Located, syntaxes: &Syntaxes) -> Result<Outgoing, RouteError> {
    let takes = |_: &str, syntax: &str| syntaxes.allow(syntax);
    let outgoing = retrieve::prepare(&state.app.pipeline, None, at, takes).await;
    outgoing.map_err(|why| RouteError::Unconverted {
        object: at.identity.sop_instance.to_string(),
        why,
    })
}

/// Its Part 10 file.
fn file(object: Outgoing) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    let preface = part10::preface(&object.identity, &object.syntax);
    stream::iter([Ok(preface)]).chain(object.data)
}

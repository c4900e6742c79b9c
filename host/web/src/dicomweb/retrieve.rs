//! WADO-RS: objects as Part 10 files (PS3.18 §10.4), byte for byte as they are stored.
//!
//! The answer streams from the packs: memory is a page of places and a few chunks, whatever the study's size. A scope of
//! one page is answered with its length, a larger one in chunks.

mod ahead;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;

use self::ahead::ahead;
use super::Scope;
use super::objects::{Objects, first_that_is_not};
use crate::accept::{self, Accepted, Resource, Shape, Syntaxes};
use crate::access::Visitor;
use crate::app::AppState;
use crate::base_url::BaseUrl;
use crate::error::RouteError;
use crate::random;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// `GET /studies/{study}`.
pub(super) async fn study(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
) -> Result<Response, RouteError> {
    answer(state, visitor, scope, base, accepted, Resource::Many).await
}

/// `GET /studies/{study}/series/{series}`.
pub(super) async fn series(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
) -> Result<Response, RouteError> {
    answer(state, visitor, scope, base, accepted, Resource::Many).await
}

/// `GET /studies/{study}/series/{series}/instances/{object}`.
pub(super) async fn object(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
) -> Result<Response, RouteError> {
    answer(state, visitor, scope, base, accepted, Resource::One).await
}

async fn answer(
    State(state): State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    Accepted(accepted): Accepted,
    resource: Resource,
) -> Result<Response, RouteError> {
    let (shape, syntaxes) = accept::objects(&accepted, resource)?;
    if let Syntaxes::OneOf(_) = &syntaxes {
        // All are looked at before the first is sent: a status cannot be taken back.
        if let Some(at) = first_that_is_not(&state, &scope, visitor.within(), |at| {
            syntaxes.allow(at.syntax.as_str())
        })
        .await?
        {
            return Err(RouteError::Syntax {
                object: at.identity.sop_instance.to_string(),
                stored: at.syntax.to_string(),
            });
        }
    }
    let objects = Objects::find(&state, scope, visitor.within()).await?;
    Ok(match shape {
        Shape::Multipart => multipart(&state, objects, base),
        Shape::Single => single(&state, objects).await?,
    })
}

/// One file as the whole body.
async fn single(state: &AppState, objects: Objects) -> Result<Response, RouteError> {
    let mut objects = std::pin::pin!(objects.stream());
    let Some(at) = objects.next().await.transpose()? else {
        return Err(RouteError::BrokenBody);
    };
    let content_type = format!("{}; transfer-syntax={}", accept::DICOM, at.syntax);
    let body = Body::from_stream(ahead(state.archive().read(&at)));
    Ok(with_headers(body, &content_type, Some(at.place.length)))
}

/// Each file as a part, in the order of the index.
fn multipart(state: &AppState, objects: Objects, base: BaseUrl) -> Response {
    let boundary = random::token();
    let last = format!("--{boundary}--\r\n");
    let length = objects.all().map(|all| {
        all.map(|at| part_head(&boundary, &base, at).len() as u64 + at.place.length + LINE_END.len() as u64)
            .fold(last.len() as u64, u64::saturating_add)
    });
    let content_type = format!("{}; type=\"{}\"; boundary={boundary}", accept::RELATED, accept::DICOM);
    let archive = state.archive().clone();
    let parts = objects
        .stream()
        .map_err(BoxError::from)
        .map_ok(move |at| {
            let head = part_head(&boundary, &base, &at);
            let content = archive.read(&at).map_err(move |error| {
                // The client only sees the connection break; the operator sees which object it was.
                tracing::error!(object = %at.identity.sop_instance, pack = %at.place.pack, %error, "a stored object cannot be read");
                BoxError::from(error)
            });
            let piece = |text: Bytes| stream::iter([Ok(text)]);
            piece(head.into())
                .chain(content)
                .chain(piece(Bytes::from_static(LINE_END)))
        })
        .try_flatten()
        .chain(stream::iter([Ok(Bytes::from(last))]));
    with_headers(Body::from_stream(ahead(parts)), &content_type, length)
}

const LINE_END: &[u8] = b"\r\n";

fn part_head(boundary: &str, base: &BaseUrl, at: &Located) -> String {
    let identity = &at.identity;
    let location = base.object(&identity.study, &identity.series, &identity.sop_instance);
    format!(
        "--{boundary}\r\nContent-Type: {}; transfer-syntax={}\r\nContent-Length: {}\r\nContent-Location: {location}\r\n\r\n",
        accept::DICOM,
        at.syntax,
        at.place.length,
    )
}

fn with_headers(body: Body, content_type: &str, length: Option<u64>) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

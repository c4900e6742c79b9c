//! WADO-RS: objects as Part 10 files (PS3.18 §10.4), byte for byte as they are stored, unless the request accepts them in other
//! transfer syntaxes alone.
//!
//! The answer streams from the packs: memory is a page of places and a few chunks, whatever the study's size. A scope of
//! one page is answered with its length, a larger one in chunks.

mod ahead;
mod converted;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;
use isocenter_dicom::header::Identity;
use isocenter_pipeline::retrieve;

use self::ahead::ahead;
use super::Scope;
use super::objects::{Objects, first_that_is_not};
use crate::accept::{self, Accepted, Resource, Shape, Syntaxes};
use crate::access::{Visitor, Within};
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
    let converts = converts(&state, &scope, visitor.within(), &syntaxes).await?;
    let objects = Objects::find(&state, scope, visitor.within()).await?;
    if converts {
        return converted::answer(&state, objects, base, shape, syntaxes).await;
    }
    Ok(match shape {
        Shape::Multipart => multipart(&state, objects, base),
        Shape::Single => single(&state, objects).await?,
    })
}

/// Whether some are to be converted. All are looked at before the first is sent: a status cannot be taken back.
async fn converts(state: &AppState, scope: &Scope, within: &Within, syntaxes: &Syntaxes) -> Result<bool, RouteError> {
    if *syntaxes == Syntaxes::Any {
        return Ok(false);
    }
    let as_it_is = |at: &Located| syntaxes.allow(at.syntax.as_str());
    if first_that_is_not(state, scope, within, as_it_is).await?.is_none() {
        return Ok(false);
    }
    let somehow =
        |at: &Located| as_it_is(at) || retrieve::convertible(at.syntax.as_str(), |syntax| syntaxes.allow(syntax));
    match first_that_is_not(state, scope, within, somehow).await? {
        None => Ok(true),
        Some(at) => Err(RouteError::Syntax {
            object: at.identity.sop_instance.to_string(),
            stored: at.syntax.to_string(),
        }),
    }
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
        all.map(|at| stored_head(&boundary, &base, at).len() as u64 + at.place.length + LINE_END.len() as u64)
            .fold(last.len() as u64, u64::saturating_add)
    });
    let content_type = format!("{}; type=\"{}\"; boundary={boundary}", accept::RELATED, accept::DICOM);
    let archive = state.archive().clone();
    let parts = objects
        .stream()
        .map_err(BoxError::from)
        .map_ok(move |at| {
            let head = stored_head(&boundary, &base, &at);
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

fn stored_head(boundary: &str, base: &BaseUrl, at: &Located) -> String {
    let length = format!("Content-Length: {}\r\n", at.place.length);
    part_head(boundary, base, &at.identity, at.syntax.as_str(), &length)
}

fn part_head(boundary: &str, base: &BaseUrl, identity: &Identity, syntax: &str, length: &str) -> String {
    let location = base.object(&identity.study, &identity.series, &identity.sop_instance);
    format!(
        "--{boundary}\r\nContent-Type: {}; transfer-syntax={syntax}\r\n{length}Content-Location: {location}\r\n\r\n",
        accept::DICOM,
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

//! Who may use which route: one layer in front of every handler.
//!
//! A route says what it is an access to where it is made ([`Doors`]); one that does not cannot be made, and a request
//! whose route is not known here is denied. The layer asks the authenticators who sent the request, then the authorizers
//! whether they may, and hands the answer on as a [`Visitor`]. Who needs to know more than the route tells (the page, a
//! plugin's view of the archive) asks the visitor again. Nothing passes where a plugin failed.

mod authenticate;
mod authorize;
mod doors;
mod known;
mod origin;
mod visitor;
mod within;

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{RequestExt, extract::Query};
use isocenter_dicom::uid::Uid;
use isocenter_role::{Access, Action, Credentials};

pub(crate) use self::doors::{ADMIN, Doors, Need, Needs, RETRIEVE, SEARCH, STORE};
pub(crate) use self::known::Known;
pub(crate) use self::visitor::{Visitor, plain};
pub(crate) use self::within::Within;
use crate::app::{AppState, Shared};
use crate::attribute;
use crate::error::RouteError;

/// Marks requests that came through the operator's own socket, whose file only the operator can open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator;

/// Names of attributes that a search cannot set.
const OURS: [&str; 5] = ["method", "path", "study", "series", "object"];
/// Keys of a search that authorizers are shown; one with more is refused.
const MOST_KEYS: usize = 256;

/// The layer.
pub(crate) async fn admit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    match visitor(&state, &mut request).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

async fn visitor(state: &Shared, request: &mut Request) -> Result<Visitor, RouteError> {
    let pipeline = state.app.pipeline.clone();
    let set = pipeline.set();
    let need = need(state, request);
    if request.extensions().get::<Operator>().is_some() {
        return match need {
            Some(Need::May(Action::Admin)) if is_for_programs(request) => Ok(Visitor::operator(pipeline, set)),
            _ => Err(RouteError::Denied),
        };
    }
    if need == Some(Need::Nothing) {
        return Ok(Visitor::nobody(pipeline, set));
    }
    origin::check(request, &state.app.about, need, set.authenticators.is_empty())?;
    let known = authenticate::caller(&pipeline, &set, &state.known, credentials(request)).await?;
    let visitor = Visitor::named(pipeline, set, known);
    match need {
        Some(Need::May(action)) => {
            let access = access(action, request).await?;
            visitor.admitted(access).await
        }
        // Answered by no handler but those for unknown paths and methods.
        Some(Need::Name) => Ok(visitor),
        Some(Need::Nothing) | None => {
            tracing::error!("a route without an action was asked for");
            Err(RouteError::Denied)
        }
    }
}

/// Whether it is part of what the operator's commands ask; the page is for browsers.
fn is_for_programs(request: &Request) -> bool {
    let path = request.uri().path();
    path.starts_with("/api/") || path == "/metrics"
}

/// What the route of a request needs; `None`: nobody said, so it is denied.
fn need(state: &Shared, request: &Request) -> Option<Need> {
    match request.extensions().get::<MatchedPath>() {
        None => Some(Need::Name),
        Some(path) => state.needs.of(path.as_str(), request.method()),
    }
}

/// What the request brings to show who sent it.
fn credentials(request: &Request) -> Credentials {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    Credentials {
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        certificate_subject: None,
        peer: peer.map(|ConnectInfo(peer)| peer.ip()),
    }
}

/// What the caller wants to do, as authorizers are told.
async fn access(action: Action, request: &mut Request) -> Result<Access, RouteError> {
    let mut attributes = vec![
        ("method".to_owned(), request.method().as_str().to_owned()),
        ("path".to_owned(), request.uri().path().to_owned()),
    ];
    let mut study = None;
    if let Ok(parameters) = request.extract_parts::<RawPathParams>().await {
        for (name, value) in &parameters {
            // As the handler reads it, so that both speak of the same object; what is no UID the handler refuses.
            let Ok(uid) = Uid::parse(value) else { continue };
            match name {
                "study" => study = Some(uid.as_str().to_owned()),
                "series" | "object" => attributes.push((name.to_owned(), uid.as_str().to_owned())),
                _ => {}
            }
        }
    }
    if action == Action::Search
        && let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
    {
        keys(&pairs, &mut attributes)?;
    }
    Ok(Access {
        action,
        study,
        attributes,
    })
}

/// Adds the keys of a search, attributes under their keywords however they were written.
pub(crate) fn keys(pairs: &[(String, String)], into: &mut Vec<(String, String)>) -> Result<(), RouteError> {
    if pairs.len() > MOST_KEYS {
        return Err(RouteError::BadParameter {
            name: "query".to_owned(),
            reason: format!("it may have at most {MOST_KEYS} keys"),
        });
    }
    for (name, value) in pairs {
        let name = match attribute::parse(name) {
            Ok(path) if path.inside.is_empty() => attribute::keyword(path.tag),
            _ => name.clone(),
        };
        if !OURS.contains(&name.as_str()) {
            into.push((name, value.clone()));
        }
    }
    Ok(())
}

/// As the table of needs has it: `HEAD` is a `GET` without its body.
fn as_routed(method: &Method) -> &Method {
    if *method == Method::HEAD { &Method::GET } else { method }
}

/// The answer for a plugin that failed and may work later; `None` if it will not.
fn unavailable(failure: &isocenter_role::Failure) -> Option<RouteError> {
    failure.retryable().map(|after| RouteError::NotNow {
        seconds: after.as_secs().max(1),
    })
}

/// What a [`Visitor`] is made of when the layer did not run.
fn unseen() -> RouteError {
    tracing::error!("a handler was reached past the layer that lets callers in");
    RouteError::Denied
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Visitor {
    type Rejection = RouteError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Visitor>().cloned().ok_or_else(unseen)
    }
}

#[cfg(test)]
mod tests;

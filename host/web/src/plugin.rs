//! `/plugins/NAME/…`: pages and services that plugins answer.
//!
//! A plugin is handed the request without what shows who sent it, and the archive as its sender may see it; its answer is
//! let out without what would act on the rest of this origin ([`answer`]). Who may come here the authorizers say
//! (`plugin`); what can be found from here they are asked each time (`search`, `retrieve`).

mod answer;
mod body;
mod visible;

use std::sync::Arc;

use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use isocenter_pipeline::door::{Answered, Visit, Worth};
use isocenter_role::{Action, Answer, Failure, Request, Role};

use self::body::MOST;
use self::visible::Seen;
use crate::access::{Doors, Need, Visitor};
use crate::app::AppState;
use crate::base_url::BaseUrl;
use crate::error::RouteError;
use crate::pulled::Pulled;

/// What a header's name says when its value may show who sends the request.
const CREDENTIALS: [&str; 8] = [
    "auth",
    "cookie",
    "token",
    "api-key",
    "apikey",
    "secret",
    "password",
    "assertion",
];

pub(crate) fn routes() -> Doors {
    let need = Need::May(Action::Plugin);
    Doors::new()
        .any("/plugins/{name}", need, without_slash)
        .any("/plugins/{name}/", need, root)
        .any("/plugins/{name}/{*path}", need, below)
}

fn unknown(name: &str) -> RouteError {
    RouteError::NothingStored {
        what: format!("plugin page {:?}", name.chars().take(64).collect::<String>()),
    }
}

/// To the folder, so that the page's relative links lead into it.
async fn without_slash(visitor: Visitor, Path(name): Path<String>) -> Result<Response, RouteError> {
    if !visitor.set().routes.contains_key(&name) {
        return Err(unknown(&name));
    }
    Ok((StatusCode::PERMANENT_REDIRECT, [(LOCATION, format!("{name}/"))]).into_response())
}

async fn root(
    State(state): State<AppState>,
    visitor: Visitor,
    base: BaseUrl,
    Path(name): Path<String>,
    request: HttpRequest,
) -> Result<Response, RouteError> {
    handle(state, visitor, base, &name, "/".to_owned(), request).await
}

async fn below(
    State(state): State<AppState>,
    visitor: Visitor,
    base: BaseUrl,
    Path((name, path)): Path<(String, String)>,
    request: HttpRequest,
) -> Result<Response, RouteError> {
    handle(state, visitor, base, &name, format!("/{path}"), request).await
}

async fn handle(
    state: AppState,
    visitor: Visitor,
    base: BaseUrl,
    name: &str,
    path: String,
    request: HttpRequest,
) -> Result<Response, RouteError> {
    let route = visitor.set().routes.get(name).ok_or_else(|| unknown(name))?;
    let route = Arc::clone(route);
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map_err(|_| RouteError::BadParameter {
        name: "query".to_owned(),
        reason: "it must be pairs of names and values, percent-encoded".to_owned(),
    })?;
    let method = request.method().as_str().to_owned();
    let headers = without_credentials(request.headers());
    let seen = Arc::new(Seen::new(state.clone(), visitor.clone(), base));
    let asked = Request {
        method,
        path,
        query: query.0,
        headers,
        subject: visitor.subject().unwrap_or_default(),
        body: Box::new(Pulled::new(request.into_body(), state.app.limits.body_idle, MOST)),
        archive: Arc::clone(&seen) as Arc<dyn isocenter_role::Visible>,
    };
    let outcome = Arc::clone(&route).handle(asked).await;
    let pipeline = &state.app.pipeline;
    pipeline.at_door(&*route, Role::Route, &outcome, Visit::default(), answered);
    match outcome.result {
        Ok(given) => answer::response(name, given, &seen).await,
        Err(failure) => {
            tracing::error!(plugin = name, %failure, "a plugin's page failed");
            Err(failed(&failure))
        }
    }
}

/// A page that a plugin gave is written down now and then; one that it says it could not give, always.
fn answered(answer: &Answer) -> Answered {
    Answered {
        word: "answered",
        reason: Some(format!("status {}", answer.status)),
        worth: if answer.status >= 500 {
            Worth::ARow
        } else {
            Worth::ASample
        },
    }
}

fn failed(failure: &Failure) -> RouteError {
    match (failure.retryable(), failure) {
        (Some(after), _) => RouteError::PluginNotNow {
            seconds: after.as_secs().max(1),
        },
        (None, Failure::Deadline { .. }) => RouteError::PluginLate,
        (None, _) => RouteError::PluginFailed,
    }
}

/// Header lines as a plugin may see them.
fn without_credentials(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !CREDENTIALS.iter().any(|word| name.as_str().contains(word)))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

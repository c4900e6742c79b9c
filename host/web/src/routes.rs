//! The table of routes, and what is answered beside it.

use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::{Router, response};

use crate::access::Doors;
use crate::app::{App, Shared};
use crate::error::RouteError;
use crate::{access, api, dicomweb, guard, health, page, plugin};

/// Every route of the host, ready to be served.
pub fn router(app: App) -> Router {
    let (router, needs) = doors().open();
    let state = Shared::new(app, needs);
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(state.clone(), access::admit))
        .layer(middleware::from_fn_with_state(state.clone(), guard::watch))
        .with_state(state)
}

/// All routes, each with what it needs.
pub(crate) fn doors() -> Doors {
    Doors::new()
        .merge(page::routes())
        .merge(plugin::routes())
        .merge(dicomweb::routes())
        .merge(health::routes())
        .merge(api::routes())
}

async fn unknown(uri: Uri) -> RouteError {
    let first = uri
        .path()
        .split('/')
        .find(|piece| !piece.is_empty())
        .unwrap_or_default();
    RouteError::NoRoute {
        hint: match first.to_ascii_lowercase().as_str() {
            "api" => {
                "the API has /api/about, /api/plugins, /api/quarantine, /api/dead-letters, /api/parked, /api/outcomes, /api/worklist, /api/mpps, /api/try and /api/reload"
            }
            "health" | "ready" | "healthz" | "readyz" | "metrics" | "status" => {
                "health is at /healthz, readiness at /readyz, metrics at /metrics"
            }
            "dicom-web" => {
                "DICOMweb has /dicom-web/studies[/{study}[/series[/{series}[/instances[/{instance}]]]]], each with /metadata"
            }
            "dicomweb" | "studies" | "series" | "instances" | "wado" | "qido" | "stow" | "rs" | "dcm4chee-arc" => {
                "DICOMweb is at /dicom-web"
            }
            _ => "there are / (a page), /dicom-web, /api, /healthz, /readyz and /metrics",
        },
    }
}

/// `OPTIONS` is answered with what there is; any other method with a sentence.
async fn wrong_method(method: Method, uri: Uri) -> response::Result<Response> {
    let allowed = if matches!(uri.path(), "/dicom-web/studies" | "/api/worklist") || is_study(uri.path()) {
        "GET, HEAD, POST, OPTIONS"
    } else if uri.path().starts_with("/api/worklist/") {
        "GET, HEAD, PUT, DELETE, OPTIONS"
    } else {
        "GET, HEAD, OPTIONS"
    };
    if method == Method::OPTIONS {
        return Ok((StatusCode::NO_CONTENT, [(ALLOW, HeaderValue::from_static(allowed))]).into_response());
    }
    Err(RouteError::Method { allowed }.into())
}

fn is_study(path: &str) -> bool {
    path.strip_prefix("/dicom-web/studies/")
        .is_some_and(|rest| !rest.contains('/'))
}

//! What watches over the host asks: is the process alive, can it work, and its numbers.
//!
//! `/healthz` touches nothing, so that a busy database does not get the process killed. `/readyz` proves what the host
//! needs to take an object: the index answers, the data folder can be written, and no drain has begun.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::access::{ADMIN, Doors, Need, Visitor};
use crate::app::AppState;

/// What one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Doors {
    Doors::new()
        .get("/healthz", Need::Nothing, alive)
        .get("/readyz", Need::Nothing, ready)
        .get("/metrics", ADMIN, metrics)
}

async fn alive() -> Response {
    Json(json!({ "alive": true })).into_response()
}

/// The outcome of one check.
#[derive(Serialize)]
pub(crate) struct Check {
    pub(crate) ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl From<Result<(), String>> for Check {
    fn from(outcome: Result<(), String>) -> Self {
        Self {
            ok: outcome.is_ok(),
            reason: outcome.err(),
        }
    }
}

/// All checks.
#[derive(Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    database: Check,
    disk: Check,
    draining: Check,
}

impl Readiness {
    async fn of(state: &AppState) -> Self {
        let (database, disk) = tokio::join!(database(state), disk(&state.app.data));
        let draining = if state.app.draining.is_cancelled() {
            Err("the host is draining: send new work elsewhere".to_owned())
        } else {
            Ok(())
        };
        Self {
            ready: database.is_ok() && disk.is_ok() && draining.is_ok(),
            database: database.into(),
            disk: disk.into(),
            draining: draining.into(),
        }
    }
}

/// Where callers need a name, who has none learns whether the host is ready and not why.
async fn ready(State(state): State<AppState>, visitor: Visitor) -> Response {
    let readiness = Readiness::of(&state).await;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if Visitor::anybody(visitor.set()) {
        (status, Json(readiness)).into_response()
    } else {
        (status, Json(json!({ "ready": readiness.ready }))).into_response()
    }
}

async fn database(state: &AppState) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, state.archive().index().ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the database did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// Makes a file in the data folder, writes to it and removes it: a full or read-only disk, or a lost mount, shows here.
async fn disk(folder: &Path) -> Result<(), String> {
    static PROBES: AtomicU64 = AtomicU64::new(0);
    let number = PROBES.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!(".ready-{}-{number}", std::process::id()));
    let probe = async {
        let written = tokio::fs::write(&file, b"ready").await;
        let removed = tokio::fs::remove_file(&file).await;
        written.and(removed)
    };
    match tokio::time::timeout(PATIENCE, probe).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the data folder cannot be written: {}", error.kind())),
        Err(_) => Err(format!("the data folder took longer than {} s", PATIENCE.as_secs())),
    }
}

async fn metrics(State(state): State<AppState>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        (state.app.metrics)(),
    )
        .into_response()
}

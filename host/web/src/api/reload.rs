//! `POST /api/reload`: the configuration is read again. What that means only the binary knows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::error::RouteError;

pub(super) fn routes() -> Doors {
    Doors::new().post("/api/reload", ADMIN, reload)
}

/// 409 with a sentence for each problem when what ran goes on.
async fn reload(State(state): State<AppState>) -> Result<Response, RouteError> {
    let Some(reload) = &state.app.reload else {
        return Err(RouteError::NotOffered {
            what: "reload",
            instead: "restart the host",
        });
    };
    // Not with the request: a client that goes away must not leave it half done.
    let reloading = tokio::spawn(reload());
    Ok(match reloading.await {
        Ok(Ok(said)) => Json(json!({ "done": "reload", "said": said })).into_response(),
        Ok(Err(problems)) => {
            let problems = json!({ "error": "nothing was reloaded, what ran goes on", "problems": problems });
            (StatusCode::CONFLICT, Json(problems)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a reload ended early");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    })
}

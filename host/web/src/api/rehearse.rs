//! `POST /api/try?chain=NAME`: what a chain would do to the Part 10 file in the body. Nothing is stored, sent or kept. The
//! answer shows values of the object.

use axum::Json;
use axum::extract::{Request, State};
use isocenter_dicom::diff::Change;
use isocenter_pipeline::rehearse::{Rehearsal, Step};
use serde_json::{Value, json};

use super::{Pairs, named};
use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::error::RouteError;
use crate::pulled::Pulled;

/// Bytes of a file at most; it is held as a whole.
const MOST: u64 = 256 << 20;

pub(super) fn routes() -> Doors {
    Doors::new().post("/api/try", ADMIN, attempt)
}

/// One at a time, because of the memory.
async fn attempt(State(state): State<AppState>, pairs: Pairs, request: Request) -> Result<Json<Value>, RouteError> {
    let Some(chain) = named(&pairs, "chain") else {
        return Err(RouteError::BadParameter {
            name: "chain".to_owned(),
            reason: "it must name a chain of the configuration".to_owned(),
        });
    };
    let Ok(_turn) = state.rehearsals.acquire().await else {
        return Err(RouteError::BrokenBody);
    };
    let file = Pulled::new(request.into_body(), state.app.limits.body_idle, MOST)
        .collect()
        .await?;
    let rehearsal = state.app.pipeline.rehearse(chain, file).await?;
    Ok(Json(shown(&rehearsal)))
}

fn shown(rehearsal: &Rehearsal) -> Value {
    json!({
        "chain": rehearsal.chain,
        "matches": rehearsal.matches,
        "end": rehearsal.end,
        "steps": rehearsal.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Value {
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    json!({
        "plugin": step.plugin,
        "role": step.role,
        "outcome": step.outcome,
        "reason": step.reason,
        "cpu_us": micros(step.cost.cpu),
        "wall_us": micros(step.cost.wall),
        "peak_memory": step.cost.peak_memory,
        "edits": step.edits,
        "changes": step.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    json!({ "at": change.at, "before": change.before, "after": change.after })
}

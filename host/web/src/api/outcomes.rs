//! What plugins did: every recorded call, found by object, by study and by plugin, and the edits that it made.

use axum::Json;
use axum::extract::{Path, State};
use isocenter_archive::index::{EditListId, RecordedOutcome};
use isocenter_dicom::uid::Uid;
use serde_json::{Value, json};

use super::{Pairs, before, limit, named};
use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::error::RouteError;
use crate::time;

pub(super) fn routes() -> Doors {
    Doors::new()
        .get("/api/outcomes", ADMIN, outcomes)
        .get("/api/edits/{id}", ADMIN, edits)
}

async fn outcomes(State(state): State<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let uid = |name: &'static str| match named(&pairs, name) {
        None => Ok(None),
        Some(text) => Uid::parse(text).map(Some).map_err(|_| RouteError::BadParameter {
            name: name.to_owned(),
            reason: "it must be a UID: digits and dots, at most 64 characters".to_owned(),
        }),
    };
    let (object, study) = (uid("object")?, uid("study")?);
    let plugin = named(&pairs, "plugin").map(str::to_owned);
    let failed = named(&pairs, "failed").is_some_and(|value| matches!(value, "" | "true" | "1"));
    let (before, limit) = (before(&pairs)?, limit(&pairs)?);
    let index = state.archive().index();
    let found = match (&object, &study, &plugin, failed) {
        (Some(object), study, None, false) => index.outcomes_of_object(study.as_ref(), object, before, limit).await?,
        (None, Some(study), None, false) => index.outcomes_of_study(study, before, limit).await?,
        (None, None, Some(plugin), false) => index.outcomes_of_plugin(plugin, before, limit).await?,
        (None, None, plugin, true) => index.failed_outcomes(plugin.as_deref(), before, limit).await?,
        _ => {
            return Err(RouteError::BadParameter {
                name: "query".to_owned(),
                reason: "ask by object (and its study), by study, by plugin, or for what failed (of one plugin)"
                    .to_owned(),
            });
        }
    };
    Ok(Json(found.iter().map(outcome).collect()))
}

fn outcome(entry: &RecordedOutcome) -> Value {
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    json!({
        "id": entry.id,
        "at": time::utc(entry.at),
        "plugin": entry.plugin,
        "digest": entry.digest,
        "role": entry.role,
        "chain": entry.chain,
        "shadow": entry.shadow,
        "study": entry.study.as_ref().map(Uid::as_str),
        "object": entry.object.as_ref().map(Uid::as_str),
        "outcome": entry.outcome,
        "failed": entry.failed,
        "edits": entry.edits,
        "edit_list": entry.edit_list.map(|id| id.to_string()),
        "cpu_us": micros(entry.cpu),
        "wall_us": micros(entry.wall),
        "queue_us": micros(entry.queue),
        "peak_memory": entry.peak_memory,
        "reason": entry.reason,
    })
}

/// The edits of a call, a line each.
async fn edits(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, RouteError> {
    let list: EditListId = id.parse().map_err(|_| RouteError::BadParameter {
        name: "id".to_owned(),
        reason: "it must be the 64 hexadecimal digits that an outcome gives as edit_list".to_owned(),
    })?;
    let Some(found) = state.archive().index().edit_list(list).await? else {
        return Err(RouteError::NotWaiting {
            what: "list of edits of that name".to_owned(),
        });
    };
    Ok(Json(
        json!({ "edits": found.lines().collect::<Vec<_>>(), "cut": found.is_cut() }),
    ))
}

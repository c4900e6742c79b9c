//! `/api/worklist`: what is to be done, as DICOM JSON. Who schedules posts entries, one or many, all or none; modalities ask by
//! C-FIND.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use isocenter_archive::index::{KeptStep, Scheduled};
use isocenter_dicom::uid::Uid;
use isocenter_procedure::ScheduledStep;
use serde_json::{Value, json};

use super::{Pairs, limit};
use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::attribute;
use crate::error::RouteError;
use crate::pulled::Pulled;
use crate::time;

/// Bytes of a body at most.
const MOST_BYTES: u64 = 64 << 20;
/// Entries of one request at most.
const MOST_ENTRIES: usize = 10_000;
/// Problems that are told at once.
const MOST_PROBLEMS: usize = 100;

pub(super) fn routes() -> Doors {
    Doors::new()
        .get("/api/worklist", ADMIN, list)
        .post("/api/worklist", ADMIN, add)
        .get("/api/worklist/{study}/{step}", ADMIN, one)
        .put("/api/worklist/{study}/{step}", ADMIN, put)
        .delete("/api/worklist/{study}/{step}", ADMIN, remove)
}

/// What is to be done, in the order in which it begins. Every parameter but `limit` is a matching key, by keyword or tag.
async fn list(State(state): State<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let most = limit(&pairs)?;
    let mut search = Scheduled::default();
    for (name, value) in pairs.0.iter().filter(|(name, _)| name != "limit") {
        let path = attribute::parse(name)?;
        if path.inside.is_empty() && Scheduled::can_match(path.tag) {
            search.of_entry.push((path.tag, value.clone()));
        } else if path.inside.is_empty() && Scheduled::can_match_of_step(path.tag) {
            search.of_step.push((path.tag, value.clone()));
        } else {
            return Err(RouteError::BadParameter {
                name: attribute::keyword(path.tag),
                reason: "the worklist is not searched by this attribute".to_owned(),
            });
        }
    }
    let (entries, _) = state.archive().index().worklist(&search, None, most).await?;
    Ok(Json(entries.iter().map(shown).collect()))
}

fn shown(entry: &KeptStep) -> Value {
    json!({
        "study": entry.study.as_str(),
        "step": entry.step,
        "status": entry.status,
        "performed": entry.performed,
        "outcome": entry.outcome,
        "scheduled": time::utc(entry.scheduled),
        "changed": time::utc(entry.changed),
        "data_set": entry.data_set,
    })
}

async fn body(state: &AppState, request: Request) -> Result<Value, RouteError> {
    let bytes = Pulled::new(request.into_body(), state.app.limits.body_idle, MOST_BYTES)
        .collect()
        .await?;
    serde_json::from_slice(&bytes).map_err(|error| RouteError::BadEntries {
        // The parser's own words quote the text.
        problems: vec![format!(
            "the body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        )],
    })
}

/// Checks entries; a list with more than one names the entry that is wrong by its place, from 1.
fn read(given: &Value) -> Result<Vec<ScheduledStep>, RouteError> {
    let several = given.as_array();
    let entries = several.map_or(std::slice::from_ref(given), Vec::as_slice);
    let mut problems = Vec::new();
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        problems.push(format!(
            "a request holds 1 to {MOST_ENTRIES} entries, and this {}",
            entries.len()
        ));
        return Err(RouteError::BadEntries { problems });
    }
    let mut read = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        match ScheduledStep::of(entry) {
            Ok(entry) => read.push(entry),
            Err(faults) => problems.extend(faults.iter().map(|fault| match several {
                Some(_) => format!("entry {}: {fault}", place + 1),
                None => fault.to_string(),
            })),
        }
        if problems.len() > MOST_PROBLEMS {
            problems.truncate(MOST_PROBLEMS);
            problems.push("there is more that is wrong".to_owned());
            break;
        }
    }
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(RouteError::BadEntries { problems })
    }
}

async fn keep(state: &AppState, entries: &[ScheduledStep]) -> Result<Json<Value>, RouteError> {
    let kept = state.archive().index().schedule(entries).await?;
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let (study, step) = (entry.study(), entry.step());
            let scheduled = kept.iter().any(|(of, id)| of == study && id == step);
            let done = if scheduled { "scheduled" } else { "ended before" };
            json!({ "study": study.as_str(), "step": step, "done": done })
        })
        .collect();
    tracing::info!(entries = entries.len(), kept = kept.len(), "scheduled by the API");
    Ok(Json(entries.into()))
}

async fn add(State(state): State<AppState>, request: Request) -> Result<Json<Value>, RouteError> {
    let given = body(&state, request).await?;
    keep(&state, &read(&given)?).await
}

type Named = Path<(String, String)>;

fn study(text: &str) -> Result<Uid, RouteError> {
    Uid::parse(text).map_err(|_| RouteError::BadUid { level: "study" })
}

/// One entry, under the name in the path.
async fn put(
    State(state): State<AppState>,
    Path((of, step)): Named,
    request: Request,
) -> Result<Json<Value>, RouteError> {
    let of = study(&of)?;
    let given = body(&state, request).await?;
    let [entry] = <[ScheduledStep; 1]>::try_from(read(&given)?).map_err(|_| RouteError::BadEntries {
        problems: vec!["one entry is put at a time; several are posted to /api/worklist".to_owned()],
    })?;
    if entry.study() != &of || entry.step() != step.trim() {
        return Err(RouteError::BadEntries {
            problems: vec![
                "Study Instance UID and Scheduled Procedure Step ID of the entry must be those in the path".to_owned(),
            ],
        });
    }
    keep(&state, &[entry]).await
}

fn no_such() -> RouteError {
    RouteError::NotWaiting {
        what: "entry of the worklist under this study and step".to_owned(),
    }
}

/// One entry, also when it has ended.
async fn one(State(state): State<AppState>, Path((of, step)): Named) -> Result<Json<Value>, RouteError> {
    let found = state.archive().index().scheduled_step(&study(&of)?, &step).await?;
    Ok(Json(shown(&found.ok_or_else(no_such)?)))
}

async fn remove(
    State(state): State<AppState>,
    Path((of, step)): Named,
) -> Result<(StatusCode, Json<Value>), RouteError> {
    let of = study(&of)?;
    if !state.archive().index().remove_scheduled(&of, &step).await? {
        return Err(no_such());
    }
    tracing::info!(study = %of, "an entry of the worklist was removed by the API");
    Ok((
        StatusCode::OK,
        Json(json!({ "study": of.as_str(), "step": step, "done": "removed" })),
    ))
}

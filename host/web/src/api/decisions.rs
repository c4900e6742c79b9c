//! What a person decides about what waits for them: objects that are held, dead letters, parked events. Each answer says what was done.

use std::future::Future;

use axum::Json;
use axum::extract::{Path, State};
use isocenter_archive::index::ResolvedObject;
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::held::{Decided, HeldError, Resolved};
use serde_json::{Value, json};

use super::{Pairs, before, limit, named};
use crate::access::{ADMIN, Doors, Visitor};
use crate::app::AppState;
use crate::error::RouteError;
use crate::time;

/// Characters of a reason at most.
const LONGEST_REASON: usize = 500;

pub(super) fn routes() -> Doors {
    Doors::new()
        .get("/api/quarantine/decided", ADMIN, decisions)
        .post("/api/quarantine/{id}/release", ADMIN, release_held)
        .post("/api/quarantine/{id}/retry", ADMIN, retry_held)
        .post("/api/quarantine/{id}/discard", ADMIN, discard_held)
        .post("/api/dead-letters/{id}/retry", ADMIN, retry_job)
        .post("/api/dead-letters/{id}/discard", ADMIN, discard_job)
        .get("/api/parked", ADMIN, parked)
        .post("/api/parked/{id}/retry", ADMIN, retry_event)
        .post("/api/parked/{id}/discard", ADMIN, discard_event)
}

/// The number in a path.
fn number(text: &str) -> Result<i64, RouteError> {
    text.parse().map_err(|_| RouteError::BadParameter {
        name: "id".to_owned(),
        reason: "it must be the number that the list gives".to_owned(),
    })
}

/// Says what was done, or that there is nothing of that number.
fn done(what: &'static str, kind: &str, id: i64, found: bool) -> Result<Json<Value>, RouteError> {
    if !found {
        return Err(RouteError::NotWaiting {
            what: format!("{kind} {id}"),
        });
    }
    tracing::info!(kind, id, decision = what, "decided by a person");
    Ok(Json(json!({ "id": id, "done": what })))
}

async fn retry_job(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, RouteError> {
    let id = number(&id)?;
    let count = state.archive().index().requeue(&[id]).await?;
    done("retry", "dead letter", id, count > 0)
}

async fn discard_job(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, RouteError> {
    let id = number(&id)?;
    let count = state.archive().index().discard(&[id]).await?;
    done("discard", "dead letter", id, count > 0)
}

/// Events that sinks could not take.
async fn parked(State(state): State<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let (before, limit) = (before(&pairs)?, limit(&pairs)?);
    let parked = state.archive().index().parked(before, limit).await?;
    Ok(Json(
        parked
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id,
                    "sink": entry.sink,
                    "event": entry.event.cursor,
                    "kind": entry.event.kind,
                    "at": time::utc(entry.event.at),
                    "reason": entry.reason,
                    "parked": time::utc(entry.parked),
                    "again": entry.again,
                })
            })
            .collect(),
    ))
}

async fn retry_event(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, RouteError> {
    let id = number(&id)?;
    let found = state.archive().index().unpark(id).await?;
    done("retry", "parked event", id, found.is_some())
}

async fn discard_event(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, RouteError> {
    let id = number(&id)?;
    let found = state.archive().index().discard_parked(id).await?;
    done("discard", "parked event", id, found)
}

/// Who decides, and why: `?reason=`.
fn decided(visitor: &Visitor, pairs: &Pairs) -> Result<Decided, RouteError> {
    let reason = named(pairs, "reason").unwrap_or_default().trim();
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(RouteError::BadParameter {
            name: "reason".to_owned(),
            reason: format!("it must be one line of at most {LONGEST_REASON} characters"),
        });
    }
    Ok(Decided {
        by: visitor.subject().unwrap_or_else(|| "operator".to_owned()),
        reason: reason.to_owned(),
    })
}

fn resolved(id: i64, what: &'static str, by: &str, became: Resolved) -> Json<Value> {
    tracing::info!(
        kind = "held object",
        id,
        decision = what,
        by,
        became = became.as_str(),
        "decided by a person"
    );
    Json(json!({ "id": id, "done": what, "became": became.as_str() }))
}

/// Not with the request: a client that goes away must not leave it half done.
async fn whole<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, RouteError> {
    tokio::spawn(work).await.map_err(|error| {
        tracing::error!(%error, "a decision ended early");
        RouteError::Interrupted
    })
}

/// What is asked about one held object.
type Asked = (State<AppState>, Visitor, Path<String>, Pairs);

/// Has a decision carried out, and says what became of the object.
async fn decide<F>(
    (State(state), visitor, Path(id), pairs): Asked,
    what: &'static str,
    decision: impl FnOnce(Pipeline, i64, Decided) -> F,
) -> Result<Json<Value>, RouteError>
where
    F: Future<Output = Result<Resolved, HeldError>> + Send + 'static,
{
    let (id, decided) = (number(&id)?, decided(&visitor, &pairs)?);
    let became = whole(decision(state.app.pipeline.clone(), id, decided.clone())).await??;
    Ok(resolved(id, what, &decided.by, became))
}

async fn release_held(asked: Asked) -> Result<Json<Value>, RouteError> {
    decide(asked, "release", |pipeline, id, who| async move {
        pipeline.release_held(id, &who).await
    })
    .await
}

async fn retry_held(asked: Asked) -> Result<Json<Value>, RouteError> {
    decide(asked, "retry", |pipeline, id, who| async move {
        pipeline.retry_held(id, &who).await
    })
    .await
}

async fn discard_held(asked: Asked) -> Result<Json<Value>, RouteError> {
    decide(asked, "discard", |pipeline, id, who| async move {
        pipeline.discard_held(id, &who).await
    })
    .await
}

/// What was held and is not any more: who decided what, when and why.
async fn decisions(State(state): State<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let resolved = state.archive().index().resolved(limit(&pairs)?).await?;
    Ok(Json(resolved.iter().map(decision).collect()))
}

fn decision(entry: &ResolvedObject) -> Value {
    json!({
        "study": entry.identity.study.as_str(),
        "object": entry.identity.sop_instance.as_str(),
        "plugin": entry.held.plugin,
        "held": entry.held.reason,
        "arrived": time::utc(entry.arrived),
        "decision": entry.resolution.outcome.as_str(),
        "by": entry.resolution.by,
        "reason": entry.resolution.reason,
        "at": time::utc(entry.resolution.at),
    })
}

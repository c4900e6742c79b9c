//! `/api/mpps`: what modalities have performed, the latest first.

use axum::Json;
use axum::extract::{Path, State};
use isocenter_archive::index::KeptPerformed;
use isocenter_dicom::uid::Uid;
use serde_json::{Value, json};

use super::{Pairs, before, limit, named};
use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::error::RouteError;
use crate::time;

pub(super) fn routes() -> Doors {
    Doors::new()
        .get("/api/mpps", ADMIN, list)
        .get("/api/mpps/{uid}", ADMIN, one)
}

/// `?study=`, and a page at a time: `?limit=`, `?before=`.
async fn list(State(state): State<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let study = named(&pairs, "study").map(|text| {
        Uid::parse(text).map_err(|_| RouteError::BadParameter {
            name: "study".to_owned(),
            reason: "it must be a UID: digits and dots, at most 64 characters".to_owned(),
        })
    });
    let (before, limit) = (before(&pairs)?, limit(&pairs)?);
    let index = state.archive().index();
    let found = index
        .performed_steps(study.transpose()?.as_ref(), before, limit)
        .await?;
    Ok(Json(found.iter().map(shown).collect()))
}

async fn one(State(state): State<AppState>, Path(uid): Path<String>) -> Result<Json<Value>, RouteError> {
    let nobody = || RouteError::NotWaiting {
        what: "performed step of that SOP Instance UID".to_owned(),
    };
    let uid = Uid::parse(&uid).map_err(|_| nobody())?;
    let found = state.archive().index().performed_step(&uid).await?;
    Ok(Json(shown(&found.ok_or_else(nobody)?)))
}

fn shown(step: &KeptPerformed) -> Value {
    json!({
        "id": step.id,
        "uid": step.uid.as_str(),
        "state": step.state.as_str(),
        "studies": step.studies,
        "calling_ae": step.calling_ae,
        "created": time::utc(step.created),
        "changed": time::utc(step.changed),
        "data_set": step.data_set,
    })
}

//! `/api`: what an operator's scripts ask: what waits for a person, what runs, what plugins did; and what they decide.

mod decisions;
mod elsewhere;
mod outcomes;
mod performed;
mod plugins;
mod rehearse;
mod reload;
mod worklist;

use axum::Json;
use axum::extract::{Query, State as Shared};
use isocenter_archive::index::{DeadJob, Quarantined, Transport};
use isocenter_dicom::uid::Uid;
use isocenter_pipeline::duty::Duty;
use serde_json::{Value, json};

use crate::access::{ADMIN, Doors};
use crate::app::AppState;
use crate::error::RouteError;
use crate::time;

/// Entries of a list when the request does not say.
const USUAL: u32 = 100;
/// Entries of a list at most.
const MOST: u32 = 1000;

pub(crate) fn routes() -> Doors {
    Doors::new()
        .get("/api/about", ADMIN, about)
        .get("/api/quarantine", ADMIN, quarantine)
        .get("/api/dead-letters", ADMIN, dead_letters)
        .merge(decisions::routes())
        .merge(elsewhere::routes())
        .merge(outcomes::routes())
        .merge(performed::routes())
        .merge(plugins::routes())
        .merge(rehearse::routes())
        .merge(reload::routes())
        .merge(worklist::routes())
}

/// `?limit=`, read by hand so that a mistake gets a sentence.
type Pairs = Query<Vec<(String, String)>>;

fn limit(Query(pairs): &Pairs) -> Result<u32, RouteError> {
    match pairs.iter().find(|(name, _)| name == "limit") {
        None => Ok(USUAL),
        Some((_, text)) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| RouteError::BadParameter {
                name: "limit".to_owned(),
                reason: format!("it must be a whole number from 1 to {MOST}"),
            }),
    }
}

/// The value of a parameter.
fn named<'p>(Query(pairs): &'p Pairs, name: &str) -> Option<&'p str> {
    let found = pairs.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// `?before=`: the last number of the page before.
fn before(pairs: &Pairs) -> Result<Option<i64>, RouteError> {
    named(pairs, "before")
        .map(|text| {
            text.parse().map_err(|_| RouteError::BadParameter {
                name: "before".to_owned(),
                reason: "it must be the id of the last entry of the page before".to_owned(),
            })
        })
        .transpose()
}

async fn about(Shared(state): Shared<AppState>) -> Json<Value> {
    let about = &state.app.about;
    let set = state.app.pipeline.set();
    let plugins: Vec<Value> = set
        .plugins
        .values()
        .map(|plugin| {
            json!({
                "name": plugin.name(),
                "digest": plugin.digest(),
                "roles": plugin.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>(),
                "state": Duty::from(plugin.state()).word(),
            })
        })
        .collect();
    let chains: Vec<&str> = set.chains.iter().map(|chain| chain.name.as_str()).collect();
    let destinations: Vec<&String> = set.destinations.keys().collect();
    Json(json!({
        "version": about.version,
        "ae_title": about.ae_title,
        "dicom": about.dicom_listen,
        "http": about.http_listen,
        "dicom_web": "/dicom-web",
        "database": about.database,
        "plugins": plugins,
        "chains": chains,
        "destinations": destinations,
    }))
}

async fn quarantine(Shared(state): Shared<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let held = state.archive().index().quarantined(limit(&pairs)?).await?;
    Ok(Json(held.iter().map(quarantined).collect()))
}

fn quarantined(entry: &Quarantined) -> Value {
    json!({
        "id": entry.id,
        "study": entry.identity.study.as_str(),
        "series": entry.identity.series.as_str(),
        "object": entry.identity.sop_instance.as_str(),
        "sop_class": entry.identity.sop_class.as_str(),
        "plugin": entry.held.plugin,
        "reason": entry.held.reason,
        "calling_ae": entry.source.calling_ae,
        "peer": entry.source.peer,
        "subject": entry.source.subject,
        "hops": entry.source.hops,
        "transport": transport(entry.source.transport),
        "bytes": entry.place.length,
        "arrived": time::utc(entry.arrived),
    })
}

/// How an object came, in a word.
pub(crate) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Dimse => "C-STORE",
        Transport::Stow => "STOW-RS",
        Transport::File => "file",
        Transport::Derived => "derived",
    }
}

async fn dead_letters(Shared(state): Shared<AppState>, pairs: Pairs) -> Result<Json<Value>, RouteError> {
    let dead = state.archive().index().dead(limit(&pairs)?).await?;
    Ok(Json(dead.iter().map(dead_letter).collect()))
}

fn dead_letter(entry: &DeadJob) -> Value {
    json!({
        "id": entry.id,
        "kind": entry.task.kind().as_str(),
        "destination": entry.task.destination(),
        "chain": entry.task.chain(),
        "plugin": entry.task.plugin(),
        "queue": entry.task.queue(),
        "peer": entry.task.peer(),
        "transaction": entry.task.transaction().map(Uid::as_str),
        "study": entry.task.study().map(Uid::as_str),
        "object": entry.task.object().map(Uid::as_str),
        "attempts": entry.attempts,
        "reason": entry.reason,
        "enqueued": time::utc(entry.enqueued),
    })
}

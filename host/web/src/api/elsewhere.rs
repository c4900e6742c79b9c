//! `/api/destinations/NAME/query` and `/retrieve`: other archives are asked what they have, and to send it here.
//!
//! Who goes away ends what was asked: the peer is told to cancel, and what has come stays.

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use isocenter_archive::index::FindLevel;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::AeTitle;
use isocenter_pipeline::destination::Destination;
use isocenter_pipeline::fetch::{self, By, Fetched, Progress, Wanted};
use isocenter_pipeline::peer::PeerError;
use isocenter_pipeline::query::{self, DataSet, Query};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

use super::{Pairs, named};
use crate::access::{ADMIN, Doors};
use crate::app::{AppState, Shared};
use crate::attribute;
use crate::error::RouteError;

/// Matches when the request does not say.
const USUAL: usize = 100;
/// Keys of a query at most.
const MOST_KEYS: usize = 256;
/// UIDs that one retrieval names at most.
const MOST_UIDS: usize = 1000;

pub(super) fn routes() -> Doors {
    Doors::new().get("/api/destinations/{name}/query", ADMIN, find).post(
        "/api/destinations/{name}/retrieve",
        ADMIN,
        retrieve,
    )
}

/// What is answered of each level when nothing else is asked for.
const ANSWERED: [(FindLevel, &str, &[Tag]); 4] = [
    (
        FindLevel::Patient,
        "patient",
        &[
            tags::PATIENT_ID,
            tags::PATIENT_NAME,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
        ],
    ),
    (
        FindLevel::Study,
        "study",
        &[
            tags::STUDY_DATE,
            tags::STUDY_TIME,
            tags::PATIENT_ID,
            tags::PATIENT_NAME,
            tags::PATIENT_BIRTH_DATE,
            tags::PATIENT_SEX,
            tags::ACCESSION_NUMBER,
            tags::MODALITIES_IN_STUDY,
            tags::STUDY_DESCRIPTION,
            tags::NUMBER_OF_STUDY_RELATED_SERIES,
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
            tags::STUDY_INSTANCE_UID,
        ],
    ),
    (
        FindLevel::Series,
        "series",
        &[
            tags::SERIES_NUMBER,
            tags::MODALITY,
            tags::SERIES_DESCRIPTION,
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
        ],
    ),
    (
        FindLevel::Object,
        "image",
        &[
            tags::INSTANCE_NUMBER,
            tags::SOP_CLASS_UID,
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::SOP_INSTANCE_UID,
        ],
    ),
];

fn bad(name: &str, reason: impl Into<String>) -> RouteError {
    RouteError::BadParameter {
        name: name.chars().take(64).collect(),
        reason: reason.into(),
    }
}

fn destination(state: &Shared, name: &str) -> Result<Destination, RouteError> {
    let set = state.app.pipeline.set();
    let known = || set.destinations.keys().cloned().collect::<Vec<_>>().join(", ");
    let found = set.destinations.get(name).cloned();
    found.ok_or_else(|| RouteError::NoDestination { known: known() })
}

fn failed(destination: &str) -> impl FnOnce(PeerError) -> RouteError {
    let destination = destination.to_owned();
    |error| RouteError::Peer { destination, error }
}

/// `?level=study&limit=100&PatientID=…&StudyDescription`: every other parameter is a key, by keyword or eight digits.
async fn find(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Parameters(pairs): Pairs,
) -> Result<Json<Value>, RouteError> {
    let destination = destination(&state, &name)?;
    let query = read(pairs)?;
    let cancel = state.app.draining.child_token();
    // Not with the request: when that is dropped, the peer is told to end.
    let _guard = cancel.clone().drop_guard();
    let asking = tokio::spawn(async move { query::query(&destination, &query, &cancel).await });
    let found = asking
        .await
        .map_err(|_| RouteError::Interrupted)?
        .map_err(failed(&name))?;
    Ok(Json(json!({ "matches": found.matches, "more": found.more })))
}

fn read(pairs: Vec<(String, String)>) -> Result<Query, RouteError> {
    if pairs.len() > MOST_KEYS {
        return Err(bad("keys", format!("there can be at most {MOST_KEYS}")));
    }
    let (mut level, mut limit, mut keys) = (FindLevel::Study, USUAL, DataSet::new());
    for (name, value) in &pairs {
        match name.as_str() {
            "level" => {
                let known = ANSWERED.iter().find(|(_, word, _)| word == value);
                level = known
                    .ok_or_else(|| bad("level", "it must be patient, study, series or image"))?
                    .0;
            }
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=query::MOST).contains(limit))
                    .ok_or_else(|| bad("limit", format!("it must be a whole number from 1 to {}", query::MOST)))?;
            }
            _ => key(&mut keys, name, value)?,
        }
    }
    let answered = ANSWERED.iter().find(|(of, ..)| *of == level);
    for tag in answered.map_or(&[][..], |(.., tags)| tags) {
        let element = json!({ "vr": attribute::vr(*tag) });
        keys.entry(attribute::digits(*tag)).or_insert(element);
    }
    Ok(Query { level, keys, limit })
}

/// Adds a key; one in a sequence by the dots of its path.
fn key(keys: &mut DataSet, name: &str, value: &str) -> Result<(), RouteError> {
    let path = attribute::parse(name)?;
    let (last, sequences) = match path.inside.split_last() {
        None => (path.tag, Vec::new()),
        Some((last, between)) => {
            let mut sequences = vec![path.tag];
            sequences.extend_from_slice(between);
            (*last, sequences)
        }
    };
    if last.group() < 8 {
        return Err(bad(name, "it is no attribute of an archive"));
    }
    let mut within = keys;
    for sequence in sequences {
        if attribute::vr(sequence) != "SQ" {
            return Err(bad(name, "one of its steps is no sequence"));
        }
        let element = within
            .entry(attribute::digits(sequence))
            .or_insert_with(|| json!({ "vr": "SQ", "Value": [{}] }));
        let item = element.pointer_mut("/Value/0").and_then(Value::as_object_mut);
        within = item.ok_or_else(|| bad(name, "one of its steps is no sequence"))?;
    }
    let vr = attribute::vr(last);
    let element = if value.is_empty() {
        json!({ "vr": vr })
    } else {
        json!({ "vr": vr, "Value": [value] })
    };
    within.insert(attribute::digits(last), element);
    Ok(())
}

/// `?study=UID&series=UID…&object=UID…&by=get`: lines of JSON, each with how far it is; the last says how it ended.
async fn retrieve(
    State(state): State<AppState>,
    Path(name): Path<String>,
    pairs: Pairs,
) -> Result<Response, RouteError> {
    let destination = destination(&state, &name)?;
    let wanted = wanted(&pairs)?;
    let by = match named(&pairs, "by") {
        None | Some("get") => By::Get,
        Some("move") => {
            let own = AeTitle::parse(&state.app.about.ae_title);
            By::Move(own.map_err(|_| RouteError::Interrupted)?)
        }
        Some(_) => return Err(bad("by", "it must be get or move")),
    };
    let cancel = state.app.draining.child_token();
    let (progress, told) = watch::channel(Progress::default());
    let (pipeline, token) = (state.app.pipeline.clone(), cancel.clone());
    // Not with the request: when that is dropped, the peer is told to end.
    let task =
        tokio::spawn(async move { fetch::fetch(&pipeline, &destination, &wanted, &by, &progress, &token).await });
    let under_way = UnderWay {
        told,
        task: Some(task),
        _guard: cancel.drop_guard(),
    };
    let lines = stream::unfold(under_way, UnderWay::next);
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn wanted(pairs: &Pairs) -> Result<Wanted, RouteError> {
    let Parameters(all) = pairs;
    if let Some((unknown, _)) = all
        .iter()
        .find(|(name, _)| !["study", "series", "object", "by"].contains(&name.as_str()))
    {
        return Err(bad(unknown, "known are study, series, object and by"));
    }
    let uids = |name: &str| -> Result<Vec<Uid>, RouteError> {
        let texts = all.iter().filter(|(known, _)| known == name);
        let uids: Result<Vec<Uid>, _> = texts.map(|(_, text)| Uid::parse(text)).collect();
        let uids = uids.map_err(|error| bad(name, error.to_string()))?;
        if uids.len() > MOST_UIDS {
            return Err(bad(name, format!("there can be at most {MOST_UIDS}")));
        }
        Ok(uids)
    };
    let (mut studies, series, objects) = (uids("study")?, uids("series")?, uids("object")?);
    let study = studies.pop().filter(|_| studies.is_empty());
    let study = study.ok_or_else(|| bad("study", "one Study Instance UID is needed"))?;
    if !objects.is_empty() && series.len() != 1 {
        return Err(bad("series", "objects are of one series, which is to be named"));
    }
    Ok(Wanted { study, series, objects })
}

/// A retrieval whose progress is told; dropped, it is cancelled.
struct UnderWay {
    told: watch::Receiver<Progress>,
    task: Option<JoinHandle<Result<Fetched, PeerError>>>,
    _guard: DropGuard,
}

type Line = Result<Bytes, Infallible>;

impl UnderWay {
    /// The next line; none after the last.
    async fn next(mut self) -> Option<(Line, Self)> {
        let task = self.task.as_mut()?;
        let value = tokio::select! {
            biased;
            ended = task => {
                self.task = None;
                match ended {
                    Ok(Ok(fetched)) => last(&fetched),
                    Ok(Err(error)) => json!({ "error": error.to_string() }),
                    Err(_) => json!({ "error": "this was not done: the operator finds the cause in the log" }),
                }
            }
            // The sender goes only with the task, of which the end is awaited above.
            Ok(()) = self.told.changed() => progress(&self.told.borrow_and_update()),
        };
        let line = Bytes::from(format!("{value}\n"));
        Some((Ok(line), self))
    }
}

fn progress(progress: &Progress) -> Value {
    json!({
        "remaining": progress.remaining,
        "completed": progress.completed,
        "failed": progress.failed,
        "warning": progress.warning,
        "taken": progress.taken,
        "refused": progress.refused,
    })
}

fn last(fetched: &Fetched) -> Value {
    let mut line = progress(&fetched.progress);
    if let Some(line) = line.as_object_mut() {
        line.insert(
            "status".to_owned(),
            json!(fetched.status.map(|status| status.to_string())),
        );
        line.insert("failed_objects".to_owned(), json!(fetched.failed_objects));
        line.insert("cancelled".to_owned(), json!(fetched.cancelled));
        line.insert("whole".to_owned(), json!(fetched.is_whole()));
    }
    line
}

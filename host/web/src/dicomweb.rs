//! DICOMweb: the Studies Service of PS3.18 §10, one file for each transaction.
//!
//! `search` is QIDO-RS (§10.6), `retrieve` and `metadata` are WADO-RS (§10.4), `store` is STOW-RS (§10.5). What they
//! share stands here: the UIDs of a path and the routes themselves. Answers stream: none of them is ever whole in memory.

mod json_array;
mod metadata;
mod objects;
mod retrieve;
mod search;
mod store;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use isocenter_dicom::uid::Uid;
use serde::Deserialize;

pub(crate) use self::search::{find, read as read_search};
use crate::access::{Doors, RETRIEVE, SEARCH, STORE};
use crate::error::RouteError;

/// Everything below `/dicom-web`.
pub(crate) fn routes() -> Doors {
    let study = "/dicom-web/studies/{study}";
    let series = "/dicom-web/studies/{study}/series/{series}";
    let object = "/dicom-web/studies/{study}/series/{series}/instances/{object}";
    Doors::new()
        .get("/dicom-web/studies", SEARCH, search::studies)
        .get("/dicom-web/series", SEARCH, search::series)
        .get("/dicom-web/instances", SEARCH, search::objects)
        .get(&format!("{study}/series"), SEARCH, search::series)
        .get(&format!("{study}/instances"), SEARCH, search::objects)
        .get(&format!("{series}/instances"), SEARCH, search::objects)
        .get(study, RETRIEVE, retrieve::study)
        .get(series, RETRIEVE, retrieve::series)
        .get(object, RETRIEVE, retrieve::object)
        .get(&format!("{study}/metadata"), RETRIEVE, metadata::answer)
        .get(&format!("{series}/metadata"), RETRIEVE, metadata::answer)
        .get(&format!("{object}/metadata"), RETRIEVE, metadata::answer)
        .post("/dicom-web/studies", STORE, store::store)
        .post(study, STORE, store::store)
        .merge(not_offered())
}

/// Resources of WADO-RS that do not exist yet, so that their clients get a sentence instead of a riddle.
fn not_offered() -> Doors {
    let study = "/dicom-web/studies/{study}";
    let series = format!("{study}/series/{{series}}");
    let object = format!("{series}/instances/{{object}}");
    let mut doors = Doors::new();
    for resource in [study, series.as_str(), object.as_str()] {
        doors = doors
            .get(&format!("{resource}/rendered"), RETRIEVE, rendered)
            .get(&format!("{resource}/thumbnail"), RETRIEVE, rendered)
            .get(&format!("{resource}/bulkdata"), RETRIEVE, bulk_data)
            .get(&format!("{resource}/pixeldata"), RETRIEVE, bulk_data);
    }
    doors
        .get(&format!("{object}/frames/{{*frames}}"), RETRIEVE, frames)
        .get(&format!("{object}/bulkdata/{{*path}}"), RETRIEVE, bulk_data)
}

async fn rendered() -> RouteError {
    RouteError::NotOffered {
        what: "rendering (PS3.18 §10.4.1.1.3)",
        instead: "retrieve the object and render its pixel data",
    }
}

async fn frames() -> RouteError {
    RouteError::NotOffered {
        what: "retrieval of frames (PS3.18 §10.4.1.1.6)",
        instead: "retrieve the whole object",
    }
}

async fn bulk_data() -> RouteError {
    RouteError::NotOffered {
        what: "retrieval of bulk data (PS3.18 §10.4.1.1.5)",
        instead: "retrieve the whole object",
    }
}

/// The UIDs of a path, as they came.
#[derive(Debug, Deserialize)]
struct RawScope {
    study: Option<String>,
    series: Option<String>,
    object: Option<String>,
}

/// The UIDs of a path, proven to be UIDs; handlers take it as it is. A lower level is never there without the higher ones: the routes see to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) study: Option<Uid>,
    pub(crate) series: Option<Uid>,
    pub(crate) object: Option<Uid>,
}

impl<S: Send + Sync> FromRequestParts<S> for Scope {
    type Rejection = RouteError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        // Fails only for escapes that are not UTF-8, wherever in the path they are.
        let Path(raw) = Path::<RawScope>::from_request_parts(parts, state)
            .await
            .map_err(|_| RouteError::BadUid {
                level: "study, series or instance",
            })?;
        Ok(Self {
            study: uid("study", raw.study)?,
            series: uid("series", raw.series)?,
            object: uid("instance", raw.object)?,
        })
    }
}

impl Scope {
    /// For a sentence: `study 1.2.3`, `series 1.2.3.4`.
    pub(crate) fn named(&self) -> String {
        match (&self.object, &self.series, &self.study) {
            (Some(object), _, _) => format!("instance {object} of this series"),
            (None, Some(series), _) => format!("series {series} of this study"),
            (None, None, Some(study)) => format!("study {study}"),
            (None, None, None) => "object".to_owned(),
        }
    }
}

fn uid(level: &'static str, text: Option<String>) -> Result<Option<Uid>, RouteError> {
    text.map(|text| Uid::parse(&text).map_err(|_| RouteError::BadUid { level }))
        .transpose()
}

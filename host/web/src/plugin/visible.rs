//! The archive as the sender of a request may see it: what they may not see is not found.
//!
//! The authorizers are asked for each look, as they would be if the sender came by DICOMweb; what they say about the
//! plugin's page holds besides.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use isocenter_archive::Archive;
use isocenter_archive::index::{Include, Level, Located, Query};
use isocenter_dicom::tags;
use isocenter_dicom::uid::Uid;
use isocenter_pipeline::study::{self, Study};
use isocenter_role::{Access, Action, OpenObject, Visible};
use serde_json::{Map, Value};

use crate::access::{Visitor, Within, keys, plain};
use crate::app::AppState;
use crate::attribute::digits;
use crate::base_url::BaseUrl;
use crate::dicomweb;
use crate::error::RouteError;

/// Bytes of a search's answer at most: it goes into a plugin's memory.
const LONGEST: usize = 16 << 20;

/// Studies that are looked into for one SOP Instance UID.
const MOST_STUDIES: u32 = 16;

/// What one caller sees.
pub(super) struct Seen {
    state: AppState,
    visitor: Visitor,
    base: BaseUrl,
}

impl Seen {
    pub(super) fn new(state: AppState, visitor: Visitor, base: BaseUrl) -> Self {
        Self { state, visitor, base }
    }

    pub(super) fn archive(&self) -> &Archive {
        self.state.archive()
    }

    /// Within which limits the caller may do this here; `None` if not at all.
    async fn within(&self, access: Access) -> Result<Option<Within>, RouteError> {
        let within = self.visitor.may(access).await;
        match within.and_then(|within| within.and(self.visitor.within())) {
            Ok(within) => Ok(Some(within)),
            Err(RouteError::Denied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where an object is, if the caller may retrieve it.
    pub(super) async fn locate(&self, study: Option<&str>, object: &str) -> Result<Option<Located>, RouteError> {
        let Ok(object) = Uid::parse(object) else {
            return Ok(None);
        };
        let studies = match study {
            Some(study) => Uid::parse(study).into_iter().collect(),
            None => self.studies_of(&object).await?,
        };
        for study in studies {
            if let Some(found) = self.locate_in(&study, &object).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn locate_in(&self, study: &Uid, object: &Uid) -> Result<Option<Located>, RouteError> {
        let mut access = plain(Action::Retrieve);
        access.study = Some(study.as_str().to_owned());
        access.attributes = vec![("object".to_owned(), object.as_str().to_owned())];
        let Some(within) = self.within(access).await? else {
            return Ok(None);
        };
        let index = self.archive().index();
        let mut found = within.locate(index, study, None, Some(object), None, 1).await?;
        Ok(found.pop())
    }

    /// The studies of an object, nearly always one, for which the caller is then asked.
    async fn studies_of(&self, object: &Uid) -> Result<Vec<Uid>, RouteError> {
        let mut query = Query::new(Level::Object);
        query
            .matching
            .push((tags::SOP_INSTANCE_UID, object.as_str().to_owned()));
        query.include = Include::Tags(vec![tags::STUDY_INSTANCE_UID]);
        query.limit = MOST_STUDIES;
        let found = self.visitor.within().search(self.archive().index(), &query).await?;
        let study = |result: &Map<String, Value>| {
            let text = result
                .get(&digits(tags::STUDY_INSTANCE_UID))?
                .get("Value")?
                .get(0)?
                .as_str()?;
            Uid::parse(text).ok()
        };
        Ok(found.iter().filter_map(study).collect())
    }

    async fn study(&self, uid: &str) -> Result<Option<Arc<Study>>, RouteError> {
        let Ok(uid) = Uid::parse(uid) else {
            return Ok(None);
        };
        let mut access = plain(Action::Retrieve);
        access.study = Some(uid.as_str().to_owned());
        let Some(within) = self.within(access).await? else {
            return Ok(None);
        };
        Ok(Study::open(&self.state.app.pipeline, &uid, within.rows()).await?)
    }

    async fn found(&self, query: &str) -> Result<String, RouteError> {
        let (level, scope, pairs) = dicomweb::read_search(query)?;
        let mut access = plain(Action::Search);
        access.study = scope.study.as_ref().map(|study| study.as_str().to_owned());
        keys(&pairs, &mut access.attributes)?;
        let Some(within) = self.within(access).await? else {
            return Ok("[]".to_owned());
        };
        let found = dicomweb::find(self.state.clone(), within, self.base.clone(), level, scope, pairs).await?;
        let mut elements = std::pin::pin!(found.1);
        let mut answer = String::from("[");
        while let Some(element) = elements.next().await {
            if answer.len() > 1 {
                answer.push(',');
            }
            answer.push_str(&Value::Object(element?).to_string());
            if answer.len() > LONGEST {
                return Err(RouteError::BadParameter {
                    name: "query".to_owned(),
                    reason: "it finds more than fits: ask for less with limit".to_owned(),
                });
            }
        }
        answer.push(']');
        Ok(answer)
    }
}

impl Visible for Seen {
    fn open(&self, object: String) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        Box::pin(async move {
            match self.locate(None, &object).await.map_err(|error| error.to_string())? {
                Some(at) => study::open_object(&self.state.app.pipeline, &at).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn open_study(&self, study: String) -> BoxFuture<'_, Result<Option<Arc<dyn isocenter_role::Study>>, String>> {
        Box::pin(async move {
            let study = self.study(&study).await.map_err(|error| error.to_string())?;
            Ok(study.map(|study| study as Arc<dyn isocenter_role::Study>))
        })
    }

    fn search(&self, query: String) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move { self.found(&query).await.map_err(|error| error.to_string()) })
    }
}

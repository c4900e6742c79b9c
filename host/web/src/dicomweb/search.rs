//! QIDO-RS: searches for studies, series and objects (PS3.18 §10.6).
//!
//! What was asked is read by [`parameters`], what matches is the index's to say; this file pages through it, adds what
//! only the web knows (RetrieveURL) and what only headers know (`includefield` at the level of objects), and warns of what
//! was left out. An answer of no results is 200 with `[]`.

mod parameters;

use std::collections::VecDeque;

use axum::extract::{Query as QueryString, State};
use axum::http::Uri;
use axum::http::header::WARNING;
use axum::response::Response;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use isocenter_archive::index::{Include, Level, Query, SearchError};
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, tags};
use serde_json::json;

use self::parameters::Search;
use super::Scope;
use super::json_array::{self, DataSet};
use crate::accept::{self, Accepted};
use crate::access::{Visitor, Within};
use crate::app::AppState;
use crate::attribute::{digits, keyword};
use crate::base_url::BaseUrl;
use crate::error::RouteError;
use crate::warning;

/// Results asked of the index at a time.
const PAGE: u32 = 250;
/// Headers read at a time to fill in results.
const HEADERS_AT_ONCE: usize = 4;

type Pairs = QueryString<Vec<(String, String)>>;

/// `GET /studies`.
pub(super) async fn studies(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
    pairs: Pairs,
) -> Result<Response, RouteError> {
    answer(state, visitor, Level::Study, scope, base, accepted, pairs).await
}

/// `GET /series` and `GET /studies/{study}/series`.
pub(super) async fn series(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
    pairs: Pairs,
) -> Result<Response, RouteError> {
    answer(state, visitor, Level::Series, scope, base, accepted, pairs).await
}

/// `GET /instances`, `GET /studies/{study}/instances` and `GET /studies/{study}/series/{series}/instances`.
pub(super) async fn objects(
    state: State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
    pairs: Pairs,
) -> Result<Response, RouteError> {
    answer(state, visitor, Level::Object, scope, base, accepted, pairs).await
}

async fn answer(
    State(state): State<AppState>,
    visitor: Visitor,
    level: Level,
    scope: Scope,
    base: BaseUrl,
    accepted: Accepted,
    QueryString(pairs): Pairs,
) -> Result<Response, RouteError> {
    let content_type = accept::json(&accepted.0)?;
    let within = visitor.within().clone();
    let (warnings, elements) = find(state, within, base, level, scope, pairs).await?;
    let mut response = json_array::response(content_type, elements);
    for warning in warnings {
        response.headers_mut().append(WARNING, warning::value(&warning));
    }
    Ok(response)
}

/// What is searched for, where, and with which keys.
type Asked = (Level, Scope, Vec<(String, String)>);

/// The resource and query of a search (`studies?PatientID=…`, `studies/1.2/series`).
///
/// # Errors
/// When it is none.
pub(crate) fn read(query: &str) -> Result<Asked, RouteError> {
    let bad = |reason: &str| RouteError::BadParameter {
        name: "query".to_owned(),
        reason: reason.to_owned(),
    };
    let uri: Uri = format!("/{}", query.trim_start_matches('/'))
        .parse()
        .map_err(|_| bad("it must be percent-encoded"))?;
    let QueryString(pairs) = Pairs::try_from_uri(&uri).map_err(|_| bad("its keys must be percent-encoded"))?;
    let uid = |level, text: &str| Uid::parse(text).map(Some).map_err(|_| RouteError::BadUid { level });
    let steps: Vec<&str> = uri.path().split('/').skip(1).collect();
    let mut scope = Scope::default();
    let level = match steps.as_slice() {
        ["studies"] => Level::Study,
        ["series"] => Level::Series,
        ["instances"] => Level::Object,
        ["studies", study, level @ ("series" | "instances")] => {
            scope.study = uid("study", study)?;
            if *level == "series" {
                Level::Series
            } else {
                Level::Object
            }
        }
        ["studies", study, "series", series, "instances"] => {
            scope.study = uid("study", study)?;
            scope.series = uid("series", series)?;
            Level::Object
        }
        _ => {
            return Err(bad(
                "it must begin with a resource of QIDO-RS such as studies?, series? or instances?",
            ));
        }
    };
    Ok((level, scope, pairs))
}

/// What is found within the limits of a caller, after what was left out for `Warning` headers.
pub(crate) async fn find(
    state: AppState,
    within: Within,
    base: BaseUrl,
    level: Level,
    scope: Scope,
    pairs: Vec<(String, String)>,
) -> Result<
    (
        Vec<String>,
        impl Stream<Item = Result<DataSet, RouteError>> + Send + 'static,
    ),
    RouteError,
> {
    let search = Search::read(level, scope, pairs)?;
    let most = state.app.limits.search_results;
    let mut warnings = search.warnings.clone();
    let fill = Fill::of(&search.query);

    let mut pages = Pages {
        left: search.limit.unwrap_or(most).min(most),
        exhausted: false,
        query: search.query,
        within,
        state,
        base,
    };
    let end = pages.query.offset.saturating_add(pages.left);
    let first = pages.next().await?;
    // Only a full first page can be followed by more than is given.
    if search.limit.is_none_or(|limit| limit > most) && !pages.exhausted && pages.any_at(end).await? {
        warnings.push(format!(
            "There are additional results that can be requested: this host returns {most} at a time, the next begin at offset={end}"
        ));
    }
    let mut reads = pages.state.app.limits.search_header_reads;
    let (archive, within) = (pages.state.clone(), pages.within.clone());
    let elements = pages
        .stream(first)
        .map(move |result| {
            let fill = if reads > 0 { fill.clone() } else { Fill::Nothing };
            reads = reads.saturating_sub(1);
            let (state, within) = (archive.clone(), within.clone());
            async move { with_header_values(&state, &within, result?, fill).await }
        })
        .buffered(HEADERS_AT_ONCE);
    Ok((warnings, elements))
}

/// What has to come from headers.
#[derive(Clone)]
enum Fill {
    Nothing,
    These(Vec<Tag>),
    Everything,
}

impl Fill {
    /// Only at the level of objects, where a result is one header.
    fn of(query: &Query) -> Self {
        let beyond = query.beyond_index();
        match (query.level, &query.include) {
            (Level::Study | Level::Series, _) => Self::Nothing,
            (Level::Object, Include::All) => Self::Everything,
            (Level::Object, Include::Tags(_)) if beyond.is_empty() => Self::Nothing,
            (Level::Object, Include::Tags(_)) => Self::These(beyond),
        }
    }
}

/// A search's results, a page at a time.
struct Pages {
    state: AppState,
    /// What the caller may see.
    within: Within,
    base: BaseUrl,
    /// Its offset is where the next page begins.
    query: Query,
    /// Results that may still be returned.
    left: u64,
    /// Whether the index said that there are no more.
    exhausted: bool,
}

impl Pages {
    /// The next page; an empty one is the last.
    async fn next(&mut self) -> Result<VecDeque<DataSet>, RouteError> {
        let limit = u32::try_from(self.left).unwrap_or(PAGE).min(PAGE);
        if limit == 0 || self.exhausted {
            return Ok(VecDeque::new());
        }
        self.query.limit = limit;
        let mut found = self.within.search(self.state.archive().index(), &self.query).await?;
        let count = found.len() as u64;
        self.query.offset = self.query.offset.saturating_add(count);
        self.left = self.left.saturating_sub(count);
        self.exhausted = count < u64::from(limit);
        for result in &mut found {
            self.retrieve_url(result);
        }
        Ok(found.into())
    }

    async fn any_at(&self, offset: u64) -> Result<bool, RouteError> {
        let probe = Query {
            offset,
            limit: 1,
            ..self.query.clone()
        };
        Ok(!self
            .within
            .search(self.state.archive().index(), &probe)
            .await?
            .is_empty())
    }

    fn stream(self, first: VecDeque<DataSet>) -> impl Stream<Item = Result<DataSet, RouteError>> + Send {
        stream::try_unfold((self, first), |(mut pages, mut page)| async move {
            if page.is_empty() {
                page = pages.next().await?;
            }
            Ok(page.pop_front().map(|result| (result, (pages, page))))
        })
        .into_stream()
    }

    /// Adds RetrieveURL (0008,1190), where the result says what it is.
    fn retrieve_url(&self, result: &mut DataSet) {
        let uid = |tag, fixed: &Option<Uid>| uid_of(result, tag).or_else(|| fixed.clone());
        let url = match (
            uid(tags::STUDY_INSTANCE_UID, &self.query.study),
            uid(tags::SERIES_INSTANCE_UID, &self.query.series),
            uid_of(result, tags::SOP_INSTANCE_UID),
            self.query.level,
        ) {
            (Some(study), _, _, Level::Study) => self.base.study(&study),
            (Some(study), Some(series), _, Level::Series) => self.base.series(&study, &series),
            (Some(study), Some(series), Some(object), Level::Object) => self.base.object(&study, &series, &object),
            _ => return,
        };
        result.insert(digits(tags::RETRIEVE_URL), json!({ "vr": "UR", "Value": [url] }));
    }
}

fn uid_of(result: &DataSet, tag: Tag) -> Option<Uid> {
    let text = result.get(&digits(tag))?.get("Value")?.get(0)?.as_str()?;
    Uid::parse(text).ok()
}

/// Adds what the index does not hold from the object's own header. What its header lacks is left out, and so is
/// everything when the object has gone meanwhile.
async fn with_header_values(
    state: &AppState,
    within: &Within,
    mut result: DataSet,
    fill: Fill,
) -> Result<DataSet, RouteError> {
    if matches!(fill, Fill::Nothing) {
        return Ok(result);
    }
    let uid = |tag| uid_of(&result, tag);
    let (Some(study), series, Some(object)) = (
        uid(tags::STUDY_INSTANCE_UID),
        uid(tags::SERIES_INSTANCE_UID),
        uid(tags::SOP_INSTANCE_UID),
    ) else {
        return Ok(result);
    };
    let index = state.archive().index();
    let found = within
        .locate(index, &study, series.as_ref(), Some(&object), None, 1)
        .await?;
    if let Some(at) = found.first() {
        let header = state.archive().read_header(at).await?;
        let values = match fill {
            Fill::Nothing => DataSet::new(),
            Fill::These(tags) => header.json_of(&tags),
            Fill::Everything => header.to_json(),
        };
        for (tag, value) in values {
            result.entry(tag).or_insert(value);
        }
    }
    Ok(result)
}

impl From<SearchError> for RouteError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Unsupported { tag, level } => Self::BadParameter {
                name: keyword(tag),
                reason: format!("it cannot be matched at the {level} level"),
            },
            SearchError::BadValue { tag, expected } => Self::BadParameter {
                name: keyword(tag),
                reason: format!("it must be {expected}"),
            },
            SearchError::Index(error) => Self::Index(error),
        }
    }
}

//! What the sender is told: the Store Instances Response Module (PS3.18 §10.5.3, Annex I) and the HTTP status.
//!
//! Pure. The standard's response has codes only; a person needs a sentence. It stands in Error Comment (0000,0902) of
//! each failed item, where dcm4chee puts it too, and for the first failure in a `Warning` header as well.
//!
//! | status | when |
//! |---|---|
//! | 200 | every object was taken |
//! | 202 | some were not, or some were changed by a filter |
//! | 409 | none was taken |
//! | 503 | none was taken, for reasons that pass: the sender should try again |
//!
//! Codes are those of PS3.18 Table I.2-2 and PS3.7 Annex C, and mean the same as the statuses of C-STORE here. Parts
//! whose object is not known (they could not be parsed) stand in Other Failures Sequence (0008,119A).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WARNING};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use isocenter_dicom::header::Identity;
use isocenter_pipeline::refusal::RefusalKind;
use serde_json::{Map, Value, json};

use crate::accept::DICOM_JSON;
use crate::base_url::BaseUrl;
use crate::error::RouteError;

/// Coercion of data elements: a filter gave the object another UID than it came with.
pub(super) const COERCED: u16 = 0xB000;
/// Referenced SOP class not supported.
pub(super) const SOP_CLASS_NOT_SUPPORTED: u16 = 0x0122;
/// Cannot understand.
const CANNOT_UNDERSTAND: u16 = 0xC000;
/// Refused: out of resources.
const OUT_OF_RESOURCES: u16 = 0xA700;
/// Processing failure.
const PROCESSING_FAILURE: u16 = 0x0110;

/// Characters of a reason; longer ones are cut.
const REASON: usize = 500;

/// The Failure Reason (0008,1197) of a refusal.
pub(super) fn code(kind: RefusalKind) -> u16 {
    match kind {
        RefusalKind::CannotUnderstand => CANNOT_UNDERSTAND,
        RefusalKind::Mismatch => 0xA900,
        RefusalKind::Duplicate => 0x0111,
        RefusalKind::TooLarge | RefusalKind::OutOfResources | RefusalKind::TryLater => OUT_OF_RESOURCES,
        RefusalKind::RefusedByPlugin => 0x0124,
    }
}

/// What a part is called, as far as it was read, in its sender's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// SOP Class UID.
    pub(super) class: Option<String>,
    /// SOP Instance UID.
    pub(super) object: Option<String>,
}

/// A part that was taken.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// SOP Class UID, as sent.
    pub(super) class: String,
    /// SOP Instance UID, as sent.
    pub(super) object: String,
    /// What it can be retrieved as; `None` when it cannot.
    pub(super) at: Option<Identity>,
    /// Warning Reason (0008,1196).
    pub(super) warning: Option<u16>,
}

/// A part that was not.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) named: Named,
    /// Failure Reason (0008,1197).
    pub(super) code: u16,
    /// Whether it may succeed later.
    pub(super) passing: bool,
    /// One sentence, without patient data.
    pub(super) reason: String,
}

impl Failed {
    /// The part in which the body broke off.
    pub(super) fn of_body(named: Named, error: &RouteError) -> Self {
        Self {
            named,
            code: match error {
                RouteError::TooLarge { .. } => OUT_OF_RESOURCES,
                _ => PROCESSING_FAILURE,
            },
            passing: false,
            reason: format!("this part is not stored: {error}"),
        }
    }
}

/// What became of every part.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) stored: Vec<Stored>,
    pub(super) failed: Vec<Failed>,
}

impl Report {
    /// Whether no part was judged yet.
    pub(super) fn is_empty(&self) -> bool {
        self.stored.is_empty() && self.failed.is_empty()
    }

    /// Notes that the body could not be read on after a whole part.
    pub(super) fn break_off(&mut self, error: &RouteError) {
        self.failed.push(Failed {
            reason: format!("what followed the parts reported here is not stored: {error}"),
            ..Failed::of_body(Named::default(), error)
        });
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        let changed = self.stored.iter().any(|stored| stored.warning.is_some());
        match (self.stored.is_empty(), self.failed.is_empty()) {
            (_, true) if changed => StatusCode::ACCEPTED,
            (_, true) => StatusCode::OK,
            (false, false) => StatusCode::ACCEPTED,
            (true, false) if self.failed.iter().all(|failed| failed.passing) => StatusCode::SERVICE_UNAVAILABLE,
            (true, false) => StatusCode::CONFLICT,
        }
    }

    /// The whole answer.
    pub(super) fn answer(&self, base: &BaseUrl) -> Response {
        let status = self.status();
        let body = Value::Object(self.data_set(base)).to_string();
        let mut response = (status, [(CONTENT_TYPE, DICOM_JSON)], body).into_response();
        let headers = response.headers_mut();
        if let Some(first) = self.failed.first() {
            let all = self.stored.len() + self.failed.len();
            let text = format!("{} of {all} not stored: {}", self.failed.len(), first.reason);
            headers.insert(WARNING, crate::warning::value(&text));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }

    /// The response module as DICOM JSON.
    pub(super) fn data_set(&self, base: &BaseUrl) -> Map<String, Value> {
        let mut data_set = Map::new();
        if let Some(url) = self.study_url(base) {
            data_set.insert("00081190".into(), json!({ "vr": "UR", "Value": [url] }));
        }
        let (known, unknown): (Vec<&Failed>, Vec<&Failed>) =
            self.failed.iter().partition(|failed| failed.named.object.is_some());
        sequence(&mut data_set, "00081198", known.into_iter().map(failed_item));
        sequence(
            &mut data_set,
            "00081199",
            self.stored.iter().map(|stored| stored_item(stored, base)),
        );
        sequence(&mut data_set, "0008119A", unknown.into_iter().map(failed_item));
        data_set
    }

    /// The study's URL, when everything retrievable is of one study.
    fn study_url(&self, base: &BaseUrl) -> Option<String> {
        let mut studies = self.stored.iter().filter_map(|stored| Some(&stored.at.as_ref()?.study));
        let study = studies.next()?;
        studies.all(|other| other == study).then(|| base.study(study))
    }
}

/// Adds a sequence, unless it is empty.
fn sequence(data_set: &mut Map<String, Value>, tag: &str, items: impl Iterator<Item = Value>) {
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        data_set.insert(tag.to_owned(), json!({ "vr": "SQ", "Value": items }));
    }
}

fn stored_item(stored: &Stored, base: &BaseUrl) -> Value {
    let mut item = Map::new();
    item.insert("00081150".into(), json!({ "vr": "UI", "Value": [stored.class] }));
    item.insert("00081155".into(), json!({ "vr": "UI", "Value": [stored.object] }));
    if let Some(at) = &stored.at {
        let url = base.object(&at.study, &at.series, &at.sop_instance);
        item.insert("00081190".into(), json!({ "vr": "UR", "Value": [url] }));
    }
    if let Some(warning) = stored.warning {
        item.insert("00081196".into(), json!({ "vr": "US", "Value": [warning] }));
    }
    Value::Object(item)
}

fn failed_item(failed: &Failed) -> Value {
    let mut item = Map::new();
    let reason: String = failed.reason.chars().take(REASON).collect();
    item.insert("00000902".into(), json!({ "vr": "LO", "Value": [reason] }));
    if let Some(class) = &failed.named.class {
        item.insert("00081150".into(), json!({ "vr": "UI", "Value": [class] }));
    }
    if let Some(object) = &failed.named.object {
        item.insert("00081155".into(), json!({ "vr": "UI", "Value": [object] }));
    }
    item.insert("00081197".into(), json!({ "vr": "US", "Value": [failed.code] }));
    Value::Object(item)
}

#[cfg(test)]
mod tests;

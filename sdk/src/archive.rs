//! The archive, as the caller of a request may see it: what they may not see is not found.
//!
//! Separate because only routes have a caller, and so only they can look around.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::raw::{Handle, archive};
use crate::{Error, Object, Result, Study, Tag, http};

/// An object by its SOP Instance UID.
#[must_use]
pub fn open(object: &str) -> Option<Object<'static>> {
    archive::open(object).map(Object::owned)
}

/// A study by its Study Instance UID.
#[must_use]
pub fn open_study(study: &str) -> Option<Study<'static>> {
    archive::open_study(study).map(|study| Study(Handle::Owned(study)))
}

/// Searches a QIDO-RS resource (`studies`, `series`, `studies/1.2.3/instances`) by keys (`PatientID`, `limit`, …),
/// whose values are encoded here (PS3.18 §10.6).
///
/// # Errors
/// What is wrong with the query.
pub fn search(resource: &str, keys: &[(&str, &str)]) -> Result<Vec<Found>> {
    let query = http::with_query(resource, keys);
    let answer = archive::search(&query).map_err(Error::never)?;
    Ok(serde_json::from_str(&answer)?)
}

/// One study, series or object that was found: elements in DICOM JSON (PS3.18 Annex F), as other servers answer them, too.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Found(Value);

impl Found {
    /// The first value of an element as text; empty where there is none. Of a name, its alphabetic group.
    #[must_use]
    pub fn first(&self, tag: Tag) -> String {
        let value = self
            .0
            .get(format!("{:08X}", tag.0))
            .and_then(|element| element.get("Value")?.get(0));
        match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(name)) => name
                .get("Alphabetic")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    }
}

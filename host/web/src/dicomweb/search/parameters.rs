//! The query parameters of a search (PS3.18 §8.3.4 and §10.6.1.2), read into the index's query.
//!
//! Pure, and strict where silence would mislead: a mistyped attribute is an error that names the nearest keyword, for a
//! search that ignored it would return everybody. What is well written but cannot be done here is left out with a warning.

use isocenter_archive::index::{Include, Level, Query};
use isocenter_dicom::{Tag, tags};

use crate::attribute::{self, keyword};
use crate::dicomweb::Scope;
use crate::error::RouteError;

/// A search as it was asked.
#[derive(Debug)]
pub(super) struct Search {
    /// Its limit is not set: see [`Search::limit`].
    pub(super) query: Query,
    /// How many results are wanted; `None` for all of them.
    pub(super) limit: Option<u64>,
    /// What was left out, for `Warning` headers.
    pub(super) warnings: Vec<String>,
}

impl Search {
    pub(super) fn read(level: Level, scope: Scope, pairs: Vec<(String, String)>) -> Result<Self, RouteError> {
        let mut query = Query::new(level);
        query.study = scope.study;
        query.series = scope.series;
        let mut limit = None;
        let mut warnings = Vec::new();
        let mut include = Wanted::default();
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "limit" => limit = Some(number(&name, &value)?),
                "offset" => query.offset = number(&name, &value)?,
                "fuzzymatching" => query.fuzzy = truth(&name, &value)?,
                "includefield" => include.read(&value)?,
                // Of the newer editions; false is what happens anyway.
                "emptyvaluematching" | "multiplevaluematching" => {
                    if truth(&name, &value)? {
                        warnings.push(format!(
                            "The {} parameter is not supported. Only literal matching has been performed.",
                            name.to_ascii_lowercase()
                        ));
                    }
                }
                // `accept` is read where the header of that name is.
                "accept" | "charset" | "timezoneadjustment" => {}
                _ => match target(&name)? {
                    Some(tag) => query.matching.push((tag, value)),
                    None => warnings.push(format!("{name} cannot be matched here and was ignored")),
                },
            }
        }
        query.include = include.into();
        for tag in query.unsupported() {
            query.matching.retain(|(key, _)| *key != tag);
            warnings.push(format!(
                "{} cannot be matched at the {level} level and was ignored",
                keyword(tag)
            ));
        }
        Ok(Self { query, limit, warnings })
    }
}

/// The attribute that a parameter matches. Inside sequences only those of the Request Attributes Sequence can be
/// matched; the index knows them by their own tags.
fn target(name: &str) -> Result<Option<Tag>, RouteError> {
    let path = attribute::parse(name)?;
    Ok(match path.inside.as_slice() {
        [] => Some(path.tag),
        [tag] if path.tag == tags::REQUEST_ATTRIBUTES_SEQUENCE => Some(*tag),
        _ => None,
    })
}

/// What `includefield` collects.
#[derive(Default)]
struct Wanted {
    tags: Vec<Tag>,
    all: bool,
}

impl Wanted {
    fn read(&mut self, list: &str) -> Result<(), RouteError> {
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name.eq_ignore_ascii_case("all") {
                self.all = true;
            } else {
                // Of a path into a sequence the whole sequence is returned.
                let tag = attribute::parse(name)?.tag;
                if !self.tags.contains(&tag) {
                    self.tags.push(tag);
                }
            }
        }
        Ok(())
    }
}

impl From<Wanted> for Include {
    fn from(wanted: Wanted) -> Self {
        if wanted.all { Self::All } else { Self::Tags(wanted.tags) }
    }
}

fn number(name: &str, value: &str) -> Result<u64, RouteError> {
    value
        .trim()
        .parse()
        .map_err(|_| bad(name, "it must be a whole number, 0 or more"))
}

fn truth(name: &str, value: &str) -> Result<bool, RouteError> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(bad(name, "it must be true or false")),
    }
}

fn bad(name: &str, reason: &str) -> RouteError {
    RouteError::BadParameter {
        name: name.chars().take(64).collect(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;

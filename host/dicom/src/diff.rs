//! What differs between two headers, element by element, for people: what a filter did to an object.

use std::fmt;

use crate::header::Header;
use crate::path::{Path, Step};
use crate::value::Value;

/// How deep items are compared; what is nested deeper is not shown.
const DEEPEST: usize = 16;
/// Differences shown of two headers.
const MOST_CHANGES: usize = 10_000;

/// One element that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub at: String,
    /// Before; `None`: it was not there.
    pub before: Option<String>,
    /// After; `None`: it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(formatter, "+ {} {after:?}", self.at),
            (Some(before), None) => write!(formatter, "- {} {before:?}", self.at),
            (before, after) => {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                write!(formatter, "~ {} {:?} -> {:?}", self.at, text(before), text(after))
            }
        }
    }
}

/// The elements that differ between two headers, in the order of their tags.
#[must_use]
pub fn changes(before: &Header, after: &Header) -> Vec<Change> {
    let mut changes = Vec::new();
    if !std::ptr::eq(before, after) {
        compare(before, after, &mut Vec::new(), &mut changes);
    }
    changes
}

fn compare(before: &Header, after: &Header, within: &mut Vec<Step>, changes: &mut Vec<Change>) {
    let mut tags = before.tags(within);
    tags.extend(after.tags(within));
    tags.sort_unstable_by_key(|tag| (tag.0, tag.1));
    tags.dedup();
    for tag in tags {
        if changes.len() >= MOST_CHANGES {
            return;
        }
        let at = Path {
            within: within.clone(),
            tag,
        };
        let items = (before.items(&at), after.items(&at));
        if items.0.is_some() || items.1.is_some() {
            let most = items.0.unwrap_or(0).max(items.1.unwrap_or(0));
            if items.0 != items.1 {
                let of = |count: Option<u32>| count.map(|count| format!("{count} items"));
                changes.push(Change {
                    at: at.to_string(),
                    before: of(items.0),
                    after: of(items.1),
                });
            }
            if within.len() < DEEPEST {
                for item in 0..most {
                    within.push(Step { sequence: tag, item });
                    compare(before, after, within, changes);
                    within.pop();
                }
            }
            continue;
        }
        let (old, new) = (before.value(&at), after.value(&at));
        if old != new {
            changes.push(Change {
                at: at.to_string(),
                before: old.map(|value| shown(&value)),
                after: new.map(|value| shown(&value)),
            });
        }
    }
}

/// A value in one line of bounded length: patient data, for who may see the object.
#[must_use]
pub fn shown(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = match value {
        Value::Text(values) => values.join("\\"),
        Value::Signed(values) => joined(values),
        Value::Unsigned(values) => joined(values),
        Value::Real(values) => joined(values),
        Value::Tags(values) => joined(values),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
    };
    if text.chars().count() <= LONGEST {
        text
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}

fn joined<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join("\\")
}

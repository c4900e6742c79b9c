//! Values of a DICOM JSON data set as the page shows them.

use isocenter_dicom::Tag;
use serde_json::{Map, Value};

use crate::attribute::digits;

/// The first value as text; empty when there is none.
pub(super) fn text(data_set: &Map<String, Value>, tag: Tag) -> String {
    values(data_set, tag).first().map(plain).unwrap_or_default()
}

/// All values as text.
pub(super) fn texts(data_set: &Map<String, Value>, tag: Tag) -> Vec<String> {
    values(data_set, tag)
        .iter()
        .map(plain)
        .filter(|text| !text.is_empty())
        .collect()
}

/// A person's name, read as `Family, Given Middle`, and its ideographic form.
pub(super) fn name(data_set: &Map<String, Value>, tag: Tag) -> (String, Option<String>) {
    let first = values(data_set, tag).first();
    let form = |key: &str, separator: &str| {
        first
            .and_then(|name| name.get(key)?.as_str())
            .map(|name| readable(name, separator))
            .filter(|name| !name.is_empty())
    };
    (form("Alphabetic", ", ").unwrap_or_default(), form("Ideographic", " "))
}

/// `20261121` as `2026-11-21`; anything else as it is.
pub(super) fn date(data_set: &Map<String, Value>, tag: Tag) -> String {
    let text = text(data_set, tag);
    match (text.get(..4), text.get(4..6), text.get(6..)) {
        (Some(year), Some(month), Some(day)) if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{year}-{month}-{day}")
        }
        _ => text,
    }
}

fn values(data_set: &Map<String, Value>, tag: Tag) -> &[Value] {
    data_set
        .get(&digits(tag))
        .and_then(|element| element.get("Value")?.as_array())
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The components of a name in reading order (PS3.5 §6.2.1.1), the family name set apart.
fn readable(name: &str, separator: &str) -> String {
    let mut components = name.split('^').map(str::trim);
    let family = components.next().unwrap_or_default();
    let rest: Vec<&str> = components.filter(|component| !component.is_empty()).collect();
    if rest.is_empty() {
        family.to_owned()
    } else if family.is_empty() {
        rest.join(" ")
    } else {
        format!("{family}{separator}{}", rest.join(" "))
    }
}

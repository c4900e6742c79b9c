//! Sets, fills, empties or removes elements of objects that pass, as a table says ("tag morphing").
//!
//! It is for what senders leave wrong and nobody can set at the scanner: a missing institution, a department's
//! name, a station that calls itself like another. What identifies an object (its UIDs) and what describes its
//! pixels it refuses to touch.
//!
//! ```toml
//! [plugins.stamp]
//! source = "stamp.wasm"
//! config = { set = { InstitutionName = "St. Example" }, fill = { StationName = "CT-2" } }
//! ```

use std::collections::BTreeMap;

use isocenter::{Edits, Error, Filter, Object, Passage, Path, Result, Tag, Value, Verdict, dictionary};
use serde::Deserialize;

/// What the operator wants changed. Elements are named by keyword (`StationName`) or tag (`0008,1010`), at the
/// top level; the values of an element are separated by backslashes.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// These elements get these values.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// The same, but only where the element is absent or empty.
    #[serde(default)]
    fill: BTreeMap<String, String>,
    /// These elements are emptied, where they are present.
    #[serde(default)]
    clear: Vec<String>,
    /// These elements are removed.
    #[serde(default)]
    remove: Vec<String>,
}

/// The filter.
pub struct Stamp;

impl Filter for Stamp {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        let Config {
            set,
            fill,
            clear,
            remove,
        } = config;
        let names: Vec<&String> = set.keys().chain(fill.keys()).chain(clear).chain(remove).collect();
        if names.is_empty() {
            return Err(Error::never(
                "nothing to do: give at least one of `set`, `fill`, `clear` and `remove`",
            ));
        }
        for name in names {
            let tag = tag(name)?;
            if let Some(why) = untouchable(tag) {
                return Err(Error::never(format!("{name} {tag} must not be changed here: {why}")));
            }
        }
        Ok(())
    }

    fn apply(object: &Object<'_>, _: &Passage<'_>, edits: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        for (name, text) in &config.set {
            edits.set(tag(name)?, value(text));
        }
        let fill = tags(config.fill.keys())?;
        for ((tag, text), present) in fill.iter().zip(config.fill.values()).zip(ask(object, &fill)) {
            if present.is_none_or(|value| is_empty(&value)) {
                edits.set(*tag, value(text));
            }
        }
        let clear = tags(&config.clear)?;
        for (tag, present) in clear.iter().zip(ask(object, &clear)) {
            if present.is_some() {
                edits.clear(*tag);
            }
        }
        for tag in tags(&config.remove)? {
            edits.remove(tag);
        }
        Ok(Verdict::Keep)
    }
}

isocenter::plugin!(Stamp: filter);

fn tag(name: &str) -> Result<Tag> {
    let unknown = || {
        Error::never(format!(
            "{name:?} is neither an attribute's keyword (StationName) nor a tag (0008,1010)"
        ))
    };
    dictionary::tag(name).ok_or_else(unknown)
}

fn tags<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<Vec<Tag>> {
    names.into_iter().map(|name| tag(name)).collect()
}

/// All values for one crossing of the sandbox's boundary; none at all where nothing is asked.
fn ask(object: &Object<'_>, tags: &[Tag]) -> Vec<Option<Value>> {
    if tags.is_empty() {
        return Vec::new();
    }
    let paths: Vec<Path> = tags.iter().map(|tag| Path::from(*tag)).collect();
    object.get_many(&paths)
}

fn value(text: &str) -> Value {
    Value::Text(text.split('\\').map(str::to_owned).collect())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(values) => values.iter().all(|value| value.trim().is_empty()),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

/// Why an element is not this plugin's to change.
fn untouchable(tag: Tag) -> Option<&'static str> {
    match (tag.group(), tag.element()) {
        (0x0000..=0x0007, _) => Some("it belongs to the file or the message, not to the object"),
        (0x0008, 0x0005) => Some("the texts of the object are encoded by it"),
        (0x0008, 0x0016 | 0x0018) | (0x0020, 0x000D | 0x000E) => Some("objects are filed by it"),
        (0x0028, 0x0002..=0x0008 | 0x0010 | 0x0011 | 0x0100..=0x0103) | (0x7FE0, _) => {
            Some("the pixels are read by it")
        }
        (_, 0x0000) => Some("it is the length of a group"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

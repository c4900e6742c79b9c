//! `rules`: a router. Conditions on attributes name destinations.
//!
//! ```toml
//! config.default = ["archive"]                  # where nothing below matches
//! [[plugins.rules.config.rules]]
//! when     = { modality = ["CT", "MR"], StudyDescription = "*BRAIN*", "0008,0080" = "St?Mary*" }
//! send-to  = ["research"]
//! priority = 10                                 # 0 most urgent, 255 least
//! delay-seconds = 60
//! ```
//!
//! All conditions of a rule must hold; a condition holds when one of the element's values matches one of its patterns
//! (`*` any text, `?` one character; `""` matches an absent or empty element). Every rule that matches adds its
//! destinations. Attributes are named by keyword (`StudyDescription`), in words (`study-description`) or by tag.
//! Who sent the object is not here: a router sees the object as it is stored, so that routing it again gives the same.

mod pattern;

use std::collections::BTreeMap;

use isocenter::{Error, Object, Plan, Result, Router, Tag, Value, dictionary};
use serde::Deserialize;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    default: Vec<String>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rule {
    /// Absent: always.
    #[serde(default)]
    when: BTreeMap<String, Patterns>,
    send_to: Vec<String>,
    delay_seconds: Option<u32>,
    priority: Option<u8>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Patterns {
    fn all(&self) -> &[String] {
        match self {
            Patterns::One(pattern) => std::slice::from_ref(pattern),
            Patterns::Many(patterns) => patterns,
        }
    }
}

struct Rules;

impl Router for Rules {
    type Config = Config;

    fn check(config: &Config, destinations: &[String]) -> Result<()> {
        if config.rules.is_empty() && config.default.is_empty() {
            return Err(Error::never(
                "it has neither rules nor default destinations, so it would send nothing",
            ));
        }
        for (number, rule) in (1..).zip(&config.rules) {
            for name in rule.when.keys() {
                attribute(name).map_err(|error| Error::never(format!("rule {number}: {}", error.reason())))?;
            }
            if rule.send_to.is_empty() {
                return Err(Error::never(format!("rule {number} names no destination in send-to")));
            }
            known(&format!("rule {number}"), &rule.send_to, destinations)?;
        }
        known("default", &config.default, destinations)
    }

    fn route(object: &Object<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        let mut matched = false;
        for rule in &config.rules {
            if !matches(rule, object)? {
                continue;
            }
            matched = true;
            for destination in &rule.send_to {
                plan.send_to(destination)?;
                if let Some(delay) = rule.delay_seconds {
                    plan.delay_seconds(destination, delay)?;
                }
                if let Some(priority) = rule.priority {
                    plan.priority(destination, priority)?;
                }
            }
        }
        if !matched {
            for destination in &config.default {
                plan.send_to(destination)?;
            }
        }
        Ok(())
    }
}

fn known(place: &str, names: &[String], destinations: &[String]) -> Result<()> {
    match names.iter().find(|name| !destinations.contains(name)) {
        None => Ok(()),
        Some(name) if destinations.is_empty() => Err(Error::never(format!(
            "{place} sends to `{name}`, but no destinations are configured"
        ))),
        Some(name) => Err(Error::never(format!(
            "{place} sends to `{name}`, which is not configured (configured: {})",
            destinations.join(", ")
        ))),
    }
}

fn matches(rule: &Rule, object: &Object<'_>) -> Result<bool> {
    for (name, patterns) in &rule.when {
        let values = texts(object.get(attribute(name)?));
        let holds = patterns
            .all()
            .iter()
            .any(|pattern| values.iter().any(|value| pattern::matches(pattern, value)));
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The values as text; one empty text where there is none, so that `""` matches it.
fn texts(value: Option<Value>) -> Vec<String> {
    let texts: Vec<String> = match value {
        Some(Value::Text(values)) => values.iter().map(|value| value.trim().to_owned()).collect(),
        Some(Value::Signed(values)) => values.iter().map(i64::to_string).collect(),
        Some(Value::Unsigned(values)) => values.iter().map(u64::to_string).collect(),
        Some(Value::Real(values)) => values.iter().map(f64::to_string).collect(),
        Some(Value::Tags(values)) => values.iter().map(|&tag| Tag(tag).to_string()).collect(),
        Some(Value::Bytes(_)) | None => Vec::new(),
    };
    if texts.is_empty() { vec![String::new()] } else { texts }
}

/// `StudyDescription`, `study-description`, `(0008,1030)`.
fn attribute(name: &str) -> Result<Tag> {
    dictionary::tag(name)
        .or_else(|| dictionary::tag(&keyword(name)))
        .ok_or_else(|| Error::never(format!("`{name}` is neither an attribute keyword of PS3.6 nor a tag")))
}

/// `sop-class-uid` as `SOPClassUID`.
fn keyword(words: &str) -> String {
    words
        .split(['-', '_', ' '])
        .map(|word| match word {
            "id" => "ID".to_owned(),
            "ids" => "IDs".to_owned(),
            "uid" => "UID".to_owned(),
            "sop" => "SOP".to_owned(),
            "ae" => "AE".to_owned(),
            "kvp" => "KVP".to_owned(),
            word => {
                let mut letters = word.chars();
                letters
                    .next()
                    .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
        })
        .collect()
}

isocenter::plugin!(Rules: router);

#[cfg(test)]
mod tests;

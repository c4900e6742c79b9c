//! `when` of a chain: the keys that it may have, and their patterns.
//!
//! Apart from the chains because most of what can be wrong with a chain is wrong here, and a condition that cannot match
//! is told, since it would leave its filters out in silence.

use isocenter_archive::index::Transport;
use isocenter_pipeline::chain::{
    Condition, Element, Expression, Glob, Network, NetworkError, Pattern, Quantity, Range,
};
use toml::de::DeValue;

use super::super::keyword::{self, Values};
use super::super::reader::{At, Section, describe, instead_of, quoted};
use super::super::setting::Setting;

/// The keys that are no element's.
const KEYS: [&str; 4] = ["calling-ae", "called-ae", "address", "transport"];

/// What a pattern may be.
const PATTERN: &str = "a text with `*` and `?`, `{ regex = \"…\" }`, `{ from = …, to = … }`, or a list of such";

/// Sequences within sequences that a key may name.
const DEEPEST: usize = 8;

/// The longest pattern, in bytes.
const LONGEST_PATTERN: usize = 1024;

pub(super) fn condition(section: &Section<'_, '_>) -> Condition {
    let mut condition = Condition::default();
    for (key, found) in section.entries() {
        if found.value.as_array().is_some_and(|items| items.is_empty()) {
            let message = format!("has no pattern for `{key}`, so nothing could match");
            section.complain(found.line, message);
            continue;
        }
        match key {
            "calling-ae" => condition.calling_ae = patterns(section, key, &found, Some(Values::Unordered)),
            "called-ae" => condition.called_ae = patterns(section, key, &found, Some(Values::Unordered)),
            "address" => condition.address = networks(section, key, &found),
            "transport" => condition.transport = transports(section, key, &found),
            _ => {
                if let Some((element, values)) = element(section, key, found.line) {
                    condition
                        .elements
                        .push((element, patterns(section, key, &found, values)));
                }
            }
        }
    }
    condition
}

/// The element that a key names, and how its values are ordered, where the dictionary says so.
fn element(section: &Section<'_, '_>, key: &str, line: usize) -> Option<(Element, Option<Values>)> {
    let names: Vec<&str> = key.split('/').collect();
    if names.len() > DEEPEST {
        section.complain(
            line,
            format!("has the key {}, which names more than {DEEPEST} levels", quoted(key)),
        );
        return None;
    }
    let mut tags = Vec::new();
    for name in &names {
        match keyword::tag_of(name) {
            Some(tag) => tags.push(tag),
            None => {
                unknown(section, name, line);
                return None;
            }
        }
    }
    let tag = tags.pop()?;
    let values = keyword::values_of(tag);
    if let Some((sequence, name)) = tags
        .iter()
        .zip(&names)
        .find(|(tag, _)| !matches!(keyword::values_of(**tag), Some(Values::Items) | None))
    {
        let message = format!("has the key {}, but `{name}` {sequence} is no sequence", quoted(key));
        section.complain(line, message);
        return None;
    }
    let wrong = match values {
        Some(Values::Items) => "is a sequence; name an element of its items, such as",
        Some(Values::Binary) => {
            "has binary values, which no pattern describes; a key is an element with text or numbers, such as"
        }
        _ if keyword::is_outside_header(tag) => {
            "is not in the header that a chain is given; a key is an element such as"
        }
        _ => {
            let element = Element { sequences: tags, tag };
            return Some((element, values));
        }
    };
    let example = match values {
        Some(Values::Items) => format!("`{key}/…`"),
        _ => "`modality`".to_owned(),
    };
    section.complain(line, format!("has the key {}, which {wrong} {example}", quoted(key)));
    None
}

fn unknown(section: &Section<'_, '_>, name: &str, line: usize) {
    let meant = keyword::meant_by(name);
    let known = KEYS.into_iter().chain(meant.as_deref());
    let known_are = "known are the keywords of PS3.6, such as `modality`, tags, such as `0008,0060`, and";
    let hint = instead_of(name, known, known_are);
    let message = format!("unknown key `{name}` in {}{hint}", section.label());
    section.problems().add(Some(line), message);
}

/// One pattern, or a list of them.
fn patterns(section: &Section<'_, '_>, key: &str, found: &At<&DeValue<'_>>, values: Option<Values>) -> Vec<Pattern> {
    let one = |value: &DeValue<'_>| match pattern(section, value, values) {
        Ok(pattern) => Some(pattern),
        Err(None) => {
            section.wrong(found.line, key, PATTERN, value);
            None
        }
        Err(Some(problem)) => {
            let message = format!("has a pattern for `{key}` that {problem}");
            section.complain(found.line, message);
            None
        }
    };
    match found.value {
        DeValue::Array(items) => items.iter().filter_map(|item| one(item.get_ref())).collect(),
        value => one(value).into_iter().collect(),
    }
}

/// A pattern; `Err(None)`: it is none at all, else what is wrong with it, to follow "that".
fn pattern(section: &Section<'_, '_>, value: &DeValue<'_>, values: Option<Values>) -> Result<Pattern, Option<String>> {
    if let Some(text) = value.as_str() {
        check_length(text)?;
        return Ok(Pattern::Glob(Glob::new(text)));
    }
    let table = value.as_table().ok_or(None)?;
    let parts = Section::new("a pattern", table, section.problems());
    let expression = parts.raw("regex");
    let ends = (parts.raw("from"), parts.raw("to"));
    if let Some(name) = parts.unknown() {
        let known = ["regex", "from", "to"];
        let hint = instead_of(name, known.into_iter(), "known are");
        return Err(Some(format!("has the unknown key `{name}`{hint}")));
    }
    match (expression, ends) {
        (Some(expression), (None, None)) => {
            let text = expression.value.as_str().ok_or_else(|| {
                Some(format!(
                    "has {} as `regex`, which must be a text",
                    describe(expression.value)
                ))
            })?;
            check_length(text)?;
            let expression = Expression::new(text).map_err(|error| Some(error.to_string()))?;
            Ok(Pattern::Expression(expression))
        }
        (Some(_), _) => Err(Some("has both `regex` and an end of a range".to_owned())),
        (None, (None, None)) => Err(Some("has neither `regex` nor `from` nor `to`".to_owned())),
        (None, (from, to)) => {
            let from = from.map(|end| bound(end.value)).transpose()?;
            let to = to.map(|end| bound(end.value)).transpose()?;
            range(from.as_deref(), to.as_deref(), values).map(Pattern::Range)
        }
    }
}

fn check_length(text: &str) -> Result<(), Option<String>> {
    if text.len() > LONGEST_PATTERN {
        return Err(Some(format!("has more than {LONGEST_PATTERN} bytes")));
    }
    Ok(())
}

/// The end of a range as text: TOML has numbers, dates and times of its own.
fn bound(value: &DeValue<'_>) -> Result<String, Option<String>> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Datetime(moment) if moment.date.is_none() || moment.time.is_none() => Ok(moment.to_string()),
        other => {
            let message = format!(
                "has {} as an end, which must be a number, a date or a time",
                describe(other)
            );
            Err(Some(message))
        }
    }
}

fn range(from: Option<&str>, to: Option<&str>, values: Option<Values>) -> Result<Range, Option<String>> {
    let quantity = match values {
        Some(Values::Ordered(quantity)) => quantity,
        Some(Values::Unordered | Values::Items | Values::Binary) => {
            let message = "is a range, and its values have no order; use `*` and `?`, or `{ regex = \"…\" }`";
            return Err(Some(message.to_owned()));
        }
        Some(Values::Text) | None => from.or(to).map_or(Quantity::Number, Quantity::of),
    };
    Range::new(quantity, from, to).map_err(|error| Some(error.to_string()))
}

pub(super) fn networks(section: &Section<'_, '_>, key: &str, found: &At<&DeValue<'_>>) -> Vec<Network> {
    let Some(texts) = Vec::<String>::of(found.value) else {
        section.wrong(found.line, key, Vec::<String>::WANTED, found.value);
        return Vec::new();
    };
    let read = |text: &String| match text.parse::<Network>() {
        Ok(network) => Some(network),
        Err(error @ (NetworkError::Unreadable | NetworkError::BeyondPrefix(_))) => {
            let message = format!("has {} for `{key}`, which must be {error}", quoted(text));
            section.complain(found.line, message);
            None
        }
    };
    texts.iter().filter_map(read).collect()
}

fn transports(section: &Section<'_, '_>, key: &str, found: &At<&DeValue<'_>>) -> Vec<Transport> {
    let Some(texts) = Vec::<String>::of(found.value) else {
        section.wrong(found.line, key, Vec::<String>::WANTED, found.value);
        return Vec::new();
    };
    let all = [Transport::Dimse, Transport::Stow, Transport::File, Transport::Derived];
    let read = |text: &String| {
        let transport = all.into_iter().find(|transport| transport.as_str() == text);
        if transport.is_none() {
            let hint = instead_of(text, all.iter().map(|transport| transport.as_str()), "known are");
            let message = format!("has {} for `{key}`{hint}", quoted(text));
            section.complain(found.line, message);
        }
        transport
    };
    texts.iter().filter_map(read).collect()
}

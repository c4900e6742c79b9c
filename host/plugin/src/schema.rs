//! A plugin's configuration beside the JSON Schema that its build tool embedded: what does not fit is named by its path,
//! before the plugin runs.
//!
//! Separate because the schema is the word of whoever made the file. Libraries for JSON Schema trust it: they follow
//! references that lead back to themselves, run its regular expressions, fetch what it names. Here the steps are counted,
//! and of the standard (2020-12) there is what a schema derived from Rust types says of structure: types, members, items,
//! alternatives, bounds. What is not here is not judged here; the plugin's own check comes after, and knows better.
//!
//! No value is ever in a sentence: a configuration may hold what should not be in a log.

use serde_json::{Map, Value};

/// Steps of one comparison: a schema beside a value is one.
const MOST_STEPS: u32 = 1_000_000;
/// How deep a value or a schema may be followed.
const DEEPEST: u32 = 128;
/// How much of a key is shown, in characters.
const MOST_KEY: usize = 64;
/// How many keys or values are listed.
const MOST_LISTED: usize = 12;

/// Compares a configuration with a schema.
///
/// # Errors
/// A sentence that names the first place that does not fit, and what would.
pub(crate) fn check(schema: &Value, config: &Value) -> Result<(), String> {
    let mut comparison = Comparison { root: schema, steps: 0 };
    comparison
        .value(schema, config, &Place::Top, 0)
        .map_err(|wrong| wrong.sentence)
}

/// Where a value is.
enum Place<'p> {
    Top,
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn depth(&self) -> u32 {
        match self {
            Place::Top => 0,
            Place::Member(above, _) | Place::Item(above, _) => above.depth() + 1,
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Place::Top => {}
            Place::Member(above, key) => {
                above.write(text);
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&shown(key));
            }
            Place::Item(above, index) => {
                above.write(text);
                text.push_str(&format!("[{index}]"));
            }
        }
    }

    fn wrong(&self, what: &str) -> Wrong {
        let mut path = String::new();
        self.write(&mut path);
        let place = if path.is_empty() {
            "all of it".to_owned()
        } else {
            format!("`{path}`")
        };
        Wrong {
            sentence: format!("{place} {what}"),
            depth: self.depth(),
        }
    }
}

/// A key as a person wrote it, on one line and not too long.
fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(MOST_KEY).collect()
}

/// The first place that does not fit.
struct Wrong {
    sentence: String,
    depth: u32,
}

struct Comparison<'s> {
    root: &'s Value,
    steps: u32,
}

type Fits = Result<(), Wrong>;

impl<'s> Comparison<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, at: &Place<'_>, depth: u32) -> Fits {
        self.steps += 1;
        if self.steps > MOST_STEPS || depth > DEEPEST {
            return Err(Wrong {
                sentence: "its own schema of it leads nowhere: its author must mend it".into(),
                depth: u32::MAX,
            });
        }
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(at.wrong("must not be there")),
            Value::Object(schema) => schema,
            // No schema: nothing is said.
            _ => return Ok(()),
        };
        if let Some(found) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| self.named(name))
        {
            self.value(found, value, at, depth + 1)?;
        }
        of_type(schema, value, at)?;
        one_of_values(schema, value, at)?;
        bounds(schema, value, at)?;
        match value {
            Value::Object(members) => self.members(schema, members, at, depth)?,
            Value::Array(items) => self.items(schema, items, at, depth)?,
            _ => {}
        }
        for each in list(schema, "allOf") {
            self.value(each, value, at, depth + 1)?;
        }
        for key in ["anyOf", "oneOf"] {
            self.alternatives(list(schema, key), value, at, depth)?;
        }
        Ok(())
    }

    /// A definition of this schema; what is elsewhere is not fetched.
    fn named(&self, name: &str) -> Option<&'s Value> {
        self.root.pointer(name.strip_prefix('#')?)
    }

    fn members(
        &mut self,
        schema: &'s Map<String, Value>,
        members: &Map<String, Value>,
        at: &Place<'_>,
        depth: u32,
    ) -> Fits {
        let properties = schema.get("properties").and_then(Value::as_object);
        for key in list(schema, "required").iter().filter_map(Value::as_str) {
            if !members.contains_key(key) {
                let place = Place::Member(at, key);
                return Err(place.wrong("is missing"));
            }
        }
        // Keys by pattern are not judged here.
        let patterns = schema.contains_key("patternProperties");
        for (key, member) in members {
            let place = Place::Member(at, key);
            match properties.and_then(|properties| properties.get(key)) {
                Some(of) => self.value(of, member, &place, depth + 1)?,
                None if patterns => {}
                None => match schema.get("additionalProperties") {
                    Some(Value::Bool(false)) => return Err(unknown(&place, properties)),
                    Some(of) => self.value(of, member, &place, depth + 1)?,
                    None => {}
                },
            }
        }
        Ok(())
    }

    fn items(&mut self, schema: &'s Map<String, Value>, items: &[Value], at: &Place<'_>, depth: u32) -> Fits {
        let first = list(schema, "prefixItems");
        for (index, item) in items.iter().enumerate() {
            if let Some(of) = first.get(index).or_else(|| schema.get("items")) {
                self.value(of, item, &Place::Item(at, index), depth + 1)?;
            }
        }
        Ok(())
    }

    /// Whether one of several fits. That several may, is not judged: the types of the plugin take the first.
    fn alternatives(&mut self, all: &'s [Value], value: &Value, at: &Place<'_>, depth: u32) -> Fits {
        if all.is_empty() {
            return Ok(());
        }
        let mut deepest: Option<Wrong> = None;
        for each in all {
            match self.value(each, value, at, depth + 1) {
                Ok(()) => return Ok(()),
                Err(wrong) if deepest.as_ref().is_none_or(|before| wrong.depth > before.depth) => deepest = Some(wrong),
                Err(_) => {}
            }
        }
        let words: Vec<&Value> = all.iter().flat_map(values).collect();
        match deepest {
            // One of them was meant, and something in it is wrong.
            Some(wrong) if wrong.depth > at.depth() => Err(wrong),
            _ if words.len() >= all.len() => Err(at.wrong(&format!("must be {}", listed(words.into_iter())))),
            _ => Err(at.wrong(&format!("is none of the {} forms that it may have", all.len()))),
        }
    }
}

fn list<'s>(schema: &'s Map<String, Value>, key: &str) -> &'s [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn unknown(place: &Place<'_>, properties: Option<&Map<String, Value>>) -> Wrong {
    let known: Vec<String> = properties
        .into_iter()
        .flat_map(|properties| properties.keys().take(MOST_LISTED))
        .map(|key| format!("`{}`", shown(key)))
        .collect();
    match known.as_slice() {
        [] => place.wrong("is not known; nothing may be there"),
        known => place.wrong(&format!("is not known; there is {}", known.join(", "))),
    }
}

/// The values that a schema names, if it names them.
fn values(schema: &Value) -> impl Iterator<Item = &Value> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    schema.get("const").into_iter().chain(listed)
}

/// Values of a schema, which are its author's words.
fn listed<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    let shown: Vec<String> = values
        .take(MOST_LISTED)
        .map(|value| shown(&value.to_string()))
        .collect();
    shown.join(" or ")
}

fn one_of_values(schema: &Map<String, Value>, value: &Value, at: &Place<'_>) -> Fits {
    if let Some(only) = schema.get("const")
        && only != value
    {
        return Err(at.wrong(&format!("must be {}", listed([only].into_iter()))));
    }
    let all = list(schema, "enum");
    if schema.contains_key("enum") && !all.contains(value) {
        return Err(at.wrong(&format!("must be {}", listed(all.iter()))));
    }
    Ok(())
}

/// What a type is called in a configuration file.
fn called(name: &str) -> &'static str {
    match name {
        "object" => "a table",
        "array" => "a list",
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "nothing",
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn of_type(schema: &Map<String, Value>, value: &Value, at: &Place<'_>) -> Fits {
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if names.iter().any(|name| is(name, value)) {
        return Ok(());
    }
    // That it may be absent is no help for somebody who wrote something.
    let wanted: Vec<&str> = names.into_iter().filter(|name| *name != "null").map(called).collect();
    Err(at.wrong(&format!("must be {}", wanted.join(" or "))))
}

fn bounds(schema: &Map<String, Value>, value: &Value, at: &Place<'_>) -> Fits {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let (size, unit) = match value {
        Value::Number(number) => {
            let Some(number) = number.as_f64() else { return Ok(()) };
            for (key, fits, word) in [
                (
                    "minimum",
                    limit("minimum").is_none_or(|least| number >= least),
                    "at least",
                ),
                ("maximum", limit("maximum").is_none_or(|most| number <= most), "at most"),
                (
                    "exclusiveMinimum",
                    limit("exclusiveMinimum").is_none_or(|below| number > below),
                    "more than",
                ),
                (
                    "exclusiveMaximum",
                    limit("exclusiveMaximum").is_none_or(|above| number < above),
                    "less than",
                ),
            ] {
                if !fits {
                    let bound = schema.get(key).map(Value::to_string).unwrap_or_default();
                    return Err(at.wrong(&format!("must be {word} {bound}")));
                }
            }
            return Ok(());
        }
        Value::String(text) => (text.chars().count(), ("minLength", "maxLength", "characters")),
        Value::Array(items) => (items.len(), ("minItems", "maxItems", "items")),
        Value::Object(members) => (members.len(), ("minProperties", "maxProperties", "entries")),
        _ => return Ok(()),
    };
    let (least, most, what) = unit;
    let size = size as f64;
    match (limit(least), limit(most)) {
        (Some(least), _) if size < least => Err(at.wrong(&format!("must have at least {least} {what}"))),
        (_, Some(most)) if size > most => Err(at.wrong(&format!("must have at most {most} {what}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As it is derived from the types of a router.
    fn schema() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "rules": { "type": "array", "items": { "$ref": "#/$defs/Rule" }, "default": [] },
                "dates": { "$ref": "#/$defs/Dates" },
                "limit": { "type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255 },
                "pair": { "type": "array", "prefixItems": [{ "type": "string" }, { "type": "boolean" }], "maxItems": 2 },
                "rooms": { "type": "object", "additionalProperties": { "type": "string", "minLength": 1 } },
            },
            "additionalProperties": false,
            "$defs": {
                "Rule": {
                    "type": "object",
                    "properties": {
                        "send-to": { "type": "array", "items": { "type": "string" } },
                        "when": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
                    },
                    "required": ["send-to"],
                },
                "Dates": { "oneOf": [{ "const": "shift", "type": "string" }, { "enum": ["clear", "keep"] }] },
            },
        })
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place() {
        let mut report = String::new();
        for config in [
            json!({}),
            json!({ "rules": [{ "send-to": ["a"], "when": "CT", "more": 1 }], "dates": "keep", "limit": 3.0, "pair": ["a", true] }),
            json!({ "limit": null, "rooms": { "CT": "room-1" } }),
            json!({ "rule": [] }),
            json!({ "rules": {} }),
            json!({ "rules": [{ "send-to": ["a"] }, { "send-to": "hunter2" }] }),
            json!({ "rules": [{}] }),
            json!({ "rules": [{ "send-to": [], "when": 7 }] }),
            json!({ "rules": [{ "send-to": [], "when": ["CT", 7] }] }),
            json!({ "dates": "hunter2" }),
            json!({ "limit": 256 }),
            json!({ "limit": 1.5 }),
            json!({ "pair": ["a", "b"] }),
            json!({ "pair": ["a", true, 1] }),
            json!({ "rooms": { "CT": "" } }),
        ] {
            let said = check(&schema(), &config).err().unwrap_or_else(|| "fits".into());
            assert!(!said.contains("hunter2"), "{said}");
            report.push_str(&format!("{said}\n"));
        }
        expect_test::expect![[r#"
            fits
            fits
            fits
            `rule` is not known; there is `dates`, `limit`, `pair`, `rooms`, `rules`
            `rules` must be a list
            `rules[1].send-to` must be a list
            `rules[0].send-to` is missing
            `rules[0].when` is none of the 2 forms that it may have
            `rules[0].when[1]` must be a text
            `dates` must be "shift" or "clear" or "keep"
            `limit` must be at most 255
            `limit` must be a whole number
            `pair[1]` must be true or false
            `pair` must have at most 2 items
            `rooms.CT` must have at least 1 characters
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn a_schema_cannot_hold_the_host_up() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "anyOf": [{ "$ref": "#/$defs/a" }] } } }),
            // Each level asks twice: 2^100 steps, if nobody counted.
            json!({
                "$ref": "#/$defs/a",
                "$defs": { "a": { "allOf": [{ "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/a" }] }] } },
            }),
        ] {
            let said = check(&schema, &json!({})).unwrap_err();
            assert!(said.contains("leads nowhere"), "{said}");
        }
        for schema in [
            json!(null),
            json!(7),
            json!({ "type": 7, "$ref": "https://example.org", "enum": 3, "required": {} }),
        ] {
            let said = check(&schema, &json!({ "a": 1 }));
            assert!(said.is_ok() || said.unwrap_err().contains("must be"));
        }
    }
}

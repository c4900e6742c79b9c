//! `[plugins.NAME]`, `[engines.NAME]` and `[models.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use super::super::check::all_known;
use super::super::reader::{At, Section, is_name, quoted};
use super::super::setting::Setting;
use super::super::{Engine, Grant, HttpUrl, Limits, Model, Plugin, SITE_KEY, SecretSource};
use super::path;

pub(super) fn plugins(
    top: &Section<'_, '_>,
    folder: &Path,
    secrets: &BTreeMap<String, SecretSource>,
    models: &BTreeMap<String, Model>,
) -> BTreeMap<String, Plugin> {
    let mut plugins = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("plugins") {
        let source = path(&section, "source", folder);
        let public_key = path(&section, "public-key", folder);
        let signature = path(&section, "signature", folder);
        if section.has("signature") && !section.has("public-key") {
            section.complain(line, "has a `signature`, and no `public-key` to check it with");
        }
        let mut log_values = false;
        section.set("log-values", &mut log_values);
        // Kept even without a source, so that chains which name it are not reported as well.
        let plugin = Plugin {
            source: source.unwrap_or_default(),
            digest: section.get("digest").map(|found| found.value),
            public_key,
            signature,
            log_values,
            config: settings(&section),
            grant: grant(&section, secrets, models),
            limits: limits(&section),
        };
        if !section.has("source") {
            section.complain(line, "needs `source = \"FILE.wasm\"`");
        }
        section.end();
        plugins.insert(name, plugin);
    }
    plugins
}

/// `config`: the plugin's own settings.
fn settings(section: &Section<'_, '_>) -> serde_json::Value {
    let Some(found) = section.raw("config") else {
        return serde_json::Value::Object(serde_json::Map::new());
    };
    if found.value.as_table().is_none() {
        section.wrong(found.line, "config", "a table", found.value);
    }
    json(found.value, 0).unwrap_or_else(|| {
        let message = "has a number in `config` that JSON cannot hold, or nests too deep";
        section.complain(found.line, message);
        serde_json::Value::Null
    })
}

fn grant(
    section: &Section<'_, '_>,
    secrets: &BTreeMap<String, SecretSource>,
    models: &BTreeMap<String, Model>,
) -> Grant {
    let mut grant = Grant::default();
    let Some(found) = section.table("grant", format!("`grant` of {}", section.label())) else {
        return grant;
    };
    let found = &found.value;
    if let Some(names) = found.get::<Vec<String>>("secrets") {
        let known = secrets.keys().map(String::as_str).chain([SITE_KEY]);
        all_known(found, "secrets", &names, "secret", known);
        grant.secrets = names.value;
    }
    grant.state = found.get("state").map(|found| found.value);
    if let Some(texts) = found.get::<Vec<String>>("http") {
        grant.http = texts
            .value
            .iter()
            .filter_map(|text| {
                let url = HttpUrl::parse(text);
                if url.is_none() {
                    let message = format!("has {} in `http`, which must be {}", quoted(text), HttpUrl::WANTED);
                    found.complain(texts.line, message);
                }
                url
            })
            .collect();
    }
    if let Some(names) = found.get::<Vec<String>>("jobs") {
        for name in names.value.iter().filter(|name| !is_name(name)) {
            let message = format!("has {} in `jobs`, which is not a name", quoted(name));
            found.complain(names.line, message);
        }
        grant.jobs = names.value;
    }
    if let Some(names) = found.get::<Vec<String>>("models") {
        all_known(found, "models", &names, "model", models.keys().map(String::as_str));
        grant.models = names.value;
    }
    found.end();
    grant
}

fn limits(section: &Section<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    let Some(found) = section.table("limits", format!("`limits` of {}", section.label())) else {
        return limits;
    };
    let found = &found.value;
    limits.memory = found.get("memory").map(|found| found.value);
    limits.cpu = found.get("cpu").map(|found| found.value);
    limits.wall = found.get("wall").map(|found| found.value);
    let mut concurrency = 0;
    found.set_within("concurrency", 1..=1024, &mut concurrency);
    limits.concurrency = (concurrency > 0).then_some(concurrency);
    found.end();
    limits
}

pub(super) fn engines(top: &Section<'_, '_>, folder: &Path) -> BTreeMap<String, Engine> {
    let mut engines = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("engines") {
        let source = path(&section, "source", folder);
        let digest = section.get("digest").map(|found| found.value);
        let mut trusted = false;
        section.set("trusted", &mut trusted);
        if !section.has("source") {
            section.complain(line, "needs `source = \"LIBRARY.so\"`");
        }
        if !section.has("digest") {
            let message = "needs `digest = \"sha256:…\"`: a library runs with all the rights of the host, \
                           so it must be the one that you mean";
            section.complain(line, message);
        }
        if !trusted {
            let message = "needs `trusted = true`: a library runs with all the rights of the host, in no sandbox";
            section.complain(line, message);
        }
        section.end();
        // Kept even when something is wrong with it, so that models which name it are not reported as well.
        let engine = Engine {
            source: source.unwrap_or_default(),
            digest: digest.unwrap_or_default(),
        };
        engines.insert(name, engine);
    }
    engines
}

pub(super) fn models(
    top: &Section<'_, '_>,
    folder: &Path,
    engines: &BTreeMap<String, Engine>,
) -> BTreeMap<String, Model> {
    let mut models = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("models") {
        let engine = section.get::<String>("engine").map(|found| {
            let one = At {
                line: found.line,
                value: vec![found.value.clone()],
            };
            all_known(&section, "engine", &one, "engine", engines.keys().map(String::as_str));
            found.value
        });
        let file = path(&section, "file", folder);
        for (key, example) in [("engine", "NAME"), ("file", "FILE")] {
            if !section.has(key) {
                section.complain(line, format!("needs `{key} = \"{example}\"`"));
            }
        }
        section.end();
        // Kept even when something is wrong with it, so that plugins which name it are not reported as well.
        let model = Model {
            engine: engine.unwrap_or_default(),
            file: file.unwrap_or_default(),
        };
        models.insert(name, model);
    }
    models
}

/// Deepest nesting of a plugin's configuration; the TOML parser has a limit of its own, this one is ours.
const DEEPEST: u32 = 32;

/// A TOML value as JSON; dates become texts.
fn json(value: &DeValue<'_>, depth: u32) -> Option<serde_json::Value> {
    if depth > DEEPEST {
        return None;
    }
    Some(match value {
        DeValue::String(text) => serde_json::Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => serde_json::Number::from_f64(number.as_str().parse().ok()?)?.into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(items) => items
            .iter()
            .map(|item| json(item.get_ref(), depth + 1))
            .collect::<Option<Vec<_>>>()?
            .into(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Some((key.get_ref().to_string(), json(value.get_ref(), depth + 1)?)))
            .collect::<Option<serde_json::Map<_, _>>>()?
            .into(),
    })
}

//! Sections: each table of the file into its type.
//!
//! Apart from the types so that these read as the list of what there is, and apart from the reader so that this reads
//! as the list of keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isocenter_dimse::AeTitle;
use toml::de::DeValue;

use super::check::all_known;
use super::reader::{At, ConfigError, Problems, Section, instead_of, quoted};
use super::setting::Setting;
use super::{
    Chain, Condition, Config, Database, Destination, Dicom, Duplicates, Environment, Grant, Http, Limits, OnFailure,
    Plugin, Retry, SITE_KEY, SecretSource, Storage, Target, keyword,
};

/// The whole file. A syntax error ends the reading; everything else is added to `problems`.
pub(super) fn read(
    text: &str,
    folder: &Path,
    environment: &Environment,
    problems: &Problems,
) -> Result<Config, ConfigError> {
    let document = problems.parse(text)?;
    let top = Section::top(document.get_ref(), problems);
    let mut config = Config::default();
    top.set("allow-anonymous", &mut config.allow_anonymous);
    top.set("drain", &mut config.drain);
    if let Some(section) = top.table("dicom", "[dicom]") {
        dicom(&section.value, &mut config.dicom);
    }
    if let Some(section) = top.table("http", "[http]") {
        http(&section.value, &mut config.http);
    }
    if let Some(section) = top.table("storage", "[storage]") {
        storage(&section.value, folder, &mut config.storage);
    }
    if let Some(section) = top.table("database", "[database]") {
        database(&section.value, folder, &mut config.database);
    }
    config.secrets = secrets(&top, folder, environment);
    config.plugins = plugins(&top, folder, &config.secrets);
    config.destinations = destinations(&top, folder, &config.plugins);
    config.chains = chains(&top, &config.plugins);
    top.end();
    Ok(config)
}

/// What differs between deployments.
pub(super) fn override_from(environment: &Environment, config: &mut Config, problems: &Problems) {
    fn set<T: Setting>(environment: &Environment, name: &str, problems: &Problems, setting: &mut T) {
        let Some(text) = environment.get(name) else {
            return;
        };
        match T::parse(text) {
            Some(value) => *setting = value,
            None => {
                let message = format!("the environment's {name} must be {}; it is {}", T::WANTED, quoted(text));
                problems.add(None, message);
            }
        }
    }
    set(environment, "ISOCENTER_AE_TITLE", problems, &mut config.dicom.ae_title);
    set(
        environment,
        "ISOCENTER_DICOM_LISTEN",
        problems,
        &mut config.dicom.listen,
    );
    set(environment, "ISOCENTER_HTTP_LISTEN", problems, &mut config.http.listen);
    match environment.get("ISOCENTER_DATA").map(String::as_str) {
        Some("") => problems.add(
            None,
            "the environment's ISOCENTER_DATA must be a folder; it is empty".to_owned(),
        ),
        Some(data) => config.storage.data = PathBuf::from(data),
        None => {}
    }
    if let Some(url) = environment.get("DATABASE_URL") {
        config.database.url = Some(url.clone());
        if !is_postgres_url(url) {
            problems.add(None, format!("the environment's DATABASE_URL {NOT_A_DATABASE}"));
        }
    }
}

fn dicom(section: &Section<'_, '_>, dicom: &mut Dicom) {
    section.set("ae-title", &mut dicom.ae_title);
    section.set("accept-called-ae-any", &mut dicom.accept_called_ae_any);
    section.set("listen", &mut dicom.listen);
    section.set_within("max-associations", 1..=4096, &mut dicom.max_associations);
    section.set_within("max-pdu", 4096..=1_048_576, &mut dicom.max_pdu);
    section.set("artim", &mut dicom.artim);
    section.set("pdu-time", &mut dicom.pdu_time);
    section.set("idle", &mut dicom.idle);
    section.end();
}

fn http(section: &Section<'_, '_>, http: &mut Http) {
    section.set("listen", &mut http.listen);
    http.public_url = section.get("public-url").map(|found| found.value);
    section.end();
}

fn storage(section: &Section<'_, '_>, folder: &Path, storage: &mut Storage) {
    if let Some(data) = path(section, "data", folder) {
        storage.data = data;
    }
    section.set::<Duplicates>("duplicates", &mut storage.duplicates);
    section.set("max-header", &mut storage.max_header);
    section.end();
}

/// The URL itself stays out of messages: it may hold a password.
const NOT_A_DATABASE: &str = "must begin with postgres:// or postgresql://";

fn is_postgres_url(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn database(section: &Section<'_, '_>, folder: &Path, database: &mut Database) {
    if let Some(url) = section.get::<String>("url") {
        if !is_postgres_url(&url.value) {
            let message = format!("`url` in {} {NOT_A_DATABASE}", section.label());
            section.problems().add(Some(url.line), message);
        }
        database.url = Some(url.value);
    }
    database.postgres_binaries = path(section, "postgres-binaries", folder);
    section.set_within("max-connections", 2..=1000, &mut database.max_connections);
    section.end();
}

fn secrets(top: &Section<'_, '_>, folder: &Path, environment: &Environment) -> BTreeMap<String, SecretSource> {
    let mut secrets = BTreeMap::new();
    for (name, section) in top.named("secrets") {
        let file = path(&section.value, "file", folder);
        let variable = section.value.get::<String>("env");
        let before = section.value.has_unknown();
        section.value.end();
        let source = match (file, variable) {
            (Some(file), None) => SecretSource::File(file),
            (None, Some(variable)) => {
                if !environment.contains_key(&variable.value) {
                    let message = format!("names the environment variable {}, which is not set", variable.value);
                    section.value.complain(variable.line, message);
                }
                SecretSource::Environment(variable.value)
            }
            (None, None) if before => continue,
            _ => {
                section
                    .value
                    .complain(section.line, "needs either `file = \"PATH\"` or `env = \"VARIABLE\"`");
                continue;
            }
        };
        secrets.insert(name, source);
    }
    secrets
}

fn plugins(top: &Section<'_, '_>, folder: &Path, secrets: &BTreeMap<String, SecretSource>) -> BTreeMap<String, Plugin> {
    let mut plugins = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("plugins") {
        let source = path(&section, "source", folder);
        let config = section.raw("config").map_or_else(
            || serde_json::Value::Object(serde_json::Map::new()),
            |found| {
                if found.value.as_table().is_none() {
                    section.wrong(found.line, "config", "a table", found.value);
                }
                json(found.value, 0).unwrap_or_else(|| {
                    section.complain(
                        found.line,
                        "has a number in `config` that JSON cannot hold, or nests too deep",
                    );
                    serde_json::Value::Null
                })
            },
        );
        let mut grant = Grant::default();
        if let Some(found) = section.table("grant", format!("`grant` of {}", section.label())) {
            if let Some(names) = found.value.get::<Vec<String>>("secrets") {
                let known = secrets.keys().map(String::as_str).chain([SITE_KEY]);
                all_known(&found.value, "secrets", &names, "secret", known);
                grant.secrets = names.value;
            }
            found.value.end();
        }
        let mut limits = Limits::default();
        if let Some(found) = section.table("limits", format!("`limits` of {}", section.label())) {
            let found = &found.value;
            limits.memory = found.get("memory").map(|found| found.value);
            limits.cpu = found.get("cpu").map(|found| found.value);
            limits.wall = found.get("wall").map(|found| found.value);
            let mut concurrency = 0;
            found.set_within("concurrency", 1..=1024, &mut concurrency);
            limits.concurrency = (concurrency > 0).then_some(concurrency);
            found.end();
        }
        if source.is_none() && !section.has("source") {
            section.complain(line, "needs `source = \"FILE.wasm\"`");
        }
        section.end();
        // Kept even without a source, so that chains which name it are not reported as well.
        let plugin = Plugin {
            source: source.unwrap_or_default(),
            config,
            grant,
            limits,
        };
        plugins.insert(name, plugin);
    }
    plugins
}

fn destinations(
    top: &Section<'_, '_>,
    folder: &Path,
    plugins: &BTreeMap<String, Plugin>,
) -> BTreeMap<String, Destination> {
    let mut destinations = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("destinations") {
        let peer = section.table("dicom", format!("`dicom` of {}", section.label()));
        let peer = peer.map(|found| peer_of(&found));
        let target = path(&section, "folder", folder).map(Target::Folder);
        let egress = section.get::<Vec<String>>("egress").map(|names| {
            all_known(&section, "egress", &names, "plugin", plugins.keys().map(String::as_str));
            names.value
        });
        let calling_ae_title = section.get("calling-ae-title").map(|found| found.value);
        let mut retry = Retry::default();
        if let Some(found) = section.table("retry", format!("`retry` of {}", section.label())) {
            found.value.set("first", &mut retry.first);
            found.value.set("longest", &mut retry.longest);
            found.value.set_within("attempts", 1..=10_000, &mut retry.attempts);
            found.value.end();
            if retry.first > retry.longest {
                found
                    .value
                    .complain(found.line, "has `first` longer than `longest`; the wait only grows");
            }
        }
        section.end();
        let target = match (peer, target) {
            (Some(peer), None) => peer,
            (None, Some(folder)) => Some(folder),
            (None, None) if section.has("dicom") || section.has("folder") => None,
            _ => {
                let message =
                    "needs either `dicom = { ae-title = \"…\", address = \"HOST:PORT\" }` or `folder = \"PATH\"`";
                section.complain(line, message);
                None
            }
        };
        if let Some(target) = target {
            let destination = Destination {
                target,
                egress: egress.unwrap_or_default(),
                calling_ae_title,
                retry,
            };
            destinations.insert(name, destination);
        }
    }
    destinations
}

fn peer_of(found: &At<Section<'_, '_>>) -> Option<Target> {
    let section = &found.value;
    let ae_title = section.get::<AeTitle>("ae-title");
    let address = section.get("address");
    for key in ["ae-title", "address"] {
        if !section.has(key) {
            section.complain(found.line, format!("needs `{key}`"));
        }
    }
    section.end();
    Some(Target::Dicom {
        ae_title: ae_title?.value,
        address: address?.value,
    })
}

fn chains(top: &Section<'_, '_>, plugins: &BTreeMap<String, Plugin>) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    for (index, At { line, value: section }) in top.list("chains").into_iter().enumerate() {
        let name = section
            .get::<String>("name")
            .map_or_else(|| format!("chain {}", index + 1), |found| found.value);
        if chains.iter().any(|other| other.name == name) {
            section.complain(line, format!("has the name `{name}` of an earlier one"));
        }
        let named = |key| {
            section.get::<Vec<String>>(key).map_or_else(Vec::new, |names| {
                all_known(&section, key, &names, "plugin", plugins.keys().map(String::as_str));
                names.value
            })
        };
        let (ingest, route) = (named("ingest"), named("route"));
        let when = section.table("when", format!("`when` of {}", section.label()));
        let mut on_failure = OnFailure::default();
        section.set("on-failure", &mut on_failure);
        section.end();
        if !section.has("ingest") && !section.has("route") {
            section.complain(
                line,
                "names no plugin; it needs `ingest = [\"…\"]` or `route = [\"…\"]`",
            );
        }
        chains.push(Chain {
            name,
            when: when.map_or_else(Condition::default, |found| condition(&found.value)),
            ingest,
            route,
            on_failure,
        });
    }
    chains
}

fn condition(section: &Section<'_, '_>) -> Condition {
    let mut condition = Condition::default();
    for (key, found) in section.entries() {
        let Some(globs) = Vec::<String>::of(found.value) else {
            section.wrong(found.line, key, Vec::<String>::WANTED, found.value);
            continue;
        };
        if globs.is_empty() {
            section.complain(
                found.line,
                format!("has no pattern for `{key}`, so nothing could match"),
            );
        }
        match key {
            "calling-ae" => condition.calling_ae = globs,
            "called-ae" => condition.called_ae = globs,
            _ => match keyword::tag_of(key) {
                Some(tag) => condition.elements.push((tag, globs)),
                None => {
                    let meant = keyword::meant_by(key);
                    let known = ["calling-ae", "called-ae"].into_iter().chain(meant.as_deref());
                    let hint = instead_of(key, known, "known are the keywords of PS3.6, such as `modality`, and");
                    let message = format!("unknown key `{key}` in {}{hint}", section.label());
                    section.problems().add(Some(found.line), message);
                }
            },
        }
    }
    condition
}

/// A path of the file, relative to the file's folder.
fn path(section: &Section<'_, '_>, key: &'static str, folder: &Path) -> Option<PathBuf> {
    let found = section.get::<String>(key)?;
    if found.value.is_empty() {
        let message = format!("`{key}` in {} must be a path; it is empty", section.label());
        section.problems().add(Some(found.line), message);
        return None;
    }
    Some(folder.join(found.value))
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

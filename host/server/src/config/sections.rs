//! Sections: each table of the file into its type.
//!
//! Apart from the types so that these read as the list of what there is, and apart from the reader so that this reads
//! as the list of keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isocenter_dimse::AeTitle;

use super::check::all_known;
use super::reader::{At, ConfigError, Problems, Section, quoted};
use super::setting::Setting;
use super::{
    Config, Database, Destination, Dicom, Duplicates, Environment, Hl7, Http, Outbound, Peer, Plugin, Ratio, Retry,
    SecretSource, Storage, Target, Telemetry, User,
};

mod callers;
mod chains;
mod plugins;
mod when;

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
    if let Some(section) = top.table("storage", "[storage]") {
        storage(&section.value, folder, &mut config.storage);
    }
    if let Some(section) = top.table("database", "[database]") {
        database(&section.value, folder, &mut config.database);
    }
    if let Some(section) = top.table("outbound", "[outbound]") {
        outbound(&section.value, folder, &mut config.outbound);
    }
    config.telemetry = top
        .table("telemetry", "[telemetry]")
        .and_then(|found| telemetry(&found));
    if let Some(section) = top.table("worklist", "[worklist]") {
        section.value.set("keep", &mut config.worklist.keep);
        section.value.end();
    }
    config.hl7 = top.table("hl7", "[hl7]").and_then(|found| hl7(&found));
    config.secrets = secrets(&top, folder, environment);
    config.engines = plugins::engines(&top, folder);
    config.models = plugins::models(&top, folder, &config.engines);
    config.plugins = plugins::plugins(&top, folder, &config.secrets, &config.models);
    if let Some(section) = top.table("dicom", "[dicom]") {
        dicom(&section.value, folder, &config.plugins, &mut config.dicom);
    }
    if let Some(section) = top.table("http", "[http]") {
        http(&section, &config.plugins, &mut config.http);
    }
    config.destinations = destinations(&top, folder, &config.secrets, &config.plugins);
    config.chains = chains::chains(&top, &config.plugins);
    config.sinks = chains::sinks(&top, &config.plugins);
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

fn dicom(section: &Section<'_, '_>, folder: &Path, plugins: &BTreeMap<String, Plugin>, dicom: &mut Dicom) {
    section.set("ae-title", &mut dicom.ae_title);
    section.set("accept-called-ae-any", &mut dicom.accept_called_ae_any);
    section.set("listen", &mut dicom.listen);
    section.set_within("max-associations", 1..=4096, &mut dicom.max_associations);
    section.set_within("find-limit", 1..=10_000_000, &mut dicom.find_limit);
    section.set_within("max-pdu", 4096..=1_048_576, &mut dicom.max_pdu);
    section.set("artim", &mut dicom.artim);
    section.set("pdu-time", &mut dicom.pdu_time);
    section.set("idle", &mut dicom.idle);
    section.set("association-time", &mut dicom.association_time);
    let mut of_address = 0;
    section.set_within("max-associations-per-address", 1..=4096, &mut of_address);
    dicom.max_associations_per_address = (of_address > 0).then_some(of_address);
    section.set("report-within", &mut dicom.report_within);
    dicom.gate = plugins_named(section, "gate", plugins);
    dicom.authorize = plugins_named(section, "authorize", plugins);
    dicom.tls = callers::tls(section, folder);
    dicom.callers = callers::callers(section);
    section.set("unknown-callers", &mut dicom.unknown_callers);
    section.end();
}

fn http(found: &At<Section<'_, '_>>, plugins: &BTreeMap<String, Plugin>, http: &mut Http) {
    let At { line, value: section } = found;
    section.set("listen", &mut http.listen);
    http.public_url = section.get("public-url").map(|found| found.value);
    http.authenticate = plugins_named(section, "authenticate", plugins);
    http.authorize = plugins_named(section, "authorize", plugins);
    http.routes = plugins_named(section, "routes", plugins);
    if !http.authorize.is_empty() && http.authenticate.is_empty() {
        section.complain(*line, "has `authorize`, and no `authenticate` that would say who asks");
    }
    section.end();
}

fn hl7(found: &At<Section<'_, '_>>) -> Option<Hl7> {
    let section = &found.value;
    let listen = section.get("listen");
    let callers = section
        .raw("callers")
        .map_or(Vec::new(), |found| when::networks(section, "callers", &found));
    let (mut max_connections, mut idle) = (32, Duration::from_secs(3600));
    section.set_within("max-connections", 1..=1024, &mut max_connections);
    section.set("idle", &mut idle);
    let mut stations = BTreeMap::new();
    if let Some(named) = section.table("stations", "[hl7.stations]") {
        for (modality, At { line, value }) in named.value.entries() {
            let titles = Vec::<String>::of(value).unwrap_or_default();
            if titles.is_empty() || titles.iter().any(|title| AeTitle::parse(title).is_err()) {
                let message = format!("must have AE titles for the modality {}", quoted(modality));
                named.value.complain(line, message);
            }
            stations.insert(modality.to_owned(), titles);
        }
    }
    if !section.has("listen") {
        section.complain(found.line, "needs `listen = \"ADDRESS:2575\"`");
    }
    section.end();
    Some(Hl7 {
        listen: listen?.value,
        callers,
        max_connections,
        idle,
        stations,
    })
}

fn outbound(section: &Section<'_, '_>, folder: &Path, outbound: &mut Outbound) {
    outbound.ca = path(section, "ca", folder);
    section.end();
}

fn telemetry(found: &At<Section<'_, '_>>) -> Option<Telemetry> {
    let section = &found.value;
    let otlp = section.get("otlp").map(|found| found.value);
    let mut sample = Ratio::WHOLE;
    section.set("sample", &mut sample);
    if !section.has("otlp") {
        section.complain(found.line, "needs `otlp = \"http://HOST:4318\"`");
    }
    section.end();
    Some(Telemetry { otlp: otlp?, sample })
}

/// The plugins that a key names, in order; those that are not configured are reported.
fn plugins_named(section: &Section<'_, '_>, key: &'static str, plugins: &BTreeMap<String, Plugin>) -> Vec<String> {
    let Some(names) = section.get::<Vec<String>>(key) else {
        return Vec::new();
    };
    all_known(section, key, &names, "plugin", plugins.keys().map(String::as_str));
    names.value
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

fn destinations(
    top: &Section<'_, '_>,
    folder: &Path,
    secrets: &BTreeMap<String, SecretSource>,
    plugins: &BTreeMap<String, Plugin>,
) -> BTreeMap<String, Destination> {
    let mut destinations = BTreeMap::new();
    for (name, At { line, value: section }) in top.named("destinations") {
        let peer = section.table("dicom", format!("`dicom` of {}", section.label()));
        let peer = peer.map(|found| peer_of(&found, folder, secrets));
        let target = path(&section, "folder", folder).map(Target::Folder);
        let egress = plugins_named(&section, "egress", plugins);
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
                egress,
                calling_ae_title,
                retry,
            };
            destinations.insert(name, destination);
        }
    }
    destinations
}

fn peer_of(found: &At<Section<'_, '_>>, folder: &Path, secrets: &BTreeMap<String, SecretSource>) -> Option<Target> {
    let section = &found.value;
    let ae_title = section.get::<AeTitle>("ae-title");
    let address = section.get("address");
    let tls = callers::client_tls(section, folder);
    let user = section.table("user", format!("`user` of {}", section.label()));
    let user = user.and_then(|found| user_of(&found, secrets));
    let commit_within = section.get("commit-within").map(|found| found.value);
    for key in ["ae-title", "address"] {
        if !section.has(key) {
            section.complain(found.line, format!("needs `{key}`"));
        }
    }
    section.end();
    Some(Target::Dicom(Peer {
        ae_title: ae_title?.value,
        address: address?.value,
        tls,
        user,
        commit_within,
    }))
}

fn user_of(found: &At<Section<'_, '_>>, secrets: &BTreeMap<String, SecretSource>) -> Option<User> {
    let section = &found.value;
    let name = section.get::<String>("name").map(|found| found.value);
    let passcode = section.get::<String>("passcode");
    if name.as_ref().is_none_or(String::is_empty) {
        section.complain(found.line, "needs `name`");
    }
    if let Some(At { line, value }) = &passcode
        && !secrets.contains_key(value)
    {
        let message = format!(
            "has `passcode`, the name of a secret; there is no secret {}",
            quoted(value)
        );
        section.complain(*line, message);
    }
    section.end();
    Some(User {
        name: name?,
        passcode: passcode.map(|found| found.value),
    })
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

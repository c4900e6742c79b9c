//! `[[chains]]` and `[[sinks]]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::check::all_known;
use super::super::reader::{At, Section, quoted};
use super::super::{Chain, OnFailure, Plugin, Sink};
use super::{plugins_named, when};

/// How long a study rests until it counts as quiet.
const QUIET: Duration = Duration::from_secs(60);

/// The keys that name a chain's plugins.
const HOOKS: [&str; 4] = ["ingest", "route", "study-route", "analyze"];

pub(super) fn chains(top: &Section<'_, '_>, plugins: &BTreeMap<String, Plugin>) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    for (index, At { line, value: section }) in top.list("chains").into_iter().enumerate() {
        let name = chain_name(&section, index);
        if chains.iter().any(|other| other.name == name) {
            section.complain(line, format!("has the name `{name}` of an earlier one"));
        }
        let [ingest, route, study_route, analyze] = HOOKS.map(|key| plugins_named(&section, key, plugins));
        let when = section.table("when", format!("`when` of {}", section.label()));
        let mut on_failure = OnFailure::default();
        section.set("on-failure", &mut on_failure);
        let mut quiet = QUIET;
        section.set("quiet", &mut quiet);
        let mut shadow = false;
        section.set("shadow", &mut shadow);
        section.end();
        if !HOOKS.iter().any(|key| section.has(key)) {
            let message = "names no plugin; it needs `ingest`, `route`, `study-route` or `analyze`, \
                           such as `ingest = [\"…\"]`";
            section.complain(line, message);
        }
        if section.has("quiet") && !section.has("study-route") && !section.has("analyze") {
            section.complain(
                line,
                "has `quiet`, and neither `study-route` nor `analyze` that would wait for it",
            );
        }
        chains.push(Chain {
            name,
            when: when.map(|found| when::condition(&found.value)).unwrap_or_default(),
            ingest,
            route,
            study_route,
            analyze,
            quiet,
            on_failure,
            shadow,
        });
    }
    chains
}

/// A chain's name goes into logs, records and the page.
fn chain_name(section: &Section<'_, '_>, index: usize) -> String {
    let by_position = format!("chain {}", index + 1);
    let Some(given) = section.get::<String>("name") else {
        return by_position;
    };
    let right = (1..=64).contains(&given.value.chars().count()) && !given.value.chars().any(char::is_control);
    if right {
        return given.value;
    }
    let message = format!(
        "has the name {}; use 1 to 64 printable characters",
        quoted(&given.value)
    );
    section.complain(given.line, message);
    by_position
}

pub(super) fn sinks(top: &Section<'_, '_>, plugins: &BTreeMap<String, Plugin>) -> Vec<Sink> {
    let mut sinks: Vec<Sink> = Vec::new();
    for At { line, value: section } in top.list("sinks") {
        let plugin = section.get::<String>("plugin");
        let mut batch = 100;
        section.set_within("batch", 1..=10_000, &mut batch);
        let kinds = section.get::<Vec<String>>("kinds");
        if let Some(kinds) = &kinds {
            check_kinds(&section, kinds);
        }
        section.end();
        if !section.has("plugin") {
            section.complain(line, "needs `plugin = \"NAME\"`");
        }
        let Some(plugin) = plugin else { continue };
        let one = At {
            line: plugin.line,
            value: vec![plugin.value.clone()],
        };
        all_known(&section, "plugin", &one, "plugin", plugins.keys().map(String::as_str));
        if sinks.iter().any(|other| other.plugin == plugin.value) {
            let message = format!(
                "has the plugin `{}` of an earlier one; configure the component as another plugin to use it twice",
                plugin.value
            );
            section.complain(line, message);
        }
        sinks.push(Sink {
            plugin: plugin.value,
            batch,
            kinds: kinds.map_or_else(Vec::new, |found| found.value),
        });
    }
    sinks
}

/// Reports what cannot be a kind of event, nor a glob for kinds.
fn check_kinds(section: &Section<'_, '_>, kinds: &At<Vec<String>>) {
    if kinds.value.is_empty() {
        section.complain(kinds.line, "has an empty list of `kinds`, so nothing could match");
    }
    for kind in &kinds.value {
        let right = !kind.is_empty()
            && kind
                .chars()
                .all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-' | '*' | '?'));
        if !right {
            let message = format!(
                "has {} in `kinds`, which is no kind of event; such are `object.stored` and `object.*`",
                quoted(kind)
            );
            section.complain(kinds.line, message);
        }
    }
}

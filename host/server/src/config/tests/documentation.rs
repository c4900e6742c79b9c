//! What the documentation shows as configuration is one: every `toml` snippet, and the sentences that README.md quotes.
//!
//! A snippet shows what it is about. The plugins and destinations that it names and does not define are defined here, as
//! is a door for ports that are open to others.

use std::collections::BTreeSet;

use isocenter_contract::{Snippet, snippets, snippets_of};
use toml::Value;

use super::{Config, Environment};

fn accepted(text: &str) -> Result<(), String> {
    // Each variable that it names is set.
    let named = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
    let environment: Environment = named.map(|name| (name.to_owned(), "for tests".to_owned())).collect();
    let outcome = Config::from_toml(text, &environment, std::path::Path::new("/etc/isocenter"));
    outcome.map(|_| ()).map_err(|error| error.to_string())
}

/// The names in lists under these keys, wherever they are.
fn named(value: &Value, keys: &[&str], names: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                match value {
                    // What is a plugin's own is not the host's.
                    _ if key == "config" => {}
                    Value::Array(values) if keys.contains(&key.as_str()) => {
                        names.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    Value::String(name) if keys.contains(&key.as_str()) => drop(names.insert(name.clone())),
                    value => named(value, keys, names),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, keys, names)),
        _ => {}
    }
}

/// With what it names and does not define.
fn completed(snippet: &Snippet) -> String {
    let table: toml::Table = match snippet.text.parse() {
        Ok(table) => table,
        Err(error) => panic!("{}:{}: {error}", snippet.page, snippet.line),
    };
    let defined = |key: &str, name: &String| table.get(key).is_some_and(|defined| defined.get(name).is_some());
    let mut plugins = BTreeSet::new();
    let keys = [
        "gate",
        "authenticate",
        "authorize",
        "routes",
        "ingest",
        "route",
        "study-route",
        "analyze",
        "egress",
        "plugin",
    ];
    let whole = Value::Table(table.clone());
    named(&whole, &keys, &mut plugins);
    let mut text = snippet.text.clone();
    for name in plugins.iter().filter(|name| !defined("plugins", name)) {
        text.push_str(&format!("[plugins.{name}]\nsource = \"{name}.wasm\"\n"));
    }
    let mut secrets = BTreeSet::new();
    named(&whole, &["secrets"], &mut secrets);
    for name in secrets
        .iter()
        .filter(|name| *name != "site-key" && !defined("secrets", name))
    {
        text.push_str(&format!("[secrets.{name}]\nenv = \"SECRET\"\n"));
    }
    let mut models = BTreeSet::new();
    named(&whole, &["models"], &mut models);
    for name in models.iter().filter(|name| !defined("models", name)) {
        text.push_str(&format!("[models.{name}]\nengine = \"onnx\"\nfile = \"{name}.onnx\"\n"));
        if !defined("engines", &"onnx".to_owned()) && !text.contains("[engines.onnx]") {
            let digest = "0".repeat(64);
            text.push_str(&format!(
                "[engines.onnx]\nsource = \"onnx.so\"\ntrusted = true\ndigest = \"sha256:{digest}\"\n"
            ));
        }
    }
    text
}

#[test]
fn every_configuration_is_accepted() {
    let shown = snippets("toml").unwrap();
    assert!(shown.len() > 15, "{}", shown.len());
    let mut wrong = Vec::new();
    for snippet in &shown {
        if let Err(error) = accepted(&completed(snippet)) {
            wrong.push(format!("{}:{}: {error}", snippet.page, snippet.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files that are wrong in this way are answered in these words.
#[test]
fn the_quoted_complaints_are_made() {
    let mut compared = 0;
    for snippet in snippets_of("README.md").unwrap() {
        if snippet.part != "said: host/server/src/config/tests/documentation.rs" {
            continue;
        }
        compared += 1;
        let file = "[dicom]\nlistn = \"0.0.0.0:104\"\n\n[plugins.anonymize]\nsource = \"anonymize.wasm\"\n\n\
                    [destinations.research]\nfolder = \"research\"\negress = [\"anonymise\"]\n";
        let said = accepted(file).unwrap_err();
        let quoted = snippet.text.replace("isocenter.toml: ", "");
        assert_eq!(said.trim_end(), quoted.trim_end());
    }
    assert_eq!(compared, 1);
}

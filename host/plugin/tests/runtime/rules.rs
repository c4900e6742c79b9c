//! The shipped router, in its sandbox.

use isocenter_plugin::PluginSpec;
use serde_json::json;

use crate::support::{Ask as _, component, header, load, runtime};

fn spec(config: serde_json::Value) -> PluginSpec {
    let mut spec = PluginSpec::new("rules", component("rules.wasm"));
    spec.config = config;
    spec
}

#[tokio::test]
async fn routes_by_rules() {
    let runtime = runtime();
    for (config, expected) in [
        (
            json!({ "rules": [{ "when": { "modality": ["CT"] }, "send-to": ["research"] }] }),
            vec!["research"],
        ),
        (
            json!({ "rules": [{ "when": { "modality": "M?" }, "send-to": ["research"] }] }),
            vec![],
        ),
        (
            json!({ "default": ["archive"], "rules": [{ "when": { "0008,0060": "MR" }, "send-to": ["research"] }] }),
            vec!["archive"],
        ),
        (
            json!({ "rules": [{ "when": { "Rows": "512", "PatientName": "Doe*" }, "send-to": ["research", "archive"] }] }),
            vec!["archive", "research"],
        ),
    ] {
        let plugin = load(&runtime, spec(config.clone())).unwrap();
        let plan = plugin.route(header()).await.result.unwrap();
        let names: Vec<_> = plan.iter().map(|send| send.destination.as_str()).collect();
        assert_eq!(names, expected, "{config}");
    }
}

#[test]
fn check_refuses_with_a_sentence() {
    let runtime = runtime();
    let mut report = String::new();
    for config in [
        json!({}),
        json!({ "default": ["reserch"] }),
        json!({ "rules": [{ "when": { "Modalitty": "CT" }, "send-to": ["archive"] }] }),
        json!({ "rules": [{ "send_to": ["archive"] }] }),
    ] {
        report.push_str(&format!("{}\n", load(&runtime, spec(config)).unwrap_err()));
    }
    expect_test::expect![[r#"
        the plugin `rules` does not load: it refuses its configuration: it has neither rules nor default destinations, so it would send nothing
        the plugin `rules` does not load: it refuses its configuration: default sends to `reserch`, which is not configured (configured: archive, research)
        the plugin `rules` does not load: it refuses its configuration: rule 1: `Modalitty` is neither an attribute keyword of PS3.6 nor a tag
        the plugin `rules` does not load: its configuration does not fit: `rules[0].send-to` is missing
    "#]].assert_eq(&report);
}

//! What a plugin was not granted it does not get: at loading, where an import tells; in the call, where only the call
//! tells. (Whom a plugin may ask by HTTP is `host/outbound`'s to know, and tested there and in `host/server`.)

use std::collections::BTreeMap;
use std::sync::Arc;

use isocenter_plugin::{Grant, PluginSpec};
use isocenter_role::Verdict;
use serde_json::json;

use crate::memory::Memory;
use crate::support::{Ask as _, component, header, load_over, passage, runtime, secrets};

/// A grant of everything.
fn everything() -> Grant {
    Grant {
        secrets: secrets(),
        state: Some(1 << 20),
        http: vec!["https://hooks.example.org".into()],
        jobs: vec!["later".into()],
        models: vec!["same".into()],
    }
}

/// Takes something from a grant.
type Take = fn(&mut Grant);

/// The guest that imports every capability.
fn guest(config: serde_json::Value, grant: Grant) -> PluginSpec {
    let mut spec = PluginSpec::new("probe", component("test/hostile.wasm"));
    spec.config = config;
    spec.grant = grant;
    // On a busy machine the wall clock would be first.
    spec.limits.wall = Some(std::time::Duration::from_secs(20));
    spec
}

#[test]
fn an_import_without_its_grant_does_not_load() {
    let runtime = runtime();
    let memory = Arc::new(Memory::default());
    let without: [(&str, Take); 7] = [
        ("secrets", |grant| grant.secrets = BTreeMap::new()),
        ("state", |grant| grant.state = None),
        ("http", |grant| grant.http = Vec::new()),
        ("jobs", |grant| grant.jobs = Vec::new()),
        ("models", |grant| grant.models = Vec::new()),
        ("another model", |grant| grant.models = vec!["unknown".into()]),
        ("nothing", |_| ()),
    ];
    let mut report = String::new();
    for (what, take) in without {
        let mut grant = everything();
        take(&mut grant);
        let loaded = load_over(&runtime, guest(json!({}), grant), memory.backing());
        let sentence = loaded.map_or_else(|error| error.to_string(), |_| "loads".into());
        report.push_str(&format!("{what}: {sentence}\n"));
    }
    expect_test::expect![[r#"
        secrets: the plugin `probe` does not load: it uses secrets, but its grant names none (grant = { secrets = ["…"] })
        state: the plugin `probe` does not load: it imports isocenter:host/state, which needs a grant (grant = { state = "16 MiB" })
        http: the plugin `probe` does not load: it imports isocenter:host/http, which needs a grant (grant = { http = ["https://…"] })
        jobs: the plugin `probe` does not load: it imports isocenter:host/jobs, which needs a grant (grant = { jobs = ["QUEUE"] })
        models: the plugin `probe` does not load: it imports isocenter:inference/models, which needs a grant (grant = { models = ["MODEL"] })
        another model: the plugin `probe` does not load: its grant names the model `unknown`, which is not configured
        nothing: loads
    "#]].assert_eq(&report);
}

#[tokio::test]
async fn a_call_beyond_the_grant_is_refused_and_says_what_is_missing() {
    let runtime = runtime();
    let memory = Arc::new(Memory::default());
    let mut report = String::new();
    for config in [
        json!({ "do": "enqueue", "queue": "others" }),
        json!({ "do": "infer", "model": "other" }),
        json!({ "do": "huge-value", "mib": 1 }),
        json!({ "do": "huge-key", "mib": 1 }),
        json!({ "do": "huge-job", "queue": "later", "mib": 1 }),
        json!({ "do": "state" }),
        json!({ "do": "enqueue", "queue": "later" }),
    ] {
        let what = format!("{config}");
        let plugin = load_over(&runtime, guest(config, everything()), memory.backing()).unwrap();
        let said = match plugin.filter(header(), passage()).await.result {
            Ok(answer) => match answer.verdict {
                Verdict::Refuse(said) => said,
                verdict => format!("{verdict:?}"),
            },
            Err(failure) => failure.to_string(),
        };
        let said: String = said.split(" (in ").next().unwrap().chars().take(200).collect();
        report.push_str(&format!("{what}: {said}\n"));
    }
    expect_test::expect![[r#"
        {"do":"enqueue","queue":"others"}: the plugin could not do its work: the queue `others` is not granted
        {"do":"infer","model":"other"}: the plugin could not do its work: the model is not configured, or not granted
        {"do":"huge-value","mib":1}: the plugin could not do its work: the state is full, its key longer than 512 bytes or its value than 64 KiB
        {"do":"huge-key","mib":1}: the plugin could not do its work: the state is full, its key longer than 512 bytes or its value than 64 KiB
        {"do":"huge-job","mib":1,"queue":"later"}: the plugin could not do its work: a payload may have 65536 bytes
        {"do":"state"}: new true, again false, over true, stale false, sum 1, keys sum versions
        {"do":"enqueue","queue":"later"}: the second is the first: true
    "#]].assert_eq(&report);
}

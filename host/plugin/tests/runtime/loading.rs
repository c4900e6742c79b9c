//! What does not load, and the sentence that says why.

use std::path::Path;

use isocenter_plugin::PluginSpec;
use isocenter_role::LimitsOverride;
use serde_json::json;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::forged;
use crate::support::{Ask as _, component, guest, load, runtime};

/// A component of some other contract: its world as text, its code all traps.
fn other_contract(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("other.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

#[test]
fn files_that_are_no_plugin() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(component("test/guest.wasm")).unwrap();
    let newer = other_contract(
        "package isocenter:filter@0.2.0;
         interface filter { apply: func() -> u32; }
         world w { export filter; }",
    );
    let wasi = other_contract(
        "package a:b;
         world w { import wasi:cli/environment@0.2.3; export run: func(); }
         package wasi:cli@0.2.3 { interface environment { arguments: func() -> u32; } }",
    );
    let stranger = other_contract("package a:b; interface run { run: func(); } world w { export run; }");
    let unchecked = other_contract(
        "package isocenter:filter@0.1.0;
         interface filter { apply: func() -> u32; }
         world w { export filter; }",
    );
    let unlike = other_contract(
        "package a:b;
         world w { export isocenter:filter/filter@0.1.0; export isocenter:plugin/lifecycle@0.1.0; }
         package isocenter:filter@0.1.0 { interface filter { apply: func() -> u32; } }
         package isocenter:plugin@0.1.0 { interface lifecycle { check: func() -> result<_, string>; } }",
    );
    let mut report = String::new();
    for (name, bytes) in [
        ("empty.wasm", &b""[..]),
        ("garbage.wasm", b"garbage"),
        ("text.wasm", b"(component)"),
        ("native.wasm", b"\x7fELF\x02\x01"),
        ("core.wasm", b"\0asm\x01\0\0\0"),
        ("future.wasm", b"\0asm\x0e\0\x01\0"),
        ("torn.wasm", good.get(..good.len() / 2).unwrap()),
        ("newer.wasm", &newer),
        ("wasi.wasm", &wasi),
        ("stranger.wasm", &stranger),
        ("unchecked.wasm", &unchecked),
        ("unlike.wasm", &unlike),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = load(&runtime, PluginSpec::new("p", &path))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        let error = error.replace(&format!("{}/", folder.path().display()), "");
        // Where it was torn changes with the guest.
        let error = error.split(": section range").next().unwrap();
        report.push_str(&format!("{error}\n"));
    }
    let absent = load(&runtime, PluginSpec::new("p", "absent.wasm")).unwrap_err();
    report.push_str(&format!("{absent}\n"));
    expect_test::expect![[r#"
        the plugin `p` does not load: empty.wasm is empty, not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: garbage.wasm is something else, not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: text.wasm is WebAssembly text (it must be compiled first), not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: native.wasm is native code, not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: core.wasm is a core module (componentize it with isocenter-plugin-build), not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: future.wasm is WebAssembly of an unknown version, not a WebAssembly component; give the one that `isocenter plugin build` wrote
        the plugin `p` does not load: torn.wasm is not a valid component: failed to parse WebAssembly module: wasm component contains an invalid module section
        the plugin `p` does not load: it was built for isocenter:filter@0.2.0, this host offers 0.1.1
        the plugin `p` does not load: it imports wasi:cli/environment@0.2.3, which this host does not offer; this host offers no WASI: build for wasm32-unknown-unknown, or with WASI stubbed
        the plugin `p` does not load: it plays no role: it exports a:b/run, but none of filter, router, study-router, analyzer, authenticator, authorizer, gate, sink, route, worker (a filter is isocenter:filter/filter@0.1.1)
        the plugin `p` does not load: it does not export isocenter:plugin/lifecycle@0.1.1, which every plugin does
        the plugin `p` does not load: its exports are not those of the contract: failed to convert function to given type: type mismatch with parameters: expected 3-tuple, found 0-tuple
        the plugin `p` does not load: absent.wasm cannot be read: No such file or directory (os error 2)
    "#]].assert_eq(&report);
}

#[test]
fn configurations_that_do_not_fit() {
    let runtime = runtime();
    let limits = |limits| PluginSpec {
        limits,
        ..guest(json!({}))
    };
    let mut without_secrets = guest(json!({}));
    without_secrets.grant.secrets.clear();
    let mut wrong_secret = guest(json!({ "check": "secret" }));
    wrong_secret.grant.secrets = std::iter::once(("other".to_owned(), isocenter_plugin::Secret::new(*b"x"))).collect();
    // Which clock ends it is the machine's business.
    let spin = load(&runtime, guest(json!({ "check": "spin" })))
        .unwrap_err()
        .to_string();
    assert!(
        spin.contains("its check failed: the plugin used more than 5000 ms of"),
        "{spin}"
    );
    let mut report = String::new();
    for spec in [
        guest(json!([1])),
        guest(json!({ "colour": 1 })),
        guest(json!({ "check": "refuse" })),
        guest(json!({ "check": "panic" })),
        guest(json!({ "check": "eat" })),
        without_secrets,
        wrong_secret,
        limits(LimitsOverride {
            memory: Some(1),
            ..LimitsOverride::default()
        }),
        limits(LimitsOverride {
            memory: Some(1 << 40),
            ..LimitsOverride::default()
        }),
        limits(LimitsOverride {
            cpu: Some(std::time::Duration::ZERO),
            ..LimitsOverride::default()
        }),
        limits(LimitsOverride {
            concurrency: Some(0),
            ..LimitsOverride::default()
        }),
        // Less than it needs to start.
        limits(LimitsOverride {
            memory: Some(1 << 20),
            ..LimitsOverride::default()
        }),
    ] {
        let answer = load(&runtime, spec).map(|_| ());
        let sentence = answer.map_or_else(|error| error.to_string(), |()| "loads".into());
        // Where in the guest it was is the compiler's business.
        report.push_str(sentence.split(" (in ").next().unwrap_or_default());
        report.push('\n');
    }
    expect_test::expect![[r#"
        the plugin `probe` does not load: its configuration must be a table, not a list
        the plugin `probe` does not load: it refuses its configuration: unknown field `colour`, expected one of `do`, `check`, `mib` at line 1 column 9
        the plugin `probe` does not load: it refuses its configuration: the probe was told to refuse
        the plugin `probe` does not load: its check failed: the plugin trapped: panicked at host/plugin/tests/guest/src/acts.rs:28: this guest panics on purpose
        the plugin `probe` does not load: its check failed: the plugin wanted more than 128 MiB of memory
        the plugin `probe` does not load: it uses secrets, but its grant names none (grant = { secrets = ["…"] })
        the plugin `probe` does not load: it uses the secret `site-key`, which its grant does not name (grant = { secrets = ["site-key"] })
        the plugin `probe` does not load: limits.memory is 1 bytes; it must be 1 MiB to 1 GiB
        the plugin `probe` does not load: limits.memory is 1099511627776 bytes; it must be 1 MiB to 1 GiB
        the plugin `probe` does not load: limits.cpu is 0 ms; it must be 10 ms to 1 h
        the plugin `probe` does not load: limits.concurrency is 0; it must be 1 to 64
        the plugin `probe` does not load: its check failed: the plugin wanted more than 1 MiB of memory
    "#]].assert_eq(&report);
}

#[test]
fn the_cache_is_private_and_heals() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let start = || {
        let options = isocenter_plugin::RuntimeOptions::new(&cache, crate::support::site_key());
        isocenter_plugin::Runtime::start(options).unwrap()
    };
    let entries = |cache: &Path| -> Vec<_> {
        std::fs::read_dir(cache)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    let spec = || {
        let mut spec = guest(json!({}));
        spec.source = component("rules.wasm");
        spec.config = json!({ "default": ["archive"] });
        spec
    };
    load(&start(), spec()).unwrap();
    assert_eq!(cache.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let [entry] = entries(&cache).try_into().unwrap();
    let whole = std::fs::read(&entry).unwrap();
    // Torn, rotten, empty: compiled again, and whole again.
    let mut rotten = whole.clone();
    *rotten.get_mut(whole.len() / 2).unwrap() ^= 1;
    for damaged in [whole.get(..100).unwrap().to_vec(), rotten, Vec::new()] {
        std::fs::write(&entry, damaged).unwrap();
        load(&start(), spec()).unwrap();
        assert_eq!(std::fs::read(&entry).unwrap().len(), whole.len());
    }
    // A folder that others may write to is not used.
    std::fs::remove_file(&entry).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    load(&start(), spec()).unwrap();
    assert!(entries(&cache).is_empty());
}

#[test]
fn roles_are_the_exports() {
    let runtime = runtime();
    let probe = load(&runtime, guest(json!({}))).unwrap();
    assert_eq!(
        probe.roles(),
        [isocenter_role::Role::Filter, isocenter_role::Role::Router]
    );
    assert_eq!(probe.digest().len(), 64);
    let mut spec = PluginSpec::new("rules", component("rules.wasm"));
    spec.config = json!({ "default": ["archive"] });
    let rules = load(&runtime, spec).unwrap();
    assert_eq!(rules.roles(), [isocenter_role::Role::Router]);
}

#[test]
fn a_manifest_is_read_and_a_broken_one_refused() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let bare = forged::polite_filter("(i32.const 2048)");
    let with = |component: &[u8], content: &str| {
        let path = folder.path().join("manifest.wasm");
        std::fs::write(&path, forged::with_manifest(component, content.as_bytes())).unwrap();
        load(&runtime, PluginSpec::new("probe", path))
    };
    let plugin = with(&bare, r#"{"name": "probe", "version": "1.2.3", "wants": {}}"#).unwrap();
    assert_eq!(plugin.manifest().unwrap().version, "1.2.3");
    let error = with(&bare, r#"{"name": 1}"#).unwrap_err().to_string();
    assert!(
        error.starts_with("the plugin `probe` does not load: its manifest is not valid: "),
        "{error}"
    );
    // Whoever adds one to a component that has one already does not have it believed.
    let signed = std::fs::read(component("test/guest.wasm")).unwrap();
    let error = with(&signed, r#"{"name": "probe", "version": "6.6.6"}"#).unwrap_err();
    expect_test::expect![[r#"the plugin `probe` does not load: its manifest is not valid: there are two of them"#]]
        .assert_eq(&error.to_string());
}

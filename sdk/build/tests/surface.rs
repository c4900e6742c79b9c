//! What the built plugins ask of the host and offer to it: a capability is an import, so an import that nobody calls
//! would be a power that nobody wanted.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use std::fmt::Write as _;
use std::path::Path;

use wit_component::DecodedWasm;

/// No plugin here is larger, in KB. Twice what they are: it is to be noticed when the standard library's formatting or
/// a table comes in by accident, not when a compiler changes.
const LARGEST: usize = 250;

fn component(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("plugins")
        .join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `make plugins` first",
        path.display()
    );
    std::fs::read(path).unwrap()
}

/// Names without their packages' namespace and version, in their order: the linker's is not always the same.
fn names<'a>(names: impl Iterator<Item = String> + 'a) -> String {
    let short = names.map(|name| {
        name.trim_start_matches("isocenter:")
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    });
    let mut short: Vec<_> = short.collect();
    short.sort();
    short.join(" ")
}

#[test]
fn a_plugin_imports_what_it_calls() {
    let mut report = String::new();
    for name in [
        "anonymize.wasm",
        "rules.wasm",
        "stamp.wasm",
        "test/filter.wasm",
        "test/router.wasm",
        "test/study-router.wasm",
        "test/analyzer.wasm",
        "test/authenticator.wasm",
        "test/authorizer.wasm",
        "test/gate.wasm",
        "test/sink.wasm",
        "test/route.wasm",
        "test/worker.wasm",
    ] {
        let bytes = component(name);
        let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes).unwrap() else {
            panic!("{name} is no component");
        };
        let world = resolve.worlds.get(world).unwrap();
        let of = |items: &[wit_parser::WorldKey]| names(items.iter().map(|key| resolve.name_world_key(key)));
        let imports: Vec<_> = world.imports.keys().cloned().collect();
        let exports: Vec<_> = world.exports.keys().cloned().collect();
        writeln!(report, "{name}: {}\n    from {}", of(&exports), of(&imports)).unwrap();
        // The dictionary of 5,000 attributes is in these two.
        let most = if matches!(name, "rules.wasm" | "stamp.wasm") {
            2 * LARGEST
        } else {
            LARGEST
        };
        assert!(bytes.len() < 1000 * most, "{name} has {} bytes", bytes.len());
    }
    expect_test::expect![[r#"
        anonymize.wasm: filter/filter plugin/lifecycle
            from dicom/edits dicom/objects dicom/types filter/passage host/config host/failure host/log host/secrets
        rules.wasm: plugin/lifecycle routing/router
            from dicom/objects dicom/types host/config host/failure host/log routing/plan
        stamp.wasm: filter/filter plugin/lifecycle
            from dicom/edits dicom/objects dicom/types filter/passage host/config host/failure host/log
        test/filter.wasm: filter/filter plugin/lifecycle
            from dicom/edits dicom/objects dicom/pixels filter/passage host/config host/failure host/log
        test/router.wasm: plugin/lifecycle routing/router
            from dicom/objects dicom/types host/config host/failure host/log routing/plan
        test/study-router.wasm: plugin/lifecycle routing/study-router
            from dicom/objects dicom/studies dicom/types host/config host/failure host/log routing/plan
        test/analyzer.wasm: inference/analyzer plugin/lifecycle
            from dicom/drafts dicom/objects dicom/studies dicom/types host/config host/failure host/log inference/models inference/results
        test/authenticator.wasm: auth/authenticator plugin/lifecycle
            from auth/evidence auth/identity host/clock host/config host/failure host/log host/metrics host/secrets host/state
        test/authorizer.wasm: auth/authorizer plugin/lifecycle
            from auth/evidence auth/identity host/config host/failure host/log
        test/gate.wasm: auth/gate plugin/lifecycle
            from auth/evidence auth/identity host/config host/failure host/log host/secrets
        test/sink.wasm: events/sink plugin/lifecycle
            from host/config host/failure host/http host/log
        test/route.wasm: http-ext/route plugin/lifecycle
            from dicom/objects host/config host/failure host/log http-ext/archive http-ext/exchange
        test/worker.wasm: filter/filter jobs/worker plugin/lifecycle
            from dicom/edits dicom/objects dicom/types filter/passage host/config host/failure host/http host/jobs host/log
    "#]].assert_eq(&report);
}

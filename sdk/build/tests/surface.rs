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

/// Names without their packages' namespace and version.
fn names<'a>(names: impl Iterator<Item = String> + 'a) -> String {
    let short = names.map(|name| {
        name.trim_start_matches("isocenter:")
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    });
    short.collect::<Vec<_>>().join(" ")
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
            from dicom/types dicom/objects dicom/edits host/failure filter/passage host/log host/config host/secrets
        rules.wasm: routing/router plugin/lifecycle
            from dicom/types dicom/objects host/failure routing/plan host/log host/config
        stamp.wasm: filter/filter plugin/lifecycle
            from dicom/types dicom/objects dicom/edits host/failure filter/passage host/log host/config
        test/filter.wasm: filter/filter plugin/lifecycle
            from dicom/objects dicom/edits host/failure filter/passage host/log host/config dicom/pixels
        test/router.wasm: routing/router plugin/lifecycle
            from dicom/types dicom/objects host/failure routing/plan host/log host/config
        test/study-router.wasm: routing/study-router plugin/lifecycle
            from dicom/types dicom/objects dicom/studies host/failure routing/plan host/log host/config
        test/analyzer.wasm: inference/analyzer plugin/lifecycle
            from dicom/types dicom/objects dicom/studies host/failure dicom/drafts inference/results host/log host/config inference/models
        test/authenticator.wasm: auth/authenticator plugin/lifecycle
            from host/failure auth/identity auth/evidence host/log host/metrics host/config host/clock host/secrets host/state
        test/authorizer.wasm: auth/authorizer plugin/lifecycle
            from host/failure auth/identity auth/evidence host/log host/config
        test/gate.wasm: auth/gate plugin/lifecycle
            from host/failure auth/identity auth/evidence host/log host/config host/secrets
        test/sink.wasm: events/sink plugin/lifecycle
            from host/failure host/log host/config host/http
        test/route.wasm: http-ext/route plugin/lifecycle
            from host/failure dicom/objects http-ext/exchange host/log host/config http-ext/archive
        test/worker.wasm: jobs/worker filter/filter plugin/lifecycle
            from host/failure dicom/types dicom/objects dicom/edits filter/passage host/log host/config host/http host/jobs
    "#]].assert_eq(&report);
}

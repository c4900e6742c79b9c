//! The layers hold (invariant I13): what a crate may import is written in ARCHITECTURE.md, and this reads the manifests.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use std::path::{Path, PathBuf};

/// The host's crates, each with those of the host it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("dicom", &[]),
    ("pixels", &["dicom"]),
    ("procedure", &["dicom"]),
    ("hl7", &["dicom", "procedure"]),
    ("archive", &["dicom", "procedure"]),
    ("dimse", &["dicom"]),
    ("outbound", &[]),
    ("native", &["native-api"]),
    ("role", &["dicom"]),
    ("plugin", &["dicom", "role"]),
    ("pipeline", &["dicom", "pixels", "archive", "dimse", "role"]),
    ("web", &["dicom", "procedure", "archive", "dimse", "role", "pipeline"]),
];

/// Libraries with one home.
const HOMES: &[(&str, &str)] = &[
    ("sqlx", "archive"),
    ("wasmtime", "plugin"),
    ("axum", "web"),
    ("libloading", "native"),
];

/// The `[dependencies]` of a crate, by the start of each line.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name)
        .join("Cargo.toml");
    let text = std::fs::read_to_string(manifest).unwrap();
    text.lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn i13_a_crate_imports_only_from_those_above_it() {
    for (name, allowed) in LAYERS {
        for dependency in dependencies(name) {
            if let Some(ours) = dependency.strip_prefix("isocenter-") {
                assert!(allowed.contains(&ours), "host/{name} must not import {dependency}");
            }
        }
    }
}

#[test]
fn i13_a_library_has_one_home() {
    for (library, home) in HOMES {
        for name in LAYERS.iter().map(|(name, _)| *name).chain(["server"]) {
            let uses = dependencies(name).iter().any(|dependency| dependency == library);
            assert_eq!(
                uses,
                name == *home,
                "{library} belongs to host/{home}; host/{name} is another matter"
            );
        }
    }
}

/// Every file of Rust in these folders and below, except in some, with its text.
fn sources(mut folders: Vec<PathBuf>, except: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!except.contains(&path)).then_some(path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

/// Who asks the index says for whom, and in the web only the layer that lets callers in can say: for everybody.
#[test]
fn i18_only_the_door_lets_a_caller_see_everything() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src");
    let door = web.join("access");
    for (path, text) in sources(vec![web], &[door]) {
        for sign in ["Within::everything()", "Within::limits("] {
            assert!(!text.contains(sign), "{sign} in {}", path.display());
        }
    }
}

/// Where `unsafe` may be: loading compiled code, loading native code, and the boundary to C.
const UNSAFE: [&str; 3] = ["host/plugin", "host/native", "plugin-api/native"];

#[test]
fn i13_unsafe_has_its_homes() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = std::fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    for lint in ["unsafe_code = \"deny\"", "undocumented_unsafe_blocks = \"warn\""] {
        assert!(manifest.contains(lint), "the workspace's lints lack {lint}");
    }
    let homes = UNSAFE.map(|home| workspace.join(home));
    let folders = ["host", "sdk", "plugins", "plugin-api"].map(|folder| workspace.join(folder));
    for (path, text) in sources(folders.into(), &homes) {
        for sign in [
            "unsafe {",
            "unsafe fn",
            "unsafe impl",
            "expect(unsafe_code",
            "allow(unsafe_code",
        ] {
            let is_here = text.contains(sign) && !path.ends_with("layers.rs");
            assert!(!is_here, "{sign} in {}", path.display());
        }
    }
}

//! What a new project begins with: the example of its role, as the documentation shows it, and a first case.
//!
//! The sources are the examples themselves, which the host's tests build and run.

use isocenter_role::Role;

/// The files of a role's project.
pub(crate) struct Template {
    pub(crate) lib: &'static str,
    pub(crate) tests: &'static str,
    pub(crate) case: &'static str,
    pub(crate) expect: &'static str,
    /// Whether the case has an object, or several as a study.
    pub(crate) objects: Objects,
}

/// What a role is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objects {
    None,
    One,
    Study,
}

macro_rules! template {
    ($folder:literal, $objects:ident) => {
        Template {
            lib: include_str!(concat!("../../../host/plugin/tests/examples/", $folder, "/lib.rs")),
            tests: include_str!(concat!("../../../host/plugin/tests/examples/", $folder, "/tests.rs")),
            case: include_str!(concat!("../templates/", $folder, ".toml")),
            expect: include_str!(concat!("../templates/", $folder, ".txt")),
            objects: Objects::$objects,
        }
    };
}

pub(crate) fn of(role: Role) -> Template {
    match role {
        Role::Filter => template!("filter", One),
        Role::Router => template!("router", One),
        Role::StudyRouter => template!("study-router", Study),
        Role::Analyzer => template!("analyzer", Study),
        Role::Authenticator => template!("authenticator", None),
        Role::Authorizer => template!("authorizer", None),
        Role::Gate => template!("gate", None),
        Role::Sink => template!("sink", None),
        Role::Route => template!("route", One),
        Role::Worker => template!("worker", None),
    }
}

/// A small CT slice in DICOM JSON, the `number`th of its series: 4 by 4 pixels of 8 bits.
pub(crate) fn object(number: u32) -> String {
    let text = |vr: &str, value: &str| serde_json::json!({ "vr": vr, "Value": [value] });
    let number_of = |value: u32| serde_json::json!({ "vr": "US", "Value": [value] });
    let object = serde_json::json!({
        "00080016": text("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00080018": text("UI", &format!("1.2.826.0.1.3680043.10.1451.9.1.{number}")),
        "00080020": text("DA", "20260102"),
        "00080060": text("CS", "CT"),
        "00081010": text("SH", "CT1"),
        "0008103E": text("LO", "Chest"),
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Test^Patient" }] },
        "00100020": text("LO", "PID-7"),
        "0020000D": text("UI", "1.2.826.0.1.3680043.10.1451.9"),
        "0020000E": text("UI", "1.2.826.0.1.3680043.10.1451.9.1"),
        "00200013": { "vr": "IS", "Value": [number] },
        "00200032": { "vr": "DS", "Value": [0, 0, number] },
        "00200037": { "vr": "DS", "Value": [1, 0, 0, 0, 1, 0] },
        "00280002": number_of(1),
        "00280004": text("CS", "MONOCHROME2"),
        "00280010": number_of(4),
        "00280011": number_of(4),
        "00280030": { "vr": "DS", "Value": [1, 1] },
        "00280100": number_of(8),
        "00280101": number_of(8),
        "00280102": number_of(7),
        "00280103": number_of(0),
        "7FE00010": { "vr": "OB", "InlineBinary": "AAECAwQFBgcICQoLDA0ODw==" },
    });
    format!("{object:#}\n")
}

/// `Cargo.toml` of a project. `sdk` is where the guest crate is, as TOML.
pub(crate) fn manifest(name: &str, sdk: &str) -> String {
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
description = "What the operator reads about this plugin"
license = "Apache-2.0"

[lib]
path = "src/lib.rs"
crate-type = ["cdylib"]

[dependencies]
isocenter = {sdk}
schemars = "1"
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"

# Small and quick to load.
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = "debuginfo"

# A project of its own, also below another.
[workspace]
"#
    )
}

/// `README.md` of a project.
pub(crate) fn readme(name: &str, role: Role) -> String {
    let run = match of(role).objects {
        Objects::None => "",
        Objects::One | Objects::Study => "isocenter plugin run FILE   # one object through it, with what changes\n",
    };
    format!(
        "# {name}\nA {role} for Isocenter.\n\n```sh\nisocenter plugin test       # the tests of the crate, then each folder of cases/ in \
         the real runtime\nisocenter plugin build      # target/plugin/{name}.wasm\n{run}isocenter plugin inspect    # roles, imports, the \
         grant that it needs\n```\n\nIn the host's configuration:\n\n```toml\n[plugins.{name}]\nsource = \"{name}.wasm\"\n# config and \
         grant as in cases/first/case.toml and as `inspect` says\n```\n",
        role = role.as_str()
    )
}

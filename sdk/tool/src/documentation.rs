//! The parts of `plugin-api/errors.md` about what `isocenter plugin …` says. A new error has no place here until it says
//! what to do.

use std::io;
use std::path::PathBuf;

use isocenter_contract::{page_says, repository, table};
use isocenter_harness::{Case, CaseError, HarnessError, ObjectError};
use isocenter_pack::{Digest, PackError};
use isocenter_plugin_build::BuildError;

use crate::ToolError;

fn says(part: &str, rows: &[[String; 2]]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    let page = repository().join("plugin-api/errors.md");
    if let Err(difference) = page_says(page, part, &table(&["said", "do"], &rows)) {
        panic!("{difference}");
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

/// `None`: the sentence is another's, below.
fn of_tool(error: &ToolError) -> Option<&'static str> {
    Some(match error {
        ToolError::File { .. } => "look at the path and its rights",
        ToolError::Exists(_) => "as it says",
        ToolError::Name(_) => "as it says",
        ToolError::NoProject(_) => "go into the project's folder, or name it with `--project`",
        ToolError::Target(_) => "as it says; with rustup, `rustup target add wasm32-unknown-unknown`",
        ToolError::Cargo(_) => "read what cargo says above it",
        ToolError::NoCargo(_) => "install Rust, and see that `cargo` is in `PATH`",
        ToolError::NoCases(_) => "as it says; `isocenter plugin new` makes one to look at",
        ToolError::NoSchema(_) => "as it says",
        ToolError::NotAsked { .. } => "as it says",
        ToolError::NotBuilt(_) => "as it says",
        ToolError::PackedAlready(_) => "as it says",
        ToolError::NoSecretKey(_) => "as it says; the public key is the other file of the pair",
        ToolError::Passphrase(..) => "as it says",
        ToolError::Untrusted(..) => "do not run it; ask its author for the key and the digest by another way",
        ToolError::OtherDigest(..) => "as it says",
        ToolError::Build(_)
        | ToolError::Pack(_)
        | ToolError::Case(_)
        | ToolError::Harness(_)
        | ToolError::Object(_)
        | ToolError::Load(_)
        | ToolError::Start(_) => return None,
    })
}

#[test]
fn what_the_tool_says() {
    let path = || PathBuf::from("edge");
    let errors = [
        ToolError::File {
            path: path(),
            error: not_found(),
        },
        ToolError::Exists(path()),
        ToolError::Name("Edge".into()),
        ToolError::NoProject(path()),
        ToolError::Target("…".into()),
        ToolError::Cargo("build"),
        ToolError::NoCargo(not_found()),
        ToolError::NoCases(path()),
        ToolError::NotAsked {
            role: isocenter_role::Role::Sink,
            object: PathBuf::from("some.dcm"),
        },
        ToolError::NoSchema(path()),
        ToolError::NotBuilt(path()),
        ToolError::PackedAlready(path()),
        ToolError::NoSecretKey(path()),
        ToolError::Passphrase(path(), "…".into()),
        ToolError::Untrusted(path(), "…".into()),
        ToolError::OtherDigest(path(), "…".into()),
    ];
    let rows: Vec<_> = errors
        .iter()
        .map(|error| [error.to_string(), of_tool(error).unwrap().to_owned()])
        .collect();
    says("table: tool", &rows);
}

#[test]
fn what_the_build_says() {
    let remedy = |error: &BuildError| match error {
        BuildError::NotAModule => "as it says; `isocenter plugin build` does it",
        BuildError::AlreadyAComponent => "use it as it is",
        BuildError::Encode(_) => "build with one version of the SDK; a module that imports WASI must be built without",
        BuildError::Schema(_) => "make the comments of `Config` shorter",
        BuildError::Manifest(_) => "export once: `isocenter::plugin!(Name: filter, worker)`",
    };
    let errors = [
        BuildError::NotAModule,
        BuildError::AlreadyAComponent,
        BuildError::Encode("…".into()),
        BuildError::Manifest("two things"),
        BuildError::Schema(70_000),
    ];
    let rows: Vec<_> = errors
        .iter()
        .map(|error| [error.to_string(), remedy(error).to_owned()])
        .collect();
    says("table: build", &rows);
}

#[test]
fn what_cases_say() {
    let path = || PathBuf::from("cases/first/case.toml");
    let of_case = |error: &CaseError| match error {
        CaseError::File { .. } => "look at the path and its rights",
        CaseError::Toml { .. } => "see [a case](../sdk/README.md#a-case)",
        CaseError::Role { .. } => "as it says",
        CaseError::Chance { .. } => "as it says",
        CaseError::Objects(_) => "make the study smaller; a case is small",
        CaseError::Object(_) => "see the next two",
    };
    let of_harness = |error: &HarnessError| match error {
        HarnessError::Role { .. } => "as it says",
        HarnessError::Needs { .. } => "put the file there",
        HarnessError::Input(_) => "see the first case of the role, as `isocenter plugin new` makes it",
        HarnessError::Start(_) | HarnessError::Load(_) | HarnessError::Object(_) => "see there",
    };
    let of_object = |error: &ObjectError| match error {
        ObjectError::File { .. } => "look at the path and its rights",
        ObjectError::Content { .. } => "give a Part 10 file, or elements in DICOM JSON (PS3.18 Annex F)",
    };
    // The parser's own words, for a key that there is not.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("case.toml"), "rol = \"filter\"\n").unwrap();
    let misspelt = Case::read(folder.path()).err().unwrap();
    let cases = [
        CaseError::File {
            path: path(),
            error: io::Error::from(io::ErrorKind::PermissionDenied),
        },
        misspelt,
        CaseError::Role {
            path: path(),
            role: "filler".into(),
        },
        CaseError::Objects(PathBuf::from("cases/first/study")),
    ];
    let harness = [
        HarnessError::Role {
            plays: "filter, sink".into(),
            first: "filter",
        },
        HarnessError::Needs {
            role: "filter",
            needs: "object.json or object.dcm",
        },
        HarnessError::Input("missing field `path`".into()),
    ];
    let object = || PathBuf::from("cases/first/object.json");
    let objects = [
        ObjectError::File {
            path: object(),
            error: not_found(),
        },
        ObjectError::Content {
            path: object(),
            why: "…".into(),
        },
    ];
    let here = folder.path().display().to_string();
    let mut rows: Vec<[String; 2]> = Vec::new();
    rows.extend(cases.iter().map(|error| {
        let said = error.to_string().replace(&here, "cases/first");
        // What keys there are, is in the page about cases.
        let said = said.split(", expected").next().unwrap_or_default().trim().to_owned();
        [said, of_case(error).to_owned()]
    }));
    rows.extend(
        harness
            .iter()
            .map(|error| [error.to_string(), of_harness(error).to_owned()]),
    );
    rows.extend(
        objects
            .iter()
            .map(|error| [error.to_string(), of_object(error).to_owned()]),
    );
    says("table: cases", &rows);
}

/// On the way: `pack`, `push` and `pull`.
#[test]
fn what_is_said_on_the_way() {
    let remedy = |error: &PackError| match error {
        PackError::File { .. } => "look at the path and its rights",
        PackError::NotPacked { .. } => "name a file that `isocenter plugin pack` wrote, or a folder with an OCI layout",
        PackError::NotAPlugin { .. } => "look at the name and the tag: something else is kept there",
        PackError::Digest { .. } => "as it says",
        PackError::TooLarge { .. } => "look at the name and the tag",
        PackError::Unknown { .. } => "name one that is there, or push it first",
        PackError::Which { .. } => "as it says",
        PackError::Unreachable { .. } | PackError::Unauthorized { .. } => "as it says",
        PackError::Status { .. } => "the registry's own words; ask who runs it",
        PackError::Protocol { .. } => "look whether a registry listens there",
        PackError::Reference(_) | PackError::Credentials(_) => "as it says",
    };
    let (from, host) = (
        || "registry.example/edge:1".to_owned(),
        || "registry.example".to_owned(),
    );
    let errors = [
        PackError::File {
            path: "edge.tar".into(),
            error: not_found(),
        },
        PackError::NotPacked {
            path: "edge.tar".into(),
            problem: "…".into(),
        },
        PackError::NotAPlugin {
            from: from(),
            problem: "…".into(),
        },
        PackError::Digest {
            from: from(),
            wanted: Digest::of(b"asked for"),
            found: Digest::of(b"something else"),
        },
        PackError::TooLarge {
            from: from(),
            what: "a layer",
            most: 64 << 20,
        },
        PackError::Unknown {
            name: "edge:2".into(),
            from: "dir:/media/stick".into(),
            known: vec!["edge:1".into()],
        },
        PackError::Which {
            from: "dir:/media/stick".into(),
            known: vec!["edge:1".into(), "stamp:3".into()],
        },
        PackError::Unreachable {
            host: host(),
            why: "…".into(),
            plain: false,
        },
        PackError::Unauthorized {
            host: host(),
            who: "nobody in particular".into(),
            what: "pull",
            repository: "edge".into(),
            known: false,
        },
        PackError::Status {
            host: host(),
            status: 500,
            why: ": …".into(),
        },
        PackError::Protocol {
            host: host(),
            problem: "…".into(),
        },
    ];
    let rows: Vec<_> = errors
        .iter()
        .map(|error| [error.to_string(), remedy(error).to_owned()])
        .collect();
    says("table: travel", &rows);
}

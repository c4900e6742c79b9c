//! The parts of `plugin-api/errors.md` about what `isocenter plugin …` says. A new error has no place here until it says
//! what to do, and is shown.

use std::io;
use std::path::PathBuf;

use isocenter_contract::{page_says, repository, sentences, table};
use isocenter_harness::{Case, CaseError, HarnessError, ObjectError};
use isocenter_pack::{CredentialsError, Digest, PackError, Reference};
use isocenter_plugin_build::BuildError;

use crate::ToolError;

fn says(part: &str, rows: &[Vec<String>]) {
    let page = repository().join("plugin-api/errors.md");
    if let Err(difference) = page_says(page, part, &table(&["said", "do"], rows)) {
        panic!("{difference}");
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
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
        ToolError::NoSdk,
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
        ToolError::SecretKey(path()),
        ToolError::Passphrase(path(), "…".into()),
        ToolError::Untrusted(path(), "…".into()),
        ToolError::OtherDigest(path(), "…".into()),
    ];
    let rows = sentences!(errors, {
        ToolError::File { .. } => "as it says",
        ToolError::Exists(_) => "as it says",
        ToolError::Name(_) => "as it says",
        ToolError::NoSdk => "as it says",
        ToolError::NoProject(_) => "go into the project's folder, or name it with `--project`",
        ToolError::Target(_) => "as it says",
        ToolError::Cargo(_) => "read what cargo says above it",
        ToolError::NoCargo(_) => "install Rust, and see that `cargo` is in `PATH`",
        ToolError::NoCases(_) => "as it says; `isocenter plugin new` makes one to look at",
        ToolError::NotAsked { .. } => "as it says",
        ToolError::NoSchema(_) => "as it says",
        ToolError::NotBuilt(_) => "as it says",
        ToolError::PackedAlready(_) => "as it says",
        ToolError::NoSecretKey(_) => "as it says; the public key is the other file of the pair",
        ToolError::SecretKey(_) => "as it says",
        ToolError::Passphrase(..) => "as it says",
        ToolError::Untrusted(..) => "as it says; until you know, do not run it",
        ToolError::OtherDigest(..) => "as it says",
    } elsewhere {
        ToolError::Build(_),
        ToolError::Pack(_),
        ToolError::Case(_),
        ToolError::Harness(_),
        ToolError::Object(_),
        ToolError::Load(_),
        ToolError::Start(_),
    });
    says("table: tool", &rows);
}

#[test]
fn what_the_build_says() {
    let errors = [
        BuildError::NotAModule,
        BuildError::AlreadyAComponent,
        BuildError::Encode("…".into()),
        BuildError::Manifest("two things"),
        BuildError::Schema(70_000),
    ];
    let rows = sentences!(errors, {
        BuildError::NotAModule => "as it says; `isocenter plugin build` does it",
        BuildError::AlreadyAComponent => "as it says",
        BuildError::Encode(_) => "as it says",
        BuildError::Schema(_) => "as it says",
        BuildError::Manifest(_) => "export once: `isocenter::plugin!(Name: filter, worker)`",
    });
    says("table: build", &rows);
}

#[test]
fn what_cases_say() {
    // The parser's own words, for a key that there is not; and for a time that is none.
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        std::fs::write(folder.path().join("case.toml"), text).unwrap();
        Case::read(folder.path()).err().unwrap()
    };
    let here = folder.path().display().to_string();
    let path = || PathBuf::from(format!("{here}/case.toml"));
    let cases = [
        CaseError::File {
            path: path(),
            error: io::Error::from(io::ErrorKind::PermissionDenied),
        },
        read("rol = \"filter\"\n"),
        read("role = \"filler\"\n"),
        read("random = \"often\"\n"),
        CaseError::Objects(PathBuf::from("cases/first/study")),
    ];
    let mut rows = sentences!(cases, {
        CaseError::File { .. } => "",
        CaseError::Toml { .. } => "[a case](../sdk/README.md#a-case)",
        CaseError::Role { .. } => "",
        CaseError::Chance { .. } => "",
        CaseError::Objects(_) => "",
    } elsewhere { CaseError::Object(_) });
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
    rows.extend(sentences!(harness, {
        HarnessError::Role { .. } => "",
        HarnessError::Needs { .. } => "",
        HarnessError::Input(_) => "",
    } elsewhere { HarnessError::Start(_), HarnessError::Load(_), HarnessError::Object(_) }));
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
    rows.extend(sentences!(objects, {
        ObjectError::File { .. } => "",
        ObjectError::Content { .. } => "",
    }));
    // As the tool says them, with what to do.
    let said = cases
        .into_iter()
        .map(ToolError::from)
        .chain(harness.into_iter().map(ToolError::from))
        .chain(objects.into_iter().map(ToolError::from));
    for (row, said) in rows.iter_mut().zip(said) {
        let said = said.to_string().replace(&here, "cases/first");
        // What keys there are, is in the page about cases.
        let said = match (said.split_once(", expected"), said.rsplit_once("; ")) {
            (Some((before, _)), Some((_, next))) => format!("{}; {next}", before.trim()),
            _ => said,
        };
        let next = match row[1].as_str() {
            "" => "as it says",
            next => next,
        };
        *row = vec![said.replace('\n', " "), next.to_owned()];
    }
    says("table: cases", &rows);
}

/// On the way: `pack`, `push` and `pull`.
#[test]
fn what_is_said_on_the_way() {
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
        PackError::Reference("edge:1".parse::<Reference>().unwrap_err()),
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
        PackError::Credentials(CredentialsError::Half(
            "ISOCENTER_REGISTRY_USER",
            "ISOCENTER_REGISTRY_PASSWORD",
        )),
        PackError::Credentials(CredentialsError::File {
            path: "/home/alice/.docker/config.json".into(),
            problem: "…".into(),
        }),
    ];
    let rows = sentences!(errors, {
        PackError::File { .. } => "as it says",
        PackError::NotPacked { .. } => "as it says",
        PackError::NotAPlugin { .. } => "as it says",
        PackError::Digest { .. } => "as it says",
        PackError::TooLarge { .. } => "as it says",
        PackError::Unknown { .. } => "as it says",
        PackError::Which { .. } => "as it says",
        PackError::Reference(_) => "as it says",
        PackError::Unreachable { .. } => "as it says",
        PackError::Unauthorized { .. } => "as it says",
        PackError::Status { .. } => "as it says",
        PackError::Protocol { .. } => "as it says",
        PackError::Credentials(CredentialsError::Half(..)) => "as it says",
        PackError::Credentials(CredentialsError::File { .. }) => "as it says",
    });
    says("table: travel", &rows);
}

//! The ten minutes of somebody who writes a plugin: a project, its tests, the component, a host that runs it.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;

use door::object::Object;
use door::{Host, ISOCENTER};

/// `isocenter plugin …` in a folder. What cargo builds is shared by the projects of this test.
fn author(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let output = Command::new(ISOCENTER)
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", shared)
        .env_remove("UPDATE_EXPECT")
        .output()
        .unwrap();
    let text = [output.stderr, output.stdout].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn fine(folder: &Path, arguments: &[&str]) -> String {
    let (fine, text) = author(folder, arguments);
    assert!(fine, "{arguments:?}: {text}");
    text
}

#[test]
fn from_nothing_to_a_filter_that_runs_in_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let said = fine(folder.path(), &["new", "--role", "filter", "edge"]);
    assert!(said.contains("cd edge"), "{said}");
    let project = folder.path().join("edge");
    let said = fine(&project, &["test"]);
    assert!(said.contains("cases: 1 ok, 0 written, 0 not as expected"), "{said}");

    // Another answer than expected is shown as a difference, and does not pass.
    let expected = project.join("cases/first/expect.txt");
    std::fs::write(&expected, "refuse: something\n").unwrap();
    let (passes, said) = author(&project, &["test"]);
    assert!(
        !passes && said.contains("-refuse: something") && said.contains("+keep"),
        "{said}"
    );

    let bright = project.join("bright.dcm");
    std::fs::write(&bright, Object::slice(1, 1, 250).file()).unwrap();
    let said = fine(&project, &["run", "bright.dcm"]);
    assert!(said.contains("quarantine: its upper edge is bright"), "{said}");
    let said = fine(&project, &["inspect"]);
    assert!(
        said.contains("roles    filter") && said.contains("isocenter:dicom/pixels"),
        "{said}"
    );

    // Small, although it carries the description of its configuration, by which a wrong one is refused with its place.
    let size = said
        .split("edge.wasm (")
        .nth(1)
        .and_then(|rest| rest.split(" KB)").next());
    assert!(size.unwrap().parse::<u32>().unwrap() <= 100, "{said}");
    // What cargo says comes before it.
    let schema = fine(&project, &["inspect", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema[schema.find('{').unwrap()..]).unwrap();
    let schema = schema.to_string();
    assert!(
        schema.contains("max-frames") && schema.contains("Objects of more frames are refused."),
        "{schema}"
    );
    let case = project.join("cases/first/case.toml");
    let good = std::fs::read_to_string(&case).unwrap();
    for (config, expected) in [
        (
            "max-framez = 1",
            "its configuration does not fit: `max-framez` is not known; there is `bright`, `max-frames`, `rows`",
        ),
        (
            "rows = \"two\"",
            "its configuration does not fit: `rows` must be a whole number",
        ),
        ("rows = -1", "its configuration does not fit: `rows` must be at least 0"),
    ] {
        std::fs::write(&case, format!("config = {{ {config} }}\n")).unwrap();
        let (passes, said) = author(&project, &["run", "bright.dcm"]);
        assert!(!passes && said.contains(expected), "{said}");
    }
    std::fs::write(&case, good).unwrap();

    // The lines that `inspect` ends with are a configuration.
    let lines = &said[said.find("[plugins.edge]").unwrap()..];
    let config = format!("{lines}\n[[chains]]\ningest = [\"edge\"]\n");
    let host = Host::start(folder.path(), &config);
    for (number, gray, stored) in [(1, 10, true), (2, 250, false)] {
        let object = Object::slice(number, 1, gray);
        let (status, answer) = host.stow(&[object.file()]);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(
            host.object(&object.study, &object.series, &object.uid).is_some(),
            stored
        );
    }

    // Where no host runs, `dev` says so and goes on.
    let empty = folder.path().join("empty.toml");
    std::fs::write(&empty, "[storage]\ndata = \"nowhere\"\n").unwrap();
    let mut dev = Command::new(ISOCENTER)
        .args(["plugin", "dev", "--config"])
        .arg(&empty)
        .current_dir(&project)
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects"),
        )
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(dev.stderr.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).find(|line| line.starts_with("isocenter: "));
    dev.kill().unwrap();
    dev.wait().unwrap();
    let said = said.unwrap();
    assert!(
        said.contains("no host runs on") && said.contains("start it with `isocenter serve`"),
        "{said}"
    );
}

#[test]
fn a_project_of_every_role_passes_its_own_tests_and_case() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = String::new();
    for role in [
        "filter",
        "router",
        "study-router",
        "analyzer",
        "authenticator",
        "authorizer",
        "gate",
        "sink",
        "route",
        "worker",
    ] {
        let name = format!("new-{role}");
        fine(folder.path(), &["new", "--role", role, &name]);
        let project = folder.path().join(&name);
        let said = fine(&project, &["test"]);
        assert!(said.contains("cases: 1 ok"), "{role}: {said}");
        let expected = std::fs::read_to_string(project.join("cases/first/expect.txt")).unwrap();
        report.push_str(&format!("{role}: {}\n", expected.trim_end().replace('\n', "\n    ")));
    }
    expect_test::expect![[r#"
        filter: keep
        router: send to research, priority 100
        study-router: send to research, priority 100
        analyzer: 50 %: the model runs
            draft: StructuredReport, 0 bytes of pixels
              (0040,A043)[0].(0008,0100) "126000"
              (0040,A043)[0].(0008,0102) "DCM"
              (0040,A043)[0].(0008,0104) "Imaging Measurement Report"
              (0040,A730)[0].(0040,A010) "CONTAINS"
              (0040,A730)[0].(0040,A040) "TEXT"
              (0040,A730)[0].(0040,A043)[0].(0008,0100) "121071"
              (0040,A730)[0].(0040,A043)[0].(0008,0102) "DCM"
              (0040,A730)[0].(0040,A043)[0].(0008,0104) "Finding"
              (0040,A730)[0].(0040,A160) "24 of 48 voxels are at least 8"
            done
            model: segment(image [1, 1, 3, 4, 4])
        authenticator: subject alice, by tokens
        authorizer: within
              (0008,0080) one of ["St Mary"]
        gate: admit
            subject CT1, by gate
              role = modality
        sink: taken
            http: POST https://hooks.example/dicom
              idempotency-key: 1
              authorization: (a secret)
              content-type: application/json
              [{"cursor":1,"data":{"object":"1.2.3.4"},"kind":"object.stored","unix-millis":1700000000001}]
        route: 200
            content-type: text/html; charset=utf-8
            <!doctype html><meta charset=utf-8><title>Studies</title><h1>Studies</h1><ul><li>20260102  </ul>
        worker: done
            http: POST https://ris.example/arrivals
              content-type: application/json
              {"study":"1.2.3"}
    "#]]
    .assert_eq(&report);
}

#[test]
fn what_goes_wrong_says_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    std::fs::write(folder.path().join("text.wasm"), "text").unwrap();
    let mut report = String::new();
    for arguments in [
        &["new", "--role", "filter", "Bad Name"][..],
        &["new", "--role", "filter", "there"],
        &["new", "--role", "filler", "other"],
        &["build"],
        &["test", "--project", "there"],
        &["inspect", "text.wasm"],
    ] {
        let (fine, said) = author(folder.path(), arguments);
        assert!(!fine, "{arguments:?}: {said}");
        let said = said.lines().next().unwrap_or_default();
        report.push_str(&format!("{}: {said}\n", arguments.join(" ")));
    }
    expect_test::expect![[r#"
        new --role filter Bad Name: isocenter: `Bad Name` cannot be a plugin's name: use lower-case letters, digits and dashes, a letter first, at most 64
        new --role filter there: isocenter: ./there is there already; choose another name, or remove it
        new --role filler other: error: invalid value 'filler' for '--role <ROLE>': there are filter, router, study-router, analyzer, authenticator, authorizer, gate, sink, route, worker
        build: isocenter: . is no plugin project: there is no Cargo.toml with a [lib] of crate-type "cdylib"; `isocenter plugin new` makes one
        test --project there: isocenter: there is no plugin project: there is no Cargo.toml with a [lib] of crate-type "cdylib"; `isocenter plugin new` makes one
        inspect text.wasm: isocenter: the plugin `text` does not load: text.wasm is something else, not a WebAssembly component
    "#]].assert_eq(&report);
}

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

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use door::object::Object;
use door::{Host, ISOCENTER};

/// `isocenter plugin …` in a folder. What cargo builds is shared by the projects of this test.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let mut command = Command::new(ISOCENTER);
    command
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", shared)
        .env_remove("UPDATE_EXPECT");
    command
}

fn author(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = [output.stderr, output.stdout].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn fine(folder: &Path, arguments: &[&str]) -> String {
    let (fine, text) = author(folder, arguments);
    assert!(fine, "{arguments:?}: {text}");
    text
}

/// The snippets of one section of `sdk/README.md`, of one kind, in their order.
fn shown(section: &str, kind: &str) -> Vec<String> {
    let page = std::fs::read_to_string(door::repository().join("sdk/README.md")).unwrap();
    let (_, section) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let fence = format!("```{kind}\n");
    let snippets = section.split(&fence).skip(1);
    snippets
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// Runs a snippet as its reader would, and answers what it says and the folder in which it ends.
fn typed(folder: &Path, snippet: &str) -> (String, PathBuf) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    let programs = Path::new(ISOCENTER).parent().unwrap().display().to_string();
    let output = Command::new("sh")
        .args(["-euc", &format!("{snippet}\npwd >&2")])
        .current_dir(folder)
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()))
        .env("CARGO_TARGET_DIR", shared)
        .env_remove("UPDATE_EXPECT")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{snippet}\n{said}{errors}");
    (said, errors.lines().last().unwrap().into())
}

/// Without the numbers, which differ from run to run.
fn without_numbers(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit() || c == '.', "")
}

/// Does what a snippet says, in a folder. Its last line runs until it is told to stop: the host does it, on ports of its own.
fn served(host: Host, folder: &Path, snippet: &str) -> Host {
    let (before, last) = snippet.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(last, "isocenter serve --config isocenter.toml");
    // It leaves the project for where the configuration is.
    let (_, at) = typed(folder, before);
    assert!(at.join("isocenter.toml").is_file(), "{}", at.display());
    host.started()
}

#[test]
fn ten_minutes_to_a_filter() {
    const SECTION: &str = "Ten minutes to a filter";
    let folder = tempfile::tempdir().unwrap();
    let [begin, own, look, start, watch] = shown(SECTION, "sh").try_into().unwrap();
    let [of_example, of_own] = shown(SECTION, "text").try_into().unwrap();
    let (said, project) = typed(folder.path(), &begin);
    assert!(said.contains("cd edge"), "{said}");
    for line in of_example.lines() {
        let line = without_numbers(line.trim_start_matches("target/plugin/"));
        assert!(without_numbers(&said).contains(&line), "{line:?} is not in\n{said}");
    }

    // Another answer than expected is shown as a difference, and does not pass.
    let expected = project.join("cases/first/expect.txt");
    std::fs::write(&expected, "refuse: something\n").unwrap();
    let (passes, said) = author(&project, &["test"]);
    assert!(
        !passes && said.contains("-refuse: something") && said.contains("+keep"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&expected).unwrap(), "refuse: something\n");
    // It is taken when it is asked for, and where nothing was expected.
    for update in [true, false] {
        let mut test = command(&project, &["test"]);
        if update {
            test.env("UPDATE_EXPECT", "1");
        } else {
            std::fs::remove_file(&expected).unwrap();
        }
        let (passes, said) = door::said(&mut test);
        assert!(
            passes && said.contains("cases: 0 ok, 1 written, 0 not as expected"),
            "{said}"
        );
        assert_eq!(std::fs::read_to_string(&expected).unwrap(), "keep\n");
    }

    std::fs::write(project.join("some.dcm"), Object::slice(1, 1, 250).file()).unwrap();
    let said = fine(&project, &["run", "some.dcm"]);
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
        let (passes, said) = author(&project, &["run", "some.dcm"]);
        assert!(!passes && said.contains(expected), "{said}");
    }
    // The reader's own filter, as the page has it.
    let [source] = shown(SECTION, "rust").try_into().unwrap();
    std::fs::write(project.join("src/lib.rs"), source).unwrap();
    std::fs::write(&case, shown(SECTION, "toml case").concat()).unwrap();
    let (said, _) = typed(&project, &own);
    assert!(said.ends_with(&of_own), "{said}");
    let (said, _) = typed(&project, &look);
    assert!(
        said.contains("001.dcm  [filter: ") && said.contains("(0008,0080)") && said.contains("\"St Mary\""),
        "{said}"
    );

    // The lines that `inspect` ends with are a configuration, and the page's is a whole one.
    let lines = &said[said.find("[plugins.edge]").unwrap()..];
    assert!(lines.contains("\n# digest = \"blake3:"), "{lines}");
    let shown_whole = shown(SECTION, "toml").concat();
    let (_, chains) = shown_whole.split_once("\nconfig").unwrap();
    let (well, said) =
        door::said(&mut Host::prepare(folder.path(), &format!("{lines}config{chains}")).command("check"));
    assert!(well, "{said}");
    let host = served(Host::prepare(folder.path(), &shown_whole), &project, &start);
    // Its ports are others than those of the page.
    let ports = format!("export ISOCENTER_DICOM_LISTEN=127.0.0.1:{}\n", host.dicom.port());
    let watch = watch.replace("127.0.0.1:8080", &host.http.to_string());
    let (said, _) = typed(folder.path(), &format!("{ports}{watch}"));
    assert!(said.contains("edge") && said.contains("keep"), "{said}");
    let found = said.lines().last().unwrap();
    let found: serde_json::Value = serde_json::from_str(found).unwrap();
    assert_eq!(found[0]["00080080"]["Value"][0], "St Mary", "{found}");

    develop(&host, &project);

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

/// `dev`, while the filter is worked on: what does not build or load is said and the host goes on; what loads is at work.
fn develop(host: &Host, project: &Path) {
    let source = project.join("src/lib.rs");
    let good = std::fs::read_to_string(&source).unwrap();
    let config = project.with_file_name("isocenter.toml");
    let mut dev = command(project, &["dev", "--config", config.to_str().unwrap()])
        .env("ISOCENTER_DATA", &host.data)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let outputs: [Box<dyn Read + Send>; 2] = [
        Box::new(dev.stdout.take().unwrap()),
        Box::new(dev.stderr.take().unwrap()),
    ];
    for output in outputs {
        let tell = tell.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.all(|line| tell.send(line).is_ok())
        });
    }
    let hears = |wanted: &str| {
        let mut heard = String::new();
        while !heard.contains(wanted) {
            match told.recv_timeout(Duration::from_secs(180)) {
                Ok(line) => heard.push_str(&format!("{line}\n")),
                Err(error) => panic!("{wanted:?} is not said ({error}):\n{heard}"),
            }
        }
    };
    let stored = |number: u32| {
        let object = Object::slice(number, 1, 10);
        assert_eq!(host.stow(&[object.file()]).0, 200);
        let stored = host.object(&object.study, &object.series, &object.uid).unwrap();
        stored.windows(7).any(|bytes| bytes == b"St Luke")
    };
    hears("reloaded: ");
    hears("waiting for a change");
    assert!(!stored(11));

    std::fs::write(&source, format!("{good}\nthis is no Rust\n")).unwrap();
    hears("isocenter: `cargo build` did not succeed; its messages are above");
    assert!(!stored(12));

    let edits = good.replacen("&config.institution", "\"St Luke\"", 1);
    assert_ne!(edits, good);
    std::fs::write(&source, &edits).unwrap();
    hears("reloaded: ");
    assert!(stored(13));

    let refuses = "fn check(_: &Config) -> Result<()> {\n        Err(isocenter::Error::never(\"not today\"))\n    }\n\n    fn apply(";
    std::fs::write(&source, good.replacen("fn apply(", refuses, 1)).unwrap();
    hears("it refuses its configuration: not today");
    assert!(stored(14));

    std::fs::write(&source, &good).unwrap();
    hears("reloaded: ");
    assert!(!stored(15));
    dev.kill().unwrap();
    dev.wait().unwrap();
}

#[test]
fn ten_minutes_to_a_sink() {
    const SECTION: &str = "Ten minutes to a sink";
    let folder = tempfile::tempdir().unwrap();
    let [begin, start, listen, send] = shown(SECTION, "sh").try_into().unwrap();
    let (said, project) = typed(folder.path(), &begin);
    assert!(said.contains("cases: 1 ok, 0 written, 0 not as expected"), "{said}");
    assert_eq!(project.file_name().unwrap(), "hook");
    let said = fine(&project, &["inspect"]);
    assert!(
        said.contains("\ngrant = { ") && said.contains("http = [") && said.contains("secrets = ["),
        "{said}"
    );

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let config = shown(SECTION, "toml").concat().replace("127.0.0.1:9000", &address);
    let mut host = Host::prepare(folder.path(), &config);
    host.environment = vec![("WEBHOOK_TOKEN", "a secret of yours".into())];
    let host = served(host, &project, &start);

    let object = Object::ct(9, 1, 16);
    assert_eq!(host.send_one(&object), 0);
    let (head, body) = taken(&host, &server);
    assert!(head.starts_with("POST /dicom HTTP/1.1\r\n"), "{head}");
    assert!(
        head.to_lowercase()
            .contains("\r\nauthorization: bearer a secret of yours\r\n"),
        "{head}"
    );
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told[0]["kind"], "object.stored");
    assert_eq!(told[0]["data"]["object"], *object.uid);
    assert_eq!(told.as_array().unwrap().len(), 1);

    // The page's own listener hears of what is stored then.
    drop(server);
    let [listener] = shown(SECTION, "python").try_into().unwrap();
    let port = address.rsplit(':').next().unwrap();
    std::fs::write(folder.path().join("listen.py"), listener.replace("9000", port)).unwrap();
    let mut listening = Command::new("sh")
        .args(["-euc", &format!("exec timeout 60 {listen}")])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ports = format!("export ISOCENTER_DICOM_LISTEN=127.0.0.1:{}\n", host.dicom.port());
    typed(folder.path(), &format!("{ports}{send}"));
    let mut heard = BufReader::new(listening.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let heard = heard.find(|line| line.contains("object.stored"));
    listening.kill().unwrap();
    listening.wait().unwrap();
    assert!(heard.is_some(), "the listener heard of no object");
}

/// One request to a server that says 204: its head and its body.
fn taken(host: &Host, server: &TcpListener) -> (String, Vec<u8>) {
    let mut connection = None;
    server.set_nonblocking(true).unwrap();
    host.eventually("somebody posts", |_| {
        connection = server.accept().ok();
        connection.is_some()
    });
    let (mut connection, _) = connection.unwrap();
    connection.set_nonblocking(false).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = connection.read(&mut piece).unwrap();
        request.extend_from_slice(&piece[..length]);
        assert!(length > 0, "{}", String::from_utf8_lossy(&request));
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end + 2]).into_owned();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut length = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.next().unwrap().1.parse().unwrap();
        if request.len() >= end + 4 + length {
            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            return (head, request.split_off(end + 4));
        }
    }
}

#[test]
fn a_project_of_every_role_passes_its_own_tests_and_case() {
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("some.dcm").display().to_string();
    std::fs::write(&object, Object::slice(1, 1, 250).file()).unwrap();
    let (mut report, mut refused) = (String::new(), String::new());
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
        let (taken, said) = author(&project, &["run", &object]);
        let asked = said.contains("is not asked about objects");
        assert_ne!(taken, asked, "{role}: {said}");
        let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
        assert_eq!(readme.contains("plugin run FILE"), taken, "{role}");
        if asked {
            let said = said.lines().find(|line| line.starts_with("isocenter: "));
            let said = said.unwrap().replace(&object, "some.dcm");
            refused.push_str(&format!("{said}\n"));
        }
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
            <!doctype html><meta charset=utf-8><title>Studies</title><h1>Studies</h1><ul><li>20260102 Test^Patient </ul>
        worker: done
            http: POST https://ris.example/arrivals
              content-type: application/json
              {"study":"1.2.3"}
    "#]]
    .assert_eq(&report);
    expect_test::expect![[r#"
        isocenter: some.dcm was not put through it: the role authenticator is not asked about objects; write what it is asked under [input] of cases/first/case.toml, and ask it with `isocenter plugin test`
        isocenter: some.dcm was not put through it: the role authorizer is not asked about objects; write what it is asked under [input] of cases/first/case.toml, and ask it with `isocenter plugin test`
        isocenter: some.dcm was not put through it: the role gate is not asked about objects; write what it is asked under [input] of cases/first/case.toml, and ask it with `isocenter plugin test`
        isocenter: some.dcm was not put through it: the role sink is not asked about objects; write what it is asked under [input] of cases/first/case.toml, and ask it with `isocenter plugin test`
        isocenter: some.dcm was not put through it: the role worker is not asked about objects; write what it is asked under [input] of cases/first/case.toml, and ask it with `isocenter plugin test`
    "#]]
    .assert_eq(&refused);
}

/// Each as somebody has it who copied it out of the repository; and its page's configuration, in which a host loads it.
#[test]
fn the_worked_examples_pass_their_tests_and_cases() {
    let examples = door::repository().join("sdk/examples/rust");
    let page = std::fs::read_to_string(examples.join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&examples)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["hours", "morph", "notify", "summary", "worklist-router"]);
    for name in &names {
        let project = folder.path().join(name);
        copy(&examples.join(name), &project);
        let manifest = std::fs::read_to_string(project.join("Cargo.toml")).unwrap();
        let sdk = door::repository().join("sdk").display().to_string();
        let here = manifest.replace(r#"path = "../../..""#, &format!("path = {sdk:?}"));
        assert_ne!(manifest, here, "{name}");
        std::fs::write(project.join("Cargo.toml"), here).unwrap();
        if !project.join("Cargo.lock").exists() {
            std::fs::copy(door::repository().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
        }
        let said = fine(&project, &["test"]);
        assert!(said.contains(" ok, 0 written, 0 not as expected"), "{name}: {said}");

        let (_, section) = page.split_once(&format!("\n## {name}\n")).unwrap();
        let (_, config) = section.split_once("```toml\n").unwrap();
        let (config, _) = config.split_once("```").unwrap();
        let config = config.replace(
            &format!("\"{name}.wasm\""),
            &format!("{:?}", project.join(format!("target/plugin/{name}.wasm"))),
        );
        let (fine, said) = door::said(
            door::Host::prepare(&project, &config)
                .command("check")
                .env("SLACK_TOKEN", "a token for tests"),
        );
        assert!(fine, "{name}: {said}");
    }
}

/// A folder without what was built in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if !from.is_dir() {
            std::fs::copy(from, to).unwrap();
        } else if entry.file_name() != "target" {
            copy(&from, &to);
        }
    }
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
        &["new", "--role", "filter", "--sdk", "there", "other"],
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
        new --role filter --sdk there other: isocenter: the guest crate is not there: it is in no registry yet, and a project takes it from a checkout of this repository; name the checkout's folder `sdk` with `--sdk DIR`
        build: isocenter: . is no plugin project: there is no Cargo.toml with a [lib] of crate-type "cdylib"; `isocenter plugin new` makes one
        test --project there: isocenter: there is no plugin project: there is no Cargo.toml with a [lib] of crate-type "cdylib"; `isocenter plugin new` makes one
        inspect text.wasm: isocenter: the plugin `text` does not load: text.wasm is something else, not a WebAssembly component; give the one that `isocenter plugin build` wrote
    "#]].assert_eq(&report);
}

//! Cases of the examples, in the runtime: each answers in lines, with what it did.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use isocenter_role::Role;
use serde_json::json;

use crate::{Case, Harness};

/// A component that `make plugins` built.
fn component(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    let path = target.join(format!("plugins/test/{name}.wasm"));
    assert!(
        path.is_file(),
        "{} is not there: run `make plugins` first",
        path.display()
    );
    path
}

async fn told(name: &str, write: impl FnOnce(&Path), change: impl FnOnce(&mut Case)) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let mut case = Case::read(folder.path()).unwrap();
    change(&mut case);
    let harness = Harness::start(&component(name), &folder.path().join("cache")).unwrap();
    harness
        .run(&case)
        .await
        .map_or_else(|error| error.to_string(), |ran| ran.text)
}

fn object(folder: &Path) {
    let object = json!({
        "00080018": { "vr": "UI", "Value": ["1.2.3.4"] },
        "00080060": { "vr": "CS", "Value": ["CT"] },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^Jane" }] },
        "0020000D": { "vr": "UI", "Value": ["1.2.3"] },
        "0020000E": { "vr": "UI", "Value": ["1.2.3.1"] },
    });
    std::fs::write(folder.join("object.json"), object.to_string()).unwrap();
}

#[tokio::test]
async fn edits_are_shown_as_what_they_change() {
    let text = told("guest", object, |case| {
        case.role = Some(Role::Filter);
        case.config = json!({ "do": "edits" });
        case.secrets = [("site-key".to_owned(), "a key".to_owned())].into();
    })
    .await;
    expect_test::expect![[r#"
        keep
        ~ (0008,0018) "1.2.3.4" -> "2.25.262776502439378372011968137737231795190"
        ~ (0010,0010) "Doe^Jane" -> ""
        + (0010,0020) "new"
        + (0012,0064) "1 items"
        ~ (0020,000D) "1.2.3" -> "2.25.95043801429000204781955665371063687247"
        ~ (0020,000E) "1.2.3.1" -> "2.25.25041927365708650017598422079550437763"
        + (0020,4000) "2.25.166053569926743696541850923065391422348"
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn what_it_asks_others_and_leaves_behind_is_told() {
    let text = told(
        "worker",
        |folder| {
            object(folder);
            let case = "role = \"filter\"\njobs = [\"arrivals\"]\nconfig = { url = \"https://ris.example\" }\n";
            std::fs::write(folder.join("case.toml"), case).unwrap();
        },
        |_| (),
    )
    .await;
    expect_test::expect![[r#"
        keep
        job: arrivals key=1.2.3 in 900 s: {"study":"1.2.3"}
    "#]]
    .assert_eq(&text);
    let case = "config = { url = \"https://hooks.example\" }\nsecrets = { webhook = \"hunter2\" }\n\
                [[http]]\nurl = \"https://hooks.example\"\nstatus = 503\n\
                [[input.events]]\nkind = \"object.stored\"\ndata = { object = \"1.2.3\" }\n";
    let write = |folder: &Path| std::fs::write(folder.join("case.toml"), case).unwrap();
    expect_test::expect![[r#"
        failed (after): the plugin asks to be tried again in 10 s: the server answered 503
        http: POST https://hooks.example
          idempotency-key: 1
          authorization: (a secret)
          content-type: application/json
          [{"cursor":1,"data":{"object":"1.2.3"},"kind":"object.stored","unix-millis":1700000000001}]
    "#]]
    .assert_eq(&told("sink", write, |_| ()).await);
}

#[tokio::test]
async fn time_and_chance_are_what_the_case_says() {
    let mut report = Vec::new();
    for case in [
        "",
        "",
        "random = 7\n[clock]\nnow = 2030-12-31T23:59:59.5+01:00",
        "random = \"system\"\nclock = { now = \"system\" }",
    ] {
        let write = |folder: &Path| {
            object(folder);
            let case = format!("role = \"filter\"\nconfig = {{ do = \"chance\" }}\n{case}");
            std::fs::write(folder.join("case.toml"), case).unwrap();
        };
        report.push(
            told("guest", write, |case| {
                case.secrets = [("site-key".into(), "a key".into())].into()
            })
            .await,
        );
    }
    let others = report.pop().unwrap();
    // The time, how far the other clock went between two looks, and what was drawn twice.
    assert!(
        report[0].starts_with("refuse: 1767323045000 1000000 [["),
        "{}",
        report[0]
    );
    assert_eq!(report[0], report[1]);
    assert!(
        report[2].starts_with("refuse: 1924988399500 1000000 [["),
        "{}",
        report[2]
    );
    assert_ne!(report[0].split("[[").nth(1), report[2].split("[[").nth(1));
    assert!(!report.contains(&others), "{others}");

    for (case, expected) in [
        (
            "clock = { now = \"yesterday\" }",
            "clock.now is `yesterday`; write a date and time with its offset",
        ),
        ("[clock]\nnow = 2026-01-02", "clock.now is `2026-01-02`; write"),
        (
            "random = \"dice\"",
            "random is `dice`; write a whole number as its seed, or \"system\"",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("case.toml"), case).unwrap();
        let error = Case::read(folder.path()).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_case_that_does_not_fit_says_what_would() {
    let mut report = String::new();
    for (name, case) in [
        ("worker", ""),
        ("router", ""),
        ("router", "role = \"filter\""),
        (
            "gate",
            "config = { called-ae = \"A\", peers = {} }\nsecrets = { gate-key = \"k\" }\ninput = { colour = 1 }",
        ),
    ] {
        let write = |folder: &Path| std::fs::write(folder.join("case.toml"), case).unwrap();
        report.push_str(&format!("{name}: {}\n", told(name, write, |_| ()).await));
    }
    let folder = tempfile::tempdir().unwrap();
    for case in ["role = \"filler\"", "colour = 1"] {
        std::fs::write(folder.path().join("case.toml"), case).unwrap();
        let error = Case::read(folder.path()).err().unwrap().to_string();
        report.push_str(&error.replace(&folder.path().display().to_string(), ""));
        report.push('\n');
    }
    expect_test::expect![[r#"
        worker: the plugin `plugin` does not load: it refuses its configuration: missing field `url` at line 1 column 2
        router: the plugin `plugin` does not load: it refuses its configuration: missing field `rooms` at line 1 column 2
        router: the plugin `plugin` does not load: it refuses its configuration: missing field `rooms` at line 1 column 2
        gate: [input] of the case: unknown field `colour`, expected one of `calling-ae`, `called-ae`, `peer`, `certificate-subject`, `username`, `passcode`, `abstract-syntaxes`
        /case.toml: there is no role `filler`; there are filter, router, study-router, analyzer, authenticator, authorizer, gate, sink, route, worker
        /case.toml: line 1: unknown field `colour`, expected one of `role`, `config`, `secrets`, `state`, `http`, `jobs`, `models`, `destinations`, `passage`, `clock`, `random`, `input`
    "#]].assert_eq(&report);
}

/// What the documentation shows as a case is one.
#[test]
fn documented_cases_are_read() {
    let shown = isocenter_contract::snippets("toml case").unwrap();
    assert!(!shown.is_empty());
    for snippet in shown {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("case.toml"), &snippet.text).unwrap();
        if let Err(error) = Case::read(folder.path()) {
            panic!("{}:{}: {error}", snippet.page, snippet.line);
        }
    }
}

#[tokio::test]
async fn answers_come_in_their_order_by_method_with_headers_or_not_at_all() {
    let answers = |toml: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("case.toml"), toml).unwrap();
        Case::read(folder.path())
    };
    let case = answers(
        r#"
        [[http]]
        url = "https://a.example/"
        status = 503
        headers = { retry-after = "7" }
        [[http]]
        url = "https://a.example/"
        method = "post"
        body = "taken"
        [[http]]
        url = "https://a.example/"
        fails = "timeout"
        "#,
    )
    .unwrap();
    let world = Arc::new(crate::world::World::new(&case));
    let outbound = crate::world::backing(&world).outbound.unwrap();
    let client = outbound.client("plugin", &[]).unwrap();
    let mut told = Vec::new();
    for method in ["GET", "GET", "GET"] {
        let request = isocenter_role::backing::OutboundRequest {
            method: method.into(),
            url: "https://a.example/".into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: std::time::Duration::from_secs(1),
            dry: false,
        };
        told.push(match client.send(request).await {
            Ok(answer) => format!("{} {:?}", answer.status(), answer.headers()),
            Err(trouble) => format!("{trouble:?}"),
        });
    }
    assert_eq!(told, [r#"503 [("retry-after", "7")]"#, "Timeout", "Timeout"]);
    let refused = answers("[[http]]\nurl = \"https://a.example/\"\nfails = \"maybe\"\n");
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("line 3"), "{error}");
}

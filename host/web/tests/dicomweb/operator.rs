//! The operator's socket, and what is decided by the API.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use isocenter_archive::index::{EditList, NewOutcome};
use isocenter_dicom::uid::Uid;
use isocenter_pipeline::Set;
use isocenter_role::{Authenticator, Call, Cost, Credentials, Identity, Outcome, Part, State};
use isocenter_web::{Connections, OperatorSocket};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::host::Host;

/// Knows nobody.
struct Nobody;

impl Part for Nobody {
    fn name(&self) -> &str {
        "nobody"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Authenticator for Nobody {
    fn authenticate(self: Arc<Self>, _: Arc<Credentials>) -> Call<'static, Option<Identity>> {
        Box::pin(async {
            Outcome {
                result: Ok(None),
                cost: Cost::default(),
            }
        })
    }
}

/// Status and body of one request over the socket.
async fn ask(socket: &Path, method: &str, path: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_socket_leads_to_the_api_alone_and_asks_nobody() {
    let host = Host::of(Set {
        authenticators: vec![Arc::new(Nobody)],
        ..Set::default()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    // What an earlier host left when it was killed is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let socket = OperatorSocket::bind(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = host.router.clone();
    let serving = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        socket.serve(router, stopped, Connections::default()).await;
    });
    let (status, body) = ask(&path, "GET", "/api/about").await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"ae_title\":\"TEST\""), "{body}");
    assert_eq!(ask(&path, "GET", "/metrics").await.0, 200);
    for elsewhere in ["/", "/dicom-web/studies", "/dicom-web/studies/1.2.3", "/nowhere"] {
        assert_eq!(ask(&path, "GET", elsewhere).await.0, 403, "{elsewhere}");
    }
    assert_eq!(ask(&path, "POST", "/dicom-web/studies").await.0, 403);
    let (status, body) = ask(&path, "POST", "/api/dead-letters/7/retry").await;
    assert_eq!(
        (status, body.as_str()),
        (404, "{\"error\":\"there is no dead letter 7\"}")
    );
    assert_eq!(ask(&path, "POST", "/api/parked/x/discard").await.0, 400);
    assert_eq!(
        ask(&path, "GET", "/api/quarantine/decided").await,
        (200, "[]".to_owned())
    );
    let long = "x".repeat(501);
    for (reason, status) in [("not+for+us", 404), ("two%0Alines", 400), (&*long, 400)] {
        let discard = format!("/api/quarantine/7/discard?reason={reason}");
        assert_eq!(ask(&path, "POST", &discard).await.0, status, "{reason}");
    }
    assert_eq!(ask(&path, "POST", "/api/reload").await.0, 501);
    // The same by TCP, without a name.
    assert_eq!(host.get("/api/about").await.status, StatusCode::UNAUTHORIZED);
    drop(stop);
    serving.await.unwrap();
    assert!(!path.exists());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_decides_nothing() {
    let host = Host::start().await;
    for (name, value, status) in [
        ("origin", "http://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "127.0.0.1:8080", StatusCode::NOT_FOUND),
    ] {
        let request = Request::post("/api/parked/1/discard").header(name, value);
        let answer = host.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{name}: {value}: {}", answer.text());
    }
    host.stop().await;
}

fn outcome(plugin: &str, object: &str, failed: bool) -> NewOutcome {
    let mut edits = EditList::default();
    edits.add("remove (0010,0010)");
    NewOutcome {
        at: SystemTime::now(),
        plugin: plugin.to_owned(),
        digest: "d".repeat(64),
        role: "filter",
        chain: Some("research".to_owned()),
        shadow: false,
        study: Some(Uid::parse("1.2").unwrap()),
        object: Some(Uid::parse(object).unwrap()),
        outcome: if failed { "trap" } else { "keep" },
        failed,
        edits: if failed { EditList::default() } else { edits },
        cpu: Duration::from_micros(150),
        wall: Duration::from_micros(300),
        queue: Duration::ZERO,
        peak_memory: 1 << 20,
        reason: failed.then(|| "unreachable".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_found_by_object_and_plugin_with_their_edits() {
    let host = Host::start().await;
    let outcomes = [
        outcome("anonymize", "1.2.3", false),
        outcome("stamp", "1.2.3", true),
        outcome("stamp", "1.2.4", false),
    ];
    host.archive.index().record_outcomes(&outcomes).await.unwrap();
    let count = |answer: Value| answer.as_array().unwrap().len();
    let of_object = host.get("/api/outcomes?object=1.2.3").await.json();
    assert_eq!(count(of_object.clone()), 2, "{of_object}");
    let kept = of_object
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["failed"] == false);
    let kept = kept.unwrap();
    assert_eq!((&kept["plugin"], &kept["edits"]), (&"anonymize".into(), &1.into()));
    assert_eq!(kept["cpu_us"], 150);
    let list = kept["edit_list"].as_str().unwrap();
    let edits = host.get(&format!("/api/edits/{list}")).await.json();
    assert_eq!(edits["edits"], serde_json::json!(["remove (0010,0010)"]));
    assert_eq!(count(host.get("/api/outcomes?plugin=stamp").await.json()), 2);
    assert_eq!(count(host.get("/api/outcomes?plugin=stamp&failed").await.json()), 1);
    assert_eq!(count(host.get("/api/outcomes?failed").await.json()), 1);
    assert_eq!(count(host.get("/api/outcomes?object=1.2.3&study=1.9").await.json()), 0);
    for wrong in ["", "?object=x", "?object=1.2&plugin=a", "?failed&before=x"] {
        let answer = host.get(&format!("/api/outcomes{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
    }
    assert_eq!(host.get("/api/edits/xyz").await.status, StatusCode::BAD_REQUEST);
    let unknown = format!("/api/edits/{}", "0".repeat(64));
    assert_eq!(host.get(&unknown).await.status, StatusCode::NOT_FOUND);
    host.stop().await;
}

//! The example of each role, in its sandbox: what it imports is granted, its answers arrive.

use std::collections::BTreeMap;
use std::sync::Arc;

use isocenter_dicom::tags;
use isocenter_plugin::{Grant, PluginSpec, Runtime, Secret, WasmPlugin};
use isocenter_role::{
    Access, Action, Analyzer, Applicant, Authenticator, Authorizer, Credentials, Decision, DraftKind, Event, Filter,
    Gate, GateRejection, Identity, Limit, Next, OpenObject, Part as _, Piece, Plugin as _, Request, Role, Route,
    Router, Sink, StudyRouter, Verdict, Worker,
};
use serde_json::json;

use crate::memory::{Archive, Gray, Headers, Memory, NoBody};
use crate::support::{component, element, header, header_of, load_over, passage, runtime};

fn example(name: &str, config: serde_json::Value) -> (Arc<Memory>, Runtime, Arc<WasmPlugin>) {
    let memory = Arc::new(Memory::default());
    let runtime = runtime();
    let secret = |name: &str| (name.to_owned(), Secret::new(*b"a key for tests"));
    let mut spec = PluginSpec::new(name, component(&format!("test/{name}.wasm")));
    spec.config = config;
    spec.grant = Grant {
        secrets: BTreeMap::from(["token-key", "gate-key", "webhook"].map(secret)),
        state: Some(1 << 20),
        http: vec!["https://hooks.example.org".into()],
        jobs: vec!["arrivals".into()],
        models: vec!["same".into()],
    };
    // On a busy machine the wall clock would be first.
    spec.limits.wall = Some(std::time::Duration::from_secs(20));
    let plugin = load_over(&runtime, spec, memory.backing()).unwrap();
    assert_eq!(plugin.manifest().unwrap().name, name);
    assert_eq!(plugin.manifest().unwrap().description, "An example of each role");
    (memory, runtime, plugin)
}

fn study() -> Arc<Headers> {
    let object = |series: &[u8], number: &[u8]| {
        header_of(&[
            element(0x0008, 0x0018, b"UI", number),
            element(0x0008, 0x103E, b"LO", b"T1"),
            element(0x0020, 0x000D, b"UI", b"1.2.3"),
            element(0x0020, 0x000E, b"UI", series),
        ])
    };
    Headers::of(
        "1.2.3",
        vec![object(b"1", b"1.1"), object(b"2", b"2.1"), object(b"2", b"2.2")],
    )
}

#[tokio::test]
async fn filter() {
    let (_, _runtime, plugin) = example("filter", json!({ "max-frames": 2, "rows": 2, "bright": 10 }));
    assert!(plugin.wants_pixels());
    let mut verdicts = Vec::new();
    for frames in [vec![vec![0; 64]], vec![vec![255; 64]], vec![vec![0; 64]; 3]] {
        let gray = Gray {
            rows: 8,
            columns: 8,
            frames,
        };
        let object = OpenObject {
            header: header(),
            frames: Some(Arc::new(gray)),
        };
        let outcome = plugin.clone().filter(object, Arc::new(passage())).await;
        verdicts.push(outcome.result.unwrap().verdict);
    }
    assert_eq!(
        verdicts,
        [
            Verdict::Keep,
            Verdict::Quarantine("its upper edge is bright, as burned-in text is".into()),
            Verdict::Refuse("3 frames are more than 2 allowed here".into()),
        ]
    );
}

#[tokio::test]
async fn router() {
    let (_, _runtime, plugin) = example("router", json!({ "rooms": { "CT": "research" } }));
    let plan = plugin.route(OpenObject::header(header())).await.result.unwrap();
    assert_eq!(plan.first().unwrap().destination, "research");
}

#[tokio::test]
async fn study_router() {
    let config = json!({ "min-series": 2, "last-series": "T1", "send-to": "research" });
    let (_, _runtime, plugin) = example("study-router", config);
    let plan = plugin.clone().route_study(study()).await.result.unwrap();
    assert_eq!(plan.first().unwrap().destination, "research");
    let plan = plugin.route_study(Headers::of("1.2.3", vec![header()])).await;
    assert_eq!(plan.result.unwrap(), []);
}

#[tokio::test]
async fn analyzer() {
    let config = json!({ "model": "same", "threshold": 2, "wait-seconds": 9 });
    let (_, _runtime, plugin) = example("analyzer", config);
    let first = plugin.clone().start(study()).await.result.unwrap();
    let Next::Wait(token, pause) = first.next else {
        panic!("{first:?}")
    };
    assert_eq!((pause.as_secs(), first.drafts.len()), (9, 0));
    let last = plugin.resume(token, study()).await.result.unwrap();
    assert_eq!(last.next, Next::Done);
    let [report] = last.drafts.as_slice() else {
        panic!("{last:?}")
    };
    assert_eq!(report.kind, DraftKind::StructuredReport);
    assert_eq!(report.sources.len(), 1);
    let finding = report.elements.last().unwrap();
    assert!(format!("{finding:?}").contains("Tag(0x0040, 0xA160)"), "{finding:?}");
    assert_eq!(last.progress, Some((50, "the model runs".into())));
}

#[tokio::test]
async fn authenticator() {
    let (_, _runtime, plugin) = example("authenticator", json!({ "tries": 2 }));
    let ask = async |token: &str| {
        let credentials = Credentials {
            headers: vec![("authorization".into(), format!("Bearer {token}"))],
            peer: Some("10.0.0.1".parse().unwrap()),
            ..Credentials::default()
        };
        let known = plugin.clone().authenticate(Arc::new(credentials)).await.result.unwrap();
        known.map(|identity| identity.subject)
    };
    // HMAC-SHA-256 under `a key for tests`.
    let good = "alice.9999999999.1184781fb5bd4657c374b4fa5dc1a6d4627f48958867a28786bc061a41198b1f";
    assert_eq!(ask(good).await.as_deref(), Some("alice"));
    assert_eq!(ask("alice.9999999999.00").await, None);
    assert_eq!(ask(good).await.as_deref(), Some("alice"));
    assert_eq!(ask("alice.9999999999.01").await, None);
    assert_eq!(ask(good).await, None);
}

#[tokio::test]
async fn authorizer() {
    let (_, _runtime, plugin) = example("authorizer", json!({}));
    let reader = Identity {
        subject: "bob".into(),
        claims: vec![
            ("role".into(), "reader".into()),
            ("institution".into(), "St Mary".into()),
        ],
        ..Identity::default()
    };
    for (action, expected) in [
        (
            Action::Search,
            Decision::Within(vec![Limit {
                tag: tags::INSTITUTION_NAME,
                one_of: vec!["St Mary".into()],
            }]),
        ),
        (Action::Admin, Decision::Deny("`bob` has no claim to admin".into())),
    ] {
        let access = Access {
            action,
            study: None,
            attributes: Vec::new(),
        };
        let decision = plugin.clone().authorize(Arc::new(reader.clone()), access).await;
        assert_eq!(decision.result.unwrap(), expected);
    }
}

#[tokio::test]
async fn gate() {
    let config = json!({ "called-ae": "ISOCENTER", "peers": { "CT1": { "addresses": ["10.0.0.7"] } } });
    let (_, _runtime, plugin) = example("gate", config);
    for (peer, expected) in [
        ("10.0.0.7", Ok("CT1".to_owned())),
        ("10.0.0.8", Err(GateRejection::CallingAeUnknown)),
    ] {
        let applicant = Applicant {
            calling_ae: "CT1".into(),
            called_ae: "ISOCENTER".into(),
            peer: Some(peer.parse().unwrap()),
            ..Applicant::default()
        };
        let admitted = plugin.clone().admit(Arc::new(applicant)).await.result.unwrap();
        assert_eq!(admitted.map(|identity| identity.subject), expected);
    }
}

#[tokio::test]
async fn sink() {
    let deliver = async |url: &str| {
        let (memory, _runtime, plugin) = example("sink", json!({ "url": url }));
        let event = Event {
            cursor: 7,
            unix_millis: 1,
            kind: "object.stored".into(),
            data: json!({ "object": "1.2.3" }),
        };
        let outcome = plugin.deliver(Arc::new(vec![event])).await;
        let sent = memory.sent.lock().unwrap().first().cloned().unwrap();
        (outcome.result, sent)
    };
    let (result, sent) = deliver("https://hooks.example.org/dicom").await;
    result.unwrap();
    assert!(
        sent.headers
            .contains(&("authorization".into(), "Bearer a key for tests".into(), true))
    );
    assert_eq!(
        String::from_utf8(sent.body).unwrap(),
        r#"[{"cursor":7,"data":{"object":"1.2.3"},"kind":"object.stored","unix-millis":1}]"#
    );
    let (result, _) = deliver("https://hooks.example.org/status/503").await;
    assert_eq!(
        result.unwrap_err().to_string(),
        "the plugin asks to be tried again in 10 s: the server answered 503"
    );
}

#[tokio::test]
async fn route() {
    let (_, _runtime, plugin) = example("route", json!({ "title": "A & B" }));
    let get = async |path: &str| {
        let request = Request {
            method: "GET".into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            subject: String::new(),
            body: Box::new(NoBody),
            archive: Arc::new(Archive(study())),
        };
        plugin.clone().handle(request).await.result.unwrap()
    };
    let page = get("/").await;
    let [Piece::Bytes(html)] = page.body.as_slice() else {
        panic!("{page:?}")
    };
    let html = String::from_utf8(html.to_vec()).unwrap();
    assert!(html.contains("<h1>A &amp; B</h1><ul><li>20240102"), "{html}");
    let object = get("/object/2.2").await;
    let piece = Piece::Object {
        study: "1.2.3".into(),
        object: "2.2".into(),
    };
    assert_eq!((object.status, object.body), (200, vec![piece]));
    assert_eq!(get("/object/9").await.status, 404);
}

#[tokio::test]
async fn worker() {
    let (memory, _runtime, plugin) = example("worker", json!({ "url": "https://hooks.example.org/ris" }));
    assert_eq!(plugin.roles(), [Role::Filter, Role::Worker]);
    for _ in 0..2 {
        let object = OpenObject::header(header());
        let answer = plugin.clone().filter(object, Arc::new(passage())).await;
        assert_eq!(answer.result.unwrap().verdict, Verdict::Keep);
    }
    let jobs = memory.jobs.lock().unwrap().clone();
    let [(queue, payload, _)] = jobs.as_slice() else {
        panic!("{jobs:?}")
    };
    let done = Worker::run(plugin.clone(), queue.clone(), payload.clone()).await;
    done.result.unwrap();
    let sent = memory.sent.lock().unwrap();
    assert_eq!(
        String::from_utf8(sent.first().unwrap().body.clone()).unwrap(),
        r#"{"study":"1.2.3"}"#
    );
    assert_eq!(plugin.name(), "worker");
}

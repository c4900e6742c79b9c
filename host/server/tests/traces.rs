//! Traces, as a collector receives them from a running host.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use door::Host;
use door::object::{Object, associate, store};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// What identifies the patient of [`Object::ct`], and what is searched for.
const NEVER: [&[u8]; 4] = [b"Test^Patient", b"PID-7", b"Referrer^Ruth", b"Searched"];

/// A collector on loopback.
struct Collector {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    /// Takes every request and answers it with `status`; 0 never answers.
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        // Ends with the process of the test.
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut length = 0;
                let mut first = String::new();
                stream.read_line(&mut first).unwrap();
                assert_eq!(first, "POST /v1/traces HTTP/1.1\r\n");
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).unwrap();
                    let line = line.to_ascii_lowercase();
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push(body);
                if status == 0 {
                    unanswered.push(stream);
                } else {
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    stream.into_inner().write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { address, bodies }
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.bodies.lock().unwrap();
        bodies
            .iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap())
            .collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        resources
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let pair = span.attributes.iter().find(|pair| pair.key == key)?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key} is {other:?}"),
    }
}

/// The names of a span and of everything that it is within, outwards.
fn way_out(spans: &[Span], span: &Span) -> Vec<String> {
    let mut names = vec![span.name.clone()];
    let mut inner = span;
    while let Some(outer) = spans.iter().find(|outer| outer.span_id == inner.parent_span_id) {
        assert_eq!(outer.trace_id, inner.trace_id);
        names.push(outer.name.clone());
        inner = outer;
    }
    assert!(
        inner.parent_span_id.is_empty(),
        "{} hangs on a span that is not there",
        inner.name
    );
    names
}

fn send(host: &Host, objects: &[Object]) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut association = associate(host.dicom).await.unwrap();
        for object in objects {
            assert_eq!(store(&mut association, object).await.unwrap().status.code(), 0);
        }
        association.release().await.unwrap();
    });
}

fn config(collector: &Collector, rest: &str) -> String {
    let source = door::plugin("stamp");
    format!(
        "[telemetry]\notlp = \"http://{}\"\n[plugins.stamp]\nsource = \"{}\"\n\
         config = {{ set = {{ InstitutionName = \"x\" }} }}\n[[chains]]\ningest = [\"stamp\"]\n{rest}",
        collector.address,
        source.display()
    )
}

#[test]
fn i15_spans_nest_and_hold_no_patient_data() {
    let collector = Collector::start(200);
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), &config(&collector, ""));
    let objects = [Object::ct(1, 1, 1000), Object::ct(1, 2, 1000)];
    send(&host, &objects[..1]);
    assert_eq!(host.stow(&[objects[1].file()]).0, 200);
    assert_eq!(host.search("/studies?PatientName=Searched*").len(), 0);
    host.get("/dicom-web/studies/1.2.3/metadata");
    // What waits when the host ends is exported too.
    assert!(host.stop().success(), "{}", host.log());

    let spans = collector.spans();
    let names = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let ways: Vec<_> = names("plugin call").iter().map(|span| way_out(&spans, span)).collect();
    assert!(
        ways.contains(&["plugin call", "object", "association"].map(str::to_owned).to_vec()),
        "{ways:?}"
    );
    assert!(
        ways.contains(&["plugin call", "object", "request"].map(str::to_owned).to_vec()),
        "{ways:?}"
    );
    let commits: Vec<_> = names("commit").iter().map(|span| way_out(&spans, span)).collect();
    for door in ["association", "request"] {
        let expected = ["commit", "object", door].map(str::to_owned).to_vec();
        assert!(commits.contains(&expected), "{commits:?}");
    }
    for call in names("plugin call") {
        assert_eq!(attribute(call, "outcome").as_deref(), Some("keep"));
        assert_eq!(attribute(call, "plugin").as_deref(), Some("stamp"));
        assert_eq!(attribute(call, "role").as_deref(), Some("filter"));
        assert!(attribute(call, "digest").is_some() && attribute(call, "call").is_some());
    }
    let mut uids: Vec<_> = names("object")
        .iter()
        .filter_map(|span| attribute(span, "uid"))
        .collect();
    uids.sort();
    assert_eq!(
        uids,
        objects.iter().map(|object| object.uid.clone()).collect::<Vec<_>>()
    );
    let association = names("association")[0];
    assert_eq!(attribute(association, "calling").as_deref(), Some("TESTER"));

    let mut requests: Vec<_> = names("request")
        .iter()
        .map(|span| (attribute(span, "method").unwrap(), attribute(span, "route").unwrap()))
        .collect();
    requests.retain(|(_, route)| route.starts_with("/dicom-web"));
    requests.sort();
    let expected = [
        ("GET", "/dicom-web/studies"),
        ("GET", "/dicom-web/studies/{study}/metadata"),
        ("POST", "/dicom-web/studies"),
    ];
    assert_eq!(
        requests,
        expected.map(|(method, route)| (method.to_owned(), route.to_owned()))
    );

    for request in collector.requests() {
        let resource = request.resource_spans[0].resource.as_ref().unwrap();
        let service: Vec<_> = resource.attributes.iter().map(|pair| pair.key.as_str()).collect();
        assert!(
            service.contains(&"service.name") && service.contains(&"service.version"),
            "{service:?}"
        );
    }
    for body in collector.bodies.lock().unwrap().iter() {
        for text in NEVER {
            let found = body.windows(text.len()).any(|window| window == text);
            assert!(!found, "{} is in a trace", String::from_utf8_lossy(text));
        }
    }
}

/// A collector that never answers, one that refuses, one that is not there: objects are stored as ever, and the loss is counted.
#[test]
fn a_broken_collector_delays_nobody() {
    let silent = Collector::start(0);
    let refusing = Collector::start(503);
    let gone = Collector {
        address: door::free_port(),
        bodies: Arc::default(),
    };
    for (what, collector) in [("silent", &silent), ("refusing", &refusing), ("gone", &gone)] {
        let folder = tempfile::tempdir().unwrap();
        let mut host = Host::start(folder.path(), &config(collector, ""));
        let objects: Vec<_> = (1..=20).map(|number| Object::ct(1, number, 1000)).collect();
        send(&host, &objects);
        assert_eq!(host.search("/instances").len(), 20, "{what}");
        host.eventually("the loss is counted", |host| {
            host.metric("isocenter_trace_spans_total{outcome=\"failed\"}")
                .is_some_and(|lost| lost >= 1.0)
        });
        // Counted first, then said.
        host.eventually("the loss is told", |host| {
            host.log().contains("traces cannot be exported")
        });
        assert!(host.stop().success(), "{what}: {}", host.log());
    }
}

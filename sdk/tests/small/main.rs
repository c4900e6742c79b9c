//! The smallest plugin of each role that is of use, as its page of documentation has it, and what it answers.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    elided_lifetimes_in_paths,
    reason = "what is shown is short, and a test that meets what it does not expect has failed"
)]

use isocenter::{Event, fake};

fn configured<C: serde::de::DeserializeOwned>(json: &str) -> C {
    serde_json::from_str(json).unwrap()
}

fn object(series: &str, uid: &str) -> fake::Object {
    fake::Object::of("1.2.3", series, uid)
}

/// Where everything is taken.
fn server() -> fake::Host {
    let host = fake::Host::new();
    host.on_http(|_| fake::reply(204, b""));
    host
}

fn bodies(host: &fake::Host) -> Vec<Vec<u8>> {
    host.sent().into_iter().map(|sent| sent.body).collect()
}

mod filter {
    include!("filter.rs");

    use crate::{configured, fake, object};

    #[test]
    fn edits_what_it_keeps() {
        let named = object("1.2.3.1", "1.2").with_text(tags::PATIENT_ID, b"LO", "P1");
        for (object, word, edits) in [(object("1.2.3.1", "1.2"), "Quarantine", 0), (named, "Keep", 1)] {
            let (mut recorded, passage) = (fake::Edits::default(), fake::Passage::default());
            let config = configured(r#"{"institution": "St Mary"}"#);
            let verdict = Stamp::apply(&object.object(), &passage.passage(), &mut recorded.edits(), &config);
            assert!(format!("{:?}", verdict.unwrap()).contains(word));
            assert_eq!(recorded.recorded.len(), edits, "{word}");
        }
    }
}

mod router {
    include!("router.rs");

    use crate::{configured, fake, object};

    #[test]
    fn sends_what_is_of_a_trial() {
        let trial = object("1.2.3.1", "1.2").with_text(tags::CLINICAL_TRIAL_PROTOCOL_ID, b"LO", "T17");
        for (object, sent) in [(trial, 1), (object("1.2.3.1", "1.2"), 0)] {
            let mut plan = fake::Plan::over(&["research"]);
            let config = configured(r#"{"research": "research"}"#);
            Trial::route(&object.object(), &mut plan.plan(), &config).unwrap();
            assert_eq!(plan.sends.len(), sent);
        }
    }
}

mod study_router {
    include!("study-router.rs");

    use crate::{configured, fake, object};

    #[test]
    fn waits_for_the_second_series() {
        let (first, second) = (object("1.2.3.1", "1.2"), object("1.2.3.2", "1.3"));
        for (members, sent) in [(vec![first.clone()], 0), (vec![first, second], 1)] {
            let study = fake::Study::of("1.2.3", members);
            let mut plan = fake::Plan::over(&["archive"]);
            let config = configured(r#"{"send_to": "archive"}"#);
            Whole::route_study(&mut study.study(), &mut plan.plan(), &config).unwrap();
            assert_eq!(plan.sends.len(), sent);
        }
    }
}

mod analyzer {
    include!("analyzer.rs");

    use crate::{configured, fake, object};

    #[test]
    fn makes_a_report() {
        let study = fake::Study::of("1.2.3", vec![object("1.2.3.1", "1.2"), object("1.2.3.1", "1.3")]);
        let mut results = fake::Results::default();
        let next = Count::start(&mut study.study(), &mut results.results(), &configured("{}"));
        assert!(matches!(next.unwrap(), Next::Done));
        let [report] = results.drafts.as_slice() else {
            panic!("one draft")
        };
        let said = format!("{:?}", report.get(tags::SERIES_DESCRIPTION).unwrap());
        assert!(said.contains("2 objects"), "{said}");
    }
}

mod authenticator {
    include!("authenticator.rs");

    use crate::{configured, fake};

    #[test]
    fn believes_the_proxy_alone() {
        for (peer, expected) in [("10.0.0.1", Some(Identity::new("alice", "proxy"))), ("10.0.0.9", None)] {
            let credentials = fake::Credentials {
                headers: [("x-remote-user".into(), "alice".into())].into(),
                peer: peer.into(),
                ..fake::Credentials::default()
            };
            let config = configured(r#"{"proxy": "10.0.0.1"}"#);
            let known = Proxy::authenticate(&credentials.credentials(), &config);
            assert_eq!(known.unwrap(), expected, "{peer}");
        }
    }
}

mod authorizer {
    include!("authorizer.rs");

    use crate::{configured, fake};

    #[test]
    fn lets_readers_read() {
        for (subject, action, allowed) in [
            ("bob", "search", true),
            ("bob", "admin", false),
            ("bob", "new-in-2030", false),
            ("ada", "admin", true),
        ] {
            let access = fake::Access::to(action);
            let config = configured(r#"{"operators": ["ada"]}"#);
            let who = Identity::new(subject, "test");
            let decision = Readers::authorize(&who, &access.access(), &config).unwrap();
            assert_eq!(decision == Decision::Allow, allowed, "{subject} {action}");
        }
    }
}

mod gate {
    include!("gate.rs");

    use crate::{configured, fake};

    #[test]
    fn admits_who_is_inside() {
        for (peer, expected) in [
            ("10.1.2.3", Admission::Admit(Identity::new("CT1", "inside"))),
            ("192.0.2.1", Admission::Reject(Rejection::CallingAeUnknown)),
        ] {
            let association = fake::Association {
                calling_ae: "CT1".into(),
                peer: peer.into(),
                ..fake::Association::default()
            };
            let config = configured(r#"{"network": "10.1."}"#);
            let admission = Inside::admit(&association.association(), &config);
            assert_eq!(admission.unwrap(), expected, "{peer}");
        }
    }
}

mod sink {
    include!("sink.rs");

    use crate::{bodies, configured, server};

    #[test]
    fn posts_each_event() {
        let host = server();
        let event = crate::Event {
            cursor: 7,
            unix_millis: 1,
            kind: "object.stored".into(),
            data: "{}".into(),
        };
        Post::deliver(&[event], &configured(r#"{"url": "https://ris.example/"}"#)).unwrap();
        assert_eq!(bodies(&host), [b"{}"]);
    }
}

mod route {
    include!("route.rs");

    use crate::{configured, fake, object};

    #[test]
    fn answers_the_header() {
        let host = fake::Host::new();
        host.store(object("1.2.3.1", "1.2"));
        for (path, status) in [("/1.2", 200), ("/1.9", 404)] {
            let mut response = fake::Response::default();
            let request = fake::Request::get(path);
            Header::handle(&request.request(), &mut response.response(), &configured("{}")).unwrap();
            assert_eq!(response.status, status, "{path}");
        }
    }
}

mod worker {
    include!("worker.rs");

    use crate::{bodies, configured, server};

    #[test]
    fn posts_its_payload() {
        let host = server();
        let config = configured(r#"{"url": "https://ris.example/"}"#);
        Later::run("later", b"a payload", &config).unwrap();
        assert_eq!(bodies(&host), [b"a payload"]);
    }
}

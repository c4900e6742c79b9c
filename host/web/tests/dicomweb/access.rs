//! Who may do what, with authenticators and authorizers built into the test: to the routes they are the same as plugins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use isocenter_archive::index::Within;
use isocenter_pipeline::Set;
use isocenter_role::{
    Access, Action, Authenticator, Authorizer, Call, Cost, Credentials, Decision, Failure, Identity, Outcome, Part,
    State,
};

use crate::host::{Answer, Host, RELATED};
use crate::object::{Object, multipart};

pub(crate) type Named = Result<Option<Identity>, Failure>;
pub(crate) type Decided = Result<Decision, Failure>;

/// An authenticator that is a function.
pub(crate) struct Who<F> {
    answer: F,
    asked: AtomicUsize,
}

/// An authorizer that is a function, and remembers what it was asked.
pub(crate) struct May<F> {
    answer: F,
    asked: Mutex<Vec<(String, Access)>>,
}

pub(crate) fn who<F: Fn(&Credentials) -> Named + Send + Sync + 'static>(answer: F) -> Arc<Who<F>> {
    let asked = AtomicUsize::new(0);
    Arc::new(Who { answer, asked })
}

pub(crate) fn may<F: Fn(&Identity, &Access) -> Decided + Send + Sync + 'static>(answer: F) -> Arc<May<F>> {
    let asked = Mutex::new(Vec::new());
    Arc::new(May { answer, asked })
}

fn outcome<T>(result: Result<T, Failure>) -> Outcome<T> {
    Outcome {
        result,
        cost: Cost::default(),
    }
}

impl<F: Send + Sync> Part for Who<F> {
    fn name(&self) -> &str {
        "who"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl<F: Send + Sync> Part for May<F> {
    fn name(&self) -> &str {
        "may"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl<F: Fn(&Credentials) -> Named + Send + Sync + 'static> Authenticator for Who<F> {
    fn authenticate(self: Arc<Self>, credentials: Arc<Credentials>) -> Call<'static, Option<Identity>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            outcome((self.answer)(&credentials))
        })
    }
}

impl<F: Fn(&Identity, &Access) -> Decided + Send + Sync + 'static> Authorizer for May<F> {
    fn authorize(self: Arc<Self>, who: Arc<Identity>, access: Access) -> Call<'static, Decision> {
        Box::pin(async move {
            let answer = (self.answer)(&who, &access);
            self.asked.lock().unwrap().push((who.subject.clone(), access));
            outcome(answer)
        })
    }
}

/// Knows the token `Bearer NAME` as NAME, for good.
pub(crate) fn bearer(credentials: &Credentials) -> Named {
    let shown = credentials.headers.iter().find(|(name, _)| name == "authorization");
    Ok(shown
        .and_then(|(_, value)| value.strip_prefix("Bearer "))
        .map(|subject| Identity {
            subject: subject.to_owned(),
            expires: 4_000_000_000,
            ..Identity::default()
        }))
}

async fn ask(host: &Host, method: Method, path: &str, token: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    host.send(request.body(Body::empty()).unwrap()).await
}

pub(crate) async fn get(host: &Host, path: &str, token: Option<&str>) -> Answer {
    ask(host, Method::GET, path, token).await
}

/// Some path of every kind, and what is done there.
const EVERYWHERE: [(&str, Action); 8] = [
    ("/", Action::Admin),
    ("/metrics", Action::Admin),
    ("/api/about", Action::Admin),
    ("/api/quarantine", Action::Admin),
    ("/dicom-web/studies", Action::Search),
    ("/dicom-web/studies/1.2.3", Action::Retrieve),
    ("/dicom-web/studies/1.2.3/metadata", Action::Retrieve),
    ("/dicom-web/studies/1.2.3/series/1.2/rendered", Action::Retrieve),
];

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_name_gets_nothing_and_who_was_named_is_not_asked_again() {
    let known = who(bearer);
    let host = Host::of(Set {
        authenticators: vec![who(|_| Ok(None)), Arc::clone(&known) as Arc<dyn Authenticator>],
        ..Set::default()
    })
    .await;
    for (path, _) in EVERYWHERE {
        let refused = get(&host, path, None).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{path}");
        assert!(!refused.text().contains("TEST"), "{path}");
    }
    for (method, path) in [
        (Method::POST, "/dicom-web/studies"),
        (Method::POST, "/dicom-web/studies/1.2.3"),
        (Method::DELETE, "/dicom-web/studies"),
        (Method::OPTIONS, "/api/about"),
        (Method::GET, "/nowhere"),
    ] {
        let refused = ask(&host, method.clone(), path, None).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    // What watches over the host needs no name, and learns nothing of why.
    assert_eq!(get(&host, "/healthz", None).await.status, StatusCode::OK);
    let ready = get(&host, "/readyz", None).await;
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (StatusCode::OK, "{\"ready\":true}")
    );

    let before = known.asked.load(Ordering::SeqCst);
    for _ in 0..3 {
        let named = get(&host, "/api/about", Some("ann")).await;
        assert_eq!(named.status, StatusCode::OK, "{}", named.text());
    }
    assert_eq!(known.asked.load(Ordering::SeqCst), before + 1);
    assert_eq!(get(&host, "/api/about", Some("bob")).await.status, StatusCode::OK);
    assert_eq!(known.asked.load(Ordering::SeqCst), before + 2);
    assert_eq!(get(&host, "/nowhere", Some("ann")).await.status, StatusCode::NOT_FOUND);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_or_authorizer_that_fails_lets_nobody_in() {
    let host = Host::of(Set::default()).await;
    let failures = || {
        [
            (Failure::Trap("PATIENT^NAME".to_owned()), None),
            (Failure::Never("PATIENT^NAME".to_owned()), None),
            (Failure::Memory { limit: 1 }, None),
            (Failure::Overloaded, Some("1")),
            (
                Failure::After {
                    seconds: 7,
                    reason: "PATIENT^NAME".to_owned(),
                },
                Some("7"),
            ),
            (
                Failure::Tripped {
                    retry_after: Duration::from_secs(3),
                    failures: 5,
                },
                Some("3"),
            ),
        ]
    };
    for (failure, later) in failures() {
        let fails = failure.clone();
        host.pipeline.exchange(Set {
            // The second would let everybody in, and must not be asked.
            authenticators: vec![who(move |_| Err(fails.clone())), who(|_| Ok(Some(Identity::default())))],
            ..Set::default()
        });
        let refused = get(&host, "/dicom-web/studies", Some("ann")).await;
        let status = later.map_or(StatusCode::UNAUTHORIZED, |_| StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.status, status, "{failure}");
        assert_eq!(refused.header("retry-after"), later.unwrap_or_default(), "{failure}");
        assert!(!refused.text().contains("PATIENT"), "{}", refused.text());
    }
    for (failure, later) in failures() {
        let fails = failure.clone();
        host.pipeline.exchange(Set {
            authorizers: vec![may(|_, _| Ok(Decision::Allow)), may(move |_, _| Err(fails.clone()))],
            ..Set::default()
        });
        let refused = get(&host, "/dicom-web/studies", None).await;
        let status = later.map_or(StatusCode::FORBIDDEN, |_| StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.status, status, "{failure}");
        assert!(!refused.text().contains("PATIENT"), "{}", refused.text());
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authorizers_are_asked_what_the_route_is_and_all_must_agree() {
    let log = may(|_, _| Ok(Decision::Allow));
    let host = Host::of(Set {
        authenticators: vec![who(bearer)],
        authorizers: vec![
            Arc::clone(&log) as Arc<dyn Authorizer>,
            may(|who, _| {
                Ok(match who.subject.as_str() {
                    "ann" => Decision::Allow,
                    _ => Decision::Deny("not on the list of Dr. House".to_owned()),
                })
            }),
        ],
        ..Set::default()
    })
    .await;
    for (path, action) in EVERYWHERE {
        let denied = get(&host, path, Some("bob")).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!denied.text().contains("House"), "{}", denied.text());
        let (subject, access) = log.asked.lock().unwrap().pop().unwrap();
        assert_eq!((subject.as_str(), access.action), ("bob", action), "{path}");
        let allowed = get(&host, path, Some("ann")).await;
        assert_ne!(allowed.status, StatusCode::FORBIDDEN, "{path}");
    }
    log.asked.lock().unwrap().clear();
    get(
        &host,
        "/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5",
        Some("ann"),
    )
    .await;
    get(&host, "/dicom-web/series?00100020=P1&path=/x", Some("ann")).await;
    let asked = std::mem::take(&mut *log.asked.lock().unwrap());
    let [(_, object), (_, search)] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    let said = |access: &Access, name: &str| {
        let found = access.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(object.study.as_deref(), Some("1.2.3"));
    assert_eq!(said(object, "series").as_deref(), Some("1.2.4"));
    assert_eq!(said(object, "object").as_deref(), Some("1.2.5"));
    assert_eq!(said(object, "method").as_deref(), Some("GET"));
    assert_eq!(said(search, "PatientID").as_deref(), Some("P1"));
    assert_eq!(said(search, "path").as_deref(), Some("/dicom-web/series"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_says_who_brought_it() {
    let host = Host::of(Set {
        authenticators: vec![who(bearer)],
        ..Set::default()
    })
    .await;
    let object = Object::of(1, 1, 1);
    let request = Request::post("/dicom-web/studies")
        .header("content-type", RELATED)
        .header("authorization", "Bearer ann")
        .body(Body::from(multipart(&[object.file()])))
        .unwrap();
    let answer = host.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let study = isocenter_dicom::uid::Uid::parse(&object.study).unwrap();
    let found = host
        .archive
        .index()
        .locate(&study, None, None, None, 10, &Within::everything())
        .await
        .unwrap();
    assert_eq!(found[0].source.subject.as_deref(), Some("ann"));
    host.stop().await;
}

/// Whoever asks for this may only have objects of which the element has one of these values.
fn only(tag: isocenter_dicom::Tag, values: &'static [&'static str]) -> Arc<dyn Authorizer> {
    may(move |_, access| {
        let one_of = values.iter().map(|value| (*value).to_owned()).collect();
        let limits = vec![isocenter_role::Limit { tag, one_of }];
        Ok(match access.action {
            Action::Admin if access.attributes.is_empty() => Decision::Allow,
            _ => Decision::Within(limits),
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_cannot_be_kept_denies() {
    let host = Host::of(Set::default()).await;
    let (mine, theirs) = (Object::of(1, 1, 1), Object::of(2, 1, 1));
    host.store(&[mine.clone(), theirs.clone()]).await;
    // Nothing can be searched by its pixels, and running the host has no objects.
    host.pipeline.exchange(Set {
        authorizers: vec![only(isocenter_dicom::tags::PIXEL_DATA, &["x"])],
        ..Set::default()
    });
    for (path, _) in EVERYWHERE {
        assert_eq!(get(&host, path, None).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // Of what is brought only the study is known before it is there.
    host.pipeline.exchange(Set {
        authorizers: vec![only(isocenter_dicom::tags::STUDY_INSTANCE_UID, &["1.2.826.3"])],
        ..Set::default()
    });
    assert_eq!(get(&host, "/api/about", None).await.status, StatusCode::FORBIDDEN);
    let object = Object::of(3, 1, 1);
    for (path, status) in [
        ("/dicom-web/studies", StatusCode::FORBIDDEN),
        ("/dicom-web/studies/1.2.826.4", StatusCode::FORBIDDEN),
        ("/dicom-web/studies/1.2.826.3", StatusCode::OK),
    ] {
        let answer = host.post(path, RELATED, multipart(&[object.file()])).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let foreign = multipart(&[Object::of(5, 1, 1).file()]);
    let answer = host.post("/dicom-web/studies/1.2.826.3", RELATED, foreign).await;
    assert_ne!(answer.status, StatusCode::OK, "{}", answer.text());
    host.stop().await;
}

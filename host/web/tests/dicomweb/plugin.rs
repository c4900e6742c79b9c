//! Pages of plugins, with routes built into the test: to the host they are the same as plugins.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request as HttpRequest, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use isocenter_pipeline::Set;
use isocenter_role::{
    Access, Action, Answer, Authorizer, Call, Clock, Cost, Decision, Failure, Identity, Outcome, Part, Piece, Request,
    Route, State,
};

use crate::host::Host;
use crate::object::Object;

type Answered = BoxFuture<'static, Result<Answer, Failure>>;

/// A route that is a function.
struct Page<F>(F);

/// An authorizer that is a function.
struct May<F>(F);

impl<F: Send + Sync> Part for Page<F> {
    fn name(&self) -> &str {
        "page"
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

impl<F: Fn(Request) -> Answered + Send + Sync + 'static> Route for Page<F> {
    fn handle(self: Arc<Self>, request: Request) -> Call<'static, Answer> {
        Box::pin(async move {
            Outcome {
                result: (self.0)(request).await,
                cost: Cost::default(),
            }
        })
    }
}

impl<F: Fn(&Access) -> Decision + Send + Sync + 'static> Authorizer for May<F> {
    fn authorize(self: Arc<Self>, _: Arc<Identity>, access: Access) -> Call<'static, Decision> {
        Box::pin(async move {
            Outcome {
                result: Ok((self.0)(&access)),
                cost: Cost::default(),
            }
        })
    }
}

fn with(page: impl Fn(Request) -> Answered + Send + Sync + 'static) -> Set {
    let page: Arc<dyn Route> = Arc::new(Page(page));
    Set {
        routes: [("viewer".to_owned(), page)].into(),
        ..Set::default()
    }
}

fn text(body: &str) -> Vec<Piece> {
    vec![Piece::Bytes(Bytes::copy_from_slice(body.as_bytes()))]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_asked_what_the_client_asks_without_what_shows_who_they_are() {
    let host = Host::of(with(|mut request| {
        Box::pin(async move {
            let mut body = Vec::new();
            loop {
                let chunk = request.body.next().await.map_err(Failure::Never)?;
                if chunk.is_empty() {
                    break;
                }
                body.extend_from_slice(&chunk);
            }
            let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
            let said = format!(
                "{} {} {:?} {names:?} {:?}",
                request.method,
                request.path,
                request.query,
                String::from_utf8(body).unwrap()
            );
            Ok(Answer {
                status: 201,
                headers: Vec::new(),
                body: text(&said),
            })
        })
    }))
    .await;
    let request = HttpRequest::put("/plugins/viewer/a%20b/c?x=1&x=%C3%A9")
        .header("authorization", "Bearer secret")
        .header("cookie", "session=secret")
        .header("x-api-key", "secret")
        .header("x-colour", "red")
        .body(Body::from("hello"))
        .unwrap();
    let answer = host.send(request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(
        answer.text(),
        "PUT /a b/c [(\"x\", \"1\"), (\"x\", \"é\")] [\"x-colour\"] \"hello\""
    );
    assert!(host.get("/plugins/viewer/").await.text().starts_with("GET / "));
    let folder = host.get("/plugins/viewer").await;
    assert_eq!(
        (folder.status, folder.header("location")),
        (StatusCode::PERMANENT_REDIRECT, "viewer/")
    );
    for unknown in ["/plugins/other", "/plugins/other/", "/plugins/other/x", "/plugins/"] {
        assert_eq!(host.get(unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_sandboxed_and_its_objects_are_streamed() {
    let object = Object::of(1, 1, 1);
    let (study, uid) = (object.study.clone(), object.uid.clone());
    let host = Host::of(with(move |_| {
        let object = Piece::Object {
            study: study.clone(),
            object: uid.clone(),
        };
        Box::pin(async move {
            let lines = [
                ("content-type", "text/html"),
                ("Set-Cookie", "a=b"),
                ("Access-Control-Allow-Origin", "*"),
                ("X-Accel-Redirect", "/secret"),
                ("Content-Length", "1"),
                ("Transfer-Encoding", "chunked"),
                ("Location", "//evil.example"),
                ("Service-Worker-Allowed", "/"),
                ("Content-Security-Policy", "img-src 'none'"),
                ("bad name", "x"),
            ];
            Ok(Answer {
                status: 200,
                headers: lines.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                body: [text("<"), vec![object], text(">")].concat(),
            })
        })
    }))
    .await;
    assert_eq!(host.get("/plugins/viewer/").await.status, StatusCode::BAD_GATEWAY);
    host.store(std::slice::from_ref(&object)).await;
    let answer = host.get("/plugins/viewer/").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.body, [b"<", object.file().as_slice(), b">"].concat());
    let policies: Vec<&str> = answer
        .headers
        .get_all("content-security-policy")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(policies[0].starts_with("sandbox allow-scripts"), "{policies:?}");
    assert!(!policies[0].contains("allow-same-origin"), "{policies:?}");
    assert_eq!(policies[1], "img-src 'none'");
    assert_eq!(answer.header("content-type"), "text/html");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    for held_back in [
        "set-cookie",
        "access-control-allow-origin",
        "x-accel-redirect",
        "transfer-encoding",
        "location",
        "service-worker-allowed",
    ] {
        assert_eq!(answer.header(held_back), "", "{held_back}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_a_bad_gateway_and_says_nothing() {
    let host = Host::of(Set::default()).await;
    let deadline = Failure::Deadline {
        clock: Clock::Wall,
        limit: Duration::from_secs(10),
    };
    let after = Failure::After {
        seconds: 9,
        reason: "PATIENT".to_owned(),
    };
    for (failure, status, later) in [
        (Failure::Trap("PATIENT".to_owned()), StatusCode::BAD_GATEWAY, ""),
        (Failure::Never("PATIENT".to_owned()), StatusCode::BAD_GATEWAY, ""),
        (Failure::Memory { limit: 1 }, StatusCode::BAD_GATEWAY, ""),
        (deadline, StatusCode::GATEWAY_TIMEOUT, ""),
        (after, StatusCode::SERVICE_UNAVAILABLE, "9"),
        (Failure::Overloaded, StatusCode::SERVICE_UNAVAILABLE, "1"),
    ] {
        let fails = failure.clone();
        host.pipeline.exchange(with(move |_| {
            let failure = fails.clone();
            Box::pin(async move { Err(failure) })
        }));
        let answer = host.get("/plugins/viewer/").await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (status, later),
            "{failure}"
        );
        assert!(!answer.text().contains("PATIENT"), "{}", answer.text());
    }
    host.pipeline.exchange(with(|_| {
        Box::pin(async {
            Ok(Answer {
                status: 101,
                ..Answer::default()
            })
        })
    }));
    assert_eq!(host.get("/plugins/viewer/").await.status, StatusCode::BAD_GATEWAY);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_sees_what_its_visitor_may_see() {
    let host = Host::of(Set::default()).await;
    let (mine, theirs) = (Object::of(1, 1, 1), Object::of(2, 1, 1));
    host.store(&[mine.clone(), theirs.clone()]).await;
    let (open, hidden) = (mine.clone(), theirs.clone());
    let look = move |request: Request| -> Answered {
        let (open, hidden) = (open.clone(), hidden.clone());
        Box::pin(async move {
            let archive = request.archive;
            let mut seen = Vec::new();
            for object in [&open, &hidden] {
                seen.push(archive.open(object.uid.clone()).await.unwrap().is_some());
                seen.push(archive.open_study(object.study.clone()).await.unwrap().is_some());
            }
            let found = archive.search("studies?PatientID=P-1".to_owned()).await.unwrap();
            let wrong = archive.search("patients?x=1".to_owned()).await.is_err();
            let unknown = archive.open("1.9.9".to_owned()).await.unwrap().is_some();
            let found = found.matches("0020000D").count();
            Ok(Answer {
                status: 200,
                headers: Vec::new(),
                body: text(&format!("{seen:?} {found} {wrong} {unknown}")),
            })
        })
    };
    host.pipeline.exchange(with(look.clone()));
    let all = host.get("/plugins/viewer/").await.text();
    assert_eq!(all, "[true, true, true, true] 2 true false");
    let study = mine.study.clone();
    let limited = May(move |access: &Access| match access.action {
        Action::Retrieve if access.study.as_deref() != Some(study.as_str()) => Decision::Deny("not theirs".to_owned()),
        Action::Search => Decision::Deny("nothing".to_owned()),
        _ => Decision::Allow,
    });
    host.pipeline.exchange(Set {
        authorizers: vec![Arc::new(limited)],
        ..with(look)
    });
    let some = host.get("/plugins/viewer/").await.text();
    assert_eq!(some, "[true, true, false, false] 0 true false");
    host.stop().await;
}

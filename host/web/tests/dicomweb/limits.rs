//! What a caller with limits sees, at every door and over a real socket: their rows, and of the others no trace. Where the
//! limits cannot be kept, nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use isocenter_dicom::{Tag, tags};
use isocenter_pipeline::Set;
use isocenter_role::{
    Access, Action, Answer, Authorizer, Call, Cost, Decision, Failure, Identity, Limit, Outcome, Part, Piece, Request,
    Route, State,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::access::{bearer, may, who};
use crate::host::Host;
use crate::object::Object;

/// Status, and header and body as text, of a request over a connection of its own.
async fn get(host: SocketAddr, path: &str, name: &str) -> (StatusCode, String) {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {name}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (StatusCode::from_u16(status).unwrap(), answer)
}

fn limit(tag: Tag, one_of: &[&str]) -> Limit {
    Limit {
        tag,
        one_of: one_of.iter().map(|value| (*value).to_owned()).collect(),
    }
}

/// Two studies of Jane, of which the second has objects in two series, and one of Richard.
fn stored() -> [Object; 5] {
    let theirs = Object {
        patient: "P-2",
        name: "ROE^RICHARD",
        ..Object::of(3, 1, 1)
    };
    [
        Object::of(1, 1, 1),
        Object::of(2, 1, 1),
        Object::of(2, 1, 2),
        Object::of(2, 2, 1),
        theirs,
    ]
}

/// Who may see which of them, and so why.
fn people() -> Vec<(&'static str, Vec<Limit>, Vec<usize>)> {
    vec![
        ("root", vec![], vec![0, 1, 2, 3, 4]),
        ("jane", vec![limit(tags::PATIENT_ID, &["P-1"])], vec![0, 1, 2, 3]),
        ("richard", vec![limit(tags::PATIENT_NAME, &["ROE^RICHARD"])], vec![4]),
        (
            "study",
            vec![limit(tags::STUDY_INSTANCE_UID, &["1.2.826.2"])],
            vec![1, 2, 3],
        ),
        (
            "series",
            vec![limit(tags::SERIES_INSTANCE_UID, &["1.2.826.2.1"])],
            vec![1, 2],
        ),
        (
            "object",
            vec![limit(tags::SOP_INSTANCE_UID, &["1.2.826.2.1.2", "1.2.826.3.1.1"])],
            vec![2, 4],
        ),
        (
            "both",
            vec![
                limit(tags::PATIENT_ID, &["P-1", "P-2"]),
                limit(tags::SERIES_INSTANCE_UID, &["1.2.826.1.1", "1.2.826.2.2"]),
            ],
            vec![0, 3],
        ),
        (
            "wildcard",
            vec![limit(tags::PATIENT_ID, &["*", "P-?", "' OR true --"])],
            vec![],
        ),
        ("nobody", vec![limit(tags::PATIENT_ID, &[])], vec![]),
        ("pixels", vec![limit(tags::PIXEL_DATA, &["x"])], vec![]),
    ]
}

/// Limits each of the people, but lets all of them run the host.
fn authorizer() -> Arc<dyn Authorizer> {
    may(|who: &Identity, access: &Access| {
        let of = people().into_iter().find(|(name, ..)| *name == who.subject);
        Ok(match of {
            Some(_) if access.action == Action::Admin => Decision::Allow,
            Some((_, limits, _)) if limits.is_empty() => Decision::Allow,
            Some((_, limits, _)) => Decision::Within(limits),
            None => Decision::Deny("unknown".to_owned()),
        })
    })
}

/// A plugin's page that shows all it sees of the studies that its path names.
struct Viewer;

impl Part for Viewer {
    fn name(&self) -> &str {
        "viewer"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Route for Viewer {
    fn handle(self: Arc<Self>, request: Request) -> Call<'static, Answer> {
        Box::pin(async move {
            Outcome {
                result: look(request).await.map_err(Failure::Never),
                cost: Cost::default(),
            }
        })
    }
}

/// `/object/STUDY/UID` answers the object itself; anything else what a plugin can find.
async fn look(request: Request) -> Result<Answer, String> {
    let path: Vec<&str> = request.path.split('/').collect();
    if let ["", "object", study, object] = path[..] {
        let (study, object) = (study.to_owned(), object.to_owned());
        return Ok(answer(Piece::Object { study, object }));
    }
    let mut seen = vec![
        request.archive.search("instances".to_owned()).await?,
        request.archive.search("studies?includefield=all".to_owned()).await?,
    ];
    for object in stored() {
        if let Some(study) = request.archive.open_study(object.study.clone()).await? {
            seen.extend(study.members().iter().map(|member| member.object.clone()));
        }
        if request.archive.open(object.uid.clone()).await?.is_some() {
            seen.push(object.uid);
        }
    }
    Ok(answer(Piece::Bytes(Bytes::from(seen.join("\n")))))
}

fn answer(piece: Piece) -> Answer {
    Answer {
        status: 200,
        headers: Vec::new(),
        body: vec![piece],
    }
}

async fn limited() -> (Host, SocketAddr) {
    let host = Host::of(Set::default()).await;
    host.store(&stored()).await;
    let viewer: Arc<dyn Route> = Arc::new(Viewer);
    host.pipeline.exchange(Set {
        authenticators: vec![who(bearer)],
        authorizers: vec![authorizer()],
        routes: [("viewer".to_owned(), viewer)].into(),
        ..Set::default()
    });
    let address = host.listen().await;
    (host, address)
}

/// Which of the objects a text names.
fn named(text: &str) -> Vec<usize> {
    let ends = |rest: &str| !rest.starts_with(|next: char| next == '.' || next.is_ascii_digit());
    let names = |uid: &str| text.match_indices(uid).any(|(at, _)| ends(&text[at + uid.len()..]));
    let all = stored();
    (0..all.len()).filter(|at| names(&all[*at].uid)).collect()
}

fn assert_no_trace(text: &str, seen: &[usize], asked: &str) {
    assert!(seen.contains(&4) || !text.contains("ROE"), "{asked}");
    assert!(seen.iter().any(|at| *at < 4) || !text.contains("JANE"), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i18_whoever_has_limits_finds_what_is_within_them() {
    let (host, address) = limited().await;
    for (name, _, seen) in people() {
        for path in [
            "instances",
            "instances?includefield=all",
            "instances?includefield=00189424",
            "instances?PatientID=P-*&limit=100",
            "instances?SOPInstanceUID=1.2.826.1.1.1,1.2.826.2.1.1,1.2.826.2.1.2,1.2.826.2.2.1,1.2.826.3.1.1",
        ] {
            let (status, text) = get(address, &format!("/dicom-web/{path}"), name).await;
            let asked = format!("{path} as {name}: {text}");
            if name == "pixels" {
                assert_eq!(status, StatusCode::FORBIDDEN, "{asked}");
            } else {
                assert_eq!((status, named(&text)), (StatusCode::OK, seen.clone()), "{asked}");
            }
            assert_no_trace(&text, &seen, &asked);
        }
    }
    host.stop().await;
}

/// The UIDs of an answer to a search, each with its count of objects.
fn counts(answer: &str, uid: &str, count: &str) -> BTreeMap<String, usize> {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let found: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
    let all = found.iter().map(|one| {
        let count = one[count]["Value"][0].to_string();
        let uid = one[uid]["Value"][0].as_str().unwrap();
        (uid.to_owned(), count.trim_matches('"').parse().unwrap())
    });
    all.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i18_what_is_counted_is_within_the_limits() {
    let (host, address) = limited().await;
    let all = stored();
    for (name, _, seen) in people().into_iter().filter(|(name, ..)| *name != "pixels") {
        for (path, uid, count, of) in [
            (
                "studies",
                "0020000D",
                "00201208",
                (|object| &object.study) as fn(&Object) -> &String,
            ),
            ("series", "0020000E", "00201209", |object| &object.series),
        ] {
            let (_, text) = get(address, &format!("/dicom-web/{path}?includefield=all"), name).await;
            let asked = format!("{path} as {name}: {text}");
            let mut expected = BTreeMap::new();
            for at in &seen {
                *expected.entry(of(&all[*at]).clone()).or_default() += 1;
            }
            assert_eq!(counts(&text, uid, count), expected, "{asked}");
            assert_no_trace(&text, &seen, &asked);
        }
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i18_whoever_has_limits_reads_what_is_within_them() {
    let (host, address) = limited().await;
    let all = stored();
    for (name, _, seen) in people() {
        let none = match name {
            "pixels" => StatusCode::FORBIDDEN,
            _ => StatusCode::NOT_FOUND,
        };
        for object in &all {
            let study = format!("/dicom-web/studies/{}", object.study);
            let series = format!("{study}/series/{}", object.series);
            for (path, is_in) in [
                (study, (|a, b| a.study == b.study) as fn(&Object, &Object) -> bool),
                (series, |a, b| a.series == b.series),
                (object.path(), |a, b| a.uid == b.uid),
            ] {
                let inside: Vec<usize> = seen.iter().copied().filter(|at| is_in(&all[*at], object)).collect();
                for path in [path.clone(), format!("{path}/metadata")] {
                    let (status, text) = get(address, &path, name).await;
                    let expected = if inside.is_empty() { none } else { StatusCode::OK };
                    assert_eq!(status, expected, "{path} as {name}: {text}");
                    let asked = format!("{path} as {name}");
                    // What is not there is named as it was asked for.
                    if status == StatusCode::OK {
                        assert_eq!(named(&text), inside, "{asked}");
                    }
                    assert_no_trace(&text, &inside, &asked);
                }
            }
            for below in ["series", "instances"] {
                let path = format!("/dicom-web/studies/{}/{below}", object.study);
                let (_, text) = get(address, &path, name).await;
                assert_no_trace(&text, &seen, &path);
                let is_seen = seen.iter().any(|at| all[*at].study == object.study);
                assert_eq!(text.contains("0020000E"), is_seen, "{path} as {name}: {text}");
            }
        }
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i18_pages_show_their_visitors_what_is_within_their_limits() {
    let (host, address) = limited().await;
    let all = stored();
    for (name, _, seen) in people() {
        let (status, text) = get(address, "/", name).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        assert_no_trace(&text, &seen, name);
        assert_eq!(text.contains("JANE"), seen.iter().any(|at| *at < 4), "{name}: {text}");
        assert_eq!(text.contains("ROE"), seen.contains(&4), "{name}: {text}");

        let (status, text) = get(address, "/plugins/viewer/", name).await;
        assert_no_trace(&text, &seen, name);
        if name == "pixels" {
            assert_eq!(status, StatusCode::FORBIDDEN);
        } else {
            assert_eq!((status, named(&text)), (StatusCode::OK, seen.clone()), "{name}: {text}");
        }
        for (at, object) in all.iter().enumerate() {
            let path = format!("/plugins/viewer/object/{}/{}", object.study, object.uid);
            let (status, text) = get(address, &path, name).await;
            assert_eq!(status == StatusCode::OK, seen.contains(&at), "{path} as {name}");
            assert_no_trace(&text, if status == StatusCode::OK { &seen } else { &[] }, name);
        }
    }
    // Whoever is limited runs nothing: what the host is run by has no rows to limit.
    host.pipeline.exchange(Set {
        authenticators: vec![who(bearer)],
        authorizers: vec![may(|_, _| {
            Ok(Decision::Within(vec![limit(tags::PATIENT_ID, &["P-1"])]))
        })],
        ..Set::default()
    });
    for path in [
        "/",
        "/metrics",
        "/api/about",
        "/api/quarantine",
        "/api/outcomes",
        "/api/dead-letters",
    ] {
        assert_eq!(get(address, path, "jane").await.0, StatusCode::FORBIDDEN, "{path}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i18_the_limits_of_all_authorizers_hold() {
    let (host, address) = limited().await;
    let only = |tag: Tag, value: &'static str| -> Arc<dyn Authorizer> {
        may(move |_, _| Ok(Decision::Within(vec![limit(tag, &[value])])))
    };
    host.pipeline.exchange(Set {
        authenticators: vec![who(bearer)],
        authorizers: vec![
            only(tags::PATIENT_ID, "P-1"),
            may(|_, _| Ok(Decision::Allow)),
            only(tags::SERIES_INSTANCE_UID, "1.2.826.2.2"),
        ],
        ..Set::default()
    });
    let (_, text) = get(address, "/dicom-web/instances", "jane").await;
    assert_eq!(named(&text), [3], "{text}");
    // Too many to be compared with are not compared with some of them.
    let many: Vec<Limit> = (0..40).map(|_| limit(tags::PATIENT_ID, &["P-1"])).collect();
    let many = || -> Arc<dyn Authorizer> {
        let many = many.clone();
        may(move |_, _| Ok(Decision::Within(many.clone())))
    };
    for (authorizers, status) in [
        (vec![many()], StatusCode::OK),
        (vec![many(), many()], StatusCode::FORBIDDEN),
    ] {
        host.pipeline.exchange(Set {
            authenticators: vec![who(bearer)],
            authorizers,
            ..Set::default()
        });
        for path in ["/dicom-web/studies", "/dicom-web/studies/1.2.826.1"] {
            let (answered, text) = get(address, path, "jane").await;
            assert_eq!(answered, status, "{path}: {text}");
        }
    }
    host.stop().await;
}

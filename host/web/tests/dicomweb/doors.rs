//! What is written down of authenticators, authorizers and routes: who was kept out and why, and never what they showed.

use std::time::Instant;

use axum::http::StatusCode;
use isocenter_archive::index::RecordedOutcome;
use isocenter_dicom::uid::Uid;
use isocenter_pipeline::Set;
use isocenter_role::{Decision, Failure};

use crate::access::{bearer, get, may, who};
use crate::host::Host;

/// Role, outcome and reason of what is recorded of a part, the first first.
async fn rows(host: &Host, part: &str) -> Vec<RecordedOutcome> {
    // Ends the recorder: nothing is recorded afterwards.
    host.pipeline.close().await;
    let mut rows = host.archive.index().outcomes_of_plugin(part, None, 1000).await.unwrap();
    rows.reverse();
    rows
}

fn said(rows: &[RecordedOutcome]) -> Vec<(&str, &str, Option<&str>)> {
    rows.iter()
        .map(|row| (row.role.as_str(), row.outcome.as_str(), row.reason.as_deref()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_written_down_and_acquaintances_once_a_minute() {
    let host = Host::of(Set {
        authenticators: vec![who(bearer)],
        ..Set::default()
    })
    .await;
    for name in ["ann", "bob", "eve"] {
        assert_eq!(get(&host, "/api/about", Some(name)).await.status, StatusCode::OK);
    }
    for _ in 0..3 {
        assert_eq!(get(&host, "/api/about", None).await.status, StatusCode::UNAUTHORIZED);
    }
    let rows = rows(&host, "who").await;
    let (known, unknown) = (("authenticator", "known", None), ("authenticator", "unknown", None));
    assert_eq!(said(&rows), [known, unknown, unknown, unknown]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_authenticator_says_as_it_fails_may_be_a_credential() {
    for failure in [
        Failure::Trap("bad token SECRET".to_owned()),
        Failure::Never("bad token SECRET".to_owned()),
    ] {
        let host = Host::of(Set {
            authenticators: vec![who(move |_| Err(failure.clone()))],
            ..Set::default()
        })
        .await;
        assert_eq!(get(&host, "/", Some("SECRET")).await.status, StatusCode::UNAUTHORIZED);
        let rows = rows(&host, "who").await;
        assert!(rows.len() == 1 && rows[0].failed, "{rows:?}");
        assert!(!format!("{rows:?}").contains("SECRET"), "{rows:?}");
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_says_of_whom_and_of_which_object_and_nothing_that_was_searched() {
    let host = Host::of(Set {
        authenticators: vec![who(bearer)],
        authorizers: vec![may(|who, _| {
            Ok(match who.subject.as_str() {
                "ann" => Decision::Allow,
                _ => Decision::Deny("not on the list".to_owned()),
            })
        })],
        ..Set::default()
    })
    .await;
    let object = "/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5";
    for (path, name) in [
        ("/dicom-web/studies", "ann"),
        (object, "ann"),
        (object, "bob"),
        ("/dicom-web/studies?PatientName=SECRET", "bob"),
    ] {
        get(&host, path, Some(name)).await;
    }
    let rows = rows(&host, "may").await;
    let expected = [
        ("authorizer", "allow", Some("search by ann")),
        ("authorizer", "deny", Some("retrieve by bob: not on the list")),
        ("authorizer", "deny", Some("search by bob: not on the list")),
    ];
    assert_eq!(said(&rows), expected);
    let object = Uid::parse("1.2.5").unwrap();
    let found = host.archive.index().outcomes_of_object(None, &object, None, 10).await;
    assert_eq!(found.unwrap().len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_does_not_fill_the_table() {
    let host = Host::of(Set {
        authenticators: vec![who(|_| Ok(None))],
        ..Set::default()
    })
    .await;
    let began = Instant::now();
    for _ in 0..300 {
        get(&host, "/api/about", None).await;
    }
    let due = usize::try_from(began.elapsed().as_millis() / 100).unwrap();
    let rows = rows(&host, "who").await.len();
    assert!((100..=100 + due + 1).contains(&rows), "{rows} rows, {due} were due");
    host.stop().await;
}

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{held, object, routed, uid};
use crate::{
    cluster::tests::fresh_index,
    index::{
        Duplicates::{KeepFirst, Replace},
        Event, Index, IndexError, Indexed, NewEvent, NewJob, NewObject, events,
    },
};

async fn all(index: &Index) -> Vec<Event> {
    index.events_after(0, &[], 1000).await.unwrap().events
}

async fn emit(index: &Index, kinds: &[&'static str]) {
    let events: Vec<NewEvent> = kinds
        .iter()
        .map(|kind| NewEvent::new(*kind, json!({"of": kind})))
        .collect();
    index.emit(&events).await.unwrap();
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[tokio::test]
async fn what_is_stored_or_held_is_an_event_once() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    // Nothing is wanted.
    index
        .commit(&[object(1, 1, 1, "a"), held(object(1, 1, 2, "a"), "why")], KeepFirst)
        .await
        .unwrap();
    emit(index, &["study.quiet"]).await;
    assert!(all(index).await.is_empty() && !index.wants_events());

    index.want_events(true);
    let first = object(1, 1, 3, "a");
    let mut second = held(routed(object(1, 2, 4, "a")), "Doe^Jane moved");
    second.source.calling_ae = Some(format!("A\0E\"{}", "x".repeat(1000)));
    let batch = [first.clone(), second.clone(), object(1, 1, 1, "a")];
    let answers = index.commit(&batch, KeepFirst).await.unwrap();
    assert_eq!(answers, [Indexed::New, Indexed::Held, Indexed::Identical]);
    let found = all(index).await;
    assert_eq!(kinds(&found), ["object.quarantined", "object.stored"]);
    assert_eq!(
        found[1].data,
        json!({
            "study": "1.1", "series": "1.1.1", "object": "1.1.1.3", "sop_class": "1.2.840.10008.5.1.4.1.1.2",
            "transport": "dimse", "calling_ae": "CT1",
        })
    );
    let quarantined = &found[0].data;
    assert_eq!(
        (&quarantined["object"], &quarantined["plugin"]),
        (&json!("1.1.2.4"), &json!("scrub"))
    );
    assert_eq!(quarantined["calling_ae"].as_str().unwrap().len(), 256);
    assert!(!quarantined.to_string().contains("Doe"));

    // The same again is none, of the same place or another; nor is a conflict, nor what a rebuilt index finds.
    let again = [first, second, object(1, 1, 3, "a"), object(1, 1, 3, "b")];
    let answers = index.commit(&again, KeepFirst).await.unwrap();
    assert_eq!(
        answers,
        [Indexed::New, Indexed::Held, Indexed::Identical, Indexed::Conflict]
    );
    index
        .without_events()
        .commit(&[object(1, 1, 9, "a")], KeepFirst)
        .await
        .unwrap();
    assert_eq!(all(index).await.len(), 2);

    // What takes another's place is one.
    let answers = index
        .commit(&[object(1, 1, 3, "b"), object(1, 1, 4, "a")], Replace)
        .await
        .unwrap();
    assert_eq!(answers, [Indexed::Replaced, Indexed::New]);
    let found = index.events_after(found[1].cursor, &[], 10).await.unwrap().events;
    let mut objects: Vec<_> = found
        .iter()
        .map(|event| event.data["object"].as_str().unwrap())
        .collect();
    objects.sort_unstable();
    assert_eq!(
        (objects, kinds(&found)),
        (vec!["1.1.1.3", "1.1.1.4"], vec!["object.stored"; 2])
    );

    // Another of the same place.
    index.want_events(false);
    index.commit(&[object(1, 1, 5, "a")], KeepFirst).await.unwrap();
    assert_eq!(all(index).await.len(), 4);
    let totals = index.totals().await.unwrap();
    assert_eq!((totals.objects, totals.quarantined, totals.waiting), (5, 2, 0));
}

#[tokio::test]
async fn a_delivery_that_is_given_up_is_an_event_once() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let lease = Duration::from_secs(60);
    let deliveries = ["a", "b"].map(|name| NewJob::deliver(name).of_object(uid("1.1"), uid("1.1.1.1")));
    index.enqueue(&deliveries).await.unwrap();
    let first = index.claim_deliveries("a", 10, lease).await.unwrap();
    let second = index.claim_deliveries("b", 10, lease).await.unwrap();
    // Nothing is wanted.
    index.bury(&[first[0].id], "no such peer").await.unwrap();
    assert!(all(index).await.is_empty());

    index.want_events(true);
    for _ in 0..2 {
        index
            .bury(&[first[0].id, second[0].id, 4711], "Doe^Jane is not wanted")
            .await
            .unwrap();
    }
    let found = all(index).await;
    assert_eq!(kinds(&found), ["delivery.dead"]);
    assert_eq!(
        found[0].data,
        json!({
            "job": second[0].id, "study": "1.1", "object": "1.1.1.1", "destination": "b", "attempts": 1,
        })
    );
    assert_eq!(index.dead(10).await.unwrap().len(), 2);

    // Requeued and given up again, it is another.
    index.requeue(&[second[0].id]).await.unwrap();
    let again = index.claim_deliveries("b", 10, lease).await.unwrap();
    index.bury(&[again[0].id], "no").await.unwrap();
    assert_eq!(kinds(&all(index).await), ["delivery.dead"; 2]);

    // Other work is none.
    index
        .enqueue(&[NewJob::Route.of_object(uid("1.1"), uid("1.1.1.2"))])
        .await
        .unwrap();
    let route = index.claim_routes(10, lease).await.unwrap();
    index.bury(&[route[0].id], "no router").await.unwrap();
    assert_eq!(all(index).await.len(), 2);
}

/// An object whose event cannot be appended is not stored either.
#[tokio::test]
async fn an_object_and_its_event_are_one() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let refuse = "ALTER TABLE events ADD CHECK (data->>'object' <> '1.1.1.2')";
    sqlx::query(refuse).execute(&mut connection).await.unwrap();
    let batch: Vec<NewObject> = (1..=3).map(|number| object(1, 1, number, "a")).collect();
    for policy in [KeepFirst, Replace] {
        let error = index.commit(&batch, policy).await.unwrap_err();
        assert!(matches!(error, IndexError::Refused { .. }), "{error}");
    }
    assert!(
        index
            .known(&uid("1.1"), &[uid("1.1.1.1"), uid("1.1.1.2")])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(all(index).await.is_empty());
    index.commit(&batch[..1], KeepFirst).await.unwrap();
    assert_eq!(all(index).await.len(), 1);
}

#[tokio::test]
async fn pages_by_kind() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    emit(
        index,
        &[
            "object.stored",
            "study.quiet",
            "object.quarantined",
            "a%b",
            "object_stored",
            "delivery.dead",
        ],
    )
    .await;
    let every = all(index).await;
    let last = every[5].cursor;
    assert!(
        every
            .windows(2)
            .all(|pair| pair[0].cursor < pair[1].cursor && pair[0].at <= pair[1].at)
    );
    assert_eq!(every[1].data, json!({"of": "study.quiet"}));
    for (globs, limit, expected, through) in [
        (&[][..], 2, &["object.stored", "study.quiet"][..], every[1].cursor),
        (&["object.*"], 9, &["object.stored", "object.quarantined"], last),
        (
            &["object.*"],
            2,
            &["object.stored", "object.quarantined"],
            every[2].cursor,
        ),
        (&["object.*"], 1, &["object.stored"], every[0].cursor),
        (&["object?stored"], 9, &["object.stored", "object_stored"], last),
        (&["object_*"], 9, &["object_stored"], last),
        (&["a%b"], 9, &["a%b"], last),
        (&["%"], 9, &[], last),
        (&["\\"], 9, &[], last),
        (&["study.quiet", "*.dead"], 9, &["study.quiet", "delivery.dead"], last),
    ] {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let page = index.events_after(0, &globs, limit).await.unwrap();
        assert_eq!(
            (kinds(&page.events), page.through),
            (expected.to_vec(), through),
            "{globs:?}"
        );
    }
    let page = index.events_after(last, &["object.*".into()], 9).await.unwrap();
    assert_eq!((page.events.len(), page.through), (0, last));
    let page = index.events_after(u64::MAX, &[], 9).await.unwrap();
    assert_eq!((page.events.len(), page.through), (0, u64::MAX));

    // Of many that are not asked for, some thousands are passed at a time.
    let noise: Vec<NewEvent> = (0..6000).map(|_| NewEvent::new("noise", json!(null))).collect();
    index.emit(&noise).await.unwrap();
    emit(index, &["study.quiet"]).await;
    let globs = ["study.*".to_owned()];
    let first = index.events_after(last, &globs, 9).await.unwrap();
    assert!(first.events.is_empty() && first.through > last);
    let second = index.events_after(first.through, &globs, 9).await.unwrap();
    assert_eq!(kinds(&second.events), ["study.quiet"]);
}

/// Four hosts store, replace, hold and emit; a reader that never goes back sees all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_ever_skips_an_event() {
    let fresh = fresh_index().await;
    fresh.index.want_events(true);
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (index, done) = (fresh.index.clone(), done.clone());
        async move {
            let (mut seen, mut cursor) = (Vec::new(), 0);
            loop {
                let finished = done.load(Ordering::Acquire);
                let page = index.events_after(cursor, &[], 7).await.unwrap();
                if finished && page.events.is_empty() {
                    return seen;
                }
                cursor = page.through;
                seen.extend(page.events);
            }
        }
    });
    let mut hosts = Vec::new();
    for host in 0..4u32 {
        let index = Index::connect(fresh.options.clone(), 3).await.unwrap();
        index.want_events(true);
        hosts.push(tokio::spawn(async move {
            let (mut stored, mut emitted) = (0, 0);
            for round in 0..15u32 {
                let mut batch: Vec<NewObject> = (0..6).map(|n| routed(object(1, n, round * 10 + n, "same"))).collect();
                batch.push(object(1, 1, 5000 + round, &format!("contested by {host}")));
                batch.push(held(object(2, host, round, "x"), "why"));
                if host % 2 == 1 {
                    batch.reverse();
                }
                let policy = if host < 2 { KeepFirst } else { Replace };
                let answers = index.commit(&batch, policy).await.unwrap();
                stored += answers.iter().filter(|answer| answer.keeps_bytes()).count();
                emit(&index, &["study.quiet", "study.quiet"]).await;
                emitted += 2;
            }
            (stored, emitted)
        }));
    }
    let mut expected = 0;
    for host in hosts {
        let (stored, emitted) = host.await.unwrap();
        expected += stored + emitted;
    }
    done.store(true, Ordering::Release);
    let seen = reader.await.unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    let cursors: BTreeSet<u64> = seen.iter().map(|event| event.cursor).collect();
    assert_eq!((cursors.len(), seen.len()), (expected, expected));
    let mut written = Vec::new();
    while let Some(page) = Some(
        fresh
            .index
            .events_after(written.last().map_or(0, |event: &Event| event.cursor), &[], 1000)
            .await
            .unwrap(),
    )
    .filter(|page| !page.events.is_empty())
    {
        written.extend(page.events);
    }
    assert_eq!(written, seen);
}

/// Whoever appends last becomes visible last, although it was ready to commit first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_commits_late_is_waited_for() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let mut slow = connection.begin().await.unwrap();
    events::append(&mut slow, &[NewEvent::new("slow", json!(1))])
        .await
        .unwrap();
    let quick = tokio::spawn({
        let index = index.clone();
        async move { emit(&index, &["quick"]).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!quick.is_finished() && all(index).await.is_empty());
    // An object that brings no event is not held up.
    let no_events = index.without_events();
    no_events.commit(&[object(1, 1, 1, "a")], KeepFirst).await.unwrap();
    slow.commit().await.unwrap();
    quick.await.unwrap();
    assert_eq!(kinds(&all(index).await), ["slow", "quick"]);
}

#[tokio::test]
async fn events_have_bounds() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    let refused = async |event: NewEvent| match index.emit(&[event]).await {
        Err(IndexError::Refused { on, .. }) => on.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(NewEvent::new("x".repeat(101), json!(1))).await,
        "events_kind_check"
    );
    assert_eq!(
        refused(NewEvent::new("x", json!("x".repeat(65_536)))).await,
        "events_data_check"
    );
    index.emit(&[NewEvent::new("x", json!("\0 \u{1f480}"))]).await.unwrap();
    assert_eq!(all(index).await[0].data, json!("\0 \u{1f480}"));
}

#[tokio::test]
async fn what_every_sink_has_passed_is_pruned() {
    const HOUR: Duration = Duration::from_secs(3600);
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    for name in ["a", "b"] {
        index.claim_sink(name, "host", HOUR).await.unwrap().unwrap();
    }
    emit(index, &["1", "2", "3", "4", "5"]).await;
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let aged = "UPDATE events SET at = now() - interval '2 hours' WHERE kind < '5'";
    sqlx::query(aged).execute(&mut connection).await.unwrap();
    let cursors: Vec<u64> = all(index).await.iter().map(|event| event.cursor).collect();
    assert_eq!(index.prune_events_older(HOUR, true).await.unwrap(), 0);
    index.advance("a", "host", cursors[4]).await.unwrap();
    index.advance("b", "host", cursors[1]).await.unwrap();
    assert_eq!(index.prune_events_older(HOUR, true).await.unwrap(), 2);
    assert_eq!(kinds(&all(index).await), ["3", "4", "5"]);
    assert_eq!(index.prune_events().await.unwrap(), 0);
    assert_eq!(index.prune_events_older(HOUR, false).await.unwrap(), 2);
    assert_eq!(kinds(&all(index).await), ["5"]);
    // A cursor stays what it was, and a sink that comes when there is nothing sees what comes then.
    index.advance("b", "host", cursors[4]).await.unwrap();
    assert_eq!(index.prune_events_older(Duration::ZERO, true).await.unwrap(), 1);
    assert_eq!(index.claim_sink("b", "host", HOUR).await.unwrap(), Some(cursors[4]));
    let cursor = index.claim_sink("c", "host", HOUR).await.unwrap().unwrap();
    emit(index, &["6"]).await;
    assert_eq!(kinds(&index.events_after(cursor, &[], 9).await.unwrap().events), ["6"]);
}

use std::time::Duration;

use serde_json::json;

use super::object;
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Index, NewEvent},
};

const LEASE: Duration = Duration::from_secs(60);
/// Has ended when it begins.
const OVER: Duration = Duration::ZERO;

async fn emit(index: &Index, count: u32) -> Vec<u64> {
    let end = index.events_after(0, &[], 1000).await.unwrap().through;
    let events: Vec<NewEvent> = (0..count).map(|n| NewEvent::new("study.quiet", json!(n))).collect();
    index.emit(&events).await.unwrap();
    let page = index.events_after(end, &[], 1000).await.unwrap();
    page.events.iter().map(|event| event.cursor).collect()
}

#[tokio::test]
async fn one_host_at_a_time_feeds_a_sink() {
    let fresh = fresh_index().await;
    let (one, other) = (&fresh.index, &Index::connect(fresh.options.clone(), 2).await.unwrap());
    one.want_events(true);
    let old = emit(one, 3).await;

    // It begins at the present end.
    let start = one.claim_sink("s", "one", LEASE).await.unwrap();
    assert_eq!(start, Some(old[2]));
    assert_eq!(other.claim_sink("s", "other", LEASE).await.unwrap(), None);
    assert!(other.claim_sink("t", "other", LEASE).await.unwrap().is_some());
    let new = emit(one, 3).await;
    assert!(!other.advance("s", "other", new[0]).await.unwrap());
    assert!(one.advance("s", "one", new[0]).await.unwrap());
    assert!(
        one.advance("s", "one", old[0]).await.unwrap(),
        "but it does not go back"
    );
    assert!(!one.advance("no such", "one", new[0]).await.unwrap());
    assert_eq!(one.claim_sink("s", "one", LEASE).await.unwrap(), Some(new[0]));

    // A lease ends, or is given back; who had it cannot move the cursor once it is another's.
    assert_eq!(one.claim_sink("s", "one", OVER).await.unwrap(), Some(new[0]));
    assert!(one.advance("s", "one", new[1]).await.unwrap(), "nobody came");
    assert_eq!(other.claim_sink("s", "other", LEASE).await.unwrap(), Some(new[1]));
    assert!(!one.advance("s", "one", new[2]).await.unwrap());
    one.release_sink("s", "one").await.unwrap();
    assert_eq!(one.claim_sink("s", "one", LEASE).await.unwrap(), None);
    other.release_sink("s", "other").await.unwrap();
    assert!(!other.advance("s", "other", new[2]).await.unwrap());
    assert_eq!(one.claim_sink("s", "one", LEASE).await.unwrap(), Some(new[1]));

    let lag = one.sink_lag("s").await.unwrap().unwrap();
    assert_eq!(
        (lag.cursor, lag.events, lag.parked, lag.holder.as_deref()),
        (new[1], 1, 0, Some("one"))
    );
    let last = one.events_after(new[1], &[], 1).await.unwrap().events.remove(0);
    assert_eq!(lag.oldest, Some(last.at));
    one.advance("s", "one", new[2]).await.unwrap();
    let lag = one.sink_lag("s").await.unwrap().unwrap();
    assert_eq!((lag.events, lag.oldest), (0, None));
    assert_eq!(one.sink_lag("no such").await.unwrap(), None);
    let names: Vec<String> = one.sinks().await.unwrap().into_iter().map(|lag| lag.name).collect();
    assert_eq!(names, ["s", "t"]);

    assert!(!one.forget_sink("s").await.unwrap(), "somebody feeds it");
    one.release_sink("s", "one").await.unwrap();
    assert!(one.forget_sink("s").await.unwrap());
    assert!(one.sink_lag("s").await.unwrap().is_none());
}

/// Six hosts try at once: one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_for_a_sink() {
    let fresh = fresh_index().await;
    for round in 0..5 {
        let tasks: Vec<_> = (0..6)
            .map(|host| {
                let index = fresh.index.clone();
                tokio::spawn(async move {
                    let claimed = index
                        .claim_sink(&format!("s{round}"), &format!("host {host}"), LEASE)
                        .await;
                    claimed.unwrap().is_some()
                })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += u32::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
    }
}

#[tokio::test]
async fn what_a_sink_cannot_take() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    index.claim_sink("s", "host", LEASE).await.unwrap();
    let cursors = emit(index, 3).await;
    let id = index.park("s", cursors[1], "no \0 such table").await.unwrap().unwrap();
    let early = index.park("s", cursors[0], "too long").await.unwrap().unwrap();
    assert_eq!(index.park("s", cursors[1], "still none").await.unwrap(), Some(id));
    assert_eq!(index.park("s", 4711, "what").await.unwrap(), None);
    let other = index.park("t", cursors[1], "no").await.unwrap().unwrap();
    let parked = index.parked(None, 10).await.unwrap();
    assert_eq!(
        parked.iter().map(|parked| parked.id).collect::<Vec<_>>(),
        [other, early, id]
    );
    let event = index.events_after(cursors[0], &[], 1).await.unwrap().events.remove(0);
    let one = &parked[2];
    assert_eq!(
        (one.sink.as_str(), one.reason.as_str(), one.again, &one.event),
        ("s", "still none", false, &event)
    );
    assert_eq!(index.parked(Some(early), 10).await.unwrap().len(), 1);
    assert_eq!(index.sink_lag("s").await.unwrap().unwrap().parked, 2);

    // Once more, if a person says so; even when the event itself is gone.
    assert!(index.unparked("s", 10).await.unwrap().is_empty());
    for id in [id, early, other] {
        assert!(index.unpark(id).await.unwrap().unwrap().again);
    }
    assert_eq!(index.unpark(4711).await.unwrap(), None);
    index.forget_sink("s").await.unwrap();
    index.prune_events_older(Duration::ZERO, false).await.unwrap();
    let again = index.unparked("s", 10).await.unwrap();
    let order: Vec<_> = again.iter().map(|parked| parked.event.cursor).collect();
    assert_eq!(order, cursors[..2]);
    assert!(index.discard_parked(early).await.unwrap());
    assert!(!index.discard_parked(early).await.unwrap());
    assert_eq!(index.park("s", cursors[1], "not now either").await.unwrap(), Some(id));
    assert!(index.unparked("s", 10).await.unwrap().is_empty());
    assert_eq!(index.parked(None, 10).await.unwrap()[1].reason, "not now either");
}

/// A host that starts appends events for sinks that the database knows, before its configuration says so.
#[tokio::test]
async fn a_known_sink_makes_events_wanted() {
    let fresh = fresh_index().await;
    fresh.index.claim_sink("s", "host", LEASE).await.unwrap();
    let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
    assert!(index.wants_events() && !fresh.index.wants_events());
    index
        .commit(&[object(1, 1, 1, "a")], Duplicates::KeepFirst)
        .await
        .unwrap();
    assert_eq!(index.sink_lag("s").await.unwrap().unwrap().events, 1);
}

use std::time::{Duration, Instant};

use super::{held, object, routed, uid, with};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Index, Indexed, NewObject, Standing, StoredTogether, Within},
};
use serde_json::json;

/// What is done, what is committed by which policy, the answers, and how many routing jobs are enqueued.
type Case = (&'static str, Vec<NewObject>, Duplicates, Vec<Indexed>, usize);

const LEASE: Duration = Duration::from_secs(60);

async fn served(index: &Index, object: &NewObject) -> [u8; 32] {
    let found = index
        .locate(
            &object.identity.study,
            None,
            Some(&object.identity.sop_instance),
            None,
            1,
            &Within::everything(),
        )
        .await
        .unwrap();
    found[0].place.digest
}

#[tokio::test]
async fn outcomes() {
    use Duplicates::{KeepBoth, KeepFirst, Replace};
    use Indexed::{Conflict, Held, Identical, New, Replaced};
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let (a, b) = (|n| routed(object(1, 1, n, "a")), |n| routed(object(1, 1, n, "b")));
    let first = a(1);
    let table: Vec<Case> = vec![
        ("nothing", vec![], KeepFirst, vec![], 0),
        ("a new one", vec![first.clone()], KeepFirst, vec![New], 1),
        ("the same place again", vec![first.clone()], KeepFirst, vec![New], 0),
        ("the same bytes again", vec![a(1)], KeepFirst, vec![Identical], 0),
        ("other bytes", vec![b(1)], KeepFirst, vec![Conflict], 0),
        ("the same bytes, to replace", vec![a(1)], Replace, vec![Identical], 0),
        ("other bytes, to replace", vec![b(1)], Replace, vec![Replaced], 1),
        ("the first again, to replace", vec![a(1)], Replace, vec![Replaced], 1),
        ("other bytes, to keep", vec![b(1)], KeepBoth, vec![Replaced], 1),
        (
            "out of order",
            vec![a(5), a(3), a(4)],
            KeepFirst,
            vec![New, New, New],
            3,
        ),
        (
            "old and new",
            vec![a(6), a(5), b(4), a(7)],
            KeepFirst,
            vec![New, Identical, Conflict, New],
            2,
        ),
        (
            "old and new, to replace",
            vec![a(8), a(5), b(4), a(9)],
            Replace,
            vec![New, Identical, Replaced, New],
            3,
        ),
        (
            "twice in a batch",
            vec![a(10), a(10), b(10)],
            KeepFirst,
            vec![New, Identical, Conflict],
            1,
        ),
        (
            "twice in a batch, to replace",
            vec![a(11), b(11), a(12)],
            Replace,
            vec![New, Replaced, New],
            2,
        ),
        ("held", vec![held(a(20), "why")], KeepFirst, vec![Held], 0),
        (
            "held, the same bytes",
            vec![held(a(20), "why")],
            KeepFirst,
            vec![Identical],
            0,
        ),
        ("held, other bytes", vec![held(b(20), "why")], KeepFirst, vec![Held], 0),
        (
            "held twice in a batch",
            vec![held(a(21), "x"), held(a(21), "y"), a(21)],
            KeepFirst,
            vec![Held, Identical, New],
            1,
        ),
        (
            "held, of one that is served",
            vec![held(a(5), "why")],
            KeepFirst,
            vec![Held],
            0,
        ),
    ];
    for (what, batch, policy, expected, jobs) in table {
        assert_eq!(index.commit(&batch, policy).await.unwrap(), expected, "{what}");
        for (object, outcome) in batch.iter().zip(&expected) {
            let known = index
                .known(
                    &object.identity.study,
                    std::slice::from_ref(&object.identity.sop_instance),
                )
                .await
                .unwrap();
            assert_eq!(
                known.iter().any(|known| known.place == object.place),
                outcome.keeps_bytes(),
                "{what}: {known:?}"
            );
        }
        let claimed = index.claim_routes(100, LEASE).await.unwrap();
        assert_eq!(claimed.len(), jobs, "{what}");
        index
            .finish(&claimed.iter().map(|job| job.id).collect::<Vec<_>>(), &[])
            .await
            .unwrap();
    }
    assert_eq!(served(index, &b(4)).await, b(4).place.digest);
    let known = index.known(&uid("1.1"), &[uid("1.1.1.1")]).await.unwrap();
    let standing = |wanted| known.iter().filter(|known| known.standing == wanted).count();
    assert_eq!((standing(Standing::Served), standing(Standing::Superseded)), (1, 3));
    let quarantined = index.quarantined(10).await.unwrap();
    assert_eq!(quarantined.len(), 4);
    assert_eq!(quarantined[0].held.plugin.as_deref(), Some("scrub"));
    let totals = index.totals().await.unwrap();
    assert_eq!(
        (totals.studies, totals.series, totals.objects, totals.quarantined),
        (1, 1, 12, 4),
        "{totals:?}"
    );
    index.clear().await.unwrap();
    assert_eq!(index.totals().await.unwrap().objects, 0);
}

#[tokio::test]
async fn hostile_headers_are_indexed() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let long = "ÿ".repeat(100_000);
    let mut nasty = with(
        2,
        1,
        1,
        "x",
        json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": long}]},
            "00100020": {"vr": "LO", "Value": [format!("a\u{0}b{long}")]},
            "00081030": {"vr": "LO", "Value": ["\u{0}"]},
            "00080020": {"vr": "DA", "Value": ["99999999"]},
            "00080050": {"vr": "SH", "Value": ["'); DROP TABLE studies; --"]},
            "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["\u{0}", "{a,b}\""]}}]},
        }),
    );
    nasty.source.calling_ae = Some("A\u{0}E".into());
    let reason = "nul \u{0} here";
    let batch = [nasty.clone(), held(nasty, reason)];
    assert_eq!(
        index.commit(&batch, Duplicates::KeepFirst).await.unwrap(),
        [Indexed::New, Indexed::Held]
    );
    assert_eq!(index.quarantined(1).await.unwrap()[0].held.reason, "nul  here");
}

/// Four hosts receive the same objects at once, and others of the same studies, in different orders.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_that_commit_the_same_objects() {
    let fresh = fresh_index().await;
    for policy in [Duplicates::KeepFirst, Duplicates::Replace] {
        let mut tasks = Vec::new();
        for host in 0..4u32 {
            let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
            tasks.push(tokio::spawn(async move {
                let mut kept = Vec::new();
                for round in 0..25u32 {
                    let study = 100 + round % 5;
                    let mut batch: Vec<NewObject> = (0..8)
                        .map(|n| routed(object(study, n % 3, round * 10 + n, "same")))
                        .collect();
                    batch.push(object(study, host, 1000 + round, "own"));
                    batch.push(routed(object(study, 9, 2000 + round, &format!("contested by {host}"))));
                    if host % 2 == 1 {
                        batch.reverse();
                    }
                    let outcomes = index.commit(&batch, policy).await.unwrap();
                    kept.extend(
                        batch
                            .into_iter()
                            .zip(outcomes)
                            .filter(|(_, outcome)| outcome.keeps_bytes()),
                    );
                }
                kept
            }));
        }
        let mut kept = Vec::new();
        for task in tasks {
            kept.extend(task.await.unwrap());
        }
        let news = |content: &str| {
            let digest = *blake3::hash(content.as_bytes()).as_bytes();
            kept.iter()
                .filter(|(object, outcome)| object.place.digest == digest && *outcome == Indexed::New)
                .count()
        };
        assert_eq!(news("same"), 200, "each is new to one host");
        assert_eq!(news("own"), 100);
        assert_eq!(
            (0..4).map(|host| news(&format!("contested by {host}"))).sum::<usize>(),
            25
        );
        // Every place that a host was told to keep has a row.
        for (object, _) in &kept {
            let known = fresh
                .index
                .known(
                    &object.identity.study,
                    std::slice::from_ref(&object.identity.sop_instance),
                )
                .await
                .unwrap();
            assert!(known.iter().any(|known| known.place == object.place));
        }
        fresh.index.clear().await.unwrap();
    }
}

/// Not an assertion about time: prints what a commit costs, on a machine that others use too.
#[tokio::test]
async fn cost_of_a_commit() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let header = json!({
        "00080020": {"vr": "DA", "Value": ["20240102"]}, "00080030": {"vr": "TM", "Value": ["101112"]},
        "00080050": {"vr": "SH", "Value": ["ACC1"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
        "00081030": {"vr": "LO", "Value": ["CT CHEST W/O CONTRAST"]}, "0008103E": {"vr": "LO", "Value": ["AX 1.0"]},
        "00280010": {"vr": "US", "Value": [512]}, "00280011": {"vr": "US", "Value": [512]}, "00280100": {"vr": "US", "Value": [16]},
    });
    let mut next = 0;
    for durable in [false, true] {
        if durable {
            let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect_with(&fresh.options)
                .await
                .unwrap();
            let database: String = sqlx::query_scalar("SELECT current_database()")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let sql = format!("ALTER DATABASE {database} SET synchronous_commit = on");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let index = if durable {
            Index::connect(fresh.options.clone(), 2).await.unwrap()
        } else {
            index.clone()
        };
        for size in [1u32, 16] {
            let mut times = Vec::new();
            for round in 0..120 {
                let batch: Vec<NewObject> = (0..size)
                    .map(|_| {
                        next += 1;
                        routed(with(500 + next / 400, 1 + next % 3, next, "x", header.clone()))
                    })
                    .collect();
                let start = Instant::now();
                index.commit(&batch, Duplicates::KeepFirst).await.unwrap();
                if round >= 20 {
                    times.push(start.elapsed());
                }
            }
            times.sort_unstable();
            println!(
                "commit of {size}, durable {durable}: median {:?}, best {:?}",
                times[times.len() / 2],
                times[0]
            );
        }
    }
}

/// A series that this host remembers may be gone: it is brought again.
#[tokio::test]
async fn a_remembered_series_that_is_gone_is_indexed_again() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    for number in 1..=3 {
        let answer = index.commit(&[object(1, 1, number, "a")], Duplicates::KeepFirst).await;
        assert_eq!(answer.unwrap(), [Indexed::New]);
    }
    assert_eq!(index.totals().await.unwrap().series, 1);
    index.clear().await.unwrap();
    let again = [object(1, 1, 4, "a"), object(1, 1, 5, "a")];
    let answer = index.commit(&again, Duplicates::KeepFirst).await.unwrap();
    assert_eq!(answer, [Indexed::New, Indexed::New]);
    let totals = index.totals().await.unwrap();
    assert_eq!((totals.studies, totals.series, totals.objects), (1, 1, 2));
}

/// Hosts that store overlapping objects together, each with bytes of its own: one has all of its, and no other has any.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_overlapping_objects_that_are_stored_together_one_group_wins() {
    let fresh = fresh_index().await;
    for round in 0..20u32 {
        let mut tasks = Vec::new();
        for host in 0..4u32 {
            let index = Index::connect(fresh.options.clone(), 4).await.unwrap();
            tasks.push(tokio::spawn(async move {
                let mut batch: Vec<NewObject> = (0..6)
                    .map(|n| routed(object(300 + round, 1, host + n, &format!("by {host}"))))
                    .collect();
                if host % 2 == 1 {
                    batch.reverse();
                }
                let stored = index.commit_together(&batch).await.unwrap();
                if let StoredTogether::All(indexed) = &stored {
                    assert_eq!(*indexed, vec![Indexed::New; 6]);
                    let again = index.commit_together(&batch).await.unwrap();
                    assert_eq!(again, stored, "a commit whose answer was lost is repeated");
                }
                (batch, stored)
            }));
        }
        let mut winners = 0;
        for task in tasks {
            let (batch, stored) = task.await.unwrap();
            let uids: Vec<_> = batch
                .iter()
                .map(|object| object.identity.sop_instance.clone())
                .collect();
            let known = fresh.index.known(&batch[0].identity.study, &uids).await.unwrap();
            let here = batch
                .iter()
                .filter(|object| known.iter().any(|known| known.place == object.place))
                .count();
            match stored {
                StoredTogether::All(_) => {
                    winners += 1;
                    assert_eq!(here, 6);
                }
                StoredTogether::Conflict(with) => {
                    assert_eq!(here, 0);
                    assert!(
                        !with.is_empty() && with.iter().all(|uid| uids.contains(uid)),
                        "{with:?}"
                    );
                }
            }
        }
        assert_eq!(winners, 1);
    }
    let jobs = fresh.index.claim_routes(1000, LEASE).await.unwrap();
    assert_eq!(jobs.len(), 20 * 6, "only who won is routed");
}

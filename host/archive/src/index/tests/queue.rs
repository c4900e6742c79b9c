use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{object, routed, uid};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Index, Job, JobKind, NewJob},
};

const LEASE: Duration = Duration::from_secs(60);

fn deliver(destination: &str, delay: Duration, priority: u8) -> NewJob {
    NewJob::Deliver {
        destination: destination.into(),
        delay,
        priority,
    }
}

fn ids(jobs: &[Job]) -> Vec<i64> {
    jobs.iter().map(|job| job.id).collect()
}

fn objects(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.object.as_str()).collect()
}

#[tokio::test]
async fn a_jobs_life() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index
        .commit(&[routed(object(1, 1, 1, "x"))], Duplicates::KeepFirst)
        .await
        .unwrap();
    let jobs = index.claim_routes(10, LEASE).await.unwrap();
    assert_eq!(
        (
            jobs.len(),
            jobs[0].kind,
            jobs[0].attempts,
            jobs[0].destination.as_deref()
        ),
        (1, JobKind::Route, 1, None)
    );
    assert!(index.claim_routes(10, LEASE).await.unwrap().is_empty(), "it is claimed");

    // What follows is enqueued with the end of it, once.
    let follow = |to: &str| (uid("1.1"), uid("1.1.1.1"), NewJob::deliver(to));
    index
        .finish(&ids(&jobs), &[follow("a"), follow("b"), follow("a")])
        .await
        .unwrap();
    index.finish(&ids(&jobs), &[follow("a")]).await.unwrap();
    assert!(index.claim_routes(10, LEASE).await.unwrap().is_empty());
    let backlog = index.waiting_by_destination().await.unwrap();
    let waiting: Vec<_> = backlog
        .iter()
        .map(|backlog| (backlog.destination.as_deref(), backlog.waiting))
        .collect();
    assert_eq!(waiting, [(Some("a"), 1), (Some("b"), 1)]);

    // Given back, it comes again, but not before its time.
    let job = index.claim_deliveries("a", 10, LEASE).await.unwrap();
    index
        .retry(&ids(&job), Duration::from_millis(100), "peer is down")
        .await
        .unwrap();
    assert!(index.claim_deliveries("a", 10, LEASE).await.unwrap().is_empty());
    assert_eq!(
        index.waiting_by_destination().await.unwrap()[0].last_failure.as_deref(),
        Some("peer is down")
    );
    tokio::time::sleep(Duration::from_millis(120)).await;
    let job = index.claim_deliveries("a", 10, LEASE).await.unwrap();
    assert_eq!(job[0].attempts, 2);

    // Given up, it stays in sight until a person says otherwise.
    index.bury(&ids(&job), "no such peer").await.unwrap();
    assert!(index.claim_deliveries("a", 10, LEASE).await.unwrap().is_empty());
    let dead = index.dead(10).await.unwrap();
    assert_eq!(
        (dead.len(), dead[0].reason.as_str(), dead[0].job.id),
        (1, "no such peer", job[0].id)
    );
    let totals = index.totals().await.unwrap();
    assert_eq!((totals.waiting, totals.dead), (1, 1));
    assert_eq!(index.requeue(&[job[0].id, 4711]).await.unwrap(), 1);
    let job = index.claim_deliveries("a", 10, LEASE).await.unwrap();
    assert_eq!(job[0].attempts, 1);

    // Enqueued again while it is being done: who does the old one does not end the new one.
    index.finish(&[], &[follow("a")]).await.unwrap();
    index.finish(&ids(&job), &[]).await.unwrap();
    let again = index.claim_deliveries("a", 10, LEASE).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].id, job[0].id);
    index.finish(&ids(&again), &[]).await.unwrap();

    // A lease ends.
    let first = index
        .claim_deliveries("b", 10, Duration::from_millis(50))
        .await
        .unwrap();
    assert!(index.claim_deliveries("b", 10, LEASE).await.unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(70)).await;
    let second = index.claim_deliveries("b", 10, LEASE).await.unwrap();
    assert_eq!((ids(&first), second[0].attempts), (ids(&second), 2));
}

#[tokio::test]
async fn deliveries_come_study_by_study() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let enqueue = async |study: u32, number: u32, delay: u64, priority: u8| {
        let job = deliver("a", Duration::from_millis(delay), priority);
        let follow = (uid(&format!("1.{study}")), uid(&format!("1.{study}.1.{number}")), job);
        index.finish(&[], &[follow]).await.unwrap();
    };
    for number in [1, 2, 3] {
        enqueue(7, number, 0, 100).await;
        enqueue(8, number, 0, 100).await;
    }
    enqueue(9, 1, 0, 50).await;
    enqueue(9, 2, 60_000, 0).await;
    enqueue(6, 1, 60_000, 0).await;
    for expected in [
        &["1.9.1.1"][..],
        &["1.7.1.1", "1.7.1.2"],
        &["1.8.1.1", "1.8.1.2"],
        &["1.7.1.3"],
        &["1.8.1.3"],
        &[],
    ] {
        assert_eq!(objects(&index.claim_deliveries("a", 2, LEASE).await.unwrap()), expected);
    }
    assert!(index.claim_deliveries("b", 2, LEASE).await.unwrap().is_empty());
}

/// Eight workers of four hosts; some jobs are given back, some leases are left to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_is_lost_and_none_done_by_two_at_once() {
    let fresh = fresh_index().await;
    let follow: Vec<_> = (0..300u32)
        .map(|n| {
            (
                uid(&format!("1.{}", n % 7)),
                uid(&format!("1.{}.{n}", n % 7)),
                NewJob::deliver("a"),
            )
        })
        .collect();
    fresh.index.finish(&[], &follow).await.unwrap();
    let mut tasks = Vec::new();
    for worker in 0..8u32 {
        let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
        tasks.push(tokio::spawn(async move {
            let (mut done, mut empty) = (Vec::new(), 0);
            while empty < 10 {
                let jobs = index
                    .claim_deliveries("a", 10, Duration::from_millis(400))
                    .await
                    .unwrap();
                if jobs.is_empty() {
                    empty += 1;
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    continue;
                }
                empty = 0;
                let studies: BTreeSet<_> = jobs.iter().map(|job| job.study.clone()).collect();
                assert!(studies.len() <= 1);
                match (worker + jobs[0].attempts) % 4 {
                    0 => index
                        .retry(&ids(&jobs), Duration::from_millis(10), "later")
                        .await
                        .unwrap(),
                    1 => {}
                    _ => {
                        index.finish(&ids(&jobs), &[]).await.unwrap();
                        done.extend(jobs.into_iter().map(|job| job.object));
                    }
                }
            }
            done
        }));
    }
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for task in tasks {
        for object in task.await.unwrap() {
            *times.entry(object.to_string()).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 300);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_eq!(fresh.index.totals().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn work_of_this_host_wakes_at_once() {
    let fresh = fresh_index().await;
    let index = fresh.index.clone();
    let waiting = tokio::spawn(async move {
        let start = Instant::now();
        index.wait_for_work(Duration::from_secs(60)).await;
        start.elapsed()
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    fresh
        .index
        .commit(&[routed(object(1, 1, 1, "x"))], Duplicates::KeepFirst)
        .await
        .unwrap();
    let waited = waiting.await.unwrap();
    assert!(
        waited > Duration::from_millis(90) && waited < Duration::from_millis(900),
        "{waited:?}"
    );
    let start = Instant::now();
    fresh.index.wait_for_work(Duration::from_secs(60)).await;
    assert!(start.elapsed() < Duration::from_secs(3));
}

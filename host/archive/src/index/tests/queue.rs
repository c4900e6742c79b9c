use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use sqlx::Connection;

use super::{object, routed, uid};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Index, IndexError, Job, JobKind, NewJob, Task},
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
    let follow = |to: &str| NewJob::deliver(to).of_object(uid("1.1"), uid("1.1.1.1"));
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
        (dead.len(), dead[0].reason.as_str(), dead[0].id),
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
        let follow = job.of_object(uid(&format!("1.{study}")), uid(&format!("1.{study}.1.{number}")));
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
        .map(|n| NewJob::deliver("a").of_object(uid(&format!("1.{}", n % 7)), uid(&format!("1.{}.{n}", n % 7))))
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

fn analysis(plugin: &str, token: Option<&[u8]>) -> NewJob {
    NewJob::Analyze {
        plugin: plugin.into(),
        chain: "ct".into(),
        token: token.map(<[u8]>::to_vec),
        delay: Duration::ZERO,
    }
}

#[tokio::test]
async fn an_analysis_waits_with_its_token() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let enqueue = async || {
        index
            .enqueue(&[analysis("lung", None).of_study(uid("1.1"))])
            .await
            .unwrap()
    };
    let claim = async || index.claim_analyses("lung", 9, LEASE).await.unwrap();
    enqueue().await;
    enqueue().await;
    let first = claim().await;
    assert_eq!(
        (
            first.len(),
            &first[0].study,
            first[0].chain.as_str(),
            first[0].plugin.as_str()
        ),
        (1, &uid("1.1"), "ct", "lung")
    );
    assert_eq!((first[0].token.as_deref(), first[0].attempts), (None, 1));
    assert!(index.claim_analyses("liver", 9, LEASE).await.unwrap().is_empty());
    index.retry(&[first[0].id], Duration::ZERO, "overloaded").await.unwrap();
    let second = claim().await;
    assert_eq!(second[0].attempts, 2);

    // The same job with a token, its attempts counted anew; who held it before does not hold it any more.
    let token = vec![7; NewJob::MOST_BYTES];
    assert!(
        !index
            .wait_for_analysis(&first[0], &token, Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(
        index
            .wait_for_analysis(&second[0], &token, Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(
        !index
            .wait_for_analysis(&second[0], b"late", Duration::ZERO)
            .await
            .unwrap()
    );
    index.finish(&[second[0].id], &[]).await.unwrap();
    let third = claim().await;
    assert_eq!((third[0].token.as_deref(), third[0].attempts), (Some(&token[..]), 1));
    let hour = Duration::from_secs(3600);
    let long = index
        .wait_for_analysis(&third[0], &[0; NewJob::MOST_BYTES + 1], hour)
        .await;
    assert_eq!(long.unwrap_err().to_string(), "the token is longer than 65536 bytes");
    assert!(index.wait_for_analysis(&third[0], b"t", hour).await.unwrap());
    assert!(claim().await.is_empty(), "it waits");

    // The study settled again: it is analyzed anew.
    enqueue().await;
    let fourth = claim().await;
    assert_eq!((fourth[0].token.as_deref(), fourth[0].attempts), (None, 1));
    index.bury(&[fourth[0].id], "it trapped").await.unwrap();
    let dead = index.dead(9).await.unwrap();
    let task = Task::Analyze {
        study: uid("1.1"),
        chain: "ct".into(),
        plugin: "lung".into(),
    };
    assert_eq!((dead[0].task.clone(), dead[0].id), (task, fourth[0].id));
    assert_eq!(index.discard(&[fourth[0].id, 4711]).await.unwrap(), 1);
    assert!(index.dead(9).await.unwrap().is_empty());
}

fn of_plugin(plugin: &str, queue: &str, payload: &[u8], key: Option<&str>) -> NewJob {
    NewJob::Plugin {
        plugin: plugin.into(),
        queue: queue.into(),
        payload: payload.to_vec(),
        key: key.map(str::to_owned),
        delay: Duration::ZERO,
    }
}

#[tokio::test]
async fn plugins_enqueue_for_themselves() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let enqueue = async |job: NewJob| index.enqueue(&[job.alone()]).await.map(|ids| ids[0]);
    let claim = async |plugin: &str| index.claim_plugin_jobs(plugin, 9, LEASE).await.unwrap();
    let a = enqueue(of_plugin("p", "q", b"a", Some("k"))).await.unwrap();
    let b = enqueue(of_plugin("p", "q", b"b", None)).await.unwrap();
    let c = enqueue(of_plugin("p", "q", b"b", None)).await.unwrap();
    let other = enqueue(of_plugin("p", "r", b"c", Some("k"))).await.unwrap();
    let foreign = enqueue(of_plugin("o", "q", b"d", Some("k"))).await.unwrap();
    assert!(a < b && b < c && c < other && other < foreign);
    // Of a key one waits, with the last payload.
    assert_eq!(enqueue(of_plugin("p", "q", b"later", Some("k"))).await.unwrap(), a);
    let jobs = claim("p").await;
    let told: Vec<_> = jobs
        .iter()
        .map(|job| (job.id, job.queue.as_str(), job.payload.as_slice(), job.attempts))
        .collect();
    assert_eq!(
        told,
        [
            (a, "q", &b"later"[..], 1),
            (b, "q", b"b", 1),
            (c, "q", b"b", 1),
            (other, "r", b"c", 1)
        ]
    );
    assert!(claim("p").await.is_empty());
    // While it is done another of its key is another job, which the end of the first does not end.
    let anew = enqueue(of_plugin("p", "q", b"anew", Some("k"))).await.unwrap();
    assert_ne!(anew, a);
    index
        .finish(&[a, b, c, other], &[of_plugin("p", "q", b"next", None).alone()])
        .await
        .unwrap();
    let jobs = claim("p").await;
    assert_eq!(
        jobs.iter().map(|job| job.payload.as_slice()).collect::<Vec<_>>(),
        [&b"anew"[..], b"next"]
    );
    // Its place is kept, however often it is enqueued.
    let mut slow = of_plugin("p", "q", b"slow", Some("s"));
    let slowly = enqueue(slow.clone()).await.unwrap();
    if let NewJob::Plugin { delay, .. } = &mut slow {
        *delay = Duration::from_secs(3600);
    }
    assert_eq!(enqueue(slow).await.unwrap(), slowly);
    assert_eq!(claim("p").await[0].id, slowly);

    for (job, expected) in [
        (
            of_plugin("p", "q", &[0; NewJob::MOST_BYTES + 1], None),
            "the payload is longer than 65536 bytes",
        ),
        (
            of_plugin("p", &"q".repeat(129), b"", None),
            "the queue's name is longer than 128 bytes",
        ),
        (
            of_plugin("p", "q", b"", Some(&"k".repeat(513))),
            "the key is longer than 512 bytes",
        ),
        (
            of_plugin("p", "q", b"", Some("a\0b")),
            "the key has a NUL character in it",
        ),
    ] {
        assert_eq!(enqueue(job).await.unwrap_err().to_string(), expected);
    }
    let largest = of_plugin("p", &"q".repeat(128), &[9; NewJob::MOST_BYTES], Some(&"k".repeat(512)));
    enqueue(largest).await.unwrap();
    assert_eq!(claim("p").await[0].payload.len(), NewJob::MOST_BYTES);

    // All kinds are given up, seen and discarded alike.
    index.bury(&[slowly], "no").await.unwrap();
    let backlog = index.waiting_by_destination().await.unwrap();
    let counts: Vec<_> = backlog
        .iter()
        .map(|of| {
            (
                of.plugin.as_deref().unwrap(),
                of.queue.as_deref().unwrap().len(),
                of.waiting,
                of.dead,
            )
        })
        .collect();
    assert_eq!(counts, [("o", 1, 1, 0), ("p", 1, 2, 1), ("p", 128, 1, 0)]);
    assert_eq!(
        index.dead(9).await.unwrap()[0].task,
        Task::Plugin {
            plugin: "p".into(),
            queue: "q".into()
        }
    );
    assert_eq!(index.requeue(&[slowly]).await.unwrap(), 1);
    assert_eq!(claim("p").await[0].attempts, 1);
}

#[tokio::test]
async fn a_plugins_queues_have_an_end() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let most = NewJob::MOST_OF_A_PLUGIN;
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query(
        "INSERT INTO jobs (study_uid, object_uid, kind, destination, part, priority, due) \
         SELECT '', '', 'plugin', 'p', 'q', 100, now() FROM generate_series(1, $1)",
    )
    .bind(i64::from(most) - 1)
    .execute(&mut connection)
    .await
    .unwrap();
    let two = [
        of_plugin("p", "r", b"x", Some("k")).alone(),
        of_plugin("p", "r", b"x", None).alone(),
    ];
    let full = index.enqueue(&two).await.unwrap_err();
    assert_eq!(
        full.to_string(),
        "the queues of plugin `p` are full: 10000 jobs wait or were given up"
    );
    assert_eq!(
        index.totals().await.unwrap().waiting,
        u64::from(most) - 1,
        "all or none"
    );
    index.enqueue(&two[..1]).await.unwrap();
    index.enqueue(&two[..1]).await.unwrap();
    let jobs = index.claim_plugin_jobs("p", 2, LEASE).await.unwrap();
    index.bury(&[jobs[0].id], "no").await.unwrap();
    assert!(matches!(
        index
            .finish(&[jobs[1].id], &[&two[..], &two[1..]].concat())
            .await
            .unwrap_err(),
        IndexError::QueueFull { .. }
    ));
    assert_eq!(
        index.totals().await.unwrap().waiting,
        u64::from(most) - 1,
        "nothing was ended"
    );
    assert!(
        index.enqueue(&two[1..]).await.is_err(),
        "those that were given up count"
    );
    index.enqueue(&[of_plugin("o", "r", b"x", None).alone()]).await.unwrap();
    index.discard(&[jobs[0].id]).await.unwrap();
    index.enqueue(&two[1..]).await.unwrap();
}

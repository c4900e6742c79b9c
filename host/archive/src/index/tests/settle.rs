//! When a study is quiet, with real concurrent transactions: no arrival is lost, and none costs an update.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use isocenter_dicom::uid::Uid;
use sqlx::{Acquire, Connection, PgConnection};

use super::{object, routed, uid};
use crate::{
    cluster::tests::{Fresh, fresh_index},
    index::{Duplicates, Index, IndexError, Indexed, JobKind, NewJob, NewObject, Settling, Task, Within, enqueue},
};

const LEASE: Duration = Duration::from_secs(60);
const NONE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(3600);

fn settled(mut object: NewObject, quiet: Duration) -> NewObject {
    object.jobs.push(NewJob::Settle {
        chain: "ct".into(),
        quiet,
    });
    object
}

async fn arrive(index: &Index, object: NewObject) {
    let answer = index.commit(&[object], Duplicates::KeepFirst).await.unwrap();
    assert_eq!(answer, [Indexed::New]);
}

async fn claim(index: &Index) -> Option<Settling> {
    let mut claimed = index.claim_settles(10, LEASE).await.unwrap();
    assert!(claimed.len() <= 1, "{claimed:?}");
    claimed.pop()
}

/// Where the row of the one job is, and what changes with each of its versions; `None`: there is none.
async fn version(fresh: &Fresh) -> Option<(String, bool, i32)> {
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let query = "SELECT ctid::text, touched, attempts FROM jobs WHERE kind = 'settle'";
    sqlx::query_as(query).fetch_optional(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_study_is_seen_to_when_it_has_been_quiet() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let start = SystemTime::now();
    arrive(index, settled(routed(object(1, 1, 1, "x")), NONE)).await;
    let before = version(&fresh).await;
    for number in 2..=20 {
        arrive(index, settled(object(1, 1, number, "x"), NONE)).await;
    }
    assert_eq!(
        version(&fresh).await,
        before,
        "an arrival changes nothing of a job that waits"
    );
    assert_eq!(index.totals().await.unwrap().waiting, 2);

    // Due, but not quiet: it is put off, and is not its claimer's any more.
    let first = claim(index).await.unwrap();
    assert_eq!(
        (&first.study, first.chain.as_str(), first.attempts),
        (&uid("1.1"), "ct", 1)
    );
    assert!(claim(index).await.is_none(), "it is claimed");
    let last = index.last_arrival(&first.study).await.unwrap().unwrap();
    assert!(
        last >= start - Duration::from_millis(1) && last <= SystemTime::now(),
        "{last:?}"
    );
    assert!(!index.is_quiet(&first, LONG).await.unwrap());
    assert!(!index.is_quiet(&first, NONE).await.unwrap(), "it is put off already");
    assert!(!index.finish_settle(&first, &[]).await.unwrap(), "and is not ended");
    assert!(claim(index).await.is_none(), "it is not due");
    assert_eq!(version(&fresh).await.unwrap().2, 0);

    // After the quiet time it is done, with what follows, once.
    make_due(&fresh).await;
    let job = claim(index).await.unwrap();
    assert_eq!(job.attempts, 1);
    assert_ne!(job.id, first.id);
    assert!(index.is_quiet(&job, NONE).await.unwrap());
    let follow = [
        NewJob::deliver("pacs").of_object(uid("1.1"), uid("1.1.1.1")),
        NewJob::Analyze {
            plugin: "lung".into(),
            chain: "ct".into(),
            token: None,
            delay: NONE,
        }
        .of_study(uid("1.1")),
    ];
    assert!(index.finish_settle(&job, &follow).await.unwrap());
    assert_eq!(version(&fresh).await, None);
    assert_eq!(index.claim_deliveries("pacs", 9, LEASE).await.unwrap().len(), 1);
    assert_eq!(index.claim_analyses("lung", 9, LEASE).await.unwrap().len(), 1);

    // What arrives later begins it anew; what arrives again does not.
    let again = index
        .commit(&[settled(object(1, 1, 1, "x"), NONE)], Duplicates::KeepFirst)
        .await
        .unwrap();
    assert_eq!((again, claim(index).await), (vec![Indexed::Identical], None));
    let other = settled(object(1, 1, 1, "other"), NONE);
    assert_eq!(
        index.commit(&[other], Duplicates::Replace).await.unwrap(),
        [Indexed::Replaced]
    );
    assert!(claim(index).await.is_some());
}

/// As if the time until then had passed.
async fn make_due(fresh: &Fresh) {
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query("UPDATE jobs SET due = now()")
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn clocks_of_other_hosts_and_studies_without_objects() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let mut ahead = settled(object(1, 1, 1, "x"), NONE);
    ahead.arrived = SystemTime::now() + LONG;
    arrive(index, ahead).await;
    let job = claim(index).await.unwrap();
    assert_eq!(index.last_arrival(&job.study).await.unwrap(), None);
    assert!(
        index.is_quiet(&job, LONG).await.unwrap(),
        "it does not wait for a wrong clock"
    );
    assert!(index.finish_settle(&job, &[]).await.unwrap());
    let settle = NewJob::Settle {
        chain: "ct".into(),
        quiet: NONE,
    };
    index.enqueue(&[settle.of_study(uid("1.9"))]).await.unwrap();
    let job = claim(index).await.unwrap();
    assert!(index.is_quiet(&job, LONG).await.unwrap());
}

/// What an arrival does to a job in each of its states, when it comes before, during and after the claim.
#[tokio::test]
async fn an_arrival_while_the_job_is_being_done_is_not_lost() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    arrive(index, settled(object(1, 1, 1, "x"), NONE)).await;
    let job = claim(index).await.unwrap();
    assert!(index.is_quiet(&job, NONE).await.unwrap());
    arrive(index, settled(object(1, 1, 2, "x"), NONE)).await;
    let touched = version(&fresh).await;
    assert!(touched.as_ref().unwrap().1);
    arrive(index, settled(object(1, 1, 3, "x"), NONE)).await;
    assert_eq!(version(&fresh).await, touched, "it is touched once");
    index.finish(&[job.id], &[]).await.unwrap();
    assert_eq!(version(&fresh).await, touched, "the end of other jobs does not end it");
    assert!(!index.finish_settle(&job, &[]).await.unwrap());
    let again = claim(index).await.unwrap();
    assert_ne!(again.id, job.id);

    // The lease ended and another has it: who comes late ends nothing, though he is no longer disturbed.
    index.retry(&[again.id], NONE, "later").await.unwrap();
    let other = claim(index).await.unwrap();
    assert_eq!((other.id, other.attempts), (again.id, 2));
    assert!(!index.is_quiet(&again, NONE).await.unwrap());
    assert!(!index.finish_settle(&again, &[]).await.unwrap());
    assert!(index.is_quiet(&other, NONE).await.unwrap());

    // Given up while objects arrived, it is due again; given up otherwise, the next object brings it back.
    arrive(index, settled(object(1, 1, 4, "x"), NONE)).await;
    index.bury(&[other.id], "no router").await.unwrap();
    assert!(index.dead(9).await.unwrap().is_empty());
    let job = claim(index).await.unwrap();
    assert_eq!(job.attempts, 1);
    index.bury(&[job.id], "no router").await.unwrap();
    assert!(claim(index).await.is_none());
    let dead = index.dead(9).await.unwrap();
    let task = Task::Settle {
        study: uid("1.1"),
        chain: "ct".into(),
    };
    assert_eq!((&dead[0].task, dead[0].reason.as_str()), (&task, "no router"));
    arrive(index, settled(object(1, 1, 5, "x"), NONE)).await;
    assert!(
        !index.finish_settle(&job, &[]).await.unwrap(),
        "a claim from before ends nothing"
    );
    let job = claim(index).await.unwrap();
    assert!(index.is_quiet(&job, NONE).await.unwrap());
    assert!(index.finish_settle(&job, &[]).await.unwrap());
    assert_eq!(version(&fresh).await, None);
}

/// An arrival whose transaction is open: the row is locked, or touched, until it ends.
struct Arriving {
    connection: PgConnection,
}

impl Arriving {
    /// Enqueues the settling of study 1.1 as the insertion of an object does, and does not commit.
    async fn begin(fresh: &Fresh) -> Self {
        let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        let settle = NewJob::Settle {
            chain: "ct".into(),
            quiet: NONE,
        };
        let follow = [settle.of_study(uid("1.1"))];
        enqueue::Jobs::that(&follow)
            .unwrap()
            .enqueue(connection.acquire().await.unwrap())
            .await
            .unwrap();
        Self { connection }
    }

    async fn commit(mut self) {
        sqlx::query("COMMIT").execute(&mut self.connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_and_an_end_wait_for_arrivals_under_way() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    arrive(index, settled(object(1, 1, 1, "x"), NONE)).await;
    // The arrival found the job waiting: it cannot be claimed before its objects are seen.
    let arriving = Arriving::begin(&fresh).await;
    assert!(claim(index).await.is_none());
    arriving.commit().await;
    assert!(!version(&fresh).await.unwrap().1);
    let job = claim(index).await.unwrap();
    assert!(index.is_quiet(&job, NONE).await.unwrap());
    // The arrival found it claimed: the end waits for it, and then is none.
    let arriving = Arriving::begin(&fresh).await;
    let (other, ending) = (index.clone(), job.clone());
    let end = tokio::spawn(async move { other.finish_settle(&ending, &[]).await.unwrap() });
    waits_for_a_lock(&fresh).await;
    arriving.commit().await;
    assert!(!end.await.unwrap());
    // The end is under way: the arrival waits for it, and begins anew.
    let job = claim(index).await.unwrap();
    let mut ending = PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query("BEGIN").execute(&mut ending).await.unwrap();
    let deleted = sqlx::query(super::super::settle::END)
        .bind(job.id)
        .bind(1)
        .execute(&mut ending)
        .await
        .unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    let other = index.clone();
    let arrival = tokio::spawn(async move { arrive(&other, settled(object(1, 1, 2, "x"), NONE)).await });
    waits_for_a_lock(&fresh).await;
    sqlx::query("COMMIT").execute(&mut ending).await.unwrap();
    arrival.await.unwrap();
    let again = claim(index).await.unwrap();
    assert_ne!(again.id, job.id);
}

async fn waits_for_a_lock(fresh: &Fresh) {
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..600 {
        let count: i64 = sqlx::query_scalar(waiting).fetch_one(&mut connection).await.unwrap();
        if count > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody waits");
}

/// Hosts that receive the objects of some studies, and others that see to the studies as soon as they are claimed. Every
/// study is seen to after its last object: who ended a job had seen all objects that there were when he did.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_object_is_seen_by_who_sees_to_its_study() {
    const STUDIES: u32 = 3;
    const OBJECTS: u32 = 60;
    let fresh = fresh_index().await;
    let arriving = Arc::new(AtomicU32::new(3));
    let mut senders = Vec::new();
    for host in 0..3u32 {
        let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
        let arriving = arriving.clone();
        senders.push(tokio::spawn(async move {
            for number in 0..OBJECTS {
                let batch: Vec<NewObject> = (1..=STUDIES)
                    .map(|study| settled(object(study, host, number, "x"), NONE))
                    .collect();
                let answers = index.commit(&batch, Duplicates::KeepFirst).await.unwrap();
                assert!(answers.iter().all(|answer| *answer == Indexed::New));
            }
            arriving.fetch_sub(1, Ordering::SeqCst);
        }));
    }
    let mut workers = Vec::new();
    for worker in 0..4u32 {
        let index = Index::connect(fresh.options.clone(), 2).await.unwrap();
        let arriving = arriving.clone();
        workers.push(tokio::spawn(async move {
            let mut seen: BTreeMap<Uid, usize> = BTreeMap::new();
            loop {
                let last = arriving.load(Ordering::SeqCst) == 0;
                let jobs = index.claim_settles(2, LEASE).await.unwrap();
                if jobs.is_empty() && last && index.totals().await.unwrap().waiting == 0 {
                    return seen;
                }
                for job in jobs {
                    if !index.is_quiet(&job, NONE).await.unwrap() {
                        continue;
                    }
                    let objects = index
                        .locate(&job.study, None, None, None, 1000, &Within::everything())
                        .await
                        .unwrap()
                        .len();
                    if worker == 0 && objects % 5 == 0 {
                        index.retry(&[job.id], NONE, "later").await.unwrap();
                        continue;
                    }
                    if index.finish_settle(&job, &[]).await.unwrap() {
                        seen.entry(job.study)
                            .and_modify(|most| *most = objects.max(*most))
                            .or_insert(objects);
                    }
                }
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let mut seen: BTreeMap<Uid, usize> = BTreeMap::new();
    for worker in workers {
        for (study, objects) in worker.await.unwrap() {
            seen.entry(study)
                .and_modify(|most| *most = objects.max(*most))
                .or_insert(objects);
        }
    }
    assert_eq!(seen.len(), STUDIES as usize);
    assert!(
        seen.values().all(|objects| *objects == 3 * OBJECTS as usize),
        "{seen:?}"
    );
}

#[tokio::test]
async fn what_is_misplaced_is_refused() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let settle = || NewJob::Settle {
        chain: "ct".into(),
        quiet: NONE,
    };
    for (follow, expected) in [
        (settle().alone(), "a job cannot be enqueued: it must be for a study"),
        (
            NewJob::Route.of_study(uid("1.1")),
            "a job cannot be enqueued: it must be for an object",
        ),
        (
            NewJob::deliver("a").alone(),
            "a job cannot be enqueued: it must be for a study",
        ),
    ] {
        assert_eq!(index.enqueue(&[follow]).await.unwrap_err().to_string(), expected);
    }
    let mut object = object(1, 1, 1, "x");
    object.jobs.push(NewJob::Plugin {
        plugin: "p".into(),
        queue: "q".into(),
        payload: Vec::new(),
        key: None,
        delay: NONE,
    });
    let refused = index.commit(&[object], Duplicates::KeepFirst).await.unwrap_err();
    assert!(matches!(refused, IndexError::Misplaced(_)), "{refused}");
    assert_eq!(index.totals().await.unwrap().objects, 0);
    assert_eq!(
        JobKind::ALL.map(|kind| JobKind::parse(kind.as_str())),
        JobKind::ALL.map(Some)
    );
}

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use isocenter_dicom::uid::Uid;
use sqlx::{Connection, PgConnection};

use super::{PACE, Pace, ROOM, Recorder};
use crate::{
    cluster::tests::fresh_index,
    index::{EditList, Index, NewOutcome, RecordedOutcome},
};

fn outcome(number: usize) -> NewOutcome {
    NewOutcome {
        at: SystemTime::now(),
        plugin: "scrub".into(),
        digest: String::new(),
        role: "filter",
        chain: None,
        shadow: false,
        study: None,
        object: Some(Uid::parse(&format!("1.{number}")).unwrap()),
        outcome: "keep",
        failed: false,
        edits: EditList::default(),
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        queue: Duration::ZERO,
        peak_memory: 0,
        reason: None,
    }
}

/// One that takes up most of the room.
fn large(number: usize) -> NewOutcome {
    NewOutcome {
        edits: (0..60).map(|line| format!("{number} {line:01000}")).collect(),
        ..outcome(number)
    }
}

async fn recorded(index: &Index) -> Vec<RecordedOutcome> {
    let mut all: Vec<RecordedOutcome> = Vec::new();
    loop {
        let page = index
            .outcomes_of_plugin("scrub", all.last().map(|last| last.id), 1000)
            .await
            .unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_outcome_is_there_once() {
    let fresh = fresh_index().await;
    let recorder = Recorder::start(fresh.index.clone());
    let mut tasks = Vec::new();
    for task in 0..4 {
        let recorder = recorder.clone();
        tasks.push(tokio::spawn(async move {
            for number in 0..400 {
                recorder.record(outcome(task * 1000 + number)).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    recorder.flush().await;
    assert_eq!(recorded(&fresh.index).await.len(), 1600);
    recorder.record(outcome(9999)).await;
    recorder.close().await;
    let all = recorded(&fresh.index).await;
    let objects: BTreeSet<_> = all.iter().filter_map(|outcome| outcome.object.clone()).collect();
    assert_eq!((all.len(), objects.len(), recorder.lost()), (1601, 1601, 0));

    // Afterwards nothing is taken down, and nobody waits.
    recorder.record(outcome(1)).await;
    recorder.flush().await;
    recorder.close().await;
    assert_eq!(recorder.lost(), 1);
}

/// While the table is locked, tries to write end in nothing; callers wait; then everything is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_makes_callers_wait() {
    let fresh = fresh_index().await;
    let pace = Pace {
        attempt: Duration::from_millis(200),
        patience: Duration::from_secs(60),
        ..PACE
    };
    let recorder = Recorder::start_at(fresh.index.clone(), pace);
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE plugin_outcomes")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let more_than_fits = ROOM / 60 + 20;
    let caller = tokio::spawn({
        let recorder = recorder.clone();
        async move {
            for number in 0..more_than_fits {
                recorder.record(large(number)).await;
            }
        }
    });
    while recorder.shared.room.available_permits() > 61 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!caller.is_finished());
    transaction.rollback().await.unwrap();
    caller.await.unwrap();
    recorder.close().await;
    assert_eq!(
        (recorded(&fresh.index).await.len(), recorder.lost()),
        (more_than_fits, 0)
    );
    assert_eq!(recorder.shared.room.available_permits(), ROOM);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_holds_nobody_up() {
    let fresh = fresh_index().await;
    let pace = Pace {
        attempt: Duration::from_millis(200),
        patience: Duration::from_millis(400),
        ..PACE
    };
    let recorder = Recorder::start_at(fresh.index.clone(), pace);
    let mut connection = PgConnection::connect_with(&fresh.options).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE plugin_outcomes")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let more_than_fits = 3 * ROOM / 60;
    for number in 0..more_than_fits {
        recorder.record(large(number)).await;
    }
    recorder.flush().await;
    assert_eq!(recorder.lost(), more_than_fits as u64);
    // What waits for a lock when its try ends is not written when the lock is free: its statement was ended, too.
    transaction.rollback().await.unwrap();
    recorder.record(outcome(1)).await;
    recorder.flush().await;
    assert!(!recorder.shared.gone.load(std::sync::atomic::Ordering::Relaxed));
    recorder.record(outcome(2)).await;
    recorder.close().await;
    assert_eq!(recorder.lost(), more_than_fits as u64);
    let all = recorded(&fresh.index).await;
    assert!(all.len() >= 2, "{}", all.len());
}

#[tokio::test]
async fn one_who_goes_away_while_waiting_is_counted() {
    let fresh = fresh_index().await;
    let recorder = Recorder::start(fresh.index.clone());
    let room = u32::try_from(ROOM).unwrap();
    let all = recorder.shared.room.clone().acquire_many_owned(room).await.unwrap();
    let caller = tokio::time::timeout(Duration::from_millis(20), recorder.record(outcome(1)));
    assert!(caller.await.is_err());
    assert_eq!(recorder.lost(), 1);
    drop(all);
    recorder.record(outcome(2)).await;
    recorder.close().await;
    assert_eq!((recorded(&fresh.index).await.len(), recorder.lost()), (1, 1));
}

#[tokio::test]
async fn who_may_not_wait_loses_what_finds_no_room() {
    let fresh = fresh_index().await;
    let recorder = Recorder::start(fresh.index.clone());
    let room = u32::try_from(ROOM).unwrap();
    let all = recorder.shared.room.clone().acquire_many_owned(room).await.unwrap();
    recorder.offer(outcome(1));
    assert_eq!(recorder.lost(), 1);
    drop(all);
    recorder.offer(outcome(2));
    recorder.close().await;
    assert_eq!((recorded(&fresh.index).await.len(), recorder.lost()), (1, 1));
}

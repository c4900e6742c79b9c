//! Calls that end, overrun, are given up, and never end.

use std::sync::mpsc;

use super::*;

fn calls(concurrency: u32, wall: Duration, grace: Duration) -> Arc<Calls> {
    let limits = Limits {
        concurrency: NonZeroU32::new(concurrency).unwrap(),
        wall,
    };
    Calls::with_grace("test".into(), limits, grace)
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

/// Waits until no slot is taken.
async fn all_free(calls: &Calls) {
    for _ in 0..6000 {
        if calls.state().busy == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", calls.state());
}

#[tokio::test]
async fn an_answer_is_given_and_its_slot_is_free() {
    let calls = calls(1, LONG, GRACE);
    for number in 0..20 {
        assert_eq!(calls.call("model", move |_| number).await, Ok(number));
        all_free(&calls).await;
    }
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_slots() {
    let calls = calls(2, LONG, GRACE);
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let runs = (0..30).map(|_| {
        let (calls, now, most) = (Arc::clone(&calls), Arc::clone(&now), Arc::clone(&most));
        tokio::spawn(async move {
            let work = move |_: &AtomicU32| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
            };
            calls.call("model", work).await
        })
    });
    for run in runs.collect::<Vec<_>>() {
        assert_eq!(run.await.unwrap(), Ok(()));
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_call_that_overruns_is_told_to_stop_and_left_behind() {
    let calls = calls(1, SHORT, GRACE);
    let until_stopped = |stop: &AtomicU32| {
        while stop.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
    };
    assert_eq!(calls.call("model", until_stopped).await, Err(Lapse::Overdue(SHORT)));
    all_free(&calls).await;
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_told_to_stop() {
    let calls = calls(1, LONG, GRACE);
    let (stopped, seen) = mpsc::channel();
    let call = calls.call("model", move |stop| {
        while stop.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        stopped.send(()).unwrap();
    });
    assert!(tokio::time::timeout(SHORT, call).await.is_err());
    seen.recv().unwrap();
    all_free(&calls).await;
}

#[tokio::test]
async fn lost_slots_refuse_at_once_and_come_back_when_they_return() {
    let calls = calls(1, SHORT, Duration::ZERO);
    let (let_go, held) = mpsc::channel::<()>();
    let hang = move |_: &AtomicU32| {
        let _ = held.recv();
    };
    assert_eq!(calls.call("model", hang).await, Err(Lapse::Overdue(SHORT)));
    let state = EngineState {
        slots: 1,
        busy: 1,
        lost: 1,
    };
    assert_eq!(calls.state(), state);
    assert_eq!(calls.call("model", |_| ()).await, Err(Lapse::Lost(1)));

    let_go.send(()).unwrap();
    all_free(&calls).await;
    assert_eq!(calls.call("model", |_| ()).await, Ok(()));
}

#[tokio::test]
async fn a_slot_that_does_not_become_free_is_waited_for_no_longer_than_the_limit() {
    let calls = calls(1, SHORT, LONG);
    let (let_go, held) = mpsc::channel::<()>();
    let hang = move |_: &AtomicU32| {
        let _ = held.recv();
    };
    assert_eq!(calls.call("model", hang).await, Err(Lapse::Overdue(SHORT)));
    assert_eq!(calls.call("model", |_| ()).await, Err(Lapse::Busy(SHORT, 1)));
    let_go.send(()).unwrap();
    all_free(&calls).await;
}

#[tokio::test]
async fn no_more_wait_than_there_is_room_for() {
    let calls = calls(1, LONG, LONG);
    let (let_go, held) = mpsc::channel::<()>();
    let hang = move |_: &AtomicU32| {
        let _ = held.recv();
    };
    let mut runs = vec![tokio::spawn({
        let calls = Arc::clone(&calls);
        async move { calls.call("model", hang).await }
    })];
    // One thread runs all tasks of this test: each that is spawned waits once this one has yielded.
    for _ in 0..MOST_WAITING {
        tokio::task::yield_now().await;
        let calls = Arc::clone(&calls);
        runs.push(tokio::spawn(async move { calls.call("model", |_| ()).await }));
    }
    tokio::task::yield_now().await;
    assert_eq!(calls.call("model", |_| ()).await, Err(Lapse::Crowded));
    let_go.send(()).unwrap();
    for run in runs {
        assert_eq!(run.await.unwrap(), Ok(()));
    }
    assert_eq!(calls.call("model", |_| ()).await, Ok(()));
}

#[tokio::test]
async fn a_thread_that_ends_without_an_answer_frees_its_slot() {
    let calls = calls(1, LONG, GRACE);
    let outcome: Result<(), Lapse> = calls.call("model", |_| panic!("in a test")).await;
    assert_eq!(outcome, Err(Lapse::Died));
    all_free(&calls).await;
}

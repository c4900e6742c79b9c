//! Guests that mean harm: each is contained, and each has its sentence.

use std::time::{Duration, Instant};

use isocenter_plugin::PluginSpec;
use isocenter_role::{Failure, LimitsOverride, State};
use serde_json::json;

use crate::forged;
use crate::support::{Ask as _, guest, header, load, passage, probe, runtime};

#[tokio::test]
async fn each_has_its_sentence() {
    let runtime = runtime();
    let mut report = String::new();
    for act in [
        "spin",
        "spin-in-host",
        "eat",
        "panic",
        "recurse",
        "many-edits",
        "large-edits",
        "huge-edit",
        "too-much-random",
    ] {
        let mut spec = guest(json!({ "do": act }));
        // On a busy machine the wall clock would be first.
        spec.limits.wall = Some(Duration::from_secs(20));
        if act.starts_with("many") {
            // In a debug build the edits take longer than a filter has.
            spec.limits.cpu = Some(Duration::from_secs(10));
        }
        let plugin = load(&runtime, spec).unwrap();
        let begun = Instant::now();
        let failure = plugin.filter(header(), passage()).await.result.unwrap_err();
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{act} took {:?}",
            begun.elapsed()
        );
        assert_eq!(failure.retryable(), None, "{act}");
        // Where in the guest it was is the compiler's business.
        let sentence = failure.to_string();
        let sentence = sentence.split(" (in ").next().unwrap_or_default();
        report.push_str(&format!("{act}: {sentence}\n"));
    }
    expect_test::expect![[r#"
        spin: the plugin used more than 500 ms of CPU time
        spin-in-host: the plugin used more than 500 ms of CPU time
        eat: the plugin wanted more than 128 MiB of memory
        panic: the plugin trapped: panicked at host/plugin/tests/guest/src/acts.rs:28: this guest panics on purpose
        recurse: the plugin trapped: wasm trap: out of bounds memory access
        many-edits: the plugin trapped: more than 100000 edits
        large-edits: the plugin trapped: edits of more than 8 MiB
        huge-edit: the plugin trapped: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted
        too-much-random: the plugin trapped: 1048576 random bytes asked for, at most 65536 are given
    "#]].assert_eq(&report);
}

#[tokio::test]
async fn the_wall_clock_ends_what_the_cpu_limit_allows() {
    let runtime = runtime();
    let mut spec = guest(json!({ "do": "spin" }));
    spec.limits = LimitsOverride {
        cpu: Some(Duration::from_secs(60)),
        wall: Some(Duration::from_millis(100)),
        ..LimitsOverride::default()
    };
    let plugin = load(&runtime, spec).unwrap();
    let failure = plugin.filter(header(), passage()).await.result.unwrap_err();
    assert_eq!(failure.to_string(), "the plugin used more than 100 ms of wall time");
}

#[tokio::test]
async fn a_router_has_less_time_than_a_filter() {
    let failure = probe(&runtime(), "spin").route(header()).await.result.unwrap_err();
    let clocks = [
        "the plugin used more than 100 ms of CPU time",
        "the plugin used more than 250 ms of wall time",
    ];
    assert!(clocks.contains(&failure.to_string().as_str()), "{failure}");
}

#[tokio::test]
async fn others_run_on_beside_a_loop() {
    let runtime = runtime();
    let (spin, read) = (probe(&runtime, "spin"), probe(&runtime, "read"));
    let loops: Vec<_> = (0..4)
        .map(|_| {
            let spin = spin.clone();
            tokio::spawn(async move { spin.filter(header(), passage()).await.result.map(|_| ()) })
        })
        .collect();
    for _ in 0..20 {
        read.filter(header(), passage()).await.result.unwrap();
    }
    for call in loops {
        assert!(matches!(call.await.unwrap(), Err(Failure::Deadline { .. })));
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_call() {
    let runtime = runtime();
    let mut spec = guest(json!({ "do": "spin" }));
    spec.limits = LimitsOverride {
        cpu: Some(Duration::from_secs(60)),
        wall: Some(Duration::from_secs(60)),
        concurrency: Some(1),
        ..LimitsOverride::default()
    };
    let plugin = load(&runtime, spec).unwrap();
    let call = |patience| tokio::time::timeout(patience, plugin.filter(header(), passage()));
    for _ in 0..3 {
        // If the first call still held the only slot, the next would wait for it and not reach its own CPU time.
        assert!(call(Duration::from_millis(100)).await.is_err());
    }
    assert_eq!(plugin.state(), State::Ready);
}

#[tokio::test]
async fn too_many_calls_are_told_to_come_again() {
    let runtime = runtime();
    let mut spec = guest(json!({ "do": "spin" }));
    spec.limits = LimitsOverride {
        cpu: Some(Duration::from_secs(60)),
        wall: Some(Duration::from_millis(300)),
        concurrency: Some(1),
        ..LimitsOverride::default()
    };
    let plugin = load(&runtime, spec).unwrap();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { plugin.filter(header(), passage()).await.result.unwrap_err() })
        })
        .collect();
    let mut overloaded = 0;
    for call in calls {
        let failure = call.await.unwrap();
        if failure == Failure::Overloaded {
            assert_eq!(failure.to_string(), "too many calls of the plugin are running");
            assert!(failure.retryable().is_some());
            overloaded += 1;
        }
    }
    assert!(overloaded >= 2, "{overloaded}");
}

#[tokio::test]
async fn five_failures_trip_the_breaker() {
    let plugin = probe(&runtime(), "panic");
    for _ in 0..5 {
        assert_eq!(plugin.state(), State::Ready);
        assert!(matches!(
            plugin.filter(header(), passage()).await.result,
            Err(Failure::Trap(_))
        ));
    }
    let outcome = plugin.filter(header(), passage()).await;
    let failure = outcome.result.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the plugin failed 5 times in a row and is tried again in 1 s"
    );
    assert!(failure.retryable().is_some());
    assert!(matches!(plugin.state(), State::Tripped { .. }));
    // Half-open: one call tries it, fails, and the rest doubles.
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert!(matches!(
        plugin.filter(header(), passage()).await.result,
        Err(Failure::Trap(_))
    ));
    let State::Tripped { retry_after } = plugin.state() else {
        panic!("not tripped")
    };
    assert!(retry_after > Duration::from_secs(1), "{retry_after:?}");
}

#[tokio::test]
async fn failures_that_the_plugin_states_do_not_trip_it() {
    let plugin = probe(&runtime(), "never");
    for _ in 0..10 {
        assert!(matches!(
            plugin.filter(header(), passage()).await.result,
            Err(Failure::Never(_))
        ));
    }
    assert_eq!(plugin.state(), State::Ready);
}

#[tokio::test]
async fn a_log_flood_is_cut() {
    let plugin = probe(&runtime(), "log-flood");
    plugin.filter(header(), passage()).await.result.unwrap();
}

/// What comes of each: the sentence at loading, or that of the first call.
#[tokio::test]
async fn each_forged_component_has_its_sentence() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let mut report = String::new();
    for (name, component) in [
        ("endless_start", forged::endless_start()),
        ("trapping_start", forged::trapping_start()),
        ("table_bomb", forged::table_bomb()),
        ("huge_table", forged::huge_table()),
        ("many_tables", forged::many_tables(100)),
        ("memory_bomb", forged::memory_bomb()),
        ("huge_memory", forged::huge_memory()),
        ("wild_answer", forged::wild_answer()),
        ("unknown_verdict", forged::unknown_verdict()),
        ("endless_reason", forged::endless_reason()),
        ("kept_handles", forged::kept_handles()),
    ] {
        let path = folder.path().join(format!("{name}.wasm"));
        std::fs::write(&path, component).unwrap();
        let mut spec = PluginSpec::new(name, &path);
        // On a busy machine the wall clock would be first.
        spec.limits.wall = Some(Duration::from_secs(20));
        let sentence = match load(&runtime, spec) {
            Ok(plugin) => match plugin.filter(header(), passage()).await.result {
                Ok(answer) => format!("{:?}", answer.verdict),
                Err(failure) => failure.to_string(),
            },
            Err(error) => error.reason.to_string(),
        };
        let sentence = sentence.replace(&format!("{}/", folder.path().display()), "");
        report.push_str(&format!("{name}: {sentence}\n"));
    }
    expect_test::expect![[r#"
        endless_start: its check failed: the plugin used more than 5000 ms of wall time
        trapping_start: its check failed: the plugin trapped: wasm trap: wasm `unreachable` instruction executed (in start)
        table_bomb: the plugin wanted more than 128 MiB of memory
        huge_table: huge_table.wasm does not compile: module table does not fit in pooling allocator requirements
        many_tables: many_tables.wasm does not compile: module table does not fit in pooling allocator requirements
        memory_bomb: the plugin used more than 500 ms of CPU time
        huge_memory: huge_memory.wasm does not compile: module memory does not fit in pooling allocator requirements
        wild_answer: the plugin trapped: pointer out of bounds of memory
        unknown_verdict: the plugin trapped: unexpected discriminant: 77
        endless_reason: the plugin trapped: string pointer/length out of bounds of memory
        kept_handles: the plugin trapped: borrow handles still remain at the end of the call
    "#]].assert_eq(&report);
}

//! Calls that go well: what crosses the boundary, what is counted, what stays apart.

use std::time::Duration;

use isocenter_role::{Measure, PlannedSend, Verdict};
use serde_json::json;

use crate::support::{Ask as _, guest, header, load, passage, probe, runtime};

#[tokio::test]
async fn a_filter_sees_the_object_and_its_passage() {
    let plugin = probe(&runtime(), "describe");
    let outcome = plugin.filter(header(), passage()).await;
    expect_test::expect![[r#"
        Refuse(
            "1.2.3 1.2.840.10008.1.2.1 Some(\"Doe^Jane\") rows Some(Value::Unsigned([512])) items Some(1) nested Some(\"1.2.9\") json true tags true vr Some(PN) Direction::Ingest Transport::Dimse Some(\"CT1\") 2",
        )
    "#]].assert_debug_eq(&outcome.result.unwrap().verdict);
}

#[tokio::test]
async fn edits_arrive_in_their_order() {
    let plugin = probe(&runtime(), "edits");
    let answer = plugin.filter(header(), passage()).await.result.unwrap();
    assert_eq!(answer.verdict, Verdict::Keep);
    let edits: Vec<String> = answer.edits.iter().map(|edit| format!("{edit:?}")).collect();
    expect_test::expect![[r#"
        Set { at: Path { within: [], tag: Tag(0x0010, 0x0020) }, value: Text(<1>) }
        Clear(Path { within: [], tag: Tag(0x0010, 0x0010) })
        Remove(Path { within: [], tag: Tag(0x0010, 0x0030) })
        RemoveEverywhere(Tag(0x0008, 0x1070))
        AddItem(Path { within: [], tag: Tag(0x0012, 0x0064) })
        RemovePrivate { keep_creators: ["KEPT"] }
        RemapUid(Path { within: [], tag: Tag(0x0020, 0x000D) })
        RemapUidsEverywhere { keep: [Tag(0x0008, 0x0016)] }
        ShiftDatesEverywhere { days: -10 }
        Set { at: Path { within: [], tag: Tag(0x0020, 0x4000) }, value: Text(<1>) }"#]]
    .assert_eq(&edits.join("\n"));
}

#[tokio::test]
async fn verdicts_and_failures() {
    let runtime = runtime();
    let mut report = String::new();
    for act in [
        "nothing",
        "drop",
        "refuse",
        "quarantine",
        "never",
        "later",
        "random",
        "secret",
        "clock",
        "remember",
        "no-such",
    ] {
        let plugin = probe(&runtime, act);
        let first = plugin.filter(header(), passage()).await;
        let second = plugin.filter(header(), passage()).await;
        let describe = |outcome: isocenter_role::Outcome<isocenter_role::FilterAnswer>| match outcome.result {
            Ok(answer) => format!("{:?} with {} edits", answer.verdict, answer.edits.len()),
            Err(failure) => format!("{failure} (again after {:?})", failure.retryable()),
        };
        let (first, second) = (describe(first), describe(second));
        assert_eq!(first, second, "{act}");
        report.push_str(&format!("{act}: {first}\n"));
    }
    expect_test::expect![[r#"
        nothing: Keep with 0 edits
        drop: Drop("not wanted") with 0 edits
        refuse: Refuse("not for us") with 0 edits
        quarantine: Quarantine("look at it") with 0 edits
        never: the plugin could not do its work: this guest never can (again after None)
        later: the plugin asks to be tried again in 7 s: this guest can later (again after Some(7s))
        random: Refuse("16 bytes") with 0 edits
        secret: Refuse("b04030fbf1408413d1d23995723584f5864c7491a609bbe0bff003fb58278f1f") with 0 edits
        clock: Refuse("true") with 0 edits
        remember: Refuse("call 1") with 0 edits
        no-such: the plugin could not do its work: no such act: no-such (again after None)
    "#]]
    .assert_eq(&report);
}

#[tokio::test]
async fn plans_name_configured_destinations_only() {
    let runtime = runtime();
    let plan = probe(&runtime, "everywhere").route(header()).await.result.unwrap();
    let send = |destination: &str, seconds, priority| PlannedSend {
        destination: destination.into(),
        delay: Duration::from_secs(seconds),
        priority,
    };
    assert_eq!(plan, [send("archive", 0, 100), send("research", 90, 3)]);
    for (act, expected) in [
        (
            "nowhere",
            "the plugin could not do its work: no destination `no-such-place`",
        ),
        (
            "unplanned",
            "the plugin could not do its work: nothing is planned for `research`",
        ),
    ] {
        let failure = probe(&runtime, act).route(header()).await.result.unwrap_err();
        assert_eq!(failure.to_string(), expected);
    }
}

#[tokio::test]
async fn series_are_bounded() {
    let runtime = runtime();
    let plugin = probe(&runtime, "metrics");
    plugin.filter(header(), passage()).await.result.unwrap();
    plugin.filter(header(), passage()).await.result.unwrap();
    let series = plugin.series();
    assert_eq!(series.len(), 50);
    assert!(
        series.iter().all(|series| series.measure == Measure::Counter(4)),
        "{series:?}"
    );
    let plugin = probe(&runtime, "observe");
    plugin.filter(header(), passage()).await.result.unwrap();
    let expected = Measure::Summary {
        count: 2,
        sum: 2.0,
        least: 0.5,
        greatest: 1.5,
    };
    assert_eq!(plugin.series().first().unwrap().measure, expected);
}

#[tokio::test]
async fn cost_is_told() {
    let plugin = probe(&runtime(), "read");
    let cost = plugin.filter(header(), passage()).await.cost;
    assert!(cost.cpu > Duration::ZERO && cost.wall >= cost.cpu / 2, "{cost:?}");
    assert!((1 << 16..64 << 20).contains(&cost.peak_memory), "{cost:?}");
}

#[tokio::test]
async fn many_at_once_wait_for_their_slots() {
    let runtime = runtime();
    let mut spec = guest(json!({ "do": "read" }));
    spec.limits.concurrency = Some(2);
    let plugin = load(&runtime, spec).unwrap();
    let calls: Vec<_> = (0..500)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { plugin.filter(header(), passage()).await.result.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

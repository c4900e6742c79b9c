//! Contract 0.1.0: filters and routers.

use std::sync::Arc;
use std::time::Duration;

use isocenter_dicom::Value;
use isocenter_dicom::edit::Edit;
use isocenter_role::{
    Direction, Filter, FilterAnswer, Measure, OpenObject, Outcome, Passage, PlannedSend, Plugin as _, Router, Transport,
};

use crate::support::{header, keep_log, load, log, runtime};

const FILTER: &str = "0.1.0/filter.wasm";
const ROUTER: &str = "0.1.0/router.wasm";

fn on_ingest() -> Passage {
    Passage {
        direction: Direction::Ingest,
        transport: Transport::Dimse,
        calling_ae: Some("CT1".into()),
        called_ae: Some("ISOCENTER".into()),
        peer: Some("127.0.0.1".into()),
        subject: None,
        destination: None,
        hops: 2,
    }
}

fn on_egress() -> Passage {
    Passage {
        direction: Direction::Egress,
        transport: Transport::Stow,
        calling_ae: None,
        called_ae: None,
        peer: None,
        subject: Some("clinician".into()),
        destination: Some("research".into()),
        hops: 0,
    }
}

async fn filter(act: &str, passage: Passage) -> Outcome<FilterAnswer> {
    let plugin = load(&runtime(), FILTER, act).unwrap();
    Filter::filter(plugin, OpenObject::header(header()), Arc::new(passage)).await
}

async fn route(act: &str) -> Outcome<Vec<PlannedSend>> {
    let plugin = load(&runtime(), ROUTER, act).unwrap();
    Router::route(plugin, OpenObject::header(header())).await
}

/// The edits in full: this header holds nobody's data.
fn told(edits: &[Edit]) -> String {
    let line = |edit: &Edit| match edit {
        Edit::Set { at, value } => format!("Set {at} {}", content(value)),
        other => format!("{other:?}"),
    };
    edits.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn content(value: &Value) -> String {
    match value {
        Value::Text(lines) => format!("Text\n  {}", lines.join("\n  ")),
        Value::Signed(numbers) => format!("Signed {numbers:?}"),
        Value::Unsigned(numbers) => format!("Unsigned {numbers:?}"),
        Value::Real(numbers) => format!("Real {numbers:?}"),
        Value::Tags(tags) => format!("Tags {tags:?}"),
        Value::Bytes(bytes) => format!("Bytes {:?}", bytes.to_vec()),
    }
}

#[tokio::test]
async fn what_a_filter_reads() {
    let mut report = String::new();
    for (act, passage) in [
        ("passage", on_ingest()),
        ("passage", on_egress()),
        ("object", on_ingest()),
        ("values", on_ingest()),
    ] {
        let answer = filter(act, passage).await.result.unwrap();
        report.push_str(&format!("{act}: {:?}, {}\n", answer.verdict, told(&answer.edits)));
    }
    expect_test::expect![[r#"
        passage: Keep, Set (0020,4000) Text
          direction Direction::Ingest
          transport Transport::Dimse
          calling-ae Some("CT1")
          called-ae Some("ISOCENTER")
          peer Some("127.0.0.1")
          subject None
          destination None
          hops 2
        passage: Keep, Set (0020,4000) Text
          direction Direction::Egress
          transport Transport::Stow
          calling-ae None
          called-ae None
          peer None
          subject Some("clinician")
          destination Some("research")
          hops 0
        object: Keep, Set (0020,4000) Text
          sop-class 1.2.840.10008.5.1.4.1.1.2
          sop-instance 1.2.3.4
          series 1.2.3.1
          study 1.2.3
          transfer-syntax 1.2.840.10008.1.2.1
          nested Some(Value::Text(["1.2.9"]))
          many [Some(Value::Text(["Doe^Jane"])), Some(Value::Text(["1.2.9"])), Some(Value::Text([]))]
          tags [00080016, 00080018, 00080020, 00080060, 00081110, 00100010, 00100020, 00100030, 00189073, 0020000d, 0020000e, 00280009, 00280010, 00280106, 00290010, 00291010]
          tags of the item [00081155]
          elements of the item [(81155, 5549)]
          items Some(1) of a name None
          json {"00080016":{"Value":["1.2.840.10008.5.1.4.1.1.2"],"vr":"UI"},"00080018":{"Value":["1.2.3.4"],"vr":"UI"},"00080020":{"Value":["20240102"],"vr":"DA"},"00080060":{"Value":["CT"],"vr":"CS"},"00081110":{"Value":[{"00081155":{"Value":["1.2.9"],"vr":"UI"}}],"vr":"SQ"},"00100010":{"Value":[{"Alphabetic":"Doe^Jane"}],"vr":"PN"},"00100020":{"Value":["P1","P2"],"vr":"LO"},"00100030":{"vr":"DA"},"00189073":{"Value":[0.25],"vr":"FD"},"0020000D":{"Value":["1.2.3"],"vr":"UI"},"0020000E":{"Value":["1.2.3.1"],"vr":"UI"},"00280009":{"Value":["00181063"],"vr":"AT"},"00280010":{"Value":[512],"vr":"US"},"00280106":{"Value":[-5],"vr":"SS"},"00290010":{"Value":["KEPT"],"vr":"LO"},"00291010":{"InlineBinary":"AP8BAg==","vr":"OB"}}
        values: Keep, Set (0020,4000) Text
          00080016 Some(Value::Text(["1.2.840.10008.5.1.4.1.1.2"]))
          00080018 Some(Value::Text(["1.2.3.4"]))
          00080020 Some(Value::Text(["20240102"]))
          00080060 Some(Value::Text(["CT"]))
          00081110 None
          00100010 Some(Value::Text(["Doe^Jane"]))
          00100020 Some(Value::Text(["P1", "P2"]))
          00100030 Some(Value::Text([]))
          00189073 Some(Value::Real([0.25]))
          0020000d Some(Value::Text(["1.2.3"]))
          0020000e Some(Value::Text(["1.2.3.1"]))
          00280009 Some(Value::Tags([1577059]))
          00280010 Some(Value::Unsigned([512]))
          00280106 Some(Value::Signed([-5]))
          00290010 Some(Value::Text(["KEPT"]))
          00291010 Some(Value::Bytes([0, 255, 1, 2]))
    "#]].assert_eq(&report);
}

#[tokio::test]
async fn what_a_filter_edits() {
    let answer = filter("edit", on_ingest()).await.result.unwrap();
    expect_test::expect![[r#"
        Keep
        Set (0010,0020) Text
          new
          id
        Set (0028,9501) Signed [-1, -9223372036854775808]
        Set (0028,0010) Unsigned [0, 18446744073709551615]
        Set (0018,9073) Real [0.5, -2.0]
        Set (0028,0009) Tags [Tag(0x0010, 0x0010)]
        Set (0011,1010) Bytes [0, 255]
        Clear(Path { within: [], tag: Tag(0x0010, 0x0010) })
        Remove(Path { within: [], tag: Tag(0x0010, 0x0030) })
        RemoveEverywhere(Tag(0x0008, 0x0020))
        RemovePrivate { keep_creators: ["KEPT"] }
        RemapUid(Path { within: [], tag: Tag(0x0020, 0x000D) })
        RemapUid(Path { within: [], tag: Tag(0x0010, 0x0010) })
        RemapUidsEverywhere { keep: [Tag(0x0008, 0x1155)] }
        ShiftDatesEverywhere { days: -10 }
        Set (0020,4000) Text
          study ["2.25.166053569926743696541850923065391422348"]
          no UID []"#]]
    .assert_eq(&format!("{:?}\n{}", answer.verdict, told(&answer.edits)));
}

#[tokio::test]
async fn what_a_filter_asks_of_the_host() {
    keep_log();
    let plugin = load(&runtime(), FILTER, "host").unwrap();
    let asked = Filter::filter(plugin.clone(), OpenObject::header(header()), Arc::new(on_ingest()));
    let answer = asked.await.result.unwrap();
    expect_test::expect![[r#"
        Set (0020,4000) Text
          error enabled true
          config {"do":"host"}
          after 2023 true
          never back true
          random 16 0 true
          secret Ok([b0, 40, 30, fb, f1, 40, 84, 13, d1, d2, 39, 95, 72, 35, 84, f5, 86, 4c, 74, 91, a6, 09, bb, e0, bf, f0, 03, fb, 58, 27, 8f, 1f])
          no secret Err("the secret `other` is not granted")"#]].assert_eq(&told(&answer.edits));
    let series = plugin.series();
    let measures: Vec<_> = series
        .iter()
        .map(|series| (series.name.as_str(), &series.measure))
        .collect();
    let summary = Measure::Summary {
        count: 2,
        sum: 2.0,
        least: 0.5,
        greatest: 1.5,
    };
    assert_eq!(measures, [("objects", &Measure::Counter(5)), ("seconds", &summary)]);
    let lines = log();
    for level in ["Trace", "Debug", "Info", "Warn", "Error"] {
        let message = format!("a line of the fixture at Level::{level}");
        let line = lines.lines().find(|line| line.contains(&message)).unwrap_or_default();
        let told = line.contains(&level.to_uppercase()) && line.contains("frozen") && line.contains("patient=planted");
        assert!(told, "{message}: {line}");
    }
}

#[tokio::test]
async fn what_a_filter_decides() {
    let mut report = String::new();
    for act in ["keep", "drop", "refuse", "quarantine", "never", "later", "trap"] {
        let said = match filter(act, on_ingest()).await.result {
            Ok(answer) => format!("{:?} with {} edits", answer.verdict, answer.edits.len()),
            // Where in the guest it was is the compiler's business.
            Err(failure) => failure.to_string().split(" (in ").next().unwrap_or_default().to_owned(),
        };
        report.push_str(&format!("{act}: {said}\n"));
    }
    expect_test::expect![[r#"
        keep: Keep with 0 edits
        drop: Drop("not wanted") with 0 edits
        refuse: Refuse("not for us") with 0 edits
        quarantine: Quarantine("look at it") with 0 edits
        never: the plugin could not do its work: the fixture says so
        later: the plugin asks to be tried again in 7 s: the fixture says so
        trap: the plugin trapped: wasm trap: wasm `unreachable` instruction executed
    "#]]
    .assert_eq(&report);
}

#[tokio::test]
async fn what_a_router_plans() {
    let plan = route("plan").await.result.unwrap();
    let send = |destination: &str, seconds, priority| PlannedSend {
        destination: destination.into(),
        delay: Duration::from_secs(seconds),
        priority,
    };
    assert_eq!(plan, [send("archive", 0, 100), send("research", 90, 3)]);
    assert_eq!(route("nothing").await.result.unwrap(), []);
    let mut report = String::new();
    for act in ["tell", "later"] {
        let failure = route(act).await.result.unwrap_err();
        report.push_str(&format!("{failure}\n"));
    }
    expect_test::expect![[r#"
        the plugin could not do its work: ["archive", "research"] ["archive", "research"] nowhere Err(()) unplanned (Err(()), Err(())) planned Ok(()) too long Ok(())
        the plugin asks to be tried again in 7 s: the fixture says so
    "#]].assert_eq(&report);
}

#[test]
fn a_check_refuses() {
    let runtime = runtime();
    let report: Vec<String> = [FILTER, ROUTER]
        .map(|component| load(&runtime, component, "refuse-check").unwrap_err().to_string())
        .into();
    expect_test::expect![[r#"
        the plugin `frozen` does not load: it refuses its configuration: the fixture was told to refuse
        the plugin `frozen` does not load: it refuses its configuration: the destinations are archive, research"#]]
    .assert_eq(&report.join("\n"));
}

//! Sections, with what strangers may have put into them.

use std::time::{Duration, SystemTime};

use isocenter_archive::index::{DeadJob, Event, ParkedEvent, RecordedOutcome, Task, Totals};
use isocenter_dicom::tags;
use isocenter_dicom::uid::Uid;
use serde_json::{Map, Value, json};

use super::{attention, calls, document, studies, style, system, values};

/// The name of `mal_xss_pn.dcm` and relatives of it.
const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</style><script>alert(1)</script>",
];

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The markup of a text is the same as that of a harmless one: no tag and no attribute was added.
fn assert_harmless(page: &str, hostile: &str) {
    assert!(!page.contains(hostile), "{hostile} passed unescaped");
    for forbidden in ["<script", "<img", "<svg"] {
        assert!(!page.contains(forbidden), "{forbidden} in {page}");
    }
}

#[test]
fn studies_escape_what_they_show() {
    for hostile in HOSTILE {
        let study = map(json!({
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": hostile, "Ideographic": hostile }] },
            "00100020": { "vr": "LO", "Value": [hostile] },
            "00080020": { "vr": "DA", "Value": [hostile] },
            "00080050": { "vr": "SH", "Value": [hostile] },
            "00080061": { "vr": "CS", "Value": [hostile] },
            "00081030": { "vr": "LO", "Value": [hostile] },
            "0020000D": { "vr": "UI", "Value": [hostile] },
        }));
        let page = studies::section(&studies::Listing::of(hostile, vec![study])).into_string();
        assert_harmless(&page, hostile);
        assert!(page.contains("&lt;"), "{page}");
    }
}

#[test]
fn reasons_and_titles_are_escaped() {
    for hostile in HOSTILE {
        let (study, object) = (Uid::parse("1.2").unwrap(), Uid::parse("1.3").unwrap());
        let tasks = [
            Task::Deliver {
                study: study.clone(),
                object,
                destination: hostile.to_owned(),
            },
            Task::Analyze {
                study,
                chain: hostile.to_owned(),
                plugin: hostile.to_owned(),
            },
            Task::Plugin {
                plugin: hostile.to_owned(),
                queue: hostile.to_owned(),
            },
        ];
        for task in tasks {
            let dead = DeadJob {
                id: 1,
                task,
                attempts: 3,
                reason: hostile.to_owned(),
                enqueued: SystemTime::now(),
            };
            assert_harmless(&attention::dead_letters(&[dead], 1).into_string(), hostile);
        }
        let parked = ParkedEvent {
            id: 7,
            sink: hostile.to_owned(),
            event: Event {
                cursor: 9,
                at: SystemTime::now(),
                kind: hostile.to_owned(),
                data: json!({}),
            },
            reason: hostile.to_owned(),
            parked: SystemTime::now(),
            again: true,
        };
        assert_harmless(&attention::parked(&[parked]).into_string(), hostile);
        let call = call(hostile, true);
        assert_harmless(
            &calls::section(std::slice::from_ref(&call), std::slice::from_ref(&call)).into_string(),
            hostile,
        );
        let page = document(hostile, &maud::html! { p { (hostile) } }).into_string();
        assert!(!page.replace("<style>", "").contains(hostile));
    }
}

fn call(text: &str, failed: bool) -> RecordedOutcome {
    RecordedOutcome {
        id: 1,
        at: SystemTime::now(),
        plugin: text.to_owned(),
        digest: text.to_owned(),
        role: text.to_owned(),
        chain: Some(text.to_owned()),
        shadow: true,
        study: Uid::parse("1.2").ok(),
        object: Uid::parse("1.2.3").ok(),
        outcome: text.to_owned(),
        failed,
        edits: 12,
        edit_list: None,
        cpu: Duration::from_micros(1500),
        wall: Duration::ZERO,
        queue: Duration::ZERO,
        peak_memory: 1_100_000,
        reason: Some(text.to_owned()),
    }
}

#[test]
fn what_waits_has_the_number_that_the_commands_want() {
    let task = Task::Plugin {
        plugin: "a".to_owned(),
        queue: "b".to_owned(),
    };
    let dead = DeadJob {
        id: 4711,
        task,
        attempts: 3,
        reason: "no".to_owned(),
        enqueued: SystemTime::now(),
    };
    let page = attention::dead_letters(&[dead], 1).into_string();
    assert!(
        page.contains(">4711</th>") && page.contains("isocenter dead-letters"),
        "{page}"
    );
}

#[test]
fn calls_that_failed_stand_apart() {
    let (kept, failed) = (call("keep", false), call("trap", true));
    assert_eq!(calls::section(&[], &[]).into_string(), "");
    let page = calls::section(std::slice::from_ref(&kept), &[]).into_string();
    assert!(!page.contains("Calls that failed"), "{page}");
    let others = [failed.clone(), call("memory", true), failed.clone(), failed.clone()];
    let kinds: Vec<_> = calls::kinds(&others)
        .iter()
        .map(|(call, count)| (call.outcome.clone(), *count))
        .collect();
    assert_eq!(kinds, [("trap".to_owned(), 3), ("memory".to_owned(), 1)]);
    let page = calls::section(&[kept], &[failed]).into_string();
    assert!(page.contains("Calls that failed"), "{page}");
    for part in [
        "class=\"bad\">trap<",
        "class=\"good\">keep<",
        "12 edits",
        "1.50 ms",
        "1.1 MB",
        "1.2.3",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let page = document("ISOCENTER", &maud::html! {}).into_string();
    for forbidden in [
        "<script", "<link", " src=", "@import", "url(", " style=", "http://", "https://",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let policy = style::policy();
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn nothing_to_do_shows_nothing() {
    assert_eq!(attention::quarantine(&[], 0).into_string(), "");
    assert_eq!(attention::dead_letters(&[], 0).into_string(), "");
    assert_eq!(attention::parked(&[]).into_string(), "");
    let totals = system::totals(&Totals::default()).into_string();
    assert!(!totals.contains("bad"), "{totals}");
}

#[test]
fn values_as_people_read_them() {
    let study = map(json!({
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Yamada^Tarou^^Dr", "Ideographic": "山田^太郎" }] },
        "00080020": { "vr": "DA", "Value": ["20261121"] },
        "00080021": { "vr": "DA", "Value": ["2026.11.21"] },
        "00080061": { "vr": "CS", "Value": ["CT", null, "SR"] },
        "00201208": { "vr": "IS", "Value": [12] },
    }));
    assert_eq!(
        values::name(&study, tags::PATIENT_NAME),
        ("Yamada, Tarou Dr".to_owned(), Some("山田 太郎".to_owned()))
    );
    assert_eq!(values::name(&study, tags::OPERATORS_NAME), (String::new(), None));
    assert_eq!(values::date(&study, tags::STUDY_DATE), "2026-11-21");
    assert_eq!(values::date(&study, tags::SERIES_DATE), "2026.11.21");
    assert_eq!(values::texts(&study, tags::MODALITIES_IN_STUDY), ["CT", "SR"]);
    assert_eq!(values::text(&study, tags::NUMBER_OF_STUDY_RELATED_INSTANCES), "12");
    assert_eq!(values::text(&study, tags::STUDY_DESCRIPTION), "");
}

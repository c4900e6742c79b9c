//! Sections, with what strangers may have put into them.

use std::time::SystemTime;

use isocenter_archive::index::{DeadJob, Task, Totals};
use isocenter_dicom::tags;
use isocenter_dicom::uid::Uid;
use serde_json::{Map, Value, json};

use super::{attention, document, studies, style, system, values};

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
        let page = document(hostile, &maud::html! { p { (hostile) } }).into_string();
        assert!(!page.replace("<style>", "").contains(hostile));
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

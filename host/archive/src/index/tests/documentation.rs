//! `plugin-api/events.md`: each kind of event with its members, made from events as they are appended. And the part of
//! `host/CONFORMANCE.md` about the keys of queries.

use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;
use isocenter_contract::{page_says, repository, table};
use serde_json::{Value, json};

use isocenter_dicom::Tag;

use isocenter_procedure::State;

use super::{held, object, uid};
use crate::index::keys::{self, Match};
use crate::index::scheduled;
use crate::index::{EventKind, Find, FindLevel, Job, JobKind, Level, NewEvent, Transport};

/// One event of the kind.
fn sample(kind: EventKind) -> NewEvent {
    let mut arrived = held(object(3, 1, 7, "a"), "why");
    arrived.source.calling_ae = Some("CT1".into());
    arrived.source.transport = Transport::Dimse;
    match kind {
        EventKind::ObjectStored => NewEvent::stored(&arrived.identity, &arrived.source),
        EventKind::ObjectQuarantined => {
            let mut held = arrived.held.unwrap();
            held.plugin = Some("edge".into());
            NewEvent::quarantined(&arrived.identity, &arrived.source, &held)
        }
        EventKind::StudyQuiet => NewEvent::quiet(&uid("1.3"), "reading", 212),
        EventKind::DeliveryDead => NewEvent::dead(&Job {
            id: 4711,
            kind: JobKind::Deliver,
            study: uid("1.3"),
            object: uid("1.3.1.7"),
            destination: Some("research".into()),
            attempts: 100,
        }),
        EventKind::ProcedureStarted => NewEvent::procedure(&uid("1.3.9"), State::InProgress, &["1.3"]),
        EventKind::ProcedureEnded => NewEvent::procedure(&uid("1.3.9"), State::Completed, &["1.3"]),
    }
}

/// When it is appended.
fn when(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ObjectStored => {
            "An object can be found from now on: in the transaction that indexes it, before its sender is told success. \
             An object that is there already, byte for byte, is no event; one that takes another's place is."
        }
        EventKind::ObjectQuarantined => {
            "An object is held for a person, in the transaction that writes it down. Why is not told, since the reason \
             may be in a plugin's words: `isocenter quarantine list` has it. When it is let go, `object.stored` follows."
        }
        EventKind::StudyQuiet => {
            "Nothing of the study has arrived for the quiet time of a chain, and that chain's study-routers have been \
             asked. Once for each chain that settles, and again when more objects have come and it is quiet again. Only \
             chains with study-routers or analyzers settle. A job that is interrupted and done again tells it twice."
        }
        EventKind::DeliveryDead => {
            "A delivery was given up, in the transaction that makes it a dead letter. Why is not told: \
             `isocenter dead-letters list` has it. Dead letters of routers, analyzers and workers are no events."
        }
        EventKind::ProcedureStarted => {
            "A modality has begun a procedure step (MPPS N-CREATE), in the transaction that keeps it. What more is known \
             of it `GET /api/mpps/UID` has."
        }
        EventKind::ProcedureEnded => {
            "A procedure step was completed or discontinued (MPPS N-SET), in the transaction that keeps it and takes \
             what was scheduled from the worklist. Its objects may still be on their way."
        }
    }
}

/// What a member of the data is, whatever the kind.
fn member(name: &str) -> (&'static str, &'static str) {
    match name {
        "study" => ("text", "Study Instance UID"),
        "series" => ("text", "Series Instance UID"),
        "object" => ("text", "SOP Instance UID"),
        "sop_class" => ("text", "SOP Class UID"),
        "transport" => (
            "text",
            "how it came: `dimse`, `stow`, `file` or `derived` (made by a plugin)",
        ),
        "calling_ae" => (
            "text or null",
            "AE title of the sender, as it names itself, at most 256 characters; null where it has none",
        ),
        "plugin" => (
            "text or null",
            "the plugin that asked for it or failed; null where the host did",
        ),
        "performed" => ("text", "SOP Instance UID of the performed procedure step"),
        "state" => ("text", "`IN PROGRESS`, `COMPLETED` or `DISCONTINUED`"),
        "studies" => ("list of texts", "Study Instance UIDs that the step is for"),
        "chain" => ("text", "name of the chain"),
        "objects" => ("number", "objects that the study has"),
        "job" => ("number", "names the dead letter in `isocenter dead-letters`"),
        "destination" => ("text", "name of the destination"),
        "attempts" => ("number", "how often it was tried"),
        other => panic!("plugin-api/events.md does not say what `{other}` is"),
    }
}

#[test]
fn the_dictionary_of_events() {
    let mut page = String::new();
    for kind in EventKind::ALL {
        let event = sample(kind);
        assert_eq!(event.kind, kind.as_str());
        let Value::Object(data) = &event.data else {
            panic!("{}: its data is no object", event.kind)
        };
        let rows: Vec<Vec<String>> = data
            .keys()
            .map(|name| (name, member(name)))
            .map(|(name, (ty, meaning))| vec![format!("`{name}`"), ty.to_owned(), meaning.to_owned()])
            .collect();
        let whole = json!({
            "cursor": 1042,
            "unix-millis": 1_767_323_045_678_u64,
            "kind": event.kind,
            "data": event.data,
        });
        page.push_str(&format!(
            "### {}\n{}\n\n{}\n```json\n{whole:#}\n```\n\n",
            event.kind,
            when(kind),
            table(&["member of `data`", "type", "meaning"], &rows)
        ));
    }
    let at = repository().join("plugin-api/events.md");
    if let Err(difference) = page_says(at, "table: events", &page) {
        panic!("{difference}");
    }
}

/// How a key matches at a level; empty where it does not.
fn matching(level: FindLevel, tag: Tag) -> &'static str {
    let of_index = match level {
        FindLevel::Patient | FindLevel::Study => Level::Study,
        FindLevel::Series => Level::Series,
        FindLevel::Object => Level::Object,
    };
    if !Find::can_match(level, tag) {
        return "";
    }
    keys::find(tag, of_index).map_or("", |key| kind_of(key.matching))
}

fn kind_of(matching: Match) -> &'static str {
    match matching {
        Match::Uid(_) => "UID, list of UIDs",
        Match::Text(_) => "value, wild card",
        Match::Name { .. } => "name, wild card, fuzzy",
        Match::Date(_) => "date, range",
        Match::Time(_) => "time, range",
        Match::Number(_) => "number",
        Match::AnyItem(_) => "value, wild card, of any item",
        Match::ModalitiesInStudy => "value, list, of any series",
    }
}

#[test]
fn keys_of_the_worklist() {
    let row = |of: &'static str| {
        move |key: &keys::Key| {
            let entry = StandardDataDictionary.by_tag(key.tag).unwrap();
            let matches = match key.matching {
                Match::Name { .. } => "name, wild card",
                Match::AnyItem(_) => "value, wild card, of any value",
                other => kind_of(other),
            };
            let tag = format!("({:04X},{:04X})", key.tag.group(), key.tag.element());
            [of, entry.alias(), &tag, matches].map(str::to_owned).to_vec()
        }
    };
    let mut rows: Vec<Vec<String>> = scheduled::KEYS.iter().map(row("entry")).collect();
    rows.extend(scheduled::KEYS_OF_STEP.iter().map(row("step")));
    let page = repository().join("host/CONFORMANCE.md");
    let table = table(&["of", "key", "tag", "matches by"], &rows);
    if let Err(difference) = page_says(page, "table: worklist", &table) {
        panic!("{difference}");
    }
}

#[test]
fn keys_of_queries() {
    let levels = [
        ("PATIENT", FindLevel::Patient),
        ("STUDY", FindLevel::Study),
        ("SERIES", FindLevel::Series),
        ("IMAGE", FindLevel::Object),
    ];
    let mut rows = Vec::new();
    let mut seen = Vec::new();
    for (name, level) in levels {
        for (group, element) in [0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x0032, 0x0040]
            .into_iter()
            .flat_map(|group| (0..=u16::MAX).map(move |element| (group, element)))
        {
            let tag = Tag(group, element);
            let (matching, shown) = (matching(level, tag), Find::can_show(level, tag));
            // A key belongs to the highest level that has it.
            if (matching.is_empty() && !shown) || seen.contains(&tag) {
                continue;
            }
            seen.push(tag);
            let entry = StandardDataDictionary.by_tag(tag).unwrap();
            rows.push(vec![
                name.to_owned(),
                entry.alias().to_owned(),
                format!("({group:04X},{element:04X})"),
                matching.to_owned(),
            ]);
        }
    }
    let page = repository().join("host/CONFORMANCE.md");
    let table = table(&["from level", "key", "tag", "matches by"], &rows);
    if let Err(difference) = page_says(page, "table: keys", &table) {
        panic!("{difference}");
    }
}

//! `plugin-api/events.md`: each kind of event with its members, made from events as they are appended.

use isocenter_contract::{page_says, repository, table};
use serde_json::{Value, json};

use super::{held, object, uid};
use crate::index::{EventKind, Job, JobKind, NewEvent, Transport};

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

//! The index against a real Postgres.

mod commit;
mod commitment;
mod documentation;
mod events;
mod find;
mod locate;
mod outcomes;
mod plans;
mod queue;
mod scheduled;
mod search;
mod settle;
mod sinks;
mod state;
mod upkeep;
mod within;

use std::time::SystemTime;

use isocenter_dicom::{header::Identity, uid::Uid};
use serde_json::{Map, Value, json};

use super::{Attributes, Held, NewJob, NewObject, PackId, Place, Source, Transport};

pub(super) fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// An object `1.<study>.<series>.<number>` whose bytes are `content`, in a pack of its own.
pub(super) fn object(study: u32, series: u32, number: u32, content: &str) -> NewObject {
    with(study, series, number, content, json!({}))
}

/// The same, with more in its header.
pub(super) fn with(study: u32, series: u32, number: u32, content: &str, more: Value) -> NewObject {
    let mut header: Map<String, Value> = Map::new();
    header.insert("00200013".into(), json!({"vr": "IS", "Value": [number]}));
    header.insert("00080060".into(), json!({"vr": "CS", "Value": ["CT"]}));
    header.insert("00200011".into(), json!({"vr": "IS", "Value": [series]}));
    header.insert("00100020".into(), json!({"vr": "LO", "Value": [format!("P{study}")]}));
    if let Value::Object(more) = more {
        header.extend(more);
    }
    NewObject {
        identity: Identity {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: uid(&format!("1.{study}.{series}.{number}")),
            series: uid(&format!("1.{study}.{series}")),
            study: uid(&format!("1.{study}")),
        },
        syntax: uid("1.2.840.10008.1.2.1"),
        place: Place {
            pack: PackId::make(),
            offset: 1536,
            length: content.len() as u64,
            header_length: 7,
            digest: *blake3::hash(content.as_bytes()).as_bytes(),
        },
        attributes: Attributes::from_json(header),
        source: Source {
            calling_ae: Some("CT1".into()),
            called_ae: None,
            peer: Some("127.0.0.1".into()),
            transport: Transport::Dimse,
            subject: None,
            hops: 0,
        },
        arrived: SystemTime::now(),
        jobs: vec![],
        held: None,
    }
}

pub(super) fn routed(mut object: NewObject) -> NewObject {
    object.jobs = vec![NewJob::Route];
    object
}

pub(super) fn held(mut object: NewObject, reason: &str) -> NewObject {
    object.held = Some(Held {
        plugin: Some("scrub".into()),
        reason: reason.into(),
    });
    object
}

use isocenter_dicom::header::Identity;

use super::*;
use crate::index::{Attributes, Held, Place, Source, Transport};

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn held(number: u64, content: &str) -> Quarantined {
    Quarantined {
        id: 7,
        identity: Identity {
            sop_class: uid("1.2"),
            sop_instance: uid(&format!("1.3.{number}")),
            series: uid("1.4"),
            study: uid("1.5"),
        },
        syntax: uid("1.2.840.10008.1.2.1"),
        place: Place {
            pack: PackId::make(),
            offset: 1536,
            length: 1,
            header_length: 1,
            digest: *blake3::hash(content.as_bytes()).as_bytes(),
        },
        held: Held {
            plugin: None,
            reason: "why".into(),
        },
        source: Source {
            calling_ae: None,
            called_ae: None,
            peer: None,
            transport: Transport::Dimse,
            subject: None,
            hops: 0,
        },
        arrived: UNIX_EPOCH + Duration::from_secs(1_790_000_000),
    }
}

/// The entry as it is found in a pack.
fn entry(of: &Quarantined) -> NewObject {
    NewObject {
        identity: of.identity.clone(),
        syntax: of.syntax.clone(),
        place: of.place,
        attributes: Attributes::from_json(serde_json::Map::new()),
        source: of.source.clone(),
        arrived: of.arrived,
        jobs: Vec::new(),
        held: Some(of.held.clone()),
    }
}

#[test]
fn a_decision_is_about_an_entry_and_its_earlier_copies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resolved.jsonl");
    assert_eq!(Resolutions::read(&path).unwrap().of(&entry(&held(1, "a"))), None);
    let (one, other) = (held(1, "a"), held(2, "a"));
    let first = now(Outcome::Discarded, "root", "not ours");
    let last = now(Outcome::Released, "alice\nbob", &"ä".repeat(600));
    assert_eq!((last.by.as_str(), last.reason.len()), ("alice bob", 1024));
    append(&path, &one, &first).unwrap();
    append(&path, &other, &first).unwrap();
    append(&path, &one, &last).unwrap();
    let found = Resolutions::read(&path).unwrap();
    assert_eq!((found.lines.len(), found.damaged), (3, 0));
    assert_eq!(found.of(&entry(&one)), Some(Fate::Resolved(last)), "the last counts");
    assert_eq!(found.of(&entry(&other)), Some(Fate::Resolved(first.clone())));
    let mut copy = entry(&one);
    copy.place.offset += 512;
    assert_eq!(found.of(&copy), Some(Fate::Copy));
    copy.arrived = first.at + Duration::from_secs(60);
    assert_eq!(found.of(&copy), None, "it came later");
    let mut late = entry(&one);
    late.arrived = copy.arrived;
    assert!(
        matches!(found.of(&late), Some(Fate::Resolved(_))),
        "the clock went back, but it is the entry"
    );
    assert_eq!(found.of(&entry(&held(1, "b"))), None, "other bytes");
    assert_eq!(found.of(&entry(&held(3, "a"))), None, "another object");
    let mut served = entry(&one);
    served.held = None;
    assert_eq!(found.of(&served), None);
}

#[test]
fn half_a_line_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resolved.jsonl");
    let objects = [held(1, "a"), held(2, "b")];
    let decided = now(Outcome::Discarded, "root", "{\"outcome\":\"released\"}");
    append(&path, &objects[0], &decided).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        append(&path, &objects[1], &decided).unwrap();
        let found = Resolutions::read(&path).unwrap();
        assert_eq!(
            found.of(&entry(&objects[1])),
            Some(Fate::Resolved(decided.clone())),
            "{cut}"
        );
        // All but the end of the line was there, and that has been mended.
        let first = (cut == whole.len() - 1).then(|| Fate::Resolved(decided.clone()));
        assert_eq!(found.of(&entry(&objects[0])), first, "{cut}");
        assert_eq!(found.damaged, u64::from(cut > 0 && first.is_none()), "{cut}");
    }
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    assert!(Resolutions::read(&path).unwrap().damaged > 0);
}

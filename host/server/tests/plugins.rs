//! Plugins in the paths of real objects: what is edited, what is held, what is sent on, and what a failure does.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::path::Path;
use std::time::{Duration, Instant};

use door::object::Object;
use door::{Host, plugin_table};

/// Text that identifies the patient of [`Object::ct`].
const IDENTIFIERS: [&[u8]; 3] = [b"Test^Patient", b"PID-7", b"Referrer^Ruth"];

fn configured(plugins: &[(&str, &str, &str)], rest: &str) -> String {
    let mut text = String::new();
    for (name, file, more) in plugins {
        text.push_str(&plugin_table(name, file, more));
    }
    text + rest
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Every `.dcm` file below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "dcm") {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn an_ingest_chain_edits_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let chain = "[[chains]]\ningest = [\"anonymize\"]\n";
    let config = configured(
        &[("anonymize", "anonymize", "grant = { secrets = [\"site-key\"] }")],
        chain,
    );
    let mut host = Host::start(folder.path(), &config);
    let objects = [Object::ct(1, 1, 200_000), Object::ct(1, 2, 100)];
    assert_eq!(host.send(&objects), [0, 0]);
    // The same again is the same: the edits are deterministic.
    assert_eq!(host.send(&objects), [0, 0]);

    let stored = host.search("/instances");
    assert_eq!(stored.len(), 2, "{stored:?}");
    let uid = |object: &serde_json::Value, tag: &str| object[tag]["Value"][0].as_str().unwrap().to_owned();
    assert_eq!(
        uid(&stored[0], "0020000D"),
        uid(&stored[1], "0020000D"),
        "one study stays one"
    );
    for object in &stored {
        let study = uid(object, "0020000D");
        assert_ne!(study, objects[0].study);
        let file = host
            .object(&study, &uid(object, "0020000E"), &uid(object, "00080018"))
            .unwrap();
        for text in IDENTIFIERS
            .iter()
            .chain([&objects[0].study.as_bytes(), &b"19600203".as_slice()])
        {
            assert!(!contains(&file, text), "{} is left", String::from_utf8_lossy(text));
        }
        let pixels = objects
            .iter()
            .any(|sent| file.ends_with(&sent.data_set[sent.data_set.len() - 100..]));
        assert!(pixels, "the pixels are as they came");
    }
    assert!(host.stop().success());
    assert!(host.command("verify").output().unwrap().status.success());
}

#[test]
fn i7_what_a_filter_fails_on_is_held_or_refused_and_never_stored() {
    for (act, reason) in [
        ("panic", "trapped"),
        ("spin", "CPU time"),
        ("eat", "memory"),
        ("recurse", "trapped"),
    ] {
        for (policy, expected, held) in [("quarantine", 0, 1), ("refuse", 0x0124, 0)] {
            let folder = tempfile::tempdir().unwrap();
            let chain = format!("[[chains]]\ningest = [\"bad\"]\non-failure = \"{policy}\"\n");
            let plugin = format!(
                "grant = {{ secrets = [\"site-key\"] }}\nconfig = {{ do = \"{act}\" }}\nlimits = {{ memory = \"32 MiB\", cpu = \"200 ms\" }}"
            );
            let host = Host::start(folder.path(), &configured(&[("bad", "test/guest", &plugin)], &chain));
            let object = Object::ct(1, 1, 100_000);
            assert_eq!(host.send(std::slice::from_ref(&object)), [expected], "{act}, {policy}");
            assert!(host.search("/studies").is_empty(), "{act}, {policy}: nothing is found");
            let (status, body) = host.get("/api/quarantine");
            assert_eq!(status, 200);
            let said = String::from_utf8(body).unwrap();
            assert_eq!(
                said.matches(&object.uid).count() > 0,
                held > 0,
                "{act}, {policy}: {said}"
            );
            assert_eq!(said.contains(reason), held > 0, "{act}, {policy}: {said}");
        }
    }
}

#[test]
fn i12_copies_are_sent_on_anonymized_and_a_dead_peer_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let research = folder.path().join("research");
    let nobody = door::free_port();
    let rest = format!(
        "[destinations.research]\nfolder = \"{}\"\negress = [\"anonymize\"]\n\
         [destinations.elsewhere]\ndicom = {{ ae-title = \"ELSEWHERE\", address = \"{nobody}\" }}\n\
         retry = {{ first = \"200 ms\", longest = \"1 s\", attempts = 1000 }}\n\
         [[chains]]\nroute = [\"rules\"]\n",
        research.display()
    );
    let rules =
        "[[plugins.rules.config.rules]]\nwhen = { modality = [\"CT\"] }\nsend-to = [\"research\", \"elsewhere\"]";
    let config = configured(
        &[
            ("anonymize", "anonymize", "grant = { secrets = [\"site-key\"] }"),
            ("rules", "rules", rules),
        ],
        &rest,
    );
    let mut host = Host::start(folder.path(), &config);
    let objects: Vec<_> = (1..=5).map(|number| Object::ct(1, number, 50_000)).collect();
    assert_eq!(host.send(&objects), [0; 5]);
    host.eventually("copies in the folder", |_| files(&research).len() == 5);
    for file in files(&research) {
        for text in IDENTIFIERS {
            assert!(
                !contains(&file, text),
                "{} left the house",
                String::from_utf8_lossy(text)
            );
        }
    }
    for object in &objects {
        let original = host.object(&object.study, &object.series, &object.uid).unwrap();
        assert!(object.is_data_set_of(&original), "the original stays");
    }

    // Another host is the peer that comes late; meanwhile this one was even killed.
    host.kill();
    host.restart();
    let late = tempfile::tempdir().unwrap();
    let mut peer = Host::prepare(late.path(), "");
    peer.dicom = nobody;
    let peer = peer.started();
    peer.eventually("the late peer has everything", |peer| {
        peer.search("/instances").len() == 5
    });
    for object in &objects {
        let sent = peer.object(&object.study, &object.series, &object.uid).unwrap();
        assert!(
            object.is_data_set_of(&sent),
            "what has no egress chain is sent as it is"
        );
    }
    host.eventually("nothing waits", |host| {
        let text = String::from_utf8(host.get("/api/dead-letters").1).unwrap();
        !text.contains(&objects[0].uid)
    });
}

#[test]
fn a_looping_filter_does_not_slow_another_association() {
    let folder = tempfile::tempdir().unwrap();
    let spin =
        "grant = { secrets = [\"site-key\"] }\nconfig = { do = \"spin\" }\nlimits = { cpu = \"1 s\", wall = \"2 s\" }";
    let chain = "[[chains]]\nwhen = { PatientID = [\"LOOP\"] }\ningest = [\"bad\"]\n";
    let host = Host::start(folder.path(), &configured(&[("bad", "test/guest", spin)], chain));
    let mut looping = Object::ct(1, 1, 10);
    let position = looping
        .data_set
        .windows(5)
        .position(|window| window == b"PID-7")
        .unwrap();
    let mut bytes = looping.data_set.to_vec();
    bytes[position..position + 5].copy_from_slice(b"LOOP ");
    looping.data_set = bytes.into();

    std::thread::scope(|scope| {
        let hostile = scope.spawn(|| host.send(std::slice::from_ref(&looping)));
        let began = Instant::now();
        let mut honest = 0;
        while !hostile.is_finished() && honest < 200 {
            assert_eq!(host.send(&[Object::ct(2, honest, 1000)]), [0]);
            honest += 1;
        }
        assert!(began.elapsed() < Duration::from_secs(30));
        assert!(honest > 3, "only {honest} objects came through beside a loop");
        assert_eq!(hostile.join().unwrap(), [0], "held, and answered success");
    });
}

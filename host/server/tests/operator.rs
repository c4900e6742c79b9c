//! What an operator sees and does: outcomes, rehearsals, quarantine; pins and shadows.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use door::object::Object;
use door::{Host, plugin_table, said};

#[test]
fn a_shadow_is_recorded_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = plugin_table("stamp", "stamp", "config = { set = { InstitutionName = \"SHADOW\" } }")
        + "[[chains]]\nname = \"later\"\ningest = [\"stamp\"]\nshadow = true\n";
    let host = Host::start(folder.path(), &config);
    let object = Object::ct(1, 1, 1_000);
    assert_eq!(host.send_one(&object), 0);
    let stored = host.object(&object.study, &object.series, &object.uid).unwrap();
    assert!(stored.ends_with(&object.data_set), "the data set is as it came");
    host.eventually("the shadow is recorded", |host| {
        let (fine, text) = said(host.command("outcomes").arg("--object").arg(&object.uid));
        fine && text.contains("stamp") && text.contains("keep")
    });
}

#[test]
fn what_is_held_is_listed_retried_released_and_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let guest = |act: &str| {
        plugin_table(
            "probe",
            "test/guest",
            &format!("grant = {{ secrets = [\"site-key\"] }}\nconfig = {{ do = \"{act}\" }}"),
        ) + "[[chains]]\nname = \"all\"\ningest = [\"probe\"]\n"
    };
    let host = Host::start(folder.path(), &guest("panic"));
    let objects = [Object::ct(1, 1, 100), Object::ct(2, 2, 100), Object::ct(3, 3, 100)];
    for object in &objects {
        assert_eq!(host.send_one(object), 0, "held, and answered success");
    }
    let (fine, list) = said(host.command("quarantine").arg("list"));
    assert!(fine && list.contains("probe"), "{list}");
    let held: serde_json::Value = serde_json::from_slice(&host.get("/api/quarantine").1).unwrap();
    let id = |object: &Object| {
        let found = held
            .as_array()
            .unwrap()
            .iter()
            .find(|held| held["object"] == object.uid.as_str());
        found.unwrap()["id"].to_string()
    };

    let (_, text) = said(host.command("quarantine").arg("retry").arg(id(&objects[0])));
    assert!(text.contains("held again"), "{text}");
    std::fs::write(folder.path().join("isocenter.toml"), guest("nothing")).unwrap();
    let (fine, text) = said(&mut host.command("reload"));
    assert!(fine, "{text}");
    let (fine, text) = said(host.command("quarantine").arg("retry").arg(id(&objects[0])));
    assert!(fine && text.contains("stored"), "{text}");
    let (fine, text) = said(host.command("quarantine").arg("release").arg(id(&objects[1])));
    assert!(fine && text.contains("stored"), "{text}");
    let discard = ["discard", &id(&objects[2]), "--reason", "a phantom, not for us"];
    let (fine, text) = said(host.command("quarantine").args(discard));
    assert!(fine, "{text}");
    let (_, decided) = said(host.command("quarantine").arg("decided"));
    for (object, decision) in [
        (&objects[0], "decision=released  by=operator"),
        (&objects[2], "decision=discarded  by=operator"),
    ] {
        let line = decided.lines().find(|line| line.contains(&object.uid)).unwrap();
        assert!(line.contains(decision), "{line}");
    }
    assert!(decided.contains("  discarded: a phantom, not for us\n"), "{decided}");

    for object in &objects[..2] {
        let stored = host.object(&object.study, &object.series, &object.uid).unwrap();
        assert!(stored.ends_with(&object.data_set), "bit for bit");
    }
    assert!(
        host.object(&objects[2].study, &objects[2].series, &objects[2].uid)
            .is_none()
    );
    let held: serde_json::Value = serde_json::from_slice(&host.get("/api/quarantine").1).unwrap();
    assert_eq!(held.as_array().unwrap().len(), 0, "{held}");
}

#[test]
fn a_rehearsal_shows_what_would_change_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = plugin_table(
        "stamp",
        "stamp",
        "config = { set = { InstitutionName = \"NEW PLACE\" } }",
    ) + "[[chains]]\nname = \"place\"\nwhen = { calling-ae = [\"NOBODY\"] }\ningest = [\"stamp\"]\n";
    let host = Host::start(folder.path(), &config);
    let object = Object::ct(1, 1, 1_000);
    assert_eq!(host.send_one(&object), 0);
    let file = folder.path().join("object.dcm");
    std::fs::write(&file, host.object(&object.study, &object.series, &object.uid).unwrap()).unwrap();
    let (fine, text) = said(host.command("try").arg("--chain").arg("place").arg(&file));
    assert!(
        fine && text.contains("(0008,0080)") && text.contains("NEW PLACE"),
        "{text}"
    );
    assert_eq!(host.search("/instances").len(), 1);
    let (fine, text) = said(host.command("try").arg("--chain").arg("other").arg(&file));
    assert!(!fine && text.contains("place"), "{text}");
}

#[test]
fn a_plugin_is_pinned_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let pinned = |digest: &str| {
        plugin_table(
            "stamp",
            "stamp",
            &format!("digest = \"blake3:{digest}\"\nconfig = {{ clear = [\"StationName\"] }}"),
        )
    };
    let right = blake3::hash(&std::fs::read(door::plugin("stamp")).unwrap())
        .to_hex()
        .to_string();
    let host = Host::prepare(folder.path(), &pinned(&right));
    let (fine, text) = said(&mut host.command("check"));
    assert!(fine, "{text}");
    let host = Host::prepare(folder.path(), &pinned(&"0".repeat(64)));
    let (fine, text) = said(&mut host.command("check"));
    assert!(!fine && text.contains(&right), "{text}");
}

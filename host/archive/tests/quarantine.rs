//! What is in quarantine leaves it by a person's decision, and does not come back: not after a crash, not when the index is
//! rebuilt, not when the database is lost.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::{
    Data,
    objects::{Object, object, store, store_on},
    rows, served,
};
use isocenter_archive::{
    Archive, ArchiveError, Reindexed, Shelf,
    index::{Duplicates, Held, Indexed, Outcome, Standing},
};

fn shelf() -> Shelf {
    Shelf::Quarantine(Held {
        plugin: Some("scrub".into()),
        reason: "it trapped".into(),
    })
}

/// The numbers of the objects in quarantine, by SOP Instance UID.
async fn numbers(archive: &Archive) -> Vec<(String, i64)> {
    let held = archive.index().quarantined(100).await.unwrap();
    let mut numbers: Vec<_> = held
        .iter()
        .map(|held| (held.identity.sop_instance.to_string(), held.id))
        .collect();
    numbers.sort();
    numbers
}

async fn number(archive: &Archive, object: &Object) -> i64 {
    let uid = object.identity.sop_instance.to_string();
    let numbers = numbers(archive).await;
    numbers.iter().find(|(known, _)| *known == uid).unwrap().1
}

async fn bytes(archive: &Archive, id: i64) -> Vec<u8> {
    let held = archive.index().held(id).await.unwrap().unwrap();
    let chunks: Vec<_> = futures::TryStreamExt::try_collect(archive.read_held(&held))
        .await
        .unwrap();
    chunks.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_about_stays_away() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let objects: Vec<_> = (1..=4).map(|number| object(1, number, 0, 1000)).collect();
    for object in &objects {
        assert_eq!(store_on(&mut writer, object, &shelf()).await.unwrap(), Indexed::Held);
    }
    let [released, discarded, kept, again] = &objects[..] else {
        panic!("four objects")
    };

    // Released: stored again from its bytes, then taken out.
    let id = number(&archive, released).await;
    assert_eq!(bytes(&archive, id).await, released.file);
    assert_eq!(store(&mut writer, released).await.unwrap(), Indexed::New);
    let gone = archive
        .release_held(id, "alice", "it was our fault")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((gone.id, &gone.identity), (id, &released.identity));
    assert_eq!(served(&archive, released).await.unwrap(), released.file);

    // Discarded: found no more, in no way.
    let id = number(&archive, discarded).await;
    assert!(archive.discard_held(id, "bob", "a test").await.unwrap().is_some());
    assert!(archive.discard_held(id, "bob", "a test").await.unwrap().is_none());
    assert!(archive.release_held(id, "bob", "a test").await.unwrap().is_none());
    assert!(archive.discard_held(4711, "bob", "a test").await.unwrap().is_none());
    assert!(archive.index().held(id).await.unwrap().is_none());
    assert!(served(&archive, discarded).await.is_none());

    // The same bytes that come again are held again; a decision is about what was there.
    let id = number(&archive, again).await;
    archive.discard_held(id, "bob", "first").await.unwrap().unwrap();
    assert_eq!(store_on(&mut writer, again, &shelf()).await.unwrap(), Indexed::Held);
    assert_ne!(number(&archive, again).await, id);

    let audit = archive.index().resolved(10).await.unwrap();
    let told: Vec<_> = audit
        .iter()
        .map(|resolved| {
            let by = &resolved.resolution;
            (by.outcome, by.by.as_str(), by.reason.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (Outcome::Discarded, "bob", "first"),
            (Outcome::Discarded, "bob", "a test"),
            (Outcome::Released, "alice", "it was our fault")
        ]
    );
    assert_eq!(audit[1].identity, discarded.identity);
    assert_eq!(audit[1].held.plugin.as_deref(), Some("scrub"));
    assert_eq!(archive.index().totals().await.unwrap().quarantined, 2);
    writer.seal().await;
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);

    // The index is rebuilt as it was, from the packs and what is beside them.
    let before = rows(&archive).await;
    assert_eq!(before.len(), 1 + 2 * 2 + 2 * 3);
    let report = archive.reindex().await.unwrap();
    let expected = Reindexed {
        packs: 2,
        objects: 1,
        held: 2,
        resolved: 3,
        ..Reindexed::default()
    };
    assert_eq!(report, expected);
    assert_eq!(rows(&archive).await, before);
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    let id = number(&archive, kept).await;
    assert_eq!(bytes(&archive, id).await, kept.file);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_brings_nothing_back() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let (gone, kept) = (object(1, 1, 0, 1000), object(1, 2, 0, 1000));
    for object in [&gone, &kept] {
        assert_eq!(store_on(&mut writer, object, &shelf()).await.unwrap(), Indexed::Held);
    }
    let id = number(&archive, &gone).await;
    archive.discard_held(id, "bob", "a test").await.unwrap().unwrap();
    archive.close().await;
    // The pack was not sealed: its entries are looked at, with the database and without.
    let (crashed, lost) = (data.as_left_by_a_crash(), data.as_left_by_a_crash());
    drop(writer);
    let postgres = lost.path().join("postgres");
    std::fs::remove_dir_all(&postgres)
        .or_else(|_| std::fs::remove_file(&postgres))
        .unwrap();
    for (data, held, resolved) in [(crashed, 0, 0), (lost, 1, 1)] {
        assert_eq!(data.markers(), 1);
        let (archive, recovery) = data.open(Duplicates::KeepFirst).await;
        assert_eq!(
            (recovery.packs, recovery.held, recovery.resolved, recovery.damaged),
            (1, held, resolved, 0)
        );
        let left: Vec<_> = numbers(&archive).await.into_iter().map(|(uid, _)| uid).collect();
        assert_eq!(left, [kept.identity.sop_instance.to_string()]);
        let audit = archive.index().resolved(10).await.unwrap();
        assert_eq!((audit.len(), audit[0].resolution.by.as_str()), (1, "bob"));
        assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_not_durable_is_none() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let held = object(1, 1, 0, 1000);
    store_on(&mut writer, &held, &shelf()).await.unwrap();
    writer.seal().await;
    let id = number(&archive, &held).await;
    // The file cannot be written: a folder has its name.
    let pack = data.packs().pop().unwrap();
    let file = pack.with_file_name("resolved.jsonl");
    std::fs::create_dir(&file).unwrap();
    let failed = archive.discard_held(id, "bob", "a test").await;
    assert!(matches!(failed, Err(ArchiveError::File { .. })), "{failed:?}");
    assert!(archive.index().held(id).await.unwrap().is_some());
    std::fs::remove_dir(&file).unwrap();
    // The pack is not here: it is another host's.
    let away = pack.with_extension("away");
    std::fs::rename(&pack, &away).unwrap();
    let failed = archive.discard_held(id, "bob", "a test").await;
    assert!(matches!(failed, Err(ArchiveError::File { .. })), "{failed:?}");
    assert!(!file.exists());
    std::fs::rename(&away, &pack).unwrap();

    // Written, but not in the index when the host died: somebody decides again, and that counts.
    archive.discard_held(id, "bob", "a test").await.unwrap().unwrap();
    std::fs::remove_file(&file).unwrap();
    archive.reindex().await.unwrap();
    let id = number(&archive, &held).await;
    std::fs::write(&file, "{\"object\":").unwrap();
    archive.discard_held(id, "carol", "again").await.unwrap().unwrap();
    let report = archive.reindex().await.unwrap();
    assert_eq!((report.held, report.resolved, report.damaged), (0, 1, 1));
    let rows = archive.index().rows(Standing::Resolved, None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(archive.index().resolved(1).await.unwrap()[0].resolution.by, "carol");
    archive.close().await;
}

//! Packs, digests and index are compared both ways, and the index is rebuilt from the packs alone.

mod common;

use std::os::unix::fs::FileExt;

use common::{
    Data, locate,
    objects::{begin_from, object, parts, source, store},
    rows, served,
};
use isocenter_archive::{
    ArchiveError, ProblemKind, Reindexed, Shelf,
    index::{Duplicates, Held, Indexed, Source},
};

#[tokio::test(flavor = "multi_thread")]
async fn verification_finds_what_was_done_to_the_packs() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let objects: Vec<_> = (0..4).map(|study| object(study, 1, 0, 5000)).collect();
    let mut writer = archive.writer();
    for object in &objects {
        store(&mut writer, object).await.unwrap();
    }
    writer.seal().await;
    let verified = archive.verify(|_| ()).await.unwrap();
    assert_eq!(verified.problems, []);

    let mut places = Vec::new();
    for object in &objects {
        let at = locate(&archive, object).await.unwrap().place;
        let name = format!("{}.tar", at.pack);
        let path = data.packs().into_iter().find(|path| path.ends_with(&name)).unwrap();
        places.push((at, path));
    }
    let (flipped, cut, missing, whole) = (&places[0], &places[1], &places[2], &places[3]);
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&flipped.1)
        .unwrap();
    let at = flipped.0.offset + flipped.0.length - 7;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    std::fs::File::options()
        .write(true)
        .open(&cut.1)
        .unwrap()
        .set_len(cut.0.offset + 100)
        .unwrap();
    std::fs::remove_file(&missing.1).unwrap();
    // A copy of a whole pack under another name: its entry is not referred to, but it is a copy of one that is.
    let copy = whole.1.with_file_name(format!("{}.tar", "0".repeat(32)));
    std::fs::copy(&whole.1, &copy).unwrap();
    // The host restarts: it must not see deleted files as if they were there.
    archive.close().await;
    let (archive, recovery) = data.open(Duplicates::KeepFirst).await;
    assert_eq!(recovery, Default::default(), "sealed packs are not scanned");

    let mut last = Default::default();
    let verified = archive.verify(|checked| last = checked.clone()).await.unwrap();
    let mut found: Vec<_> = verified
        .problems
        .iter()
        .map(|problem| (problem.pack, problem.kind.clone()))
        .collect();
    let mut expected = vec![
        (flipped.0.pack, ProblemKind::Altered),
        (cut.0.pack, ProblemKind::Missing),
        (missing.0.pack, ProblemKind::MissingPack),
        (cut.0.pack, ProblemKind::Torn("the file ends inside an object")),
    ];
    found.sort_by_key(|(pack, kind)| (*pack, format!("{kind:?}")));
    expected.sort_by_key(|(pack, kind)| (*pack, format!("{kind:?}")));
    assert_eq!(found, expected);
    assert_eq!(verified.checked.copies, 1);
    assert_eq!(last, verified.checked);

    // Without its row, an entry is an orphan.
    archive.index().clear().await.unwrap();
    let verified = archive.verify(|_| ()).await.unwrap();
    let orphans = verified
        .problems
        .iter()
        .filter(|problem| problem.kind == ProblemKind::Orphan)
        .count();
    assert_eq!(orphans, 3);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_rebuilt_as_it_was() {
    for policy in [Duplicates::KeepFirst, Duplicates::Replace, Duplicates::KeepBoth] {
        let data = Data::new();
        let (archive, _) = data.open(policy).await;
        // The pack that is older gets the object that is younger: time of arrival decides, not the pack's name.
        let (mut older, mut younger) = (archive.writer(), archive.writer());
        for number in 0..300 {
            store(&mut older, &object(1, number, 0, 200)).await.unwrap();
        }
        store(&mut younger, &object(1, 1000, 1, 200)).await.unwrap();
        store(&mut older, &object(1, 1000, 2, 200)).await.unwrap();
        let shelf = Shelf::Quarantine(Held {
            plugin: None,
            reason: "for a look".into(),
        });
        let made = Source {
            subject: Some("s".repeat(256)),
            hops: 3,
            ..source()
        };
        for (number, shelf, expected) in [(1, &Shelf::Archive, Indexed::New), (2, &shelf, Indexed::Held)] {
            let object = object(2, number, 0, 200);
            let entry = begin_from(&mut younger, &object, &made, shelf).await.unwrap();
            assert_eq!(entry.commit(parts(&object, shelf)).await.unwrap(), expected);
        }
        let at = locate(&archive, &object(2, 1, 0, 200)).await.unwrap();
        assert_eq!(at.source, made);
        assert_eq!(archive.index().quarantined(1).await.unwrap()[0].source, made);
        assert!(matches!(archive.reindex().await, Err(ArchiveError::Busy(4))));
        older.seal().await;
        younger.seal().await;

        let before = rows(&archive).await;
        let totals = archive.index().totals().await.unwrap();
        let kept = if policy == Duplicates::KeepFirst { 302 } else { 303 };
        assert_eq!(before.len(), kept + 2);
        // Its own policy is written beside each object: the one in force now does not matter.
        archive.close().await;
        let (archive, _) = data.open(Duplicates::KeepFirst).await;
        let report = archive.reindex().await.unwrap();
        assert_eq!(
            report,
            Reindexed {
                packs: 4,
                objects: kept as u64,
                held: 1,
                ..Reindexed::default()
            }
        );
        assert_eq!(rows(&archive).await, before, "{policy:?}");
        let after = archive.index().totals().await.unwrap();
        assert_eq!(
            (after.studies, after.objects, after.waiting),
            (totals.studies, totals.objects, totals.waiting)
        );
        let wins = if policy == Duplicates::KeepFirst { 1 } else { 2 };
        let served = served(&archive, &object(1, 1000, 0, 200)).await.unwrap();
        assert_eq!(served, object(1, 1000, wins, 200).file);
        archive.close().await;
    }
}

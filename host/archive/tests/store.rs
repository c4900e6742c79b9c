//! Objects go in, are durable and indexed, and come out bit for bit.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{os::unix::fs::MetadataExt, process::Command};

use common::{
    Data, locate,
    objects::{begin, object, parts, store, store_on},
    served,
};
use isocenter_archive::{
    ArchiveError, Shelf,
    index::{Duplicates, Held, Indexed},
};

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_every_size_come_back_and_tar_extracts_them() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let piece = 256 * 1024;
    let head = object(1, 1, 0, 0).file.len();
    let sizes = [
        0,
        20_000,
        piece - head - 2,
        piece - head,
        piece - head + 2,
        2 * piece,
        3_000_000,
    ];
    let objects: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(number, size)| object(1, number + 1, 0, *size))
        .collect();
    for object in &objects {
        assert_eq!(store(&mut writer, object).await.unwrap(), Indexed::New);
        assert_eq!(
            served(&archive, object).await.unwrap(),
            object.file,
            "while the pack is open"
        );
    }
    assert_eq!(data.markers(), 1);
    let packs = data.packs();
    assert_eq!(packs.len(), 1);
    for (path, mode) in [
        (packs[0].as_path(), 0o600),
        (packs[0].parent().unwrap(), 0o700),
        (&data.path().join("packs"), 0o700),
    ] {
        assert_eq!(
            std::fs::metadata(path).unwrap().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
    // An entry that is not finished hides nothing that is.
    let unfinished = object(1, 99, 0, 3_000_000);
    let entry = begin(&mut writer, &unfinished, &Shelf::Archive).await.unwrap();
    extracts(&packs[0], &objects);
    entry.abandon().await;
    writer.seal().await;
    assert_eq!(data.markers(), 0);
    extracts(&packs[0], &objects);

    for object in &objects {
        let at = locate(&archive, object).await.unwrap();
        assert_eq!(at.place.header_length as usize, object.header_length);
        assert_eq!(at.place.digest, *blake3::hash(&object.file).as_bytes());
        let header = archive.read_header(&at).await.unwrap();
        assert_eq!(header.bytes(), object.header.bytes());
    }
    archive.close().await;
}

fn extracts(pack: &std::path::Path, objects: &[common::objects::Object]) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("tar")
        .arg("xvf")
        .arg(pack)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        output.stdout.iter().filter(|byte| **byte == b'\n').count(),
        objects.len()
    );
    for object in objects {
        let path = folder.path().join(format!("{}.dcm", object.identity.sop_instance));
        assert_eq!(std::fs::read(path).unwrap(), object.file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_again_follows_the_policy() {
    let data = Data::new();
    // Policy, what different content gets, and which of the two is served then.
    let cases = [
        (Duplicates::KeepFirst, Indexed::Conflict, 1),
        (Duplicates::Replace, Indexed::Replaced, 2),
        (Duplicates::KeepBoth, Indexed::Replaced, 2),
    ];
    for (study, (policy, expected, stays)) in cases.into_iter().enumerate() {
        let first = object(study, 1, 1, 5000);
        let other = object(study, 1, 2, 600_000);
        let (archive, _) = data.open(policy).await;
        let mut writer = archive.writer();
        assert_eq!(store(&mut writer, &first).await.unwrap(), Indexed::New);
        let pack = locate(&archive, &first).await.unwrap().place.pack.to_string();
        let path = data
            .packs()
            .into_iter()
            .find(|path| path.to_string_lossy().contains(&pack))
            .unwrap();
        let length = || std::fs::metadata(&path).unwrap().len();
        let before = length();
        assert_eq!(store(&mut writer, &first).await.unwrap(), Indexed::Identical);
        assert_eq!(length(), before, "identical bytes are taken back");
        assert_eq!(store(&mut writer, &other).await.unwrap(), expected);
        assert_eq!(length() > before, expected.keeps_bytes());
        assert_eq!(
            served(&archive, &other).await.unwrap(),
            [&first, &other][stays - 1].file
        );
        let next = object(study, 2, 0, 100);
        assert_eq!(store(&mut writer, &next).await.unwrap(), Indexed::New);
        assert_eq!(served(&archive, &next).await.unwrap(), next.file);
        writer.seal().await;
        let verified = archive.verify(|_| ()).await.unwrap();
        assert_eq!(verified.problems, [], "{policy:?}");
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_leaves_nothing() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let (small, large) = (object(1, 1, 0, 1000), object(1, 2, 0, 2_000_000));
    begin(&mut writer, &large, &Shelf::Archive)
        .await
        .unwrap()
        .abandon()
        .await;
    begin(&mut writer, &small, &Shelf::Archive)
        .await
        .unwrap()
        .abandon()
        .await;
    drop(begin(&mut writer, &large, &Shelf::Archive).await.unwrap());
    writer.seal().await;
    assert_eq!((data.packs().len(), data.markers()), (0, 0), "an empty pack goes away");

    let mut writer = archive.writer();
    store(&mut writer, &small).await.unwrap();
    let length = std::fs::metadata(&data.packs()[0]).unwrap().len();
    begin(&mut writer, &large, &Shelf::Archive)
        .await
        .unwrap()
        .abandon()
        .await;
    assert_eq!(std::fs::metadata(&data.packs()[0]).unwrap().len(), length);
    // A sender that goes away while its object is being committed: the object is finished all the same.
    let entry = begin(&mut writer, &large, &Shelf::Archive).await.unwrap();
    let mut commit = Box::pin(entry.commit(parts(&large, &Shelf::Archive)));
    let polled = futures::poll!(&mut commit);
    drop(commit);
    writer.seal().await;
    if polled.is_pending() {
        assert!(served(&archive, &large).await.is_none_or(|bytes| bytes == large.file));
    }
    assert_eq!(data.markers(), 0);
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_writer_keeps_at_most_eight_packs_open() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    for study in 0..20 {
        store(&mut writer, &object(study, 1, 0, 100)).await.unwrap();
        assert_eq!(data.markers(), (study + 1).min(8));
    }
    let mut entries = Vec::new();
    for study in 100..108 {
        entries.push(
            begin(&mut writer, &object(study, 1, 0, 100), &Shelf::Archive)
                .await
                .unwrap(),
        );
    }
    let ninth = begin(&mut writer, &object(108, 1, 0, 100), &Shelf::Archive).await;
    assert!(matches!(ninth.err(), Some(ArchiveError::TooManyOpen(8))));
    drop(entries);
    writer.seal().await;
    assert_eq!(data.packs().len(), 20);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantined_objects_are_kept_apart() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let held = object(1, 1, 0, 1000);
    let reason = Held {
        plugin: Some("scrub".into()),
        reason: "it trapped".into(),
    };
    let shelf = Shelf::Quarantine(reason.clone());
    assert_eq!(store_on(&mut writer, &held, &shelf).await.unwrap(), Indexed::Held);
    assert!(served(&archive, &held).await.is_none());
    let found = archive.index().quarantined(10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].held, reason);
    let chunks: Vec<_> = futures::TryStreamExt::try_collect(archive.read_held(&found[0]))
        .await
        .unwrap();
    assert_eq!(bytes::Bytes::from_iter(chunks.into_iter().flatten()), held.file);
    assert!(data.packs()[0].starts_with(data.path().join("quarantine")));
    writer.seal().await;
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_share_syncs_and_commits() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let writers = (0..8).map(|number| {
        let archive = archive.clone();
        tokio::spawn(async move {
            let mut writer = archive.writer();
            for at in 0..50 {
                // Two writers to each study, and some studies of several packs.
                let object = object(number / 2, number * 100 + at, at as u8, 20_000);
                assert_eq!(store(&mut writer, &object).await.unwrap(), Indexed::New);
                assert_eq!(served(&archive, &object).await.unwrap(), object.file);
            }
            writer.seal().await;
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let verified = archive.verify(|_| ()).await.unwrap();
    assert_eq!(verified.problems, []);
    assert_eq!(
        (
            verified.checked.objects,
            verified.checked.entries,
            verified.checked.packs
        ),
        (400, 400, 8)
    );
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_has_one_host() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let second = isocenter_archive::Archive::open(data.options(Duplicates::KeepFirst)).await;
    assert!(matches!(second.err(), Some(ArchiveError::InUse(_))));
    archive.close().await;
    let (archive, recovery) = data.open(Duplicates::KeepFirst).await;
    assert_eq!(recovery, Default::default());
    archive.close().await;
}

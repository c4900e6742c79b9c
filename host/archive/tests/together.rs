//! Objects that are stored together are there all or not at all: not one of them where another conflicts, none after a crash
//! in between, none in a pack that somebody looks into meanwhile.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use common::{
    Data, locate,
    objects::{Object, begin, object, parts, source, store},
    served,
};
use isocenter_archive::{
    Archive, ArchiveError, PackWriter, Shelf, Together,
    index::{Duplicates, Indexed, StoredTogether},
};
use isocenter_dicom::Uid;

/// Writes objects that are to be stored together.
async fn write(writer: &mut PackWriter, objects: &[Object]) -> Result<Together, ArchiveError> {
    let mut together = writer.begin_together(&objects[0].identity.study, &source()).await?;
    for object in objects {
        add(&mut together, object).await?;
    }
    Ok(together)
}

async fn add(together: &mut Together, object: &Object) -> Result<(), ArchiveError> {
    together.begin(&object.identity.sop_instance)?;
    together.write(object.file.slice(..object.header_length)).await?;
    together.header_done();
    let mut rest = object.file.slice(object.header_length..);
    while !rest.is_empty() {
        together.write(rest.split_to(rest.len().min(100_000))).await?;
    }
    together.end(parts(object, &Shelf::Archive)).await
}

async fn found(archive: &Archive, objects: &[Object]) -> usize {
    let mut found = 0;
    for object in objects {
        found += usize::from(locate(archive, object).await.is_some());
    }
    found
}

fn uids(objects: &[&Object]) -> Vec<Uid> {
    objects
        .iter()
        .map(|object| object.identity.sop_instance.clone())
        .collect()
}

/// What tar finds in a pack.
fn listed(pack: &Path) -> Vec<String> {
    let output = Command::new("tar").arg("tf").arg(pack).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_there_at_once() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let before = object(1, 99, 0, 1000);
    store(&mut writer, &before).await.unwrap();
    let sizes = [20_000, 0, 256 * 1024, 900_000, 300];
    let objects: Vec<_> = (0..)
        .zip(sizes)
        .map(|(number, size)| object(1, number, 0, size))
        .collect();
    let together = write(&mut writer, &objects).await.unwrap();
    // They are in the pack, and nobody sees them.
    let pack = data.packs().pop().unwrap();
    assert_eq!(listed(&pack), [format!("{}.dcm", before.identity.sop_instance)]);
    assert_eq!(found(&archive, &objects).await, 0);
    let stored = together.commit().await.unwrap();
    assert_eq!(stored, StoredTogether::All(vec![Indexed::New; objects.len()]));
    for object in &objects {
        assert_eq!(served(&archive, object).await.unwrap(), object.file);
        let at = locate(&archive, object).await.unwrap();
        assert_eq!(
            (at.source.clone(), at.place.header_length as usize),
            (source(), object.header_length)
        );
        assert_eq!(archive.read_header(&at).await.unwrap().bytes(), object.header.bytes());
    }
    assert_eq!(archive.index().totals().await.unwrap().waiting, 6, "each is routed");
    let after = object(1, 98, 0, 1000);
    store(&mut writer, &after).await.unwrap();
    assert_eq!(data.packs().len(), 1);
    writer.seal().await;
    assert_eq!(listed(&pack).len(), 7);
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);

    let rows = common::rows(&archive).await;
    archive.reindex().await.unwrap();
    assert_eq!(common::rows(&archive).await, rows);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_conflicts_none_is_stored() {
    let data = Data::new();
    for (study, policy) in [Duplicates::KeepFirst, Duplicates::Replace, Duplicates::KeepBoth]
        .into_iter()
        .enumerate()
    {
        let (archive, _) = data.open(policy).await;
        let mut writer = archive.writer();
        let [a, b, c, d] = [1, 2, 3, 4].map(|number| object(study, number, 0, 300_000));
        let other = object(study, 2, 1, 1000);
        assert_eq!(store(&mut writer, &other).await.unwrap(), Indexed::New);
        let at = locate(&archive, &other).await.unwrap();
        let name = format!("{}.tar", at.place.pack);
        let pack = data.packs().into_iter().find(|path| path.ends_with(&name)).unwrap();
        let length = || std::fs::metadata(&pack).unwrap().len();
        let before = length();
        for (objects, conflict) in [
            (vec![a.clone(), b.clone(), c.clone()], uids(&[&b])),
            (vec![a.clone(), c.clone(), a.clone()], uids(&[&a])),
        ] {
            let together = write(&mut writer, &objects).await.unwrap();
            assert!(length() > before);
            assert_eq!(
                together.commit().await.unwrap(),
                StoredTogether::Conflict(conflict),
                "{policy:?}"
            );
            assert_eq!(length(), before, "their bytes are taken back");
            assert_eq!(found(&archive, &[a.clone(), c.clone()]).await, 0);
            assert_eq!(served(&archive, &b).await.unwrap(), other.file);
        }
        let waiting = archive.index().totals().await.unwrap().waiting;

        // Those that are there already, bit for bit, are in nobody's way.
        assert_eq!(store(&mut writer, &c).await.unwrap(), Indexed::New);
        let together = write(&mut writer, &[a.clone(), c.clone(), d.clone()]).await.unwrap();
        assert_eq!(
            together.commit().await.unwrap(),
            StoredTogether::All(vec![Indexed::New, Indexed::Identical, Indexed::New])
        );
        let kept = length();
        let together = write(&mut writer, &[d.clone(), c.clone(), a.clone()]).await.unwrap();
        assert_eq!(
            together.commit().await.unwrap(),
            StoredTogether::All(vec![Indexed::Identical; 3])
        );
        assert_eq!(length(), kept, "nothing of it is needed");
        for object in [&a, &c, &d] {
            assert_eq!(served(&archive, object).await.unwrap(), object.file);
        }
        assert_eq!(archive.index().totals().await.unwrap().waiting, waiting + 3);
        writer.seal().await;
        let verified = archive.verify(|_| ()).await.unwrap();
        assert_eq!(verified.problems, [], "{policy:?}");
        let rows = common::rows(&archive).await;
        archive.reindex().await.unwrap();
        assert_eq!(common::rows(&archive).await, rows, "{policy:?}");
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_leaves_nothing() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let (a, b) = (object(1, 1, 0, 900_000), object(1, 2, 0, 900_000));
    drop(write(&mut writer, &[a.clone(), b.clone()]).await.unwrap());
    // Given up in the middle of an object, and at its end.
    let mut together = write(&mut writer, std::slice::from_ref(&a)).await.unwrap();
    together.begin(&b.identity.sop_instance).unwrap();
    together.write(b.file.slice(..600_000)).await.unwrap();
    let early = together.commit().await;
    assert!(
        matches!(early, Err(ArchiveError::Closed)),
        "an object has not ended: {early:?}"
    );
    let mut together = write(&mut writer, std::slice::from_ref(&a)).await.unwrap();
    together.begin(&b.identity.sop_instance).unwrap();
    together.write(b.file.clone()).await.unwrap();
    let mut end = Box::pin(together.end(parts(&b, &Shelf::Archive)));
    let _ = futures::poll!(&mut end);
    drop(end);
    drop(together);
    // None at all is no trouble.
    let none = writer.begin_together(&a.identity.study, &source()).await.unwrap();
    assert_eq!(none.commit().await.unwrap(), StoredTogether::All(Vec::new()));
    assert_eq!(found(&archive, &[a.clone(), b.clone()]).await, 0);
    store(&mut writer, &b).await.unwrap();
    writer.seal().await;
    assert_eq!(served(&archive, &b).await.unwrap(), b.file);
    let verified = archive.verify(|_| ()).await.unwrap();
    assert_eq!((verified.problems, verified.checked.entries), (vec![], 1));
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_may_be_256_of_them() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let objects: Vec<_> = (0..256).map(|number| object(1, number, 0, 100)).collect();
    store(&mut writer, &object(1, 1000, 0, 100)).await.unwrap();
    let mut together = write(&mut writer, &objects).await.unwrap();
    let more = together.begin(&object(1, 256, 0, 100).identity.sop_instance);
    assert_eq!(
        more.unwrap_err().to_string(),
        "at most 256 objects can be stored together"
    );
    assert_eq!(
        together.commit().await.unwrap(),
        StoredTogether::All(vec![Indexed::New; 256])
    );
    // The pack is not sealed: all of them are known at the next start.
    archive.close().await;
    let crashed = data.as_left_by_a_crash();
    drop(writer);
    let (archive, recovery) = crashed.open(Duplicates::KeepFirst).await;
    assert_eq!(
        (recovery.packs, recovery.indexed, recovery.duplicates, recovery.torn),
        (1, 0, 0, 0)
    );
    assert_eq!(found(&archive, &objects).await, 256);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_commit_leaves_none() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let before = object(1, 1, 0, 1000);
    store(&mut writer, &before).await.unwrap();
    let objects: Vec<_> = (2..5).map(|number| object(1, number, 0, 400_000)).collect();
    let together = write(&mut writer, &objects).await.unwrap();
    archive.close().await;
    let crashed = data.as_left_by_a_crash();
    drop((writer, together));
    let (archive, recovery) = crashed.open(Duplicates::KeepFirst).await;
    assert_eq!(
        (recovery.packs, recovery.torn, recovery.indexed, recovery.damaged),
        (1, 1, 0, 0)
    );
    assert!(recovery.torn_bytes > 1_200_000);
    assert_eq!(found(&archive, &objects).await, 0);
    assert_eq!(served(&archive, &before).await.unwrap(), before.file);
    // One that is being received meanwhile has a pack of its own.
    let mut writer = archive.writer();
    let together = write(&mut writer, &objects[..2]).await.unwrap();
    let entry = begin(&mut writer, &objects[2], &Shelf::Archive).await.unwrap();
    assert_eq!(
        together.commit().await.unwrap(),
        StoredTogether::All(vec![Indexed::New; 2])
    );
    assert_eq!(
        entry.commit(parts(&objects[2], &Shelf::Archive)).await.unwrap(),
        Indexed::New
    );
    writer.seal().await;
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
}

/// How often the process that stores is killed.
const KILLS: usize = 8;
/// Names the data folder and the study for that process.
const DATA: &str = "ISOCENTER_TEST_DATA";
const STUDY: &str = "ISOCENTER_TEST_STUDY";

/// Three objects that are stored together: some in one write, some in several.
fn group(study: usize, group: usize) -> Vec<Object> {
    let size = if group.is_multiple_of(3) { 700_000 } else { 8_000 };
    let numbers = group * 3..group * 3 + 3;
    numbers.map(|number| object(study, number, 0, size)).collect()
}

/// The process that is killed: stores group after group, and prints the number of each that was acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is run, and killed, by the test that follows"]
async fn groups_are_stored_until_the_end() {
    let (Some(data), Ok(study)) = (std::env::var_os(DATA), std::env::var(STUDY)) else {
        return;
    };
    let study = study.parse().unwrap();
    let options = common::options(PathBuf::from(data), Duplicates::KeepFirst);
    let (archive, _) = Archive::open(options).await.unwrap();
    let mut writer = archive.writer();
    for number in 0.. {
        let together = write(&mut writer, &group(study, number)).await.unwrap();
        together.commit().await.unwrap();
        println!("acknowledged {number}");
    }
}

/// Runs that process and kills it, so long after its first group was acknowledged; answers how many groups were.
fn killed(data: &Data, study: usize, after: Duration) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["groups_are_stored_until_the_end", "--exact", "--ignored", "--nocapture"])
        .env(DATA, data.path())
        .env(STUDY, study.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = 0;
        for line in lines.map_while(Result::ok) {
            if line.contains("acknowledged ") {
                acknowledged += 1;
                let _ = tell.send(());
            }
        }
        acknowledged
    });
    told.recv_timeout(Duration::from_secs(60)).unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn i19_kill_9_leaves_all_or_none() {
    let data = Data::new();
    for study in 0..KILLS {
        // A different moment each time: in a body, in a sync, before the label, in a commit.
        let acknowledged = killed(&data, study, Duration::from_millis(40 + study as u64 * 37));
        let (archive, _) = data.open(Duplicates::KeepFirst).await;
        for number in 0..acknowledged + 2 {
            let objects = group(study, number);
            let found = found(&archive, &objects).await;
            assert!(found == 0 || found == objects.len(), "{found} of group {number}");
            assert!(
                number >= acknowledged || found > 0,
                "group {number} was acknowledged and is gone"
            );
            for object in objects.iter().take(found) {
                assert_eq!(served(&archive, object).await.unwrap(), object.file);
            }
        }
        assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
        archive.close().await;
    }
}

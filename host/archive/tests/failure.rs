//! Full disks, databases that go away, and hosts that do: nothing acknowledged is lost, nothing else is half there.

mod common;

use std::process::Command;

use common::{
    Data,
    objects::{begin, object, parts, store},
    served,
};
use isocenter_archive::{
    Archive, ArchiveError, Options, Recovery, Shelf,
    cluster::Cluster,
    index::{Duplicates, Indexed},
};
use sqlx::{ConnectOptions, Connection};

#[tokio::test(flavor = "multi_thread")]
async fn packs_that_were_not_sealed_are_settled_at_start() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let objects: Vec<_> = (0..5).map(|number| object(1, number, 0, 20_000)).collect();
    for object in &objects {
        store(&mut writer, object).await.unwrap();
    }
    // The host dies while an object is being received.
    let entry = begin(&mut writer, &object(1, 9, 0, 2_000_000), &Shelf::Archive)
        .await
        .unwrap();
    archive.close().await;
    let data = data.as_left_by_a_crash();
    drop((writer, entry));
    assert_eq!(data.markers(), 1);

    let (archive, recovery) = data.open(Duplicates::KeepFirst).await;
    assert_eq!(
        (recovery.packs, recovery.torn, recovery.indexed, recovery.damaged),
        (1, 1, 0, 0)
    );
    assert!(recovery.torn_bytes > 1_000_000);
    assert_eq!(data.markers(), 0);
    for object in &objects {
        assert_eq!(served(&archive, object).await.unwrap(), object.file);
    }
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_only_what_does_not_fit() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    archive.close().await;
    let packs = data.path().join("packs");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"])
        .arg(&packs)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: a small file system cannot be mounted here");
        return;
    }
    let unmount = Unmount(packs);
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let kept = object(1, 1, 0, 300_000);
    assert_eq!(store(&mut writer, &kept).await.unwrap(), Indexed::New);
    for pixels in [5_000_000, 900_000] {
        let error = store(&mut writer, &object(1, 2, 0, pixels)).await.err();
        assert!(matches!(error, Some(ArchiveError::Full(_))), "{error:?}");
    }
    // What fits is stored as if nothing had happened, in the same pack.
    let next = object(1, 3, 0, 200_000);
    assert_eq!(store(&mut writer, &next).await.unwrap(), Indexed::New);
    for object in [&kept, &next] {
        assert_eq!(served(&archive, object).await.unwrap(), object.file);
    }
    assert_eq!(data.packs().len(), 1);
    writer.seal().await;
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_costs_no_object() {
    let data = Data::new();
    let (archive, _) = data.open(Duplicates::KeepFirst).await;
    let mut writer = archive.writer();
    let (before, during) = (object(1, 1, 0, 20_000), object(1, 2, 0, 20_000));
    store(&mut writer, &before).await.unwrap();
    let entry = begin(&mut writer, &during, &Shelf::Archive).await.unwrap();
    // Immediate shutdown, as if the database had crashed.
    let postmaster = std::fs::read_to_string(data.path().join("postgres/postmaster.pid")).unwrap();
    let pid = postmaster.lines().next().unwrap().to_owned();
    assert!(Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());

    let answer = entry.commit(parts(&during, &Shelf::Archive)).await;
    let acknowledged = match answer {
        Ok(indexed) => {
            assert_eq!(indexed, Indexed::New);
            true
        }
        Err(ArchiveError::Unconfirmed { .. }) => false,
        Err(error) => panic!("{error:?}"),
    };
    writer.seal().await;
    assert_eq!(data.markers() == 0, acknowledged, "a pack in doubt keeps its marker");
    archive.close().await;

    let (archive, recovery) = data.open(Duplicates::KeepFirst).await;
    let expected = Recovery {
        packs: u64::from(!acknowledged),
        ..Recovery::default()
    };
    assert_eq!(
        Recovery {
            indexed: 0,
            ..recovery.clone()
        },
        expected
    );
    for object in [&before, &during] {
        assert_eq!(served(&archive, object).await.unwrap(), object.file);
    }
    assert_eq!(archive.verify(|_| ()).await.unwrap().problems, []);
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_database_refuses_costs_no_other() {
    let data = Data::new();
    let cluster = Cluster::start(&data.folder.path().join("postgres"), None)
        .await
        .unwrap();
    let database = Some(cluster.connect_options().to_url_lossy().to_string());
    let (archive, _) = Archive::open(Options {
        database,
        ..data.options(Duplicates::KeepFirst)
    })
    .await
    .unwrap();
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF NEW.object_uid LIKE '%.13' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER refuse BEFORE INSERT ON objects FOR EACH ROW EXECUTE FUNCTION refuse();";
    let mut connection = sqlx::PgConnection::connect_with(&cluster.connect_options())
        .await
        .unwrap();
    sqlx::raw_sql(refuse).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let writers = (0..4).map(|study| {
        let archive = archive.clone();
        tokio::spawn(async move {
            let mut writer = archive.writer();
            for number in 10..16 {
                let object = object(study, number, 0, 1000);
                let answer = store(&mut writer, &object).await;
                if number == 13 {
                    assert!(matches!(answer, Err(ArchiveError::Index(_))), "{answer:?}");
                    assert_eq!(served(&archive, &object).await, None);
                } else {
                    assert_eq!(answer.unwrap(), Indexed::New);
                    assert_eq!(served(&archive, &object).await.unwrap(), object.file);
                }
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
        (verified.checked.entries, verified.checked.packs),
        (20, 4),
        "what was refused was cut off"
    );
    archive.close().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_not_confirmed_is_settled_at_the_next_start() {
    let data = Data::new();
    let folder = data.folder.path().join("postgres");
    let cluster = Cluster::start(&folder, None).await.unwrap();
    let options = |cluster: &Cluster| Options {
        database: Some(cluster.connect_options().to_url_lossy().to_string()),
        ..data.options(Duplicates::Replace)
    };
    let (archive, _) = Archive::open(options(&cluster)).await.unwrap();
    let mut writer = archive.writer();
    let (before, during) = (object(1, 1, 0, 20_000), object(1, 2, 0, 20_000));
    store(&mut writer, &before).await.unwrap();
    cluster.stop().await;
    let answer = store(&mut writer, &during).await;
    assert!(
        matches!(answer, Err(ArchiveError::Unconfirmed { seconds: 10, .. })),
        "{answer:?}"
    );
    writer.seal().await;
    assert_eq!(data.markers(), 1, "a pack in doubt keeps its marker");
    archive.close().await;

    let cluster = Cluster::start(&folder, None).await.unwrap();
    let (archive, recovery) = Archive::open(options(&cluster)).await.unwrap();
    let expected = Recovery {
        packs: 1,
        indexed: 1,
        ..Recovery::default()
    };
    assert_eq!(recovery, expected);
    for object in [&before, &during] {
        assert_eq!(served(&archive, object).await.unwrap(), object.file);
    }
    archive.close().await;
    cluster.stop().await;
}

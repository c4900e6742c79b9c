//! What the host stands on goes away: the database, the disk. Senders are told, nothing acknowledged is lost, and the
//! host goes on by itself when it is back.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::process::Command;
use std::time::Duration;

use door::Host;
use door::object::{Object, associate, store};

/// Sends one object on an association of its own: the status.
fn send(host: &Host, object: &Object) -> Option<u16> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut association = associate(host.dicom).await.ok()?;
        let status = store(&mut association, object).await.ok()?.status.code();
        let _ = association.release().await;
        Some(status)
    })
}

/// The postmaster of the host's private cluster.
fn postmaster(host: &Host) -> u32 {
    let mut found = Vec::new();
    let mut folders = vec![host.data.join("postgres")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name() == "postmaster.pid" {
                found.push(entry.path());
            } else if entry.path().is_dir() && found.is_empty() && entry.file_name() != "base" {
                folders.push(entry.path());
            }
        }
    }
    let text = std::fs::read_to_string(found.first().expect("a postmaster.pid")).unwrap();
    text.lines().next().unwrap().trim().parse().unwrap()
}

#[test]
fn the_database_dies_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "");
    let before = Object::ct(1, 1, 50_000);
    assert_eq!(send(&host, &before), Some(0));

    door::signal(postmaster(&host), "KILL");
    // Whatever the answer is meanwhile, it is not a success that is not kept.
    let during: Vec<_> = (2..12).map(|number| Object::ct(1, number, 50_000)).collect();
    let answers: Vec<_> = during.iter().map(|object| send(&host, object)).collect();
    for answer in &answers {
        assert!(matches!(answer, Some(0 | 0xa700) | None), "{answer:x?}");
    }
    host.eventually("the host is ready again", |host| host.get("/readyz").0 == 200);
    let after = Object::ct(1, 50, 50_000);
    assert_eq!(send(&host, &after), Some(0));
    for (object, answer) in during.iter().zip(&answers) {
        if *answer == Some(0) {
            let served = host.object(&object.study, &object.series, &object.uid);
            assert!(object.is_data_set_of(&served.expect("acknowledged")), "{}", object.uid);
        } else {
            // The sender tries again, as senders do, and this time it is stored.
            assert_eq!(send(&host, object), Some(0), "{}", object.uid);
        }
    }
    for object in [&before, &after] {
        assert!(object.is_data_set_of(&host.object(&object.study, &object.series, &object.uid).unwrap()));
    }
    assert!(host.stop().success());
    let verified = host.command("verify").output().unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}

#[test]
fn the_host_dies_and_leaves_no_database_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "");
    let database = postmaster(&host);
    host.kill();
    host.eventually("the private cluster ends with its host", |_| {
        !std::path::Path::new(&format!("/proc/{database}")).exists()
            || std::fs::read_to_string(format!("/proc/{database}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    });
    host.restart();
    assert!(host.stop().success());
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs"])
        .arg(&small)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: this needs the right to mount a small file system");
        return;
    }
    let _unmount = Unmount(small.clone());
    let mut host = Host::start(&small, "");
    let mut stored = Vec::new();
    let mut refused = 0;
    for number in 0..400 {
        let object = Object::ct(1, number, 2_000_000);
        match send(&host, &object) {
            Some(0) => stored.push(object),
            Some(0xa700) => refused += 1,
            other => panic!("object {number}: {other:x?}"),
        }
        if refused >= 3 {
            break;
        }
    }
    assert!(refused >= 3, "a disk of 160 MB took everything");
    assert!(!stored.is_empty());
    // The host still answers, and every acknowledged object is there.
    for object in stored.iter().rev().take(5).chain(stored.iter().take(5)) {
        let served = host
            .object(&object.study, &object.series, &object.uid)
            .expect("acknowledged");
        assert!(object.is_data_set_of(&served), "{}", object.uid);
    }
    std::thread::sleep(Duration::from_millis(100));
    host.kill();
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

//! kill -9 in the middle of a load, again and again: what was acknowledged is there, bit for bit, and nothing is half
//! there (invariants I1 and I2).
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use door::Host;
use door::object::{Object, associate, store};

/// How often the host is killed.
const KILLS: u32 = 20;
/// Associations that send meanwhile.
const SENDERS: u32 = 4;

#[test]
fn i1_every_acknowledged_object_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut acknowledged: Vec<Object> = Vec::new();
    let mut sent = 0;

    for kill in 0..KILLS {
        let fresh = Arc::new(Mutex::new(Vec::new()));
        let attempts = Arc::new(Mutex::new(0_u32));
        let to = host.dicom;
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (fresh, attempts) = (Arc::clone(&fresh), Arc::clone(&attempts));
                runtime.spawn(async move {
                    let Ok(mut association) = associate(to).await else {
                        return;
                    };
                    for number in 0.. {
                        // Small ones in one write, larger ones in several.
                        let pixels = if number % 5 == 4 { 700_000 } else { 8_192 };
                        let object = Object::ct(1 + sender, kill * 100_000 + number, pixels);
                        *attempts.lock().unwrap() += 1;
                        match store(&mut association, &object).await {
                            Ok(answer) if answer.status.code() == 0 => fresh.lock().unwrap().push(object),
                            Ok(answer) => panic!("status {}", answer.status),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        // A different moment each time: in a header, in pixels, in a sync, in a commit.
        std::thread::sleep(Duration::from_millis(150 + u64::from(kill) * 37 % 400));
        host.kill();
        for sender in senders {
            runtime.block_on(sender).unwrap();
        }
        acknowledged.append(&mut fresh.lock().unwrap());
        sent += *attempts.lock().unwrap();
        host.restart();
    }

    assert!(
        acknowledged.len() > KILLS as usize,
        "only {} objects were acknowledged",
        acknowledged.len()
    );
    for object in &acknowledged {
        let file = host.object(&object.study, &object.series, &object.uid);
        let file = file.unwrap_or_else(|| panic!("{} was acknowledged and is gone", object.uid));
        assert!(
            object.is_data_set_of(&file),
            "{} was acknowledged and differs",
            object.uid
        );
    }
    // Whatever else is found was sent, and is whole: the host may have stored what it could not acknowledge any more.
    let mut found = 0;
    for study in host.search("/studies") {
        let study = study["0020000D"]["Value"][0].as_str().unwrap().to_owned();
        for offset in (0..).step_by(500) {
            let page = host.search(&format!("/studies/{study}/instances?limit=500&offset={offset}"));
            found += page.len();
            for object in &page {
                let uid = object["00080018"]["Value"][0].as_str().unwrap();
                let series = object["0020000E"]["Value"][0].as_str().unwrap();
                assert!(
                    host.object(&study, series, uid).is_some(),
                    "{uid} is found and not served"
                );
            }
            if page.len() < 500 {
                break;
            }
        }
    }
    assert!(
        found >= acknowledged.len() && found <= sent as usize,
        "{found} found, {} acknowledged",
        acknowledged.len()
    );

    assert!(host.stop().success(), "{}", host.log());
    let verified = host.command("verify").output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned() + &String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
    println!(
        "{} of {sent} objects acknowledged over {KILLS} kills, {found} found",
        acknowledged.len()
    );
}

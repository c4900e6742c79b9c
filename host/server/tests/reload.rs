//! Reload: what runs is exchanged for what the configuration says now, or stays, and nobody notices but the operator.
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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use door::Host;
use door::object::{Object, associate, store};

/// A chain of `stamps` copies of one filter.
fn config(stamps: usize) -> String {
    let source = door::plugin("stamp");
    let names: Vec<String> = (0..stamps).map(|number| format!("stamp-{number}")).collect();
    let mut text = String::new();
    for name in &names {
        text.push_str(&format!(
            "[plugins.{name}]\nsource = \"{}\"\nconfig = {{ set = {{ InstitutionName = \"{name}\" }} }}\n",
            source.display()
        ));
    }
    text + &format!("[[chains]]\ningest = {names:?}\n")
}

fn write(folder: &Path, config: &str) {
    std::fs::write(folder.join("isocenter.toml"), config).unwrap();
}

/// How many reloads ended in `outcome`.
fn reloads(host: &Host, outcome: &str) -> f64 {
    host.metric(&format!("isocenter_reloads_total{{outcome=\"{outcome}\"}}"))
        .unwrap_or(0.0)
}

fn reload(host: &Host, outcome: &str) {
    let before = reloads(host, outcome);
    door::signal(host.id(), "HUP");
    host.eventually("the reload ends", |host| reloads(host, outcome) > before);
}

fn resident(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn under_load_nothing_fails_because_of_a_reload_and_memory_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &config(2));
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU32::new(0));
    let senders: Vec<_> = (0..3_u32)
        .map(|sender| {
            let (stop, sent, address) = (stop.clone(), sent.clone(), host.dicom);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut number = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let mut association = associate(address).await.expect("an association is accepted");
                        for _ in 0..10 {
                            number += 1;
                            let object = Object::ct(100 + sender, number, 2_000);
                            let answer = store(&mut association, &object).await.expect("an answer");
                            assert_eq!(answer.status.code(), 0, "sender {sender}, object {number}");
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                        association.release().await.expect("released in order");
                    }
                });
            })
        })
        .collect();
    let searching = {
        let (stop, http) = (stop.clone(), host.http);
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let answer = ureq::get(format!("http://{http}/dicom-web/studies?limit=1")).call();
                let status = answer.expect("a search is answered").status().as_u16();
                assert!(status == 200 || status == 204, "{status}");
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    };
    // Caches, pools and arenas fill; then memory is looked at.
    for round in 0..10 {
        write(folder.path(), &config(2 + round % 2));
        reload(&host, "done");
    }
    let before = resident(&host);
    for round in 0..90 {
        write(folder.path(), &config(2 + round % 2));
        reload(&host, "done");
    }
    let after = resident(&host);
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().expect("a sender saw a failure");
    }
    searching.join().expect("a search failed");
    assert!(sent.load(Ordering::Relaxed) > 100, "there was no load");
    assert!(
        after < before + before / 2,
        "{before} KiB resident after 10 reloads, {after} KiB after 100"
    );
    let stored = host.metric("isocenter_stored{what=\"objects\"}");
    host.eventually("all of them are stored", |host| {
        host.metric("isocenter_stored{what=\"objects\"}").unwrap_or(0.0) >= f64::from(sent.load(Ordering::Relaxed))
    });
    assert!(stored.is_some());
}

#[test]
fn what_cannot_be_built_leaves_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path(), &config(1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let send = |number| {
        runtime.block_on(async {
            let mut association = associate(host.dicom).await.unwrap();
            let status = store(&mut association, &Object::ct(1, number, 100))
                .await
                .unwrap()
                .status;
            association.release().await.unwrap();
            status.code()
        })
    };
    assert_eq!(send(1), 0);
    let gone = folder.path().join("gone.wasm");
    let broken = config(1).replace(
        &door::plugin("stamp").display().to_string(),
        &gone.display().to_string(),
    );
    for (wrong, sentence) in [
        (broken, "the plugin `stamp-0` does not load"),
        (config(1).replace("ingest", "route"), "does not play that role"),
        (config(1) + "[storage]\nmax-header = \"1 MiB\"\n", "[storage] changed"),
        ("[[chains]\n".to_owned(), "isocenter.toml"),
    ] {
        write(folder.path(), &wrong);
        reload(&host, "refused");
        let log = host.log();
        let said = log.lines().rev().find(|line| line.contains("not reloaded")).unwrap();
        assert!(said.contains(sentence), "{said}");
        assert_eq!(send(2), 0, "after: {sentence}");
    }
    let stamped = host.search("/instances?includefield=InstitutionName");
    assert_eq!(stamped.len(), 2);
    for object in &stamped {
        assert_eq!(object["00080080"]["Value"][0], "stamp-0", "the old chain is in force");
    }
    write(folder.path(), &config(2));
    reload(&host, "done");
    assert_eq!(send(3), 0);
}

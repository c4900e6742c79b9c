//! Every file of the collection, valid, odd and broken, through both doors: stored, or refused with a reason. Never a
//! crash, a hang, a leak, or a row without its bytes (invariant I9).
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use door::Host;

/// The longest that one file may take, in a debug build on a busy machine.
const EACH: Duration = Duration::from_secs(20);

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path
                .extension()
                .is_some_and(|ending| ending == "csv" || ending == "json")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every object that is found is served, and `verify` agrees.
fn everything_found_is_whole(host: &mut Host) -> usize {
    let mut found = 0;
    for offset in (0..).step_by(200) {
        let page = host.search(&format!("/instances?limit=200&offset={offset}"));
        for object in &page {
            let uid = |tag: &str| object[tag]["Value"][0].as_str().unwrap_or_default().to_owned();
            let (study, series, object) = (uid("0020000D"), uid("0020000E"), uid("00080018"));
            let file = host.object(&study, &series, &object);
            assert!(
                file.is_some_and(|file| file.get(128..132) == Some(b"DICM")),
                "{object} is found and not served"
            );
            let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{object}/metadata");
            let (status, body) = host.get(&path);
            assert_eq!(status, 200, "{object}: {}", String::from_utf8_lossy(&body));
            // Not parsed here: sequences 64 deep make JSON deeper than serde_json reads.
            let text = String::from_utf8(body).unwrap();
            assert!(
                text.starts_with("[{") && text.ends_with("}]") && text.contains(&format!("\"{object}\"")),
                "{text}"
            );
            found += 1;
        }
        if page.len() < 200 {
            break;
        }
    }
    assert!(host.stop().success(), "{}", host.log());
    let verified = host.command("verify").output().unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
    found
}

#[test]
fn i9_every_file_by_stow_is_stored_or_refused_with_a_reason() {
    let Some(shared) = door::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "");
    let (mut stored, mut refused) = (0, 0);
    for path in files(&shared) {
        let name = path.strip_prefix(&shared).unwrap().display().to_string();
        let began = Instant::now();
        let (status, answer) = host.stow(&[std::fs::read(&path).unwrap()]);
        assert!(began.elapsed() < EACH, "{name} took {:?}", began.elapsed());
        match status {
            200 | 202 => {
                assert!(answer["00081199"]["Value"][0].is_object(), "{name}: {answer}");
                stored += 1;
            }
            400 | 409 | 413 | 415 => {
                let said = answer.to_string();
                assert!(said.len() > 20, "{name}: {status} without a reason: {said}");
                refused += 1;
            }
            other => panic!("{name}: {other}: {answer}\n{}", host.log()),
        }
    }
    println!("by STOW-RS: {stored} stored, {refused} refused");
    assert!(stored > 250, "only {stored} files were stored");
    assert!(
        host.metric("process_resident_memory_bytes")
            .is_none_or(|bytes| bytes < 600e6)
    );
    let found = everything_found_is_whole(&mut host);
    assert!(found <= stored && found > 200, "{found} found of {stored}");
}

#[test]
fn i9_every_file_by_storescu_is_stored_or_refused_with_a_status() {
    let Some(shared) = door::shared() else { return };
    if Command::new("storescu").arg("--version").output().is_err() {
        println!("skipped: storescu (DCMTK) is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::start(folder.path(), "");
    let mut sent = 0;
    for path in files(&shared) {
        let name = path.strip_prefix(&shared).unwrap().display().to_string();
        let began = Instant::now();
        // -R: propose only what the file needs; -xs etc. would be asked for by a person who knows the file.
        let output = Command::new("timeout")
            .args(["30", "storescu", "-v", "-R", "-aec", "ISOCENTER", "127.0.0.1"])
            .arg(host.dicom.port().to_string())
            .arg(&path)
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(124), "{name}: storescu hangs");
        assert!(began.elapsed() < EACH, "{name} took {:?}", began.elapsed());
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        // What DCMTK itself cannot read, or cannot propose, it does not send; what it sends is answered.
        if said.contains("Received Store Response") {
            sent += 1;
        }
    }
    println!("by storescu: {sent} sent");
    assert!(sent > 200, "only {sent} files were sent");
    let began = Instant::now();
    assert_eq!(host.get("/healthz").0, 200);
    assert!(began.elapsed() < Duration::from_secs(2));
    everything_found_is_whole(&mut host);
}

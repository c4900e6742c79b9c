//! Every file of the shared collection through STOW-RS: taken or refused with a reason, and the host goes on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::host::{Host, RELATED};
use crate::object::multipart;

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if entry.metadata().is_ok_and(|metadata| metadata.len() < 4 << 20) {
            into.push(path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_taken_or_refused_with_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dicom/synthetic");
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    if paths.is_empty() {
        println!("skipped: {} is not here", folder.display());
        return;
    }
    paths.sort();
    let host = Host::start().await;
    let (mut taken, mut refused) = (0, 0);
    for path in &paths {
        let file = std::fs::read(path).unwrap();
        let begun = Instant::now();
        let answer = host.post("/dicom-web/studies", RELATED, multipart(&[file])).await;
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{} took {:?}",
            path.display(),
            begun.elapsed()
        );
        let report = answer.json();
        match answer.status {
            StatusCode::OK => taken += 1,
            StatusCode::CONFLICT => {
                refused += 1;
                let item = [&report["00081198"], &report["0008119A"]]
                    .into_iter()
                    .find_map(|sequence| sequence["Value"].get(0))
                    .unwrap();
                let reason = item["00000902"]["Value"][0].as_str().unwrap_or_default();
                println!("{}: {reason}", path.display());
                assert!(reason.len() > 10, "{}: {reason:?}", path.display());
            }
            status => panic!("{}: {status} {report}", path.display()),
        }
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > 100 && refused > 5);
    // What was taken is found, and can be read.
    let totals = host.archive.index().totals().await.unwrap();
    assert!(totals.objects > 100, "{totals:?}");
    let found = host.get("/dicom-web/studies?includefield=all").await.json();
    for study in found.as_array().unwrap() {
        let uid = study["0020000D"]["Value"][0].as_str().unwrap();
        let metadata = host.get(&format!("/dicom-web/studies/{uid}/metadata")).await;
        assert_eq!(metadata.status, StatusCode::OK, "{uid}");
        // Not parsed here: sequences 64 deep are JSON 200 deep, more than this test's parser takes.
        let text = metadata.text();
        assert!(text.starts_with("[{") && text.ends_with("}]"), "{uid}");
    }
    let page = host.get("/").await.text();
    assert!(!page.contains("<script"), "{page}");
    host.stop().await;
}

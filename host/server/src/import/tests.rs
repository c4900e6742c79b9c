//! Folders made for the purpose, sent to the receiver of `send`'s tests.

use std::path::Path;

use isocenter_dicom::header::Identity;
use isocenter_dicom::part10;
use isocenter_dicom::syntax::{EXPLICIT_LE, TransferSyntax};
use isocenter_dicom::uid::Uid;

use super::{Summary, Walk, import};
use crate::send::tests::{REFUSED, UNWANTED_CLASS, receiver};

fn file(sop_class: &str, sop_instance: &str, data: usize) -> Vec<u8> {
    let uid = |text| Uid::parse(text).unwrap();
    let identity = Identity {
        sop_class: uid(sop_class),
        sop_instance: uid(sop_instance),
        series: uid("1.2.3.4"),
        study: uid("1.2.3.5"),
    };
    let syntax = TransferSyntax::lookup(EXPLICIT_LE).unwrap();
    [part10::preface(&identity, &syntax).as_ref(), &vec![7; data]].concat()
}

#[tokio::test]
async fn every_object_of_a_folder_is_sent_and_refusals_are_told() {
    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("b/2.dcm", &file(CT, "1.2.3.2", 300_000));
    write("b/1.dcm", &file(CT, "1.2.3.1", 10));
    write("a/without-extension", &file(CT, "1.2.3.3", 8));
    write("a/refused.dcm", &file(CT, REFUSED, 10));
    write("a/unwanted.dcm", &file(UNWANTED_CLASS, "1.2.3.4", 10));
    write("readme.txt", b"hello");
    write("empty", b"");
    write("DICOMDIR", &file("1.2.840.10008.1.3.10", "1.2.3.6", 10));
    write("torn.dcm", &file(CT, "1.2.3.7", 0)[..150]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("b/round")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("b/dangling")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("b/1.dcm"), folder.path().join("again.dcm")).unwrap();

    let (receiver, taken) = receiver().await;
    let mut refused = Vec::new();
    let summary = import(folder.path(), &receiver, |path, reason| {
        let path = Path::new(path).strip_prefix(folder.path()).unwrap();
        refused.push(format!("{}: {reason}", path.display()));
    })
    .await
    .unwrap();
    refused.sort();
    expect_test::expect![[r#"
        a/refused.dcm: C000H (error: cannot understand): not this one
        a/unwanted.dcm: the host takes no SOP class 1.2.840.10008.5.1.4.1.1.7 in transfer syntax 1.2.840.10008.1.2.1
        torn.dcm: the file ends within its file meta information"#]]
    .assert_eq(&refused.join("\n"));
    let expected = Summary {
        stored: 4,
        refused: 3,
        passed_over: 3,
    };
    assert_eq!(summary, expected);
    let mut sizes: Vec<_> = taken.lock().unwrap().clone();
    sizes.sort();
    let expected = [
        ("1.2.3.1", 10),
        ("1.2.3.1", 10),
        ("1.2.3.2", 300_000),
        ("1.2.3.3", 8),
        (REFUSED, 10),
    ];
    assert_eq!(sizes, expected.map(|(uid, size)| (uid.to_owned(), size)));
}

#[test]
fn the_walk_is_in_order_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut deep = folder.path().to_owned();
    for _ in 0..70 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).unwrap();
    for name in ["b", "a", "d/c"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let mut names = Vec::new();
    let mut reasons = Vec::new();
    for found in Walk::from(folder.path()) {
        match found {
            Ok(path) => names.push(path.strip_prefix(folder.path()).unwrap().display().to_string()),
            Err(error) => reasons.push(error.reason),
        }
    }
    assert_eq!(names, ["a", "b", "d/c"]);
    assert_eq!(reasons, ["lies more than 64 folders deep"]);
}

#[tokio::test]
async fn a_path_that_is_not_there_is_told() {
    let (receiver, _) = receiver().await;
    let mut refused = Vec::new();
    let summary = import(Path::new("/nonexistent"), &receiver, |path, reason| {
        refused.push(format!("{path}: {reason}"));
    })
    .await
    .unwrap();
    assert_eq!(summary.refused, 1);
    assert_eq!(refused, ["/nonexistent: No such file or directory (os error 2)"]);
}

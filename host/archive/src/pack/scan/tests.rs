use std::{
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use isocenter_dicom::uid::Uid;

use super::*;
use crate::index::{Duplicates, Held, Source, Transport};

fn label(number: usize, content: &[u8], held: Option<Held>) -> Label {
    Label {
        object: Uid::parse(&format!("1.2.{number}")).unwrap(),
        study: Uid::parse("1.2").unwrap(),
        length: content.len() as u64,
        header_length: 1,
        digest: *blake3::hash(content).as_bytes(),
        arrived: UNIX_EPOCH + Duration::from_secs(1_790_000_000),
        source: Source {
            calling_ae: None,
            called_ae: None,
            peer: None,
            transport: Transport::Dimse,
            subject: None,
            hops: 0,
        },
        duplicates: Duplicates::KeepFirst,
        held,
        together: None,
    }
}

fn content(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + number * 13 + 1) as u8).collect()
}

const LENGTHS: [usize; 5] = [700, 512, 0, 1, 1500];

/// A pack of five entries; also where each ends.
fn pack() -> (Vec<u8>, Vec<u64>) {
    let mut pack = Vec::new();
    let mut ends = Vec::new();
    for (number, length) in LENGTHS.into_iter().enumerate() {
        let held = (number == 3).then(|| Held {
            plugin: Some("p".into()),
            reason: "r".repeat(number * 300),
        });
        let content = content(number, length);
        pack.extend(label(number, &content, held).encode());
        pack.extend(content);
        pack.resize(pack.len().next_multiple_of(BLOCK), 0);
        ends.push(pack.len() as u64);
    }
    (pack, ends)
}

fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

/// Walks to the end: where entries ended, and how it ended.
fn walk(bytes: &[u8]) -> (Vec<u64>, End) {
    let mut scan = Scan::new(file(bytes)).unwrap();
    let mut ends = Vec::new();
    loop {
        let at = scan.at();
        match scan.step().unwrap() {
            Step::Entry(found) => {
                assert_eq!(found.start, at);
                let number = ends.len();
                let content = content(number, LENGTHS[number]);
                assert_eq!(found.label.object.as_str(), format!("1.2.{number}"));
                let digest = digest(scan.file(), found.content, found.label.length, &mut [0; 100]).unwrap();
                assert_eq!(digest, *blake3::hash(&content).as_bytes());
                ends.push(found.end);
            }
            Step::End => return (ends, End::Whole),
            Step::Torn(why) => return (ends, End::Torn(why)),
        }
    }
}

#[test]
fn a_whole_pack_is_walked_with_and_without_its_trailer() {
    let (mut pack, ends) = pack();
    assert_eq!(walk(&pack), (ends.clone(), End::Whole));
    pack.extend(tar::TRAILER);
    assert_eq!(walk(&pack), (ends, End::Whole));
    assert_eq!(walk(&[]), (vec![], End::Whole));
}

#[test]
fn a_pack_cut_anywhere_yields_exactly_its_whole_entries() {
    let (pack, ends) = pack();
    for cut in (0..pack.len()).filter(|cut| cut % 64 <= 1) {
        let (found, end) = walk(&pack[..cut]);
        let whole: Vec<u64> = ends.iter().copied().filter(|end| *end <= cut as u64).collect();
        let at = whole.last().copied().unwrap_or(0);
        assert_eq!(found, whole, "cut at {cut}");
        assert_eq!(end == End::Whole, at == cut as u64, "cut at {cut}: {end:?}");
    }
}

#[test]
fn an_entry_that_was_not_finished_ends_the_pack() {
    let (mut pack, ends) = pack();
    pack.resize(pack.len() + 3 * BLOCK, 0);
    pack.extend(content(9, 5000));
    assert_eq!(walk(&pack), (ends, End::Torn("an entry that was not finished")));
}

#[test]
fn a_damaged_header_ends_the_pack() {
    let (pack, ends) = pack();
    let second = ends[0] as usize;
    for at in [second, second + 124, second + 2 * BLOCK, second + 2 * BLOCK + 124] {
        let mut damaged = pack.clone();
        damaged[at] ^= 0x11;
        let (found, end) = walk(&damaged);
        assert_eq!(found, ends[..1], "at {at}");
        assert!(matches!(end, End::Torn(_)), "at {at}");
    }
}

fn tar(arguments: &[&str], pack: &Path, folder: &Path) -> String {
    let output = Command::new("tar")
        .args(arguments)
        .arg(pack)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tar_lists_and_extracts_whole_sealed_and_unfinished_packs() {
    let (whole, _) = pack();
    let sealed = [whole.as_slice(), &tar::TRAILER].concat();
    let unfinished = [whole.as_slice(), &[0; 3 * BLOCK], &content(9, 5000)].concat();
    for bytes in [whole, sealed, unfinished] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack.tar");
        std::fs::write(&path, bytes).unwrap();
        let listed = tar(&["tf"], &path, folder.path());
        assert_eq!(listed, "1.2.0.dcm\n1.2.1.dcm\n1.2.2.dcm\n1.2.3.dcm\n1.2.4.dcm\n");
        tar(&["xf"], &path, folder.path());
        for (number, length) in LENGTHS.into_iter().enumerate() {
            let extracted = std::fs::read(folder.path().join(format!("1.2.{number}.dcm"))).unwrap();
            assert_eq!(extracted, content(number, length));
        }
    }
}

#[test]
fn tar_and_the_walk_pass_an_object_beyond_8_gib() {
    let mut big = label(0, b"", None);
    big.length = tar::LARGEST + 5;
    let after = [label(1, b"x", None).encode(), vec![0; BLOCK]].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.tar");
    let file = File::options()
        .create_new(true)
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let start = big.encode();
    file.write_all_at(&start, 0).unwrap();
    file.write_all_at(&after, start.len() as u64 + tar::padded(big.length))
        .unwrap();
    assert_eq!(tar(&["tf"], &path, folder.path()), "1.2.0.dcm\n1.2.1.dcm\n");
    assert!(tar(&["tvf"], &path, folder.path()).contains(&format!(" {} ", big.length)));
    let mut scan = Scan::new(Arc::new(file)).unwrap();
    for expected in [big.length, 1] {
        let Step::Entry(found) = scan.step().unwrap() else {
            panic!("no entry")
        };
        assert_eq!(found.label.length, expected);
    }
    assert!(matches!(scan.step().unwrap(), Step::End));
}

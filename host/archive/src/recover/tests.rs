use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    Shelf,
    cluster::Cluster,
    index::{Held, PackId, Place, Standing},
    objects::{Object, object, parts, source},
    pack::{folder::StudyFolder, label::Label, tar},
};

/// One database for all cases of a test; each case clears it.
struct Bench {
    folder: tempfile::TempDir,
    cluster: Cluster,
    index: Index,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("isocenter").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711)).unwrap();
        let cluster = Cluster::start(&folder.path().join("postgres"), None).await.unwrap();
        let index = Index::connect(cluster.connect_options(), 4).await.unwrap();
        Self { folder, cluster, index }
    }

    /// Recovers a data folder whose one unsealed pack holds these bytes.
    async fn recover(&self, pack: &Pack, bytes: &[u8]) -> (Recovery, Left) {
        let data = tempfile::tempdir_in(self.folder.path()).unwrap();
        let folder = Arc::new(Folder::take(data.path(), false).unwrap());
        let created = folder.create(&pack.name).unwrap();
        created.file.write_all_at(bytes, 0).unwrap();
        let recovery = run(&folder, &self.index).await.unwrap();
        assert_eq!(folder.unsealed().unwrap(), [], "the marker is gone");
        assert_eq!(
            run(&folder, &self.index).await.unwrap(),
            Recovery::default(),
            "nothing is left to do"
        );
        let path = folder.path(&pack.name);
        let left = match std::fs::metadata(&path) {
            Ok(metadata) => Left::Pack(metadata.len()),
            Err(_) if path.with_extension("torn").exists() => Left::SetAside,
            Err(_) => Left::Nothing,
        };
        (recovery, left)
    }

    /// The UIDs of the rows, and how many jobs wait.
    async fn rows(&self, standing: Standing) -> Vec<String> {
        let rows = self.index.rows(standing, None, 1000).await.unwrap();
        rows.iter().map(|row| row.object.to_string()).collect()
    }

    async fn commit(&self, pack: &Pack, which: std::ops::Range<usize>) {
        let objects: Vec<_> = pack.objects[which].to_vec();
        self.index.commit(&objects, Duplicates::KeepFirst).await.unwrap();
    }

    async fn stop(self) {
        self.index.close().await;
        self.cluster.stop().await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Left {
    Pack(u64),
    SetAside,
    Nothing,
}

/// A pack as it would be written, and the rows of its objects.
struct Pack {
    name: PackName,
    bytes: Vec<u8>,
    ends: Vec<u64>,
    objects: Vec<NewObject>,
}

fn pack(objects: &[Object], shelf: &Shelf) -> Pack {
    pack_of(objects, shelf, &[])
}

/// At each of `together`, so many were stored together.
fn pack_of(objects: &[Object], shelf: &Shelf, together: &[(usize, usize)]) -> Pack {
    let held = match shelf {
        Shelf::Archive => None,
        Shelf::Quarantine(held) => Some(held.clone()),
    };
    let area = if held.is_some() {
        Area::Quarantine
    } else {
        Area::Archive
    };
    let name = PackName {
        area,
        study: StudyFolder::of(&objects[0].identity.study),
        id: PackId::make(),
    };
    let mut pack = Pack {
        name,
        bytes: Vec::new(),
        ends: Vec::new(),
        objects: Vec::new(),
    };
    for (number, object) in objects.iter().enumerate() {
        let parts = parts(object, shelf);
        let label = Label {
            object: object.identity.sop_instance.clone(),
            study: object.identity.study.clone(),
            length: object.file.len() as u64,
            header_length: object.header_length as u32,
            digest: *blake3::hash(&object.file).as_bytes(),
            arrived: std::time::SystemTime::now(),
            source: source(),
            duplicates: Duplicates::Replace,
            held: held.clone(),
            together: together.iter().find(|(at, _)| *at == number).map(|(_, count)| *count),
        };
        let offset = (pack.bytes.len() + label.reserved()) as u64;
        pack.bytes.extend(label.encode());
        pack.bytes.extend(&object.file);
        pack.bytes.resize(tar::padded(pack.bytes.len() as u64) as usize, 0);
        pack.ends.push(pack.bytes.len() as u64);
        pack.objects.push(NewObject {
            identity: parts.identity,
            syntax: parts.syntax,
            place: Place {
                pack: pack.name.id,
                offset,
                length: label.length,
                header_length: label.header_length,
                digest: label.digest,
            },
            attributes: parts.attributes,
            source: label.source,
            arrived: label.arrived,
            jobs: parts.jobs,
            held: label.held,
        });
    }
    pack
}

fn three() -> Vec<Object> {
    vec![object(1, 1, 0, 600), object(1, 2, 0, 0), object(1, 3, 0, 1800)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_cut_anywhere_keeps_exactly_its_whole_entries() {
    let bench = Bench::new().await;
    let pack = pack(&three(), &Shelf::Archive);
    let cuts = (0..=pack.bytes.len()).filter(|cut| [0, 1, 256].contains(&(cut % tar::BLOCK)));
    for cut in cuts {
        bench.index.clear().await.unwrap();
        let whole = pack.ends.iter().filter(|end| **end <= cut as u64).count();
        // The first was acknowledged, if it is whole.
        let known = whole.min(1);
        bench.commit(&pack, 0..known).await;
        let (recovery, left) = bench.recover(&pack, &pack.bytes[..cut]).await;
        let end = pack.ends[..whole].last().copied().unwrap_or(0);
        let expected = match (whole, end == cut as u64) {
            (0, true) => Left::Nothing,
            (0, false) if cut < tar::BLOCK => Left::Nothing,
            (0, false) => Left::SetAside,
            _ => Left::Pack(end),
        };
        assert_eq!(left, expected, "cut at {cut}");
        let torn = end != cut as u64 && left != Left::SetAside;
        let expected = Recovery {
            packs: 1,
            indexed: (whole - known) as u64,
            torn: torn.into(),
            torn_bytes: if torn { cut as u64 - end } else { 0 },
            damaged: u64::from(left == Left::SetAside),
            ..Recovery::default()
        };
        assert_eq!(recovery, expected, "cut at {cut}");
        let uids: Vec<_> = pack.objects[..whole]
            .iter()
            .map(|object| object.identity.sop_instance.to_string())
            .collect();
        assert_eq!(bench.rows(Standing::Served).await, uids, "cut at {cut}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_whole_is_cut_off_unless_a_row_refers_to_it() {
    let bench = Bench::new().await;
    let pack = pack(&three(), &Shelf::Archive);
    let flipped = |entry: usize| {
        let mut bytes = pack.bytes.clone();
        let place = pack.objects[entry].place;
        bytes[(place.offset + place.length - 1) as usize] ^= 1;
        bytes
    };
    let zeroed = |entry: usize, length: usize| {
        let mut bytes = pack.bytes.clone();
        let start = if entry == 0 { 0 } else { pack.ends[entry - 1] as usize };
        bytes[start..start + length].fill(0);
        bytes
    };
    let sealed = [pack.bytes.as_slice(), &tar::TRAILER].concat();
    let all = Left::Pack(pack.ends[2]);
    // What is in the pack, how many objects have rows, what is expected: indexed, torn, damaged, and what is left.
    let cases = [
        ("whole", pack.bytes.clone(), 0, (3, 0, 0), all),
        ("sealed", sealed.clone(), 1, (2, 0, 0), Left::Pack(sealed.len() as u64)),
        (
            "the last has a wrong digest",
            flipped(2),
            2,
            (0, 1, 0),
            Left::Pack(pack.ends[1]),
        ),
        (
            "the last has a wrong digest and a row",
            flipped(2),
            3,
            (0, 0, 1),
            Left::Pack(pack.ends[2]),
        ),
        (
            "one in the middle has a wrong digest",
            flipped(1),
            1,
            (1, 0, 1),
            Left::Pack(pack.ends[2]),
        ),
        (
            "the last was not finished",
            zeroed(2, 1536),
            2,
            (0, 1, 0),
            Left::Pack(pack.ends[1]),
        ),
        (
            "the first was not finished",
            zeroed(0, 1536),
            0,
            (0, 1, 0),
            Left::Nothing,
        ),
        (
            "a header is damaged behind which there are rows",
            zeroed(1, 10),
            3,
            (0, 0, 1),
            Left::Pack(pack.ends[2]),
        ),
        (
            "a header is damaged behind which there are none",
            zeroed(1, 10),
            1,
            (0, 1, 0),
            Left::Pack(pack.ends[0]),
        ),
        (
            "the first header is damaged",
            zeroed(0, 10),
            3,
            (0, 0, 1),
            Left::SetAside,
        ),
    ];
    for (case, bytes, known, (indexed, torn, damaged), expected) in cases {
        bench.index.clear().await.unwrap();
        bench.commit(&pack, 0..known).await;
        let (recovery, left) = bench.recover(&pack, &bytes).await;
        assert_eq!(
            (recovery.indexed, recovery.torn, recovery.damaged),
            (indexed, torn, damaged),
            "{case}"
        );
        assert_eq!(left, expected, "{case}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_acknowledged_replaces_nothing() {
    let bench = Bench::new().await;
    let stored = pack(&[object(1, 1, 0, 600)], &Shelf::Archive);
    for salt in [0, 1] {
        bench.index.clear().await.unwrap();
        bench.commit(&stored, 0..1).await;
        let again = pack(&[object(1, 1, salt, 600)], &Shelf::Archive);
        let (recovery, _) = bench.recover(&again, &again.bytes).await;
        assert_eq!(
            recovery,
            Recovery {
                packs: 1,
                duplicates: 1,
                ..Recovery::default()
            }
        );
        let rows = bench.index.rows(Standing::Served, None, 10).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| row.place).collect::<Vec<_>>(),
            [stored.objects[0].place]
        );
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_reasons_are_recovered_with_their_objects() {
    let bench = Bench::new().await;
    let routed = pack(&three(), &Shelf::Archive);
    bench.recover(&routed, &routed.bytes).await;
    assert_eq!(bench.index.totals().await.unwrap().waiting, 3);
    let held = Held {
        plugin: Some("scrub".into()),
        reason: "it trapped".into(),
    };
    let kept = pack(&[object(2, 1, 0, 10)], &Shelf::Quarantine(held.clone()));
    let (recovery, _) = bench.recover(&kept, &kept.bytes).await;
    assert_eq!(
        recovery,
        Recovery {
            packs: 1,
            held: 1,
            ..Recovery::default()
        }
    );
    assert_eq!(bench.index.quarantined(10).await.unwrap()[0].held, held);
    assert_eq!(
        bench.index.totals().await.unwrap().waiting,
        3,
        "what is held is not routed"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_without_its_pack_goes_away() {
    let bench = Bench::new().await;
    let data = tempfile::tempdir_in(bench.folder.path()).unwrap();
    let folder = Arc::new(Folder::take(data.path(), false).unwrap());
    let pack = pack(&three(), &Shelf::Archive);
    drop(folder.create(&pack.name).unwrap());
    let path: PathBuf = folder.path(&pack.name);
    std::fs::remove_file(Path::new(&path)).unwrap();
    assert_eq!(run(&folder, &bench.index).await.unwrap(), Recovery::default());
    assert_eq!(folder.unsealed().unwrap(), []);
    bench.stop().await;
}

/// Objects 1 to 5, of which the three from the second on were stored together.
fn with_three_together() -> Pack {
    let objects: Vec<_> = (1..=5).map(|number| object(1, number, 0, 600)).collect();
    pack_of(&objects, &Shelf::Archive, &[(1, 3)])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_stored_together_is_whole_or_gone_at_every_cut() {
    let bench = Bench::new().await;
    let pack = with_three_together();
    let end = pack.ends[3] as usize;
    let cuts = (pack.ends[0] as usize..=end).filter(|cut| [0, 1].contains(&(cut % tar::BLOCK)));
    for cut in cuts {
        bench.index.clear().await.unwrap();
        bench.commit(&pack, 0..1).await;
        let (recovery, left) = bench.recover(&pack, &pack.bytes[..cut]).await;
        let whole = cut == end;
        let kept = if whole { 4 } else { 1 };
        assert_eq!(left, Left::Pack(pack.ends[kept - 1]), "cut at {cut}");
        assert_eq!(recovery.indexed, if whole { 3 } else { 0 }, "cut at {cut}");
        assert_eq!(recovery.damaged, 0, "cut at {cut}");
        assert_eq!(bench.rows(Standing::Served).await.len(), kept, "cut at {cut}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_stored_together_is_indexed_together() {
    let bench = Bench::new().await;
    let pack = with_three_together();
    let four = &pack.bytes[..pack.ends[3] as usize];
    let mut wrong = four.to_vec();
    wrong[pack.objects[2].place.offset as usize] ^= 1;
    let mut wrong_before_others = pack.bytes.clone();
    wrong_before_others[pack.objects[2].place.offset as usize] ^= 1;
    let rival = pack_of(&[object(1, 3, 7, 600)], &Shelf::Archive, &[]);
    let same = pack_of(&[object(1, 3, 0, 600)], &Shelf::Archive, &[]);
    // What is in the pack; which rows there are; indexed, duplicates, torn, damaged; how many entries are left.
    type Rows<'a> = Vec<(&'a Pack, std::ops::Range<usize>)>;
    type Case<'a> = (&'static str, &'a [u8], Rows<'a>, (u64, u64, u64, u64), usize);
    let cases: Vec<Case<'_>> = vec![
        ("not committed", four, vec![(&pack, 0..1)], (3, 0, 0, 0), 4),
        ("committed", four, vec![(&pack, 0..4)], (0, 0, 0, 0), 4),
        (
            "another came under a UID",
            four,
            vec![(&pack, 0..1), (&rival, 0..1)],
            (0, 3, 1, 0),
            1,
        ),
        (
            "the same came before, not committed",
            four,
            vec![(&pack, 0..1), (&same, 0..1)],
            (2, 1, 0, 0),
            4,
        ),
        (
            "the same came before, committed",
            four,
            vec![(&pack, 0..2), (&pack, 3..4), (&same, 0..1)],
            (0, 1, 0, 0),
            4,
        ),
        ("one has a wrong digest", &wrong, vec![(&pack, 0..1)], (0, 0, 1, 0), 1),
        ("all rows are lost", &pack.bytes, vec![], (5, 0, 0, 0), 5),
        (
            "all rows are lost, and another is there",
            &pack.bytes,
            vec![(&rival, 0..1)],
            (2, 3, 0, 0),
            5,
        ),
        (
            "all rows are lost, and one is damaged",
            &wrong_before_others,
            vec![],
            (2, 0, 0, 3),
            5,
        ),
    ];
    for (case, bytes, rows, (indexed, duplicates, torn, damaged), entries) in cases {
        bench.index.clear().await.unwrap();
        for (of, which) in rows {
            bench.commit(of, which).await;
        }
        let (recovery, left) = bench.recover(&pack, bytes).await;
        assert_eq!(
            (recovery.indexed, recovery.duplicates, recovery.torn, recovery.damaged),
            (indexed, duplicates, torn, damaged),
            "{case}"
        );
        assert_eq!(left, Left::Pack(pack.ends[entries - 1]), "{case}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_together_is_not_parted_by_a_batch() {
    let bench = Bench::new().await;
    let objects: Vec<_> = (0..400).map(|number| object(1, number, 0, 10)).collect();
    let pack = pack_of(&objects, &Shelf::Archive, &[(100, 256), (356, 44)]);
    let rival = pack_of(&[object(1, 399, 7, 10)], &Shelf::Archive, &[]);
    bench.commit(&rival, 0..1).await;
    bench.commit(&pack, 0..100).await;
    let (recovery, left) = bench.recover(&pack, &pack.bytes).await;
    assert_eq!(
        (recovery.indexed, recovery.duplicates, recovery.torn, recovery.damaged),
        (256, 44, 1, 0)
    );
    assert_eq!(left, Left::Pack(pack.ends[355]));
    assert_eq!(bench.rows(Standing::Served).await.len(), 357);
    bench.stop().await;
}

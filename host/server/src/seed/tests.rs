//! The samples as any receiver would read them.

use std::collections::BTreeSet;

use isocenter_dicom::header::{HeaderReader, Limits};
use isocenter_dicom::syntax::{EXPLICIT_LE, TransferSyntax};
use isocenter_dicom::tags;
use isocenter_dimse::sop;

use super::{Sample, all, identity};

/// The text of a sample's element; panics when the sample does not parse.
fn texts(sample: &Sample, tag: isocenter_dicom::Tag) -> Option<Vec<String>> {
    let syntax = TransferSyntax::lookup(EXPLICIT_LE).unwrap();
    let mut reader = HeaderReader::new(syntax, Limits::default());
    reader.push(&sample.data_set).unwrap();
    let (header, _) = reader.finish().unwrap();
    assert_eq!(
        header.identity().unwrap(),
        identity(sample).unwrap(),
        "{}",
        sample.label
    );
    header.text(tag)
}

#[test]
fn samples_are_whole_distinct_small_and_always_the_same() {
    let samples = all();
    let uids: BTreeSet<&str> = samples.iter().map(|sample| sample.sop_instance.as_str()).collect();
    assert_eq!(uids.len(), samples.len(), "distinct SOP Instance UIDs");
    assert!(samples.iter().all(|sample| sop::is_storage(sample.sop_class)));
    let size: usize = samples.iter().map(|sample| sample.data_set.len()).sum();
    assert!(size < 40_000_000, "{size} bytes");

    let mut people = BTreeSet::new();
    let mut modalities = BTreeSet::new();
    let mut studies = BTreeSet::new();
    let mut digest = blake3::Hasher::new();
    for sample in &samples {
        people.extend(texts(sample, tags::PATIENT_NAME).unwrap());
        modalities.extend(texts(sample, tags::MODALITY).unwrap());
        studies.insert(sample.study.as_str());
        digest.update(&sample.data_set);
    }
    assert_eq!(studies.len(), 5);
    let people: Vec<_> = people.into_iter().collect();
    let expected = [
        "García López^María José",
        "Müller^Jürgen^^Dr.",
        "Nguyễn^Thị Hoa",
        "Smith^John",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ];
    assert_eq!(people, expected);
    let modalities: Vec<_> = modalities.into_iter().collect();
    assert_eq!(modalities, ["CR", "CT", "DOC", "DX", "MR", "SR", "US"]);
    // Whoever changes a sample must give it new UIDs too: hosts that have the old one would refuse the new.
    expect_test::expect!["949cb8625b561d569a0f0d8ef2e0291425f1f636fa88724e651c72a180293690"]
        .assert_eq(&digest.finalize().to_hex());
}

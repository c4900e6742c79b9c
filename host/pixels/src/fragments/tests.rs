//! Tables that are right, that lie, and none at all.

use crate::sample::Sample;
use isocenter_dicom::{VR, tags};
use proptest::prelude::*;

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

fn table(offsets: &[u32]) -> Vec<u8> {
    offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect()
}

/// Frames by number, each as what comes out: bytes, or a word of the error.
fn check(name: &str, sample: &Sample, expected: &[Result<&[u8], &str>]) {
    for (frame, expected) in expected.iter().enumerate() {
        match (sample.stored(frame as u32), expected) {
            (Ok(bytes), Ok(expected)) => assert_eq!(bytes, *expected, "{name} {frame}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{name} {frame}: {error}"),
            (found, expected) => panic!("{name} {frame}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn frames_are_found_by_table_or_by_walking() {
    let three = |first: &[u8]| {
        Sample::new()
            .syntax(RLE)
            .frames("3 ")
            .encapsulated(&[first, b"aaaa", b"bb", b"cccccc"], true)
    };
    let all: [Result<&[u8], &str>; 4] = [Ok(b"aaaa"), Ok(b"bb"), Ok(b"cccccc"), Err("there is no frame 3")];
    for (name, offsets) in [
        ("table", table(&[0, 12, 22])),
        ("no table", vec![]),
        ("a table for fewer frames", table(&[0, 12])),
        ("a table that does not ascend", table(&[0, 22, 12])),
        ("a table that does not begin at 0", table(&[8, 20, 30])),
        ("a table into the middle of a fragment", table(&[0, 10, 22])),
        ("a table beyond the end", table(&[0, 12, 4_000_000_000])),
        ("a table of odd length", vec![0; 13]),
    ] {
        check(name, &three(&offsets), &all);
    }
    let unended = Sample::new()
        .syntax(RLE)
        .frames("2 ")
        .encapsulated(&[b"", b"aa", b"bb"], false);
    check("no delimiter", &unended, &[Ok(b"aa"), Ok(b"bb")]);
    let spaced = Sample::new()
        .syntax(RLE)
        .frames("2 ")
        .encapsulated(&[b"", b"aa", b"bb", b""], true);
    check("an empty fragment more", &spaced, &[Ok(b"aa"), Ok(b"bb")]);
}

#[test]
fn frames_of_several_fragments() {
    let begin: &[u8] = b"\xFF\xD8\xFF";
    let items: [&[u8]; 5] = [b"", b"\xFF\xD8\xFFa", b"bb", b"\xFF\xD8\xFFc", b"dd"];
    let mut sample = Sample::new().syntax(JPEG).frames("2 ").encapsulated(&items, true);
    let both: [Result<&[u8], &str>; 2] = [Ok(b"\xFF\xD8\xFFabb"), Ok(b"\xFF\xD8\xFFcdd")];
    check("by their beginnings", &sample, &both);
    let mut with_table = items;
    let offsets = table(&[0, 22]);
    with_table[0] = &offsets;
    sample = sample.encapsulated(&with_table, true);
    check("by table", &sample, &both);
    let offsets: Vec<u8> = [0_u64, 22].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    sample = sample
        .element(tags::EXTENDED_OFFSET_TABLE, VR::OV, &offsets)
        .encapsulated(&items, true);
    check("by extended table", &sample, &both);
    let one = Sample::new()
        .syntax(RLE)
        .encapsulated(&[&table(&[99]), b"aa", b"bb"], true);
    check("the only frame has them all", &one, &[Ok(b"aabb")]);
    let unknown = Sample::new()
        .syntax(JPEG)
        .frames("2 ")
        .encapsulated(&[b"", begin, b"bb", b"cc"], true);
    check(
        "nobody can tell",
        &unknown,
        &[Err(
            "it has 3 fragments for 2 frames, and no offset table that says which belong together",
        )],
    );
}

#[test]
fn what_is_damaged_is_refused() {
    let begin = || Sample::new().syntax(RLE).frames("2 ");
    for (name, bytes, part) in [
        ("nothing", &b""[..], "there is no basic offset table"),
        (
            "no table",
            b"\xFE\xFF\xDD\xE0\0\0\0\0",
            "there is no basic offset table",
        ),
        (
            "a table beyond the end",
            b"\xFE\xFF\0\xE0\x10\0\0\0",
            "table is longer than the data set",
        ),
        (
            "an endless table",
            b"\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF",
            "no fragment stands where one belongs",
        ),
        (
            "no fragments",
            b"\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0",
            "it has 0 fragments for 2 frames",
        ),
        (
            "a fragment beyond the end",
            b"\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x04\0\0\0aa",
            "a fragment of 4 bytes goes beyond",
        ),
        (
            "something else",
            b"\xFE\xFF\0\xE0\0\0\0\0\x08\0\0\0\x04\0\0\0aaaa",
            "no fragment stands where one belongs",
        ),
        (
            "half a header",
            b"\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0",
            "no fragment stands where one belongs",
        ),
    ] {
        let error = begin().fragments(bytes).stored(1).unwrap_err();
        assert!(error.contains(part), "{name}: {error}");
    }
    let many = Sample::new()
        .syntax(RLE)
        .frames("2147483647")
        .encapsulated(&[b"", b"aa"], true);
    let error = many.stored(2_147_483_646).unwrap_err();
    assert!(error.contains("it has 1 fragments for 2147483647 frames"), "{error}");
}

#[test]
fn other_frames_are_not_read() {
    let frame = vec![7; 100_000];
    let offsets: Vec<u32> = (0..50).map(|frame| frame * 100_008).collect();
    for (first, most) in [(table(&offsets), 100_300), (vec![], 100_100 + 52 * 4096)] {
        let mut items: Vec<&[u8]> = vec![&first];
        items.extend(std::iter::repeat_n(frame.as_slice(), 50));
        let sample = Sample::new().syntax(RLE).frames("50").encapsulated(&items, true);
        let pixels = sample.open().unwrap();
        assert_eq!(pixels.stored(49).unwrap().bytes, frame);
        let read = *pixels.ranges().read.lock().unwrap();
        assert!(read < most, "{read}");
        // The index is kept.
        pixels.stored(0).unwrap();
        let more = *pixels.ranges().read.lock().unwrap() - read;
        assert!(more < 100_100, "{more}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_frames_or_an_error(
        pieces in prop::collection::vec(prop_oneof![
            Just(b"\xFE\xFF\0\xE0\x02\0\0\0ab".to_vec()),
            Just(b"\xFE\xFF\0\xE0\0\0\0\0".to_vec()),
            Just(b"\xFE\xFF\0\xE0\x08\0\0\0\0\0\0\0\x0A\0\0\0".to_vec()),
            Just(b"\xFE\xFF\xDD\xE0\0\0\0\0".to_vec()),
            prop::collection::vec(any::<u8>(), 0..9),
        ], 0..9),
        frames in 1u32..5,
        frame in 0u32..5,
    ) {
        let sample = Sample::new().syntax(RLE).frames(&format!("{frames} ")).fragments(&pieces.concat());
        let total: usize = pieces.iter().map(Vec::len).sum();
        if let Ok(bytes) = sample.stored(frame) {
            prop_assert!(frame < frames && bytes.len() <= total);
        }
        let _ = sample.decoded(frame);
    }
}

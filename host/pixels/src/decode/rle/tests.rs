//! PackBits, right and wrong.

use crate::sample::Sample;
use isocenter_dicom::tags;
use proptest::prelude::*;

const RLE: &str = "1.2.840.10008.1.2.5";

/// A frame of these segments.
fn frame(segments: &[&[u8]]) -> Vec<u8> {
    let mut at = 64;
    let mut out = (segments.len() as u32).to_le_bytes().to_vec();
    for segment in segments {
        out.extend(u32::to_le_bytes(at));
        at += segment.len() as u32;
    }
    out.resize(64, 0);
    out.extend(segments.concat());
    out
}

fn decoded(sample: Sample, frame: &[u8]) -> Result<Vec<u8>, String> {
    sample.syntax(RLE).encapsulated(&[b"", frame], true).decoded(0)
}

#[test]
fn segments() {
    let bytes = || Sample::new();
    let words = || Sample::new().size(1, 2).bits(16, 16, 15);
    let colour = || Sample::new().size(1, 2).photometric("RGB", 3);
    type Case = (&'static str, Sample, Vec<u8>, Result<Vec<u8>, &'static str>);
    let cases: Vec<Case> = vec![
        (
            "literals",
            bytes(),
            frame(&[&[5, 1, 2, 3, 4, 5, 6]]),
            Ok(vec![1, 2, 3, 4, 5, 6]),
        ),
        ("a run", bytes(), frame(&[&[251, 9]]), Ok(vec![9; 6])),
        (
            "a run, nothing, literals, padding",
            bytes(),
            frame(&[&[253, 9, 128, 1, 1, 2, 0]]),
            Ok(vec![9, 9, 9, 9, 1, 2]),
        ),
        (
            "words, high bytes first",
            words(),
            frame(&[&[1, 1, 2], &[1, 3, 4]]),
            Ok(vec![3, 1, 4, 2]),
        ),
        (
            "planes of colour",
            colour(),
            frame(&[&[1, 1, 2], &[1, 3, 4], &[1, 5, 6]]),
            Ok(vec![1, 3, 5, 2, 4, 6]),
        ),
        (
            "a run that goes on beyond the plane",
            bytes(),
            frame(&[&[129, 9]]),
            Ok(vec![9; 6]),
        ),
        (
            "literals that go on beyond the plane",
            bytes(),
            frame(&[&[7, 1, 2, 3, 4, 5, 6, 7, 8]]),
            Ok(vec![1, 2, 3, 4, 5, 6]),
        ),
        (
            "too short",
            bytes(),
            frame(&[&[253, 9]]),
            Err("an RLE segment is cut off"),
        ),
        (
            "a cut literal",
            bytes(),
            frame(&[&[5, 1, 2]]),
            Err("an RLE segment is cut off"),
        ),
        ("a cut run", bytes(), frame(&[&[251]]), Err("an RLE segment is cut off")),
        ("no header", bytes(), vec![1, 0, 0, 0], Err("the RLE header is cut off")),
        (
            "too many segments",
            bytes(),
            frame(&[&[251, 9], &[251, 9]]),
            Err("it has 2 RLE segments where 1 belong"),
        ),
        (
            "a segment in the header",
            bytes(),
            [&[1, 0, 0, 0, 8, 0, 0, 0], &[0; 60][..]].concat(),
            Err("an RLE segment lies outside the frame"),
        ),
        (
            "a segment beyond the end",
            bytes(),
            [&[1, 0, 0, 0, 0, 0, 0, 1], &[0; 60][..]].concat(),
            Err("an RLE segment lies outside the frame"),
        ),
        (
            "one bit",
            bytes().bits(1, 1, 0),
            frame(&[&[251, 9]]),
            Err("RLE of one-bit pixels"),
        ),
    ];
    for (name, sample, bytes, expected) in cases {
        match (decoded(sample, &bytes), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
            (Err(error), Err(part)) => assert!(error.ends_with(part), "{name}: {error}"),
            (found, expected) => panic!("{name}: {found:?}, not {expected:?}"),
        }
    }
    let signed = words().bits(16, 12, 11).number(tags::PIXEL_REPRESENTATION, 1);
    assert_eq!(
        decoded(signed, &frame(&[&[1, 0x0F, 0x07], &[1, 0xFF, 0xFF]])),
        Ok(vec![0xFF, 0xFF, 0xFF, 0x07])
    );
}

proptest! {
    #[test]
    fn any_bytes_fill_the_frame_or_are_refused(segments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..4), cut in 0usize..90) {
        let segments: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
        let mut bytes = frame(&segments);
        bytes.truncate(bytes.len().saturating_sub(cut / 3));
        if let Ok(found) = decoded(Sample::new().photometric(if segments.len() == 3 { "RGB" } else { "MONOCHROME2" }, segments.len() as u16), &bytes) {
            prop_assert_eq!(found.len(), 6 * segments.len());
        }
    }
}

/// An overlay in the bits above a pixel (retired, and still met) is taken away from its number, and not from what is sent on.
#[test]
fn unpacked_keeps_the_bits_beside_the_value() {
    let sample = Sample::new().size(1, 2).bits(16, 12, 11);
    let sample = sample
        .syntax(RLE)
        .encapsulated(&[b"", &frame(&[&[1, 0x1d, 0xf1], &[1, 3, 4]])], true);
    assert_eq!(sample.decoded(0), Ok(vec![3, 0x0d, 4, 0x01]));
    let unpacked = sample.open().unwrap().unpacked(0).unwrap();
    assert_eq!(unpacked.bytes.as_ref(), [3, 0x1d, 4, 0xf1]);
    assert_eq!(
        (unpacked.bits_allocated, unpacked.photometric.as_str()),
        (16, "MONOCHROME2")
    );
    // Nor is a value moved that does not begin at the lowest bit.
    let sample = Sample::new().size(1, 1).bits(16, 12, 15);
    let sample = sample
        .syntax(RLE)
        .encapsulated(&[b"", &frame(&[&[0, 0xab], &[0, 0xc0]])], true);
    assert_eq!(sample.decoded(0), Ok(vec![0xbc, 0x0a]));
    assert_eq!(sample.open().unwrap().unpacked(0).unwrap().bytes.as_ref(), [0xc0, 0xab]);
}

/// Colour is not converted on the way.
#[test]
fn unpacked_keeps_the_colour() {
    let sample = Sample::new().size(1, 1).photometric("YBR_FULL", 3);
    let sample = sample
        .syntax(RLE)
        .encapsulated(&[b"", &frame(&[&[0, 50], &[0, 60], &[0, 70]])], true);
    let unpacked = sample.open().unwrap().unpacked(0).unwrap();
    assert_eq!(
        (unpacked.bytes.as_ref(), unpacked.photometric.as_str()),
        ([50, 60, 70].as_slice(), "YBR_FULL")
    );
}

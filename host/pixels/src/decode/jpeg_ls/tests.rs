//! What CharLS 2.4 encoded, in every way of interleaving; and what is refused.
//!
//! `vectors.txt` holds, line by line: bits, samples, the allowed error, the interleave mode, and the codestream of the
//! picture that [`sample`] draws: flat stretches for runs, and noise for contexts.

use crate::sample::Sample;
use proptest::prelude::*;

const LOSSLESS: &str = "1.2.840.10008.1.2.4.80";
const ROWS: u32 = 17;
const COLUMNS: u32 = 40;

/// What is at this place.
fn sample(x: u32, y: u32, c: u32, bits: u32) -> i32 {
    let value = match y {
        3 | 4 | 5 | 9 if x > 5 => 77 + if x > 30 { c } else { 0 },
        12.. => x / 9 * 40 + c,
        _ => {
            let noise = ((u64::from(x) * 2_654_435_761) >> 7) % 50;
            x * x * 7 + y * y * 13 + c * 31 + x * y % 5 * 17 + noise as u32
        }
    };
    (value & ((1 << bits) - 1)) as i32
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().as_chunks().0.iter();
    digits
        .map(|two: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// Bits, samples, allowed error, interleave mode, codestream.
fn vectors() -> Vec<([u32; 4], Vec<u8>)> {
    let lines = include_str!("vectors.txt").lines();
    lines
        .map(|line| {
            let [bits, samples, near, mode, hex]: [&str; 5] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            (
                [bits, samples, near, mode].map(|number| number.parse().unwrap()),
                bytes(hex),
            )
        })
        .collect()
}

fn object(bits: u32, samples: u32, codestream: &[u8]) -> Sample {
    let allocated = if bits > 8 { 16 } else { 8 };
    let photometric = if samples == 3 { "RGB" } else { "MONOCHROME2" };
    Sample::new()
        .syntax(LOSSLESS)
        .size(ROWS as u16, COLUMNS as u16)
        .bits(allocated, bits as u16, bits as u16 - 1)
        .photometric(photometric, samples as u16)
        .encapsulated(&[b"", codestream], true)
}

#[test]
fn every_way_of_interleaving() {
    for ([bits, samples, near, mode], codestream) in vectors() {
        let decoded = object(bits, samples, &codestream).decoded(0).unwrap();
        let mut numbers = if bits > 8 {
            let words = decoded.as_chunks().0.iter();
            words
                .map(|two| i32::from(u16::from_le_bytes(*two)))
                .collect::<Vec<_>>()
                .into_iter()
        } else {
            decoded
                .iter()
                .map(|&byte| i32::from(byte))
                .collect::<Vec<_>>()
                .into_iter()
        };
        for (y, x, c) in (0..ROWS).flat_map(|y| (0..COLUMNS).flat_map(move |x| (0..samples).map(move |c| (y, x, c)))) {
            let (found, drawn) = (numbers.next().unwrap(), sample(x, y, c, bits));
            assert!(
                (found - drawn).unsigned_abs() <= near,
                "{bits} bits, {samples} samples, near {near}, mode {mode}: {found} at {x}, {y}, {c}, not {drawn}"
            );
        }
        assert_eq!(numbers.next(), None);
    }
}

#[test]
fn the_example_of_the_standard() {
    // ITU-T T.87 §H.3.
    let codestream = bytes(
        "ffd8fff7000b0800040004010111 00ffda0008010100000000c000006c80208e01c00000574000006ee6000001bc18000005d8000091 60ffd9"
            .replace(' ', "")
            .as_str(),
    );
    let sample = Sample::new()
        .syntax(LOSSLESS)
        .size(4, 4)
        .encapsulated(&[b"", &codestream], true);
    assert_eq!(
        sample.decoded(0),
        Ok(vec![
            0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145
        ])
    );
}

#[test]
fn what_is_refused() {
    let (_, good) = vectors().remove(0);
    let with = |at: usize, what: &[u8]| {
        let mut bytes = good.clone();
        bytes.splice(at..at, what.iter().copied());
        bytes
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            b"\xFF\xD8\xFF\xC0\0\x02".to_vec(),
            "the codestream is JPEG, not JPEG-LS",
        ),
        (b"RIFF".to_vec(), "a frame does not begin as a JPEG-LS codestream"),
        (with(2, b"\0"), "something else stands where a JPEG-LS marker belongs"),
        (with(2, b"\xFF\xDD\0\x04\0\x01"), "JPEG-LS with restart intervals"),
        (with(2, b"\xFF\xE8\0\x07mrfx\x01"), "JPEG-LS with a colour transform"),
        (with(2, b"\xFF\xF8\0\x04\x02\x01"), "JPEG-LS with mapping tables"),
        (
            with(2, b"\xFF\xF8\0\x0D\x01\0\xFF\0\x09\0\x08\0\x07\0\x40"),
            "its JPEG-LS coding parameters are not allowed",
        ),
        (
            with(2, b"\xFF\xF8\0\x0D\x01\x0F\xFF\0\0\0\0\0\0\0\0"),
            "its JPEG-LS coding parameters are not allowed",
        ),
        (
            with(2, b"\xFF\xF7\0\x0B\x08\xFF\xFF\xFF\xFF\x01\x01\x11\0"),
            "the header 17 x 40 x 1",
        ),
        (
            with(2, b"\xFF\xDA\0\x08\x01\x01\0\0\0\0"),
            "a JPEG-LS scan has no frame",
        ),
        (good[..60].to_vec(), "its JPEG-LS codestream is cut off"),
        (good[..20].to_vec(), "its JPEG-LS codestream is cut off"),
    ];
    for (codestream, part) in cases {
        let error = object(8, 1, &codestream).decoded(0).unwrap_err();
        assert!(error.ends_with(part), "{error}, not {part}");
    }
    assert!(
        object(8, 1, &with(2, b"\xFF\xFF\xFF")).decoded(0).is_ok(),
        "bytes that fill"
    );
}

proptest! {
    #[test]
    fn any_change_is_decoded_or_refused(which in 0usize..14, changes in prop::collection::vec((2usize..400, any::<u8>()), 1..4), cut in 0usize..400) {
        let ([bits, samples, ..], mut codestream) = vectors().remove(which);
        let length = codestream.len();
        for (at, byte) in changes {
            codestream[at % length] = byte;
        }
        codestream.truncate(length.saturating_sub(cut / 4));
        if let Ok(found) = object(bits, samples, &codestream).decoded(0) {
            prop_assert_eq!(found.len() as u32, ROWS * COLUMNS * samples * if bits > 8 { 2 } else { 1 });
        }
    }
}

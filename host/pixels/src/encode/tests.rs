//! What is encoded is decoded to the same bits, by our own decoders here, by others in `tests/foreign.rs`.

use super::encodable;
use crate::sample::Sample;
use isocenter_dicom::{TransferSyntax, VR, tags};
use proptest::prelude::*;

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

/// A frame of this sample in that syntax.
fn encoded(sample: &Sample, to: &str) -> Result<Vec<u8>, String> {
    let to = TransferSyntax::lookup(to).unwrap();
    let encoded = sample.open().and_then(|pixels| pixels.encoded(0, &to));
    encoded
        .map(|frame| frame.bytes.to_vec())
        .map_err(|error| error.to_string())
}

/// Encodes, and holds what comes back against what was there, bit for bit.
fn back(sample: &Sample, to: &str) {
    let before = sample.open().unwrap().unpacked(0).unwrap();
    let codestream = encoded(sample, to).unwrap();
    assert_eq!(codestream.len() % 2, 0);
    let after = sample.clone().syntax(to).encapsulated(&[b"", &codestream], true);
    // The planes are one after the other in no codestream, whatever the header goes on saying.
    let after = after.number(tags::PLANAR_CONFIGURATION, 0).open().unwrap();
    assert!(after.unpacked(0).unwrap() == before, "{to}: other bits");
    let numbers = after.decoded(0).unwrap();
    assert!(
        numbers == sample.open().unwrap().decoded(0).unwrap(),
        "{to}: other numbers"
    );
}

/// Pixels with stretches that repeat and stretches that do not.
fn picture(length: usize) -> impl Strategy<Value = Vec<u8>> {
    let stretch = prop_oneof![
        (any::<u8>(), 1_usize..300).prop_map(|(byte, count)| vec![byte; count]),
        prop::collection::vec(any::<u8>(), 1..40),
        (any::<[u8; 2]>(), 1_usize..100).prop_map(|(two, count)| two.repeat(count)),
    ];
    prop::collection::vec(stretch, 1..20).prop_map(move |stretches| {
        let bytes = stretches.concat();
        bytes.iter().cycle().copied().take(length).collect()
    })
}

/// Bits allocated, bits stored, high bit, representation, samples, planar configuration, rows, columns; and the pixels.
fn samples(widest: u16) -> impl Strategy<Value = Sample> {
    let allocated = prop_oneof![Just(8_u16), Just(16), Just(32)].prop_filter("width", move |bits| *bits <= widest);
    let shape = (
        allocated,
        0_u16..2,
        prop_oneof![Just(1_u16), Just(3)],
        0_u16..2,
        1_u16..40,
        1_u16..200,
    );
    shape.prop_flat_map(|(allocated, signed, samples, planar, rows, columns)| {
        let length = usize::from(rows) * usize::from(columns) * usize::from(samples) * usize::from(allocated / 8);
        let bits = (1..=allocated).prop_flat_map(move |stored| (Just(stored), stored - 1..allocated));
        (bits, picture(length)).prop_map(move |((stored, high), bytes)| {
            Sample::new()
                .size(rows, columns)
                .bits(allocated, stored, high)
                .number(tags::PIXEL_REPRESENTATION, signed)
                .photometric(if samples == 3 { "RGB" } else { "MONOCHROME2" }, samples)
                .number(tags::PLANAR_CONFIGURATION, planar)
                .native(tags::PIXEL_DATA, VR::OW, bytes.len().next_multiple_of(2), &bytes)
        })
    })
}

proptest! {
    #[test]
    fn what_is_encoded_comes_back(sample in samples(32)) {
        back(&sample, RLE);
    }

    #[test]
    fn what_is_encoded_as_jpeg_comes_back(sample in samples(16)) {
        back(&sample, JPEG);
        back(&sample, JPEG_LS);
    }
}

#[test]
fn rle_is_as_the_annex_has_it() {
    let grey = |columns, bytes: &[u8]| {
        Sample::new()
            .size(2, columns)
            .native(tags::PIXEL_DATA, VR::OB, bytes.len().next_multiple_of(2), bytes)
    };
    let words = Sample::new()
        .size(1, 2)
        .bits(16, 16, 15)
        .native(tags::PIXEL_DATA, VR::OW, 4, &[1, 2, 3, 4]);
    let header = |offsets: &[u32]| {
        let mut header: Vec<u8> = offsets.iter().flat_map(|number| number.to_le_bytes()).collect();
        header.resize(64, 0);
        header
    };
    let cases: Vec<(&str, Sample, &[u32], &[u8])> = vec![
        (
            "a run does not go on in the next row",
            grey(3, &[9; 6]),
            &[1, 64],
            &[254, 9, 254, 9],
        ),
        (
            "two alike are a run",
            grey(2, &[1, 1, 2, 3]),
            &[1, 64],
            &[255, 1, 1, 2, 3, 0],
        ),
        (
            "two alike among others are none",
            grey(4, &[1, 2, 2, 3, 1, 2, 2, 2]),
            &[1, 64],
            &[3, 1, 2, 2, 3, 0, 1, 254, 2, 0],
        ),
        (
            "high bytes first, each segment even",
            words,
            &[2, 64, 68],
            &[1, 2, 4, 0, 1, 1, 3, 0],
        ),
    ];
    for (name, sample, offsets, segments) in cases {
        assert_eq!(
            encoded(&sample, RLE),
            Ok([header(offsets).as_slice(), segments].concat()),
            "{name}"
        );
    }
}

/// Colour is neither converted nor thinned out.
#[test]
fn colour_stays() {
    for syntax in encodable() {
        let sample = Sample::new().size(1, 2).photometric("YBR_FULL_422", 3);
        let sample = sample.native(tags::PIXEL_DATA, VR::OB, 4, &[50, 60, 70, 80]);
        let to = TransferSyntax::lookup(syntax).unwrap();
        let frame = sample.open().unwrap().encoded(0, &to).unwrap();
        assert_eq!(frame.photometric, "YBR_FULL");
        let whole = Sample::new().size(1, 2).photometric("YBR_FULL", 3);
        let whole = whole
            .syntax(syntax)
            .encapsulated(&[b"", &frame.bytes], true)
            .open()
            .unwrap();
        let unpacked = whole.unpacked(0).unwrap();
        assert_eq!(
            (unpacked.bytes.as_ref(), unpacked.photometric.as_str()),
            ([50, 70, 80, 60, 70, 80].as_slice(), "YBR_FULL")
        );
    }
}

/// A codestream has as many bits as the header counts, and more only where they are set.
#[test]
fn precision() {
    let sample = |stored, high, words: &[u16]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Sample::new().size(1, words.len() as u16).bits(16, stored, high).native(
            tags::PIXEL_DATA,
            VR::OW,
            bytes.len(),
            &bytes,
        )
    };
    let cases = [
        (sample(12, 11, &[0, 0x0FFF]), 12),
        (sample(12, 11, &[0x1000, 0x0FFF]), 16),
        (sample(12, 15, &[0x1000, 0xFFF0]), 16),
        (sample(10, 11, &[0x0001, 0x0FFC]), 12),
        (sample(8, 7, &[1, 2]), 16),
        (sample(16, 15, &[1, 2]), 16),
        (sample(12, 11, &[0xFFFF, 1]).number(tags::PIXEL_REPRESENTATION, 1), 16),
        (sample(12, 11, &[5, 1]).number(tags::PIXEL_REPRESENTATION, 1), 12),
    ];
    for (sample, bits) in cases {
        // The frame header is the first segment.
        assert_eq!(encoded(&sample, JPEG_LS).unwrap()[6], bits);
        assert_eq!(encoded(&sample, JPEG).unwrap()[6], bits);
        back(&sample, JPEG_LS);
        back(&sample, JPEG);
    }
}

/// A value of twelve bits that a codestream has alone goes where the header says that it is.
#[test]
fn a_value_without_its_surroundings_is_put_in_its_place() {
    let low = Sample::new()
        .size(1, 2)
        .bits(16, 12, 11)
        .native(tags::PIXEL_DATA, VR::OW, 4, &[0xBC, 0x0A, 1, 0]);
    for syntax in [JPEG, JPEG_LS] {
        let codestream = encoded(&low, syntax).unwrap();
        let high = Sample::new()
            .size(1, 2)
            .bits(16, 12, 15)
            .syntax(syntax)
            .encapsulated(&[b"", &codestream], true);
        assert_eq!(high.decoded(0), Ok(vec![0xBC, 0x0A, 1, 0]));
        assert_eq!(
            high.open().unwrap().unpacked(0).unwrap().bytes.as_ref(),
            [0xC0, 0xAB, 0x10, 0]
        );
    }
}

#[test]
fn what_is_refused() {
    let native = |sample: Sample, bytes: &[u8]| sample.native(tags::PIXEL_DATA, VR::OW, bytes.len(), bytes);
    let float = Sample::new()
        .size(1, 1)
        .bits(32, 32, 31)
        .native(tags::FLOAT_PIXEL_DATA, VR::OF, 4, &[0; 4]);
    let cases = [
        (
            native(Sample::new().bits(1, 1, 0), &[0; 2]),
            RLE,
            "pixels of one bit cannot be compressed",
        ),
        (float, RLE, "floating point pixels cannot be compressed"),
        (
            native(
                Sample::new().size(1, 1).bits(64, 64, 63).photometric("RGB", 3),
                &[0; 24],
            ),
            RLE,
            "RLE of 24 bytes a pixel",
        ),
        (
            native(Sample::new(), &[0; 6]),
            "1.2.840.10008.1.2.4.50",
            "not encoded in transfer syntax 1.2.840.10008.1.2.4.50",
        ),
    ];
    for (sample, to, part) in cases {
        let error = encoded(&sample, to).unwrap_err();
        assert!(error.ends_with(part), "{error}, not {part}");
    }
}

//! Where native frames are, and what numbers their bytes are.

use crate::sample::Sample;
use crate::{FRAME_LIMIT, Trouble};
use isocenter_dicom::{VR, tags};
use proptest::prelude::*;

const BIG: &str = "1.2.840.10008.1.2.2";

fn native(sample: Sample, value: &[u8]) -> Sample {
    sample.native(tags::PIXEL_DATA, VR::OW, value.len(), value)
}

#[test]
fn numbers() {
    let big = || Sample::new().syntax(BIG).size(1, 3);
    let cases: Vec<(&str, Sample, u32, Vec<u8>)> = vec![
        (
            "bytes",
            native(Sample::new(), &[1, 2, 3, 4, 5, 6]),
            0,
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            "the second frame",
            native(Sample::new().frames("2 "), &[0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
            1,
            vec![1, 2, 3, 4, 5, 6],
        ),
        (
            "twelve bits with an overlay above",
            native(Sample::new().size(1, 1).bits(16, 12, 11), &[0x34, 0xF2]),
            0,
            vec![0x34, 0x02],
        ),
        (
            "twelve bits at the top",
            native(Sample::new().size(1, 1).bits(16, 12, 15), &[0x4F, 0x23]),
            0,
            vec![0x34, 0x02],
        ),
        (
            "twelve bits with a sign",
            native(
                Sample::new()
                    .size(1, 2)
                    .bits(16, 12, 11)
                    .number(tags::PIXEL_REPRESENTATION, 1),
                &[0xFF, 0x0F, 0xFF, 0x07],
            ),
            0,
            vec![0xFF, 0xFF, 0xFF, 0x07],
        ),
        (
            "one bit, from the lowest",
            native(Sample::new().bits(1, 1, 0), &[0b0010_1101]),
            0,
            vec![1, 0, 1, 1, 0, 1],
        ),
        (
            "one bit, the second frame begins within a byte",
            native(Sample::new().bits(1, 1, 0).frames("2 "), &[0b1100_0000, 0b1111_0010]),
            1,
            vec![1, 1, 0, 1, 0, 0],
        ),
        (
            "planes",
            native(
                Sample::new()
                    .size(1, 2)
                    .photometric("RGB", 3)
                    .number(tags::PLANAR_CONFIGURATION, 1),
                &[1, 2, 3, 4, 5, 6],
            ),
            0,
            vec![1, 3, 5, 2, 4, 6],
        ),
        (
            "planes of words",
            native(
                Sample::new()
                    .size(1, 2)
                    .bits(16, 16, 15)
                    .photometric("RGB", 3)
                    .number(tags::PLANAR_CONFIGURATION, 1),
                &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0],
            ),
            0,
            vec![1, 0, 3, 0, 5, 0, 2, 0, 4, 0, 6, 0],
        ),
        (
            "YBR becomes RGB",
            native(
                Sample::new().size(1, 3).photometric("YBR_FULL", 3),
                &[76, 85, 255, 0, 128, 128, 255, 128, 128, 0],
            ),
            0,
            vec![254, 0, 0, 0, 0, 0, 255, 255, 255],
        ),
        (
            "shared chrominance",
            native(
                Sample::new().size(1, 2).photometric("YBR_FULL_422", 3),
                &[10, 20, 128, 128],
            ),
            0,
            vec![10, 10, 10, 20, 20, 20],
        ),
        (
            "big endian words",
            native(big().bits(16, 16, 15), &[1, 2, 3, 4, 5, 6]),
            0,
            vec![2, 1, 4, 3, 6, 5],
        ),
        (
            "bytes in big endian words, the second frame begins within one",
            native(big().frames("2 "), &[2, 1, 4, 3, 6, 5]),
            1,
            vec![4, 5, 6],
        ),
        (
            "big endian bytes",
            big().native(tags::PIXEL_DATA, VR::OB, 4, &[1, 2, 3, 0]),
            0,
            vec![1, 2, 3],
        ),
        (
            "big endian of 32 bits",
            native(big().size(1, 1).bits(32, 32, 31), &[1, 2, 3, 4]),
            0,
            vec![4, 3, 2, 1],
        ),
        (
            "floats",
            Sample::new()
                .size(1, 1)
                .bits(32, 32, 31)
                .native(tags::FLOAT_PIXEL_DATA, VR::OF, 4, &1.5_f32.to_le_bytes()),
            0,
            1.5_f32.to_le_bytes().to_vec(),
        ),
        (
            "big endian doubles",
            big()
                .size(1, 1)
                .number(tags::BITS_ALLOCATED, 64)
                .without(tags::BITS_STORED)
                .without(tags::HIGH_BIT)
                .native(tags::DOUBLE_FLOAT_PIXEL_DATA, VR::OD, 8, &1.5_f64.to_be_bytes()),
            0,
            1.5_f64.to_le_bytes().to_vec(),
        ),
    ];
    for (name, sample, frame, expected) in cases {
        assert_eq!(sample.decoded(frame), Ok(expected), "{name}");
    }
}

#[test]
fn stored_bits_are_shifted_to_a_byte() {
    let sample = native(Sample::new().bits(1, 1, 0).frames("2 "), &[0b1100_0000, 0b1111_0010]);
    assert_eq!(sample.stored(0), Ok(vec![0]));
    assert_eq!(sample.stored(1), Ok(vec![0b0000_1011]));
}

#[test]
fn what_cannot_be_is_refused() {
    let some = [0; 64];
    let cases: Vec<(Sample, u32, Trouble, &str)> = vec![
        (Sample::new(), 0, Trouble::NoPixels, "the object has no pixel data"),
        (
            native(Sample::new(), &some),
            1,
            Trouble::NoSuchFrame,
            "there is no frame 1: the object has 1, counted from 0",
        ),
        (
            native(Sample::new(), &some[..5]),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: frame 0 would end at byte 6, and there are 5",
        ),
        (
            Sample::new().native(tags::PIXEL_DATA, VR::OW, 4_000_000_000, &some[..5]),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: frame 0 would end at byte 6, and there are 5",
        ),
        (
            native(Sample::new().frames("2147483647"), &some),
            2_147_483_646,
            Trouble::Corrupt,
            "the pixel data is damaged: frame 2147483646 would end at byte 12884901882, and there are 64",
        ),
        (
            native(Sample::new().frames("0 "), &some),
            0,
            Trouble::Corrupt,
            "Number of Frames (0028,0008) is not between 1 and 2147483647, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().frames("-1"), &some),
            0,
            Trouble::Corrupt,
            "Number of Frames (0028,0008) is not between 1 and 2147483647, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().size(0, 3), &some),
            0,
            Trouble::Corrupt,
            "Rows (0028,0010) is 0, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().without(tags::COLUMNS), &some),
            0,
            Trouble::Corrupt,
            "Columns (0028,0011) is missing, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().without(tags::PHOTOMETRIC_INTERPRETATION), &some),
            0,
            Trouble::Corrupt,
            "Photometric Interpretation (0028,0004) is missing, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().bits(8, 9, 8), &some),
            0,
            Trouble::Corrupt,
            "Bits Stored (0028,0101) is not between 1 and Bits Allocated, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().bits(16, 12, 10), &some),
            0,
            Trouble::Corrupt,
            "High Bit (0028,0102) leaves no room for Bits Stored, so that the pixel data cannot be read",
        ),
        (
            native(Sample::new().bits(12, 12, 11), &some),
            0,
            Trouble::Unsupported,
            "the pixel data cannot be decoded: 12 bits allocated for each sample",
        ),
        (
            native(Sample::new().size(65535, 65535), &some),
            0,
            Trouble::Unsupported,
            "a frame of 4294836225 bytes is longer than the limit of 268435456 bytes",
        ),
        (
            native(Sample::new().photometric("RGB", 1), &some),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: RGB has 3 samples per pixel, not 1",
        ),
        (
            native(Sample::new().photometric("SECRET NAME", 1), &some),
            0,
            Trouble::Unsupported,
            "the pixel data cannot be decoded: its photometric interpretation is unknown",
        ),
        (
            native(Sample::new().photometric("YBR_FULL_422", 3), &some),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: YBR_FULL_422 needs an even number of columns",
        ),
        (
            Sample::new().fragments(b""),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: it has fragments, which its transfer syntax does not",
        ),
        (
            native(Sample::new().syntax("1.2.840.10008.1.2.5"), &some),
            0,
            Trouble::Corrupt,
            "the pixel data is damaged: it has no fragments, which its transfer syntax demands",
        ),
    ];
    for (sample, frame, trouble, sentence) in cases {
        let error = sample
            .open()
            .and_then(|pixels| pixels.decoded(frame))
            .expect_err(sentence);
        assert_eq!((error.trouble(), error.to_string().as_str()), (trouble, sentence));
    }
}

#[test]
fn a_frame_is_read_and_no_other() {
    let sample = native(Sample::new().size(100, 100).frames("90"), &vec![7; 900_000]);
    let pixels = sample.open().unwrap();
    pixels.decoded(89).unwrap();
    assert_eq!(*pixels.ranges().read.lock().unwrap(), 12 + 10_000);
    assert_eq!(FRAME_LIMIT, 256 << 20);
}

proptest! {
    #[test]
    fn any_header_gives_a_frame_or_an_error(
        rows in 0u16..9, columns in 0u16..9, samples in 0u16..5, allocated in prop::sample::select(vec![0, 1, 8, 12, 16, 32, 64]),
        stored in 0u16..65, high in 0u16..64, signed in 0u16..2, planar in 0u16..2, big: bool,
        name in prop::sample::select(vec!["MONOCHROME1", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR", "XYB"]),
        frame in 0u32..3, value in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let syntax = if big { BIG } else { "1.2.840.10008.1.2.1" };
        let sample = Sample::new().syntax(syntax).size(rows, columns).bits(allocated, stored, high).photometric(name, samples);
        let sample = sample.number(tags::PIXEL_REPRESENTATION, signed).number(tags::PLANAR_CONFIGURATION, planar).frames("2 ");
        if let Ok(frame) = native(sample, &value).open().and_then(|pixels| pixels.decoded(frame)) {
            let bits = u64::from(frame.rows) * u64::from(frame.columns) * u64::from(frame.samples) * u64::from(frame.bits_allocated);
            prop_assert_eq!(frame.bytes.len() as u64 * 8, bits);
        }
    }
}

//! What a JPEG 2000 codestream asks for is counted before it is given.
//!
//! `high_throughput.txt` holds what OpenJPH encoded, line by line: bits, samples, whether they are signed, and the codestream of
//! the picture that [`drawn`] draws; one of them has tiles.

use super::codestream::Codestream;
use crate::sample::Sample;
use proptest::prelude::*;

const LOSSLESS: &str = "1.2.840.10008.1.2.4.90";

struct Stream {
    size: (u32, u32),
    tile: (u32, u32),
    component: [u8; 3],
    style: Vec<u8>,
    tiles: u16,
    tile_header: Vec<u8>,
}

impl Stream {
    fn new() -> Self {
        Self {
            size: (3, 2),
            tile: (3, 2),
            component: [7, 1, 1],
            style: vec![0, 0, 0, 1, 0, 1, 4, 4, 0, 1],
            tiles: 1,
            tile_header: vec![],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"\xFF\x4F\xFF\x51\0\x29\0\0".to_vec();
        for number in [self.size.0, self.size.1, 0, 0, self.tile.0, self.tile.1, 0, 0] {
            out.extend(number.to_be_bytes());
        }
        out.extend([0, 1]);
        out.extend(self.component);
        out.extend([0xFF, 0x52]);
        out.extend((2 + self.style.len() as u16).to_be_bytes());
        out.extend(&self.style);
        for tile in 0..self.tiles {
            out.extend([0xFF, 0x90, 0, 10]);
            out.extend(tile.to_be_bytes());
            out.extend((14 + self.tile_header.len() as u32).to_be_bytes());
            out.extend([0, 1]);
            out.extend(&self.tile_header);
            out.extend([0xFF, 0x93]);
        }
        out.extend([0xFF, 0xD9]);
        out
    }
}

#[test]
fn what_is_refused_before_it_is_decoded() {
    let big = Stream {
        size: (8192, 8192),
        tile: (8192, 8192),
        ..Stream::new()
    };
    let cases: Vec<(&str, Stream, (u16, u16), &str)> = vec![
        (
            "another size",
            Stream {
                size: (60_000, 60_000),
                tile: (60_000, 60_000),
                ..Stream::new()
            },
            (2, 3),
            "the codestream says 60000 x 60000 x 1, the header 2 x 3 x 1",
        ),
        (
            "subsampled",
            Stream {
                component: [7, 2, 1],
                ..Stream::new()
            },
            (2, 3),
            "subsampled components, or components of different precision",
        ),
        (
            "high throughput with loss",
            Stream {
                style: vec![0, 0, 0, 1, 0, 1, 4, 4, 0x40, 0],
                ..Stream::new()
            },
            (2, 3),
            "irreversible high-throughput JPEG 2000",
        ),
        (
            "high throughput here and there",
            Stream {
                style: vec![0, 0, 0, 1, 0, 1, 4, 4, 0xC0, 1],
                ..Stream::new()
            },
            (2, 3),
            "JPEG 2000 of which only some code-blocks are high-throughput",
        ),
        (
            "signed",
            Stream {
                component: [0x87, 1, 1],
                ..Stream::new()
            },
            (2, 3),
            "the codestream is signed and the header says it is not",
        ),
        (
            "deep",
            Stream {
                component: [23, 1, 1],
                ..Stream::new()
            },
            (2, 3),
            "JPEG 2000 of more than 16 bits",
        ),
        (
            "a tile without data",
            Stream {
                tile: (2, 2),
                ..Stream::new()
            },
            (2, 3),
            "has no data for some tiles",
        ),
        (
            "a style of its own",
            Stream {
                tile_header: vec![0xFF, 0x52, 0, 2],
                ..Stream::new()
            },
            (2, 3),
            "whose tiles have coding styles of their own",
        ),
        (
            "a precinct for each sample",
            Stream {
                style: vec![1, 0, 0, 1, 0, 1, 4, 4, 0, 1, 0, 0],
                ..big
            },
            (8192, 8192),
            "tiles, precincts and code-blocks",
        ),
        (
            "many layers of small code-blocks",
            Stream {
                style: vec![0, 0, 0, 32, 0, 5, 0, 0, 0, 1],
                size: (8192, 8192),
                tile: (8192, 8192),
                ..Stream::new()
            },
            (8192, 8192),
            "tiles, precincts and code-blocks",
        ),
        ("nothing in it", Stream::new(), (2, 3), "cut off or damaged"),
    ];
    for (name, stream, (rows, columns), part) in cases {
        let sample = Sample::new().syntax(LOSSLESS).size(rows, columns);
        let error = sample
            .encapsulated(&[b"", &stream.bytes()], true)
            .decoded(0)
            .unwrap_err();
        assert!(error.contains(part), "{name}: {error}");
    }
}

#[test]
fn more_tiles_than_there_are_numbers_for() {
    let stream = Stream {
        size: (u32::MAX, u32::MAX),
        tile: (1, 1),
        ..Stream::new()
    };
    assert!(Codestream::read(&stream.bytes()).is_err());
}

#[test]
fn a_file_around_it_is_taken_off() {
    let stream = Stream::new().bytes();
    let length = (8 + stream.len() as u32).to_be_bytes();
    let wrapped = [
        b"\0\0\0\x0CjP  \r\n\x87\n",
        b"\0\0\0\x08ftyp".as_slice(),
        &length,
        b"jp2c",
        &stream,
    ]
    .concat();
    assert_eq!(Codestream::read(&wrapped).unwrap().bytes, stream);
    let open_end = [b"\0\0\0\x0CjP  \r\n\x87\n", b"\0\0\0\0jp2c".as_slice(), &stream].concat();
    assert_eq!(Codestream::read(&open_end).unwrap().bytes, stream);
    assert!(Codestream::read(&wrapped[..30]).is_err());
    assert!(Codestream::read(b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x01jp2c\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").is_err());
}

const COLUMNS: u32 = 37;
const ROWS: u32 = 21;

/// What is at this place, as the bits of a sample.
fn drawn(x: u32, y: u32, c: u32, bits: u32) -> u32 {
    let noise = ((u64::from(x + y * COLUMNS + c * 7) * 2_654_435_761) >> 9) as u32;
    let value = match y {
        4..9 => 77 + c,
        12.. => x * 11 + y * 3 + c + noise % 5,
        _ => noise,
    };
    value & ((1 << bits) - 1)
}

/// An object with a codestream, and the samples that belong in it, little endian.
fn high_throughput() -> Vec<(Sample, Vec<u8>, Vec<u8>)> {
    let lines = include_str!("high_throughput.txt").lines();
    lines
        .map(|line| {
            let [bits, samples, signed, hex]: [&str; 4] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let [bits, samples, signed] = [bits, samples, signed].map(|number| number.parse::<u16>().unwrap());
            let digits = hex.as_bytes().as_chunks().0.iter();
            let codestream =
                digits.map(|two: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap());
            let mut expected = Vec::new();
            for (y, x) in (0..ROWS).flat_map(|y| (0..COLUMNS).map(move |x| (y, x))) {
                for c in 0..u32::from(samples) {
                    let number = drawn(x, y, c, bits.into());
                    expected.extend(&number.to_le_bytes()[..usize::from(bits / 8)]);
                }
            }
            let object = Sample::new()
                .syntax("1.2.840.10008.1.2.4.201")
                .size(ROWS as u16, COLUMNS as u16)
                .bits(bits, bits, bits - 1)
                .number(isocenter_dicom::tags::PIXEL_REPRESENTATION, signed)
                .photometric(if samples == 3 { "RGB" } else { "MONOCHROME2" }, samples);
            (object, codestream.collect(), expected)
        })
        .collect()
}

#[test]
fn high_throughput_without_loss() {
    for (object, codestream, expected) in high_throughput() {
        let object = object.encapsulated(&[b"", &codestream], true);
        assert_eq!(object.decoded(0), Ok(expected));
    }
}

proptest! {
    #[test]
    fn any_change_of_high_throughput_is_decoded_or_refused(which in 0usize..6, changes in prop::collection::vec((2usize..900, any::<u8>()), 1..4), cut in 0usize..900) {
        let (object, mut codestream, expected) = high_throughput().remove(which);
        let length = codestream.len();
        for (at, byte) in changes {
            codestream[at % length] = byte;
        }
        codestream.truncate(length.saturating_sub(cut / 4));
        if let Ok(found) = object.encapsulated(&[b"", &codestream], true).decoded(0) {
            prop_assert_eq!(found.len(), expected.len());
        }
    }

    #[test]
    fn any_change_is_decoded_or_refused(at in 0usize..120, byte: u8, cut in 0usize..60) {
        let mut bytes = Stream::new().bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut);
        let sample = Sample::new().syntax(LOSSLESS).encapsulated(&[b"", &bytes], true);
        if let Ok(found) = sample.decoded(0) {
            prop_assert_eq!(found.len(), 6);
        }
    }
}

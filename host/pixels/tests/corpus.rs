//! All files of the shared collection: what is decoded is what pydicom's decoders make of it, and what is damaged, or made
//! so here, is refused or decoded, and nothing else.
//!
//! The collection lies beside the repository. Without it these tests say so and pass. `expect.py` wrote `expected.csv`.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use bytes::Bytes;
use isocenter_dicom::part10::MetaReader;
use isocenter_dicom::{Header, Limits};
use isocenter_pixels::{Frame, Numbers, PixelError, Pixels, inflated};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dicom");
    if !folder.join("MANIFEST.csv").exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

/// The data set in a file; `None` when it is not one.
fn data_set(file: &[u8]) -> Option<(Header, Bytes)> {
    let mut reader = MetaReader::new();
    let (meta, data_set) = match reader.push(file).ok()? {
        Some(found) => found,
        None => reader.finish().ok()?,
    };
    let data_set = if meta.syntax.is_deflated() {
        inflated(&data_set).ok()?
    } else {
        data_set
    };
    let (header, _) = Header::parse(meta.syntax, &data_set, Limits::default()).ok()?;
    Some((header, data_set))
}

fn open(file: &[u8]) -> Option<Result<Pixels<Bytes>, PixelError>> {
    let (header, data_set) = data_set(file)?;
    Some(Pixels::open(&header, data_set))
}

fn shape(frame: &Frame) -> String {
    let (rows, columns, samples, bits) = (frame.rows, frame.columns, frame.samples, frame.bits_allocated);
    format!("{rows}x{columns}x{samples}x{bits}")
}

fn numbers(frame: &Frame) -> &'static str {
    match frame.numbers {
        Numbers::Unsigned => "unsigned",
        Numbers::Signed => "signed",
        Numbers::Float => "float",
    }
}

fn digest(frame: &Frame) -> String {
    let digest = Sha256::digest(&frame.bytes);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The means of a grid of 4 x 4 regions, sample by sample.
fn means(frame: &Frame) -> Vec<f64> {
    let (rows, columns, samples) = (frame.rows as usize, frame.columns as usize, frame.samples as usize);
    let value = |at: usize| match (frame.bits_allocated, frame.numbers) {
        (8, Numbers::Unsigned) => f64::from(frame.bytes[at]),
        (16, Numbers::Unsigned) => f64::from(u16::from_le_bytes([frame.bytes[2 * at], frame.bytes[2 * at + 1]])),
        (16, Numbers::Signed) => f64::from(i16::from_le_bytes([frame.bytes[2 * at], frame.bytes[2 * at + 1]])),
        other => panic!("{other:?}"),
    };
    let part = |number: usize, length: usize| {
        let begin = number * length / 4;
        begin..((number + 1) * length / 4).max(begin + 1)
    };
    let mut means = Vec::new();
    for (y, x) in (0..4).flat_map(|y| (0..4).map(move |x| (y, x))) {
        for sample in 0..samples {
            let cells = part(y, rows).flat_map(|row| part(x, columns).map(move |column| (row, column)));
            let values: Vec<f64> = cells
                .map(|(row, column)| value((row * columns + column) * samples + sample))
                .collect();
            means.push(values.iter().sum::<f64>() / values.len() as f64);
        }
    }
    means
}

/// What cannot be decoded here, with the sentence that says so.
const UNSUPPORTED: &[(&str, &str)] = &[(
    "pylibjpeg-data/RG2_JPLY_fixed.dcm",
    "the pixel data cannot be decoded: lossy JPEG of more than 8 bits",
)];

#[test]
fn frames_are_what_another_decoder_makes_of_them() {
    let Some(folder) = folder() else { return };
    let mut wrong = Vec::new();
    let mut decoded = 0;
    let mut opened: BTreeMap<String, Pixels<Bytes>> = BTreeMap::new();
    for line in include_str!("expected.csv").lines().skip(1) {
        let [name, index, wanted_shape, wanted_numbers, kind, value]: [&str; 6] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let pixels = opened.entry(name.to_owned()).or_insert_with(|| {
            let file = std::fs::read(folder.join(name)).unwrap();
            open(&file).unwrap().unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        let frame = match pixels.decoded(index.parse().unwrap()) {
            Ok(frame) => frame,
            Err(error) => {
                if !UNSUPPORTED.contains(&(name, error.to_string().as_str())) {
                    wrong.push(format!("{name} {index}: {error}"));
                }
                continue;
            }
        };
        if (shape(&frame).as_str(), numbers(&frame)) != (wanted_shape, wanted_numbers) {
            wrong.push(format!(
                "{name} {index}: {} {} is not {line}",
                shape(&frame),
                numbers(&frame)
            ));
            continue;
        }
        match kind {
            "exact" if digest(&frame) != value => wrong.push(format!("{name} {index}: other pixels")),
            "near" => {
                let wanted: Vec<f64> = value.split(' ').map(|mean| mean.parse().unwrap()).collect();
                let found = means(&frame);
                let off = wanted
                    .iter()
                    .zip(&found)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f64::max);
                if off > 1.0 {
                    wrong.push(format!("{name} {index}: off by {off}"));
                }
            }
            _ => {}
        }
        decoded += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(decoded > 250, "{decoded}");
}

/// A generator that gives the same numbers every time (xorshift64).
struct Numbers64(u64);

impl Numbers64 {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Every file, the broken ones too, as it is and with bytes changed: whatever comes out has the size that its header says.
#[test]
fn damaged_pixels_are_decoded_or_refused() {
    let Some(folder) = folder() else { return };
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.csv")).unwrap();
    let mut numbers = Numbers64(0x9E37_79B9_7F4A_7C15);
    let (mut whole, mut refused) = (0, 0);
    for name in manifest.lines().skip(1).filter_map(|line| line.split(',').next()) {
        let file = std::fs::read(folder.join(name)).unwrap();
        let Some((header, data_set)) = data_set(&file) else {
            continue;
        };
        let pixels_at = header.bytes().len();
        let rounds = match data_set.len() {
            0..100_000 => 8,
            100_000..300_000 => 3,
            _ => 1,
        };
        for round in 0..rounds {
            let mut changed = data_set.to_vec();
            if round > 0 && pixels_at < changed.len() {
                for _ in 0..1 + numbers.below(4) {
                    // The beginning, where the tables are, more often than the rest.
                    let reach = (changed.len() - pixels_at).min(if round % 2 == 0 { 600 } else { usize::MAX });
                    changed[pixels_at + numbers.below(reach)] = numbers.below(256) as u8;
                }
                if round % 5 == 0 {
                    changed.truncate(pixels_at + numbers.below(changed.len() - pixels_at));
                }
            }
            let Ok(pixels) = Pixels::open(&header, Bytes::from(changed)) else {
                refused += 1;
                continue;
            };
            for index in BTreeSet::from([0, pixels.frames() - 1, pixels.frames()]) {
                match pixels.decoded(index) {
                    Ok(frame) => {
                        assert!(index < pixels.frames());
                        let samples = frame.rows as usize * frame.columns as usize * frame.samples as usize;
                        assert_eq!(frame.bytes.len(), samples * frame.bits_allocated as usize / 8, "{name}");
                        whole += 1;
                    }
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(whole > 500 && refused > 500, "{whole} {refused}");
}

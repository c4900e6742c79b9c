//! What is encoded here, decoded by DCMTK: whole files, of the shared collection and drawn here, the same bit for bit.
//!
//! Without DCMTK these tests say so and pass; without the collection, only what is drawn here is tried.
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
use isocenter_dicom::{Header, Limits, TransferSyntax};
use isocenter_pixels::{Frame, Layout, Numbers, PixelError, Pixels, encodable, inflated};
use std::path::{Path, PathBuf};
use std::process::Command;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// The program that decodes a transfer syntax, with its options.
fn decoder(syntax: &str) -> &'static [&'static str] {
    match syntax {
        "1.2.840.10008.1.2.5" => &["/usr/bin/dcmdrle"],
        "1.2.840.10008.1.2.4.80" => &["/usr/bin/dcmdjpls", "+px"],
        "1.2.840.10008.1.2.4.70" => &["/usr/bin/dcmdjpeg", "+cn", "+px"],
        other => panic!("nothing is known that decodes {other}"),
    }
}

fn element(out: &mut Vec<u8>, tag: (u16, u16), vr: &[u8; 2], value: &[u8], length: u32) {
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    out.extend(vr);
    if matches!(vr, b"OB" | b"OW") {
        out.extend([0, 0]);
        out.extend(length.to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
}

fn text(out: &mut Vec<u8>, tag: (u16, u16), vr: &[u8; 2], value: &str) {
    let mut value = value.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    element(out, tag, vr, &value, value.len() as u32);
}

/// A secondary capture of one frame, encapsulated unless it is in explicit VR little endian.
fn file(layout: &Layout, frame: &Frame, syntax: &str) -> Vec<u8> {
    let mut meta = Vec::new();
    element(&mut meta, (2, 1), b"OB", &[0, 1], 2);
    text(&mut meta, (2, 2), b"UI", "1.2.840.10008.5.1.4.1.1.7");
    text(&mut meta, (2, 3), b"UI", "2.25.1");
    text(&mut meta, (2, 0x10), b"UI", syntax);
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    element(&mut out, (2, 0), b"UL", &(meta.len() as u32).to_le_bytes(), 4);
    out.extend(meta);
    text(&mut out, (8, 0x16), b"UI", "1.2.840.10008.5.1.4.1.1.7");
    text(&mut out, (8, 0x18), b"UI", "2.25.1");
    let mut number = |tag, number: u16| element(&mut out, tag, b"US", &number.to_le_bytes(), 2);
    number((0x28, 2), frame.samples);
    text(&mut out, (0x28, 4), b"CS", &frame.photometric);
    let mut number = |tag, number: u16| element(&mut out, tag, b"US", &number.to_le_bytes(), 2);
    if frame.samples > 1 {
        number((0x28, 6), 0);
    }
    number((0x28, 0x10), layout.rows as u16);
    number((0x28, 0x11), layout.columns as u16);
    number((0x28, 0x100), frame.bits_allocated);
    number((0x28, 0x101), layout.bits_stored);
    number((0x28, 0x102), layout.high_bit);
    number((0x28, 0x103), u16::from(layout.numbers == Numbers::Signed));
    if frame.photometric == "PALETTE COLOR" {
        for table in 0..3 {
            element(&mut out, (0x28, 0x1101 + table), b"US", &[4, 0, 0, 0, 8, 0], 6);
        }
        for table in 0..3 {
            element(&mut out, (0x28, 0x1201 + table), b"OW", &[0, 1, 2, 3], 4);
        }
    }
    if syntax == EXPLICIT {
        let mut bytes = frame.bytes.to_vec();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        element(&mut out, (0x7FE0, 0x10), b"OW", &bytes, bytes.len() as u32);
        return out;
    }
    let mut items = Vec::new();
    for item in [&[], frame.bytes.as_ref()] {
        items.extend([0xFE, 0xFF, 0, 0xE0]);
        items.extend((item.len() as u32).to_le_bytes());
        items.extend(item);
    }
    items.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    element(&mut out, (0x7FE0, 0x10), b"OB", &items, u32::MAX);
    out
}

fn open(file: &[u8]) -> Option<Pixels<Bytes>> {
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
    Pixels::open(&header, data_set).ok()
}

/// Encodes the first frame in every way there is, has it decoded, and compares; gives how many ways there were.
fn there_and_back(pixels: &Pixels<Bytes>, folder: &Path, name: &str) -> usize {
    let Ok(plain) = pixels.unpacked(0) else { return 0 };
    let mut ways = 0;
    for syntax in encodable() {
        let encoded = match pixels.encoded(0, &TransferSyntax::lookup(syntax).unwrap()) {
            Ok(encoded) => encoded,
            Err(PixelError::Unencoded(_)) => continue,
            Err(error) => panic!("{name} in {syntax}: {error}"),
        };
        let (before, after) = (folder.join("before.dcm"), folder.join("after.dcm"));
        std::fs::write(&before, file(pixels.layout(), &encoded, syntax)).unwrap();
        let [program, options @ ..] = decoder(syntax) else {
            panic!()
        };
        let done = Command::new(program)
            .args(options)
            .arg(&before)
            .arg(&after)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{name} in {syntax}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        let decoded = open(&std::fs::read(&after).unwrap()).unwrap();
        // The file that was never compressed is read in the same way.
        let never = open(&file(pixels.layout(), &plain, EXPLICIT)).unwrap();
        assert!(
            decoded.unpacked(0).unwrap() == never.unpacked(0).unwrap(),
            "{name} in {syntax}: other pixels"
        );
        ways += 1;
    }
    ways
}

/// A folder of this test, if DCMTK is there.
fn folder(name: &str) -> Option<PathBuf> {
    let there = encodable().all(|syntax| Path::new(decoder(syntax)[0]).exists());
    if !there {
        eprintln!("skipped: DCMTK is not there");
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[test]
fn what_is_drawn() {
    let Some(folder) = folder("drawn") else { return };
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // Allocated, stored, high bit, signed, samples; bits that noise has.
    let kinds = [
        (8, 8, 7, 0, 1, 3),
        (8, 8, 7, 0, 3, 8),
        (16, 12, 11, 0, 1, 4),
        (16, 12, 11, 0, 1, 16),
        (16, 12, 11, 1, 1, 12),
        (16, 12, 15, 0, 1, 16),
        (16, 16, 15, 0, 1, 16),
        (16, 16, 15, 1, 1, 5),
        (16, 16, 15, 0, 3, 16),
        (32, 32, 31, 0, 1, 32),
    ];
    for (allocated, stored, high_bit, signed, samples, noise) in kinds {
        let layout = Layout {
            rows: 67,
            columns: 131,
            samples,
            bits_allocated: allocated,
            bits_stored: stored,
            high_bit,
            numbers: if signed == 1 {
                Numbers::Signed
            } else {
                Numbers::Unsigned
            },
            photometric: if samples == 3 { "RGB" } else { "MONOCHROME2" }.to_owned(),
            by_plane: false,
            frames: 1,
        };
        let mut bytes = Vec::new();
        for at in 0..67 * 131 * u32::from(samples) {
            let flat = at / 1500 % 2 == 0;
            let number = if flat {
                u64::from(at / 700)
            } else {
                u64::from(at / 97) + (random() & ((1 << noise) - 1))
            };
            let number = if noise < stored {
                number & ((1 << stored) - 1)
            } else {
                number
            };
            bytes.extend(&number.to_le_bytes()[..usize::from(allocated / 8)]);
        }
        let frame = Frame {
            rows: layout.rows,
            columns: layout.columns,
            samples,
            bits_allocated: allocated,
            numbers: layout.numbers,
            photometric: layout.photometric.clone(),
            bytes: bytes.into(),
        };
        let pixels = open(&file(&layout, &frame, EXPLICIT)).unwrap();
        let ways = there_and_back(&pixels, &folder, &format!("{layout:?}"));
        assert_eq!(ways, if allocated == 32 { 1 } else { encodable().count() });
    }
}

#[test]
fn the_collection() {
    let Some(folder) = folder("collection") else { return };
    let collection = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dicom");
    let Ok(manifest) = std::fs::read_to_string(collection.join("MANIFEST.csv")) else {
        eprintln!("skipped: {} is not there", collection.display());
        return;
    };
    let mut ways = 0;
    for name in manifest.lines().skip(1).filter_map(|line| line.split(',').next()) {
        let file = std::fs::read(collection.join(name)).unwrap();
        let Some(pixels) = open(&file) else { continue };
        let layout = pixels.layout();
        let samples = u64::from(layout.rows) * u64::from(layout.columns) * u64::from(layout.samples);
        if samples <= 1 << 18 {
            ways += there_and_back(&pixels, &folder, name);
        }
    }
    assert!(ways > 200, "{ways}");
}

//! What a JPEG codestream says is compared with the header before it is decoded.

use super::markers::Markers;
use crate::sample::Sample;
use proptest::prelude::*;

const BASELINE: &str = "1.2.840.10008.1.2.4.50";

/// A frame header and scan headers, with no entropy-coded bytes worth decoding.
fn codestream(
    marker: u8,
    precision: u8,
    rows: u16,
    columns: u16,
    sampling: &[u8],
    scans: usize,
    tail: &[u8],
) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    out.extend(tail);
    out.extend([0xFF, marker]);
    out.extend((8 + 3 * sampling.len() as u16).to_be_bytes());
    out.push(precision);
    out.extend(rows.to_be_bytes());
    out.extend(columns.to_be_bytes());
    out.push(sampling.len() as u8);
    for (number, sampling) in sampling.iter().enumerate() {
        out.extend([number as u8, *sampling, 0]);
    }
    for _ in 0..scans {
        out.extend([0xFF, 0xDA, 0, 8, 1, 0, 0, 0, 63, 0, 1, 2, 0xFF, 0, 3]);
    }
    out.extend([0xFF, 0xD9]);
    out
}

#[test]
fn what_is_refused_before_it_is_decoded() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"GIF89a".to_vec(), "a frame does not begin as a JPEG codestream"),
        (
            b"\xFF\xD8\xFF\xD9".to_vec(),
            "its JPEG codestream has no frame or no scan",
        ),
        (
            b"\xFF\xD8\xFF\xC0\0".to_vec(),
            "a segment of its JPEG codestream is cut off",
        ),
        (
            b"\xFF\xD8\xFF\xC0\0\x04\x08\0".to_vec(),
            "its JPEG frame header is cut off",
        ),
        (
            codestream(0xC0, 8, 65535, 65535, &[0x11], 1, &[]),
            "the codestream says 65535 x 65535 x 1, the header 2 x 3 x 1",
        ),
        (
            codestream(0xC0, 8, 2, 3, &[0x11, 0x11, 0x11], 1, &[]),
            "the codestream says 2 x 3 x 3, the header 2 x 3 x 1",
        ),
        (
            codestream(0xC1, 12, 2, 3, &[0x11], 1, &[]),
            "lossy JPEG of more than 8 bits",
        ),
        (
            codestream(0xC9, 8, 2, 3, &[0x11], 1, &[]),
            "a hierarchical or arithmetic JPEG process",
        ),
        (
            codestream(0xC2, 8, 2, 3, &[0x11], 65, &[]),
            "JPEG with more than 64 scans",
        ),
        (
            codestream(0xC3, 7, 2, 3, &[0x11], 1, &[]),
            "lossless JPEG of less than 8 bits",
        ),
        (
            codestream(0xC3, 8, 2, 3, &[0x11], 1, &[0xFF, 0xDD, 0, 4, 0, 3]),
            "lossless JPEG with restart intervals, point transform or several scans",
        ),
        (
            codestream(0xC3, 8, 2, 3, &[0x11], 2, &[]),
            "lossless JPEG with restart intervals, point transform or several scans",
        ),
        (
            codestream(0xC0, 8, 2, 3, &[0x11], 1, &[]),
            "its JPEG codestream is cut off or damaged",
        ),
    ];
    for (bytes, part) in cases {
        let sample = Sample::new().syntax(BASELINE).encapsulated(&[b"", &bytes], true);
        let error = sample.decoded(0).unwrap_err();
        assert!(error.ends_with(part), "{error}, not {part}");
    }
}

#[test]
fn entropy_coded_bytes_are_stepped_over() {
    let markers = Markers::read(&codestream(
        0xC0,
        8,
        2,
        3,
        &[0x22, 0x11, 0x11],
        3,
        b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\x01",
    ))
    .unwrap();
    assert_eq!(
        (markers.scans, markers.rows, markers.columns, markers.components.len()),
        (3, 2, 3, 3)
    );
    assert_eq!(
        (markers.adobe_transform, markers.restarts, markers.is_subsampled()),
        (Some(1), false, true)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Markers::read(&[b"\xFF\xD8", bytes.as_slice()].concat());
        let sample = Sample::new().syntax(BASELINE).encapsulated(&[b"", &bytes], true);
        prop_assert!(sample.decoded(0).is_err());
    }
}

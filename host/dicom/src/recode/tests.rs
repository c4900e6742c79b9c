use super::*;
use crate::answer;
use crate::tags;
use serde_json::json;

fn elements() -> serde_json::Map<String, serde_json::Value> {
    json!({
        "00080018": {"vr": "UI", "Value": ["1.2.3"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00081140": {"vr": "SQ", "Value": [
            {"00081155": {"vr": "UI", "Value": ["1.2"]}, "0040A170": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["X"]}}]}},
            {},
        ]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]},
        "00280010": {"vr": "US", "Value": [2]},
    })
    .as_object()
    .unwrap()
    .clone()
}

fn parsed(syntax: &TransferSyntax) -> Header {
    let bytes = answer::data_set(&elements(), syntax, None);
    Header::parse(syntax.clone(), &bytes, Limits::default()).unwrap().0
}

#[test]
fn every_value_stays() {
    let plain = [TransferSyntax::explicit_le(), TransferSyntax::implicit_le()];
    for from in &plain {
        for to in &plain {
            let bytes = header(&parsed(from), to).unwrap();
            let (read, rest) = Header::parse(to.clone(), &bytes, Limits::default()).unwrap();
            assert_eq!(
                serde_json::Value::from(read.to_json()),
                serde_json::Value::from(elements())
            );
            assert!(rest.is_empty());
        }
    }
    let big = header(&parsed(&plain[0]), &TransferSyntax::explicit_be());
    assert!(matches!(big, Err(RecodeError::Syntax(_))), "{big:?}");
}

#[test]
fn values_in_big_endian_are_turned_by_their_representation() {
    /// An element of the short form, of the long one, and what both are in little endian.
    fn both(vr: &str, value: &[u8], turned: &[u8], long: bool) -> [Vec<u8>; 2] {
        let length = value.len() as u32;
        let head = |group: [u8; 2], element: [u8; 2], short: [u8; 2], whole: [u8; 4]| {
            let length = if long {
                [&[0, 0][..], &whole].concat()
            } else {
                short.to_vec()
            };
            [&group[..], &element, vr.as_bytes(), &length].concat()
        };
        let (group, element) = (0x0009_u16, 0x1001_u16);
        let big = head(
            group.to_be_bytes(),
            element.to_be_bytes(),
            (length as u16).to_be_bytes(),
            length.to_be_bytes(),
        );
        let little = head(
            group.to_le_bytes(),
            element.to_le_bytes(),
            (length as u16).to_le_bytes(),
            length.to_le_bytes(),
        );
        [[&big[..], value].concat(), [&little[..], turned].concat()]
    }
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    let (by_two, by_four, by_eight) = (
        [2, 1, 4, 3, 6, 5, 8, 7],
        [4, 3, 2, 1, 8, 7, 6, 5],
        [8, 7, 6, 5, 4, 3, 2, 1],
    );
    for (vr, turned, long) in [
        ("US", by_two, false),
        ("SS", by_two, false),
        ("AT", by_two, false),
        ("OW", by_two, true),
        ("UL", by_four, false),
        ("FL", by_four, false),
        ("OF", by_four, true),
        ("OL", by_four, true),
        ("FD", by_eight, false),
        ("SV", by_eight, true),
        ("OD", by_eight, true),
        ("LO", bytes, false),
        ("OB", bytes, true),
        ("UT", bytes, true),
    ] {
        let [big, little] = both(vr, &bytes, &turned, long);
        let (read, _) = Header::parse(TransferSyntax::explicit_be(), &big, Limits::default()).unwrap();
        let written = header(&read, &TransferSyntax::explicit_le()).unwrap();
        assert_eq!(&written[..], &little[..], "{vr}");
    }
    let [unknown, _] = both("UN", &bytes, &bytes, true);
    let (read, _) = Header::parse(TransferSyntax::explicit_be(), &unknown, Limits::default()).unwrap();
    let refused = header(&read, &TransferSyntax::explicit_le());
    assert_eq!(refused, Err(RecodeError::Unknown(Tag(0x0009, 0x1001))));
}

#[test]
fn pixels_in_big_endian_are_turned_however_they_come() {
    let (big, little) = (TransferSyntax::explicit_be(), TransferSyntax::explicit_le());
    let pixels: Vec<u8> = (0..64).collect();
    for (vr, bits, unit) in [("OW", 16, 2), ("OW", 8, 2), ("OW", 32, 4), ("OB", 8, 1)] {
        let head = |length: [u8; 4]| [vr.as_bytes(), &[0, 0], &length].concat();
        let from = [&[0x7F, 0xE0, 0x00, 0x10][..], &head(64_u32.to_be_bytes()), &pixels].concat();
        let turned: Vec<u8> = pixels
            .chunks(unit)
            .flat_map(|unit| unit.iter().rev().copied())
            .collect();
        let to = [&[0xE0, 0x7F, 0x10, 0x00][..], &head(64_u32.to_le_bytes()), &turned].concat();
        for size in [1, 3, 13, 1000] {
            let passed = pass(Rest::new(&big, &little).of_bits(bits), &from, size).unwrap();
            assert_eq!(passed, to, "{vr} of {bits} bits in pieces of {size}");
        }
    }
}

/// Pushes bytes in pieces of a size, and joins what comes out.
fn pass(mut rest: Rest, bytes: &[u8], size: usize) -> Result<Vec<u8>, RecodeError> {
    let mut out = Vec::new();
    for piece in bytes.chunks(size) {
        rest.push(Bytes::copy_from_slice(piece), &mut out)?;
    }
    out.push(rest.finish()?);
    Ok(out.concat())
}

#[test]
fn pixels_pass_and_what_is_behind_them_is_written_anew() {
    let (explicit, implicit) = (TransferSyntax::explicit_le(), TransferSyntax::implicit_le());
    let pixels: Vec<u8> = (0..200).collect();
    for length in [0, 2, 4, 200] {
        let behind = |syntax: &TransferSyntax, tail: &[u8]| {
            let head = pixel_element(tags::PIXEL_DATA, VR::OW, length, syntax);
            [&head[..], &pixels[..length as usize], tail].concat()
        };
        let tails = [
            (
                &b"\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0"[..],
                &b"\xFC\xFF\xFC\xFF\x02\0\0\0\0\0"[..],
            ),
            (&b""[..], &b""[..]),
        ];
        for (long, short) in tails {
            for size in [1, 3, 13, 1000] {
                let from = behind(&explicit, long);
                let to = pass(Rest::new(&explicit, &implicit), &from, size).unwrap();
                assert_eq!(to, behind(&implicit, short), "{length} in {size}");
                assert_eq!(pass(Rest::new(&implicit, &explicit), &to, size).unwrap(), from);
            }
        }
    }
    assert_eq!(pass(Rest::new(&explicit, &implicit), b"", 1).unwrap(), b"");
}

#[test]
fn fragments_are_left_out() {
    let jpeg = TransferSyntax::lookup("1.2.840.10008.1.2.4.70").unwrap();
    let mut from = b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF".to_vec();
    from.extend_from_slice(b"\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\x00\xE0\x04\0\0\0abcd\xFE\xFF\xDD\xE0\0\0\0\0");
    from.extend_from_slice(b"\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0");
    for size in [1, 7, 1000] {
        let to = pass(Rest::new(&jpeg, &TransferSyntax::implicit_le()), &from, size).unwrap();
        assert_eq!(to, b"\xFC\xFF\xFC\xFF\x02\0\0\0\0\0");
    }
}

#[test]
fn native_pixels_are_left_out_for_fragments() {
    let (explicit, implicit) = (TransferSyntax::explicit_le(), TransferSyntax::implicit_le());
    let rle = TransferSyntax::lookup("1.2.840.10008.1.2.5").unwrap();
    for from in [explicit, implicit] {
        let pixels = pixel_element(crate::tags::PIXEL_DATA, VR::OW, 6, &from);
        let bytes = [pixels.as_ref(), &[1, 2, 3, 4, 5, 6]].concat();
        for size in 1..bytes.len() {
            assert_eq!(pass(Rest::new(&from, &rle), &bytes, size).unwrap(), b"");
        }
    }
    assert_eq!(
        [fragments_begin(&rle), fragment(2), fragments_end()].concat(),
        [
            b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0".as_slice(),
            b"\xFE\xFF\0\xE0\x02\0\0\0",
            b"\xFE\xFF\xDD\xE0\0\0\0\0",
        ]
        .concat()
    );
}

#[test]
fn a_compressed_icon_has_no_other_form() {
    let mut bytes = b"\x88\x00\x00\x02SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".to_vec();
    bytes.extend_from_slice(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes.extend_from_slice(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    let jpeg = TransferSyntax::lookup("1.2.840.10008.1.2.4.70").unwrap();
    let icon = Header::parse(jpeg, &bytes, Limits::default()).unwrap().0;
    let refused = header(&icon, &TransferSyntax::explicit_le());
    assert_eq!(refused, Err(RecodeError::Fragments(tags::PIXEL_DATA)));
}

//! Prefaces, and what is read from files.

use super::*;
use crate::syntax;
use crate::uid::Uid;

fn identity() -> Identity {
    let uid = |text| Uid::parse(text).unwrap();
    Identity {
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: uid("1.2.3.4"),
        series: uid("1.2.3.2"),
        study: uid("1.2.3.1"),
    }
}

fn file(meta: &[(u16, &[u8; 2], &[u8])], data_set: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    for (element, vr, value) in meta {
        file.extend([2, 0]);
        file.extend(element.to_le_bytes());
        file.extend(*vr);
        if *vr == b"OB" {
            file.extend([0, 0]);
            file.extend((value.len() as u32).to_le_bytes());
        } else {
            file.extend((value.len() as u16).to_le_bytes());
        }
        file.extend(*value);
    }
    file.extend(data_set);
    file
}

fn read(file: &[u8], chunk: usize) -> Result<(Meta, Vec<u8>), ParseError> {
    let mut reader = MetaReader::new();
    let mut chunks = file.chunks(chunk.max(1));
    while let Some(chunk) = chunks.next() {
        if let Some((meta, rest)) = reader.push(chunk)? {
            let mut rest = rest.to_vec();
            rest.extend(chunks.flatten());
            return Ok((meta, rest));
        }
    }
    reader.finish().map(|(meta, rest)| (meta, rest.to_vec()))
}

#[test]
fn a_preface_is_read_back() {
    for uid in [
        syntax::EXPLICIT_LE,
        syntax::IMPLICIT_LE,
        syntax::EXPLICIT_BE,
        syntax::DEFLATED_LE,
        "1.2.840.10008.1.2.4.50",
    ] {
        let syntax = TransferSyntax::lookup(uid).unwrap();
        let preface = preface(&identity(), &syntax);
        assert_eq!(preface, super::preface(&identity(), &syntax));
        assert_eq!(preface.len() % 2, 0);
        // Deflated bytes may look like another element of group 0002.
        for data_set in [&b"\x08\x00\x05\x00CS\x02\x00"[..], b"\x02\x00\x10\x00UI\x02\x001\x00"] {
            if data_set[0] == 2 && !syntax.is_deflated() {
                continue;
            }
            for chunk in [1, 7, 1000] {
                let (meta, rest) = read(&[&preface, data_set].concat(), chunk).unwrap();
                assert_eq!(meta.sop_class.as_deref(), Some("1.2.840.10008.5.1.4.1.1.2"));
                assert_eq!(meta.sop_instance.as_deref(), Some("1.2.3.4"));
                assert_eq!(meta.syntax, syntax);
                assert_eq!(rest, data_set);
            }
        }
        // A file without a data set.
        assert_eq!(read(&preface, 5).unwrap().1, b"");
    }
}

#[test]
fn what_files_say() {
    let le = b"1.2.840.10008.1.2.1\0";
    let data = b"\x08\x00\x05\x00CS\x02\x00";
    let ok = |sop: Option<&str>| Ok((sop.map(ToOwned::to_owned), data.to_vec()));
    type Expected = Result<(Option<String>, Vec<u8>), &'static str>;
    let cases: Vec<(&str, Vec<u8>, Expected)> = vec![
        (
            "no group length",
            file(&[(3, b"UI", b"1.2\0"), (16, b"UI", le)], data),
            ok(Some("1.2")),
        ),
        (
            "group length too large",
            file(&[(0, b"UL", &[200, 0, 0, 0]), (16, b"UI", le)], data),
            ok(None),
        ),
        (
            "group length too small",
            file(&[(0, b"UL", &[4, 0, 0, 0]), (1, b"OB", &[0, 1]), (16, b"UI", le)], data),
            ok(None),
        ),
        (
            "no transfer syntax",
            file(&[(3, b"UI", b"1.2\0")], data),
            Err("at byte 144: the file meta information has no transfer syntax (0002,0010)"),
        ),
        (
            "unknown transfer syntax",
            file(&[(16, b"UI", b"1.2.3.4.5\0")], data),
            Err("element (0002,0010) at byte 150: the transfer syntax 1.2.3.4.5 is unknown"),
        ),
        (
            "transfer syntax that is no UID",
            file(&[(16, b"UI", b"Doe^John")], data),
            Err("element (0002,0010) at byte 148: the transfer syntax (which is not a UID) is unknown"),
        ),
        (
            "no prefix",
            vec![0; 200],
            Err("at byte 128: this is not a DICOM file: \"DICM\" is missing at offset 128 (PS3.10 §7.1)"),
        ),
        (
            "too short",
            vec![0; 100],
            Err("at byte 128: this is not a DICOM file: \"DICM\" is missing at offset 128 (PS3.10 §7.1)"),
        ),
        (
            "cut off",
            file(&[(16, b"UI", le)], b"")[..150].to_vec(),
            Err("element (0002,0010) at byte 132: the data set ends inside this element"),
        ),
        (
            "endless",
            file(&[(0x102, b"OB", &[0; 40_000]), (0x103, b"OB", &[0; 40_000])], data),
            Err("at byte 132: the file meta information is longer than 65536 bytes"),
        ),
    ];
    for (name, bytes, expected) in cases {
        for chunk in [1, 13, 100_000] {
            let found = read(&bytes, chunk)
                .map(|(meta, rest)| (meta.sop_instance, rest))
                .map_err(|error| error.to_string());
            assert_eq!(
                found.as_ref().map_err(String::as_str),
                expected.as_ref().map_err(|e| *e),
                "{name} by {chunk}"
            );
        }
    }
}

//! Small Part 10 files, written by hand so that every byte of them is known.

use isocenter_dicom::header::Identity;
use isocenter_dicom::part10;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;

/// CT Image Storage.
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A file to be made.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) class: &'static str,
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) uid: String,
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) patient: &'static str,
    pub(crate) date: &'static str,
    /// Bytes of pixel data; `None` for an object without.
    pub(crate) pixels: Option<Vec<u8>>,
}

impl Object {
    /// Object `number` of a series of a study.
    pub(crate) fn of(study: u32, series: u32, number: u32) -> Self {
        Self {
            class: CT,
            study: format!("1.2.826.{study}"),
            series: format!("1.2.826.{study}.{series}"),
            uid: format!("1.2.826.{study}.{series}.{number}"),
            number,
            name: "DOE^JANE",
            patient: "P-1",
            date: "20261121",
            pixels: Some(vec![u8::try_from(number % 251).unwrap(); 4096]),
        }
    }

    /// Its path below the host.
    pub(crate) fn path(&self) -> String {
        format!(
            "/dicom-web/studies/{}/series/{}/instances/{}",
            self.study, self.series, self.uid
        )
    }

    /// The whole file, explicit little endian; as the host would store it.
    pub(crate) fn file(&self) -> Vec<u8> {
        let uid = |text: &str| Uid::parse(text).unwrap();
        let identity = Identity {
            sop_class: uid(self.class),
            sop_instance: uid(&self.uid),
            series: uid(&self.series),
            study: uid(&self.study),
        };
        let mut file = part10::preface(&identity, &TransferSyntax::explicit_le()).to_vec();
        text(&mut file, 0x0008_0005, b"CS", "ISO_IR 192");
        text(&mut file, 0x0008_0016, b"UI", self.class);
        text(&mut file, 0x0008_0018, b"UI", &self.uid);
        text(&mut file, 0x0008_0020, b"DA", self.date);
        text(&mut file, 0x0008_0060, b"CS", "CT");
        text(&mut file, 0x0008_0070, b"LO", "ACME");
        text(&mut file, 0x0008_1030, b"LO", "Head & neck");
        text(&mut file, 0x0010_0010, b"PN", self.name);
        text(&mut file, 0x0010_0020, b"LO", self.patient);
        text(&mut file, 0x0018_9424, b"LT", "a comment that no index holds");
        text(&mut file, 0x0020_000D, b"UI", &self.study);
        text(&mut file, 0x0020_000E, b"UI", &self.series);
        text(&mut file, 0x0020_0011, b"IS", "1");
        text(&mut file, 0x0020_0013, b"IS", &self.number.to_string());
        if let Some(pixels) = &self.pixels {
            short(&mut file, 0x0028_0100, 16);
            short(&mut file, 0x0028_0103, 0);
            tag(&mut file, 0x7FE0_0010);
            file.extend_from_slice(b"OW\0\0");
            file.extend_from_slice(&u32::try_from(pixels.len()).unwrap().to_le_bytes());
            file.extend_from_slice(pixels);
        }
        file
    }
}

fn tag(file: &mut Vec<u8>, tag: u32) {
    let [a, b, c, d] = tag.to_be_bytes();
    file.extend_from_slice(&[b, a, d, c]);
}

fn text(file: &mut Vec<u8>, number: u32, vr: &[u8; 2], value: &str) {
    tag(file, number);
    file.extend_from_slice(vr);
    let padded = value.len().next_multiple_of(2);
    file.extend_from_slice(&u16::try_from(padded).unwrap().to_le_bytes());
    file.extend_from_slice(value.as_bytes());
    if padded > value.len() {
        file.push(if vr == b"UI" { 0 } else { b' ' });
    }
}

fn short(file: &mut Vec<u8>, number: u32, value: u16) {
    tag(file, number);
    file.extend_from_slice(b"US\x02\0");
    file.extend_from_slice(&value.to_le_bytes());
}

/// A multipart body of parts, with the boundary `b0`.
pub(crate) fn multipart(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(b"\r\n--b0\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend_from_slice(part);
    }
    body.extend_from_slice(b"\r\n--b0--\r\n");
    body
}

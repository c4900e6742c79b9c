//! Objects made for tests, and a sender for them that says what was acknowledged.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use isocenter_dimse::{AeTitle, Association, AssociationError, Options, Proposal, StoreStatus, connect, dial};
use tokio::net::TcpStream;

/// CT Image Storage.
pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Explicit VR little endian.
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";

/// An object of a test.
#[derive(Clone, Debug)]
pub struct Object {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub uid: String,
    /// Its data set, explicit VR little endian.
    pub data_set: Bytes,
}

/// One element in explicit VR little endian; padded as its VR asks.
pub fn element(group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" || vr == b"OB" { 0 } else { b' ' });
    }
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&group.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(vr);
    if matches!(vr, b"OB" | b"OW" | b"UN" | b"SQ" | b"UT") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    }
    bytes.extend_from_slice(&value);
    bytes
}

impl Object {
    /// The `number`th CT object of a study, with `pixels` bytes of pixel data that differ by object.
    pub fn ct(study: u32, number: u32, pixels: usize) -> Self {
        let study = format!("1.2.826.0.1.3680043.10.1451.{study}");
        let series = format!("{study}.1");
        let uid = format!("{series}.{number}");
        let fill: Vec<u8> = (0..pixels)
            .map(|at| (at as u32 ^ number.wrapping_mul(2_654_435_761)) as u8)
            .collect();
        let mut data_set = Vec::new();
        for (group, element_number, vr, value) in [
            (0x0008, 0x0016, b"UI", CT.as_bytes()),
            (0x0008, 0x0018, b"UI", uid.as_bytes()),
            (0x0008, 0x0020, b"DA", b"20260102"),
            (0x0008, 0x0030, b"TM", b"101112"),
            (0x0008, 0x0050, b"SH", b"ACC-1"),
            (0x0008, 0x0060, b"CS", b"CT"),
            (0x0008, 0x0090, b"PN", b"Referrer^Ruth"),
            (0x0010, 0x0010, b"PN", b"Test^Patient"),
            (0x0010, 0x0020, b"LO", b"PID-7"),
            (0x0010, 0x0030, b"DA", b"19600203"),
            (0x0010, 0x0040, b"CS", b"O"),
            (0x0020, 0x000d, b"UI", study.as_bytes()),
            (0x0020, 0x000e, b"UI", series.as_bytes()),
            (0x0020, 0x0010, b"SH", b"S1"),
            (0x0020, 0x0011, b"IS", b"1"),
            (0x0020, 0x0013, b"IS", number.to_string().as_bytes()),
            (0x0028, 0x0002, b"US", &1_u16.to_le_bytes()),
            (0x0028, 0x0010, b"US", &64_u16.to_le_bytes()),
            (0x0028, 0x0011, b"US", &64_u16.to_le_bytes()),
            (0x7fe0, 0x0010, b"OW", &fill),
        ] {
            data_set.extend_from_slice(&element(group, element_number, vr, value));
        }
        Self {
            study,
            series,
            uid,
            data_set: Bytes::from(data_set),
        }
    }

    /// The `number`th slice of a volume of 8-bit gray, each pixel as bright as `gray`.
    pub fn slice(study: u32, number: u32, gray: u8) -> Self {
        let mut object = Self::ct(study, number, 0);
        // The pixel data stands last and is empty.
        object.data_set.truncate(object.data_set.len() - 12);
        let position = format!("0\\0\\{number}");
        object
            .with(0x0020, 0x0032, b"DS", position.as_bytes())
            .with(0x0020, 0x0037, b"DS", b"1\\0\\0\\0\\1\\0")
            .with(0x0028, 0x0004, b"CS", b"MONOCHROME2")
            .with(0x0028, 0x0030, b"DS", b"1\\1")
            .with(0x0028, 0x0100, b"US", &8_u16.to_le_bytes())
            .with(0x0028, 0x0101, b"US", &8_u16.to_le_bytes())
            .with(0x0028, 0x0102, b"US", &7_u16.to_le_bytes())
            .with(0x0028, 0x0103, b"US", &0_u16.to_le_bytes())
            .with(0x7fe0, 0x0010, b"OB", &vec![gray; 64 * 64])
    }

    /// The same object with one more element, where its tag belongs.
    pub fn with(mut self, group: u16, number: u16, vr: &[u8; 2], value: &[u8]) -> Self {
        let bytes = &self.data_set;
        let tag = |at: usize| {
            let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            (word(at), word(at + 2))
        };
        let mut at = 0;
        while at < bytes.len() && tag(at) < (group, number) {
            let long = matches!(&bytes[at + 4..at + 6], b"OB" | b"OW" | b"UN" | b"SQ" | b"UT");
            let length = if long {
                12 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize
            } else {
                8 + usize::from(u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]))
            };
            at += length;
        }
        let more = element(group, number, vr, value);
        self.data_set = [&bytes[..at], &more, &bytes[at..]].concat().into();
        self
    }

    /// As a Part 10 file.
    pub fn file(&self) -> Vec<u8> {
        let mut meta = element(0x0002, 0x0001, b"OB", &[0, 1]);
        for (number, value) in [
            (0x0002, CT),
            (0x0003, self.uid.as_str()),
            (0x0010, EXPLICIT_LE),
            (0x0012, "1.2.3"),
        ] {
            meta.extend_from_slice(&element(0x0002, number, b"UI", value.as_bytes()));
        }
        let mut file = vec![0; 128];
        file.extend_from_slice(b"DICM");
        file.extend_from_slice(&element(
            0x0002,
            0x0000,
            b"UL",
            &u32::try_from(meta.len()).unwrap().to_le_bytes(),
        ));
        file.extend_from_slice(&meta);
        file.extend_from_slice(&self.data_set);
        file
    }

    /// Whether a Part 10 file that was served holds exactly this data set.
    pub fn is_data_set_of(&self, file: &[u8]) -> bool {
        file.ends_with(&self.data_set) && file.len() - self.data_set.len() < 1024
    }
}

/// Opens an association that proposes CT objects in explicit VR little endian.
pub async fn associate(to: SocketAddr) -> Result<Association<TcpStream>, AssociationError> {
    associate_as("TESTER", to).await
}

/// The same, under a calling AE title.
pub async fn associate_as(calling: &str, to: SocketAddr) -> Result<Association<TcpStream>, AssociationError> {
    let ae = |title| AeTitle::parse(title).unwrap();
    let mut proposal = Proposal::new(ae(calling), ae("ISOCENTER"));
    proposal.add_context(CT, &[EXPLICIT_LE]).unwrap();
    let stream = dial(to, Duration::from_secs(5)).await?;
    connect(stream, &Options::default(), &proposal).await
}

/// Sends one object over an open association.
pub async fn store(association: &mut Association<TcpStream>, object: &Object) -> Result<StoreStatus, AssociationError> {
    let context = association
        .context_for(CT, EXPLICIT_LE)
        .expect("the host takes CT objects");
    let pieces = futures::stream::iter([Ok(object.data_set.clone())]);
    association.store(context, CT, &object.uid, pieces).await
}

//! A data set being made: elements in order, encoded as Explicit VR Little Endian.
//!
//! Samples are the only data sets that the host writes from nothing, so this stays here and small: everywhere else
//! objects are edited, not built.

use std::collections::BTreeMap;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use isocenter_dicom::{Tag, VR};

/// How text is encoded; also sets Specific Character Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CharacterSet {
    /// ISO_IR 100; only for text within Latin alphabet No. 1.
    Latin1,
    /// ISO_IR 192.
    Utf8,
}

impl CharacterSet {
    /// Its defined term (PS3.3 §C.12.1.1.2).
    pub(super) fn term(self) -> &'static str {
        match self {
            Self::Latin1 => "ISO_IR 100",
            Self::Utf8 => "ISO_IR 192",
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect(),
            Self::Utf8 => text.as_bytes().to_vec(),
        }
    }
}

/// Elements by tag.
#[derive(Clone, Debug, Default)]
pub(super) struct DataSet {
    elements: BTreeMap<Tag, (VR, Value)>,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Items(Vec<DataSet>),
}

impl DataSet {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Text, or numbers as text (DS, IS), of the VR that the dictionary gives; several values are joined by `\`.
    pub(super) fn text(mut self, tag: Tag, text: impl Into<String>) -> Self {
        self.elements.insert(tag, (vr_of(tag), Value::Text(text.into())));
        self
    }

    /// Present without a value (type 2).
    pub(super) fn empty(self, tag: Tag) -> Self {
        self.text(tag, "")
    }

    /// Unsigned 16-bit numbers.
    pub(super) fn short(mut self, tag: Tag, numbers: &[u16]) -> Self {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.elements.insert(tag, (VR::US, Value::Bytes(bytes)));
        self
    }

    /// A 64-bit floating-point number.
    pub(super) fn double(mut self, tag: Tag, number: f64) -> Self {
        let bytes = number.to_le_bytes().to_vec();
        self.elements.insert(tag, (VR::FD, Value::Bytes(bytes)));
        self
    }

    /// Unsigned 32-bit numbers.
    pub(super) fn long(mut self, tag: Tag, numbers: &[u32]) -> Self {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.elements.insert(tag, (VR::UL, Value::Bytes(bytes)));
        self
    }

    /// Tags as a value (AT).
    pub(super) fn pointer(mut self, tag: Tag, to: Tag) -> Self {
        let bytes = [to.group().to_le_bytes(), to.element().to_le_bytes()].concat();
        self.elements.insert(tag, (VR::AT, Value::Bytes(bytes)));
        self
    }

    /// Bytes of a VR that the dictionary leaves open (OB, OW).
    pub(super) fn bytes(mut self, tag: Tag, vr: VR, bytes: Vec<u8>) -> Self {
        self.elements.insert(tag, (vr, Value::Bytes(bytes)));
        self
    }

    /// A sequence.
    pub(super) fn items(mut self, tag: Tag, items: Vec<Self>) -> Self {
        self.elements.insert(tag, (VR::SQ, Value::Items(items)));
        self
    }

    /// All of another data set; where both have an element, the other's is taken.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.elements.extend(other.elements);
        self
    }

    /// The whole, beginning with Specific Character Set.
    pub(super) fn encode(self, characters: CharacterSet) -> Vec<u8> {
        let mut out = Vec::new();
        self.text(tags::SPECIFIC_CHARACTER_SET, characters.term())
            .write(characters, &mut out);
        out
    }

    fn write(&self, characters: CharacterSet, out: &mut Vec<u8>) {
        for (tag, (vr, value)) in &self.elements {
            let bytes = match value {
                Value::Text(text) => padded(characters.encode(text), if *vr == VR::UI { 0 } else { b' ' }),
                Value::Bytes(bytes) => padded(bytes.clone(), 0),
                Value::Items(items) => {
                    let mut bytes = Vec::new();
                    for item in items {
                        let mut content = Vec::new();
                        item.write(characters, &mut content);
                        bytes.extend(tag_bytes(Tag(0xFFFE, 0xE000)));
                        bytes.extend(length(content.len()).to_le_bytes());
                        bytes.extend(content);
                    }
                    bytes
                }
            };
            out.extend(tag_bytes(*tag));
            out.extend(vr.to_string().as_bytes());
            if has_long_length(*vr) {
                out.extend([0, 0]);
                out.extend(length(bytes.len()).to_le_bytes());
            } else {
                // No sample has 64 KiB in a short VR; the tests parse every one of them.
                out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
            }
            out.extend(bytes);
        }
    }
}

fn vr_of(tag: Tag) -> VR {
    match StandardDataDictionary.by_tag(tag).map(DataDictionaryEntry::vr) {
        Some(VirtualVr::Exact(vr)) => vr,
        _ => VR::LO,
    }
}

fn tag_bytes(tag: Tag) -> impl Iterator<Item = u8> {
    tag.group().to_le_bytes().into_iter().chain(tag.element().to_le_bytes())
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn padded(mut bytes: Vec<u8>, with: u8) -> Vec<u8> {
    if bytes.len() % 2 == 1 {
        bytes.push(with);
    }
    bytes
}

/// VRs with a 32-bit length field (PS3.5 §7.1.2).
fn has_long_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::SQ | VR::UC | VR::UN | VR::UR | VR::UT
    )
}

//! Small objects for tests, written by hand in explicit VR.

use crate::ranges::Ranges;
use crate::{PixelError, Pixels};
use bytes::Bytes;
use isocenter_dicom::{Header, Limits, Tag, TransferSyntax, VR, tags};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

/// An object of 2 rows, 3 columns and one byte a pixel, unless told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    syntax: TransferSyntax,
    elements: BTreeMap<Tag, (VR, Vec<u8>)>,
    pixels: Vec<u8>,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let sample = Self {
            syntax: TransferSyntax::explicit_le(),
            elements: BTreeMap::new(),
            pixels: Vec::new(),
        };
        sample.size(2, 3).bits(8, 8, 7).photometric("MONOCHROME2", 1)
    }

    pub(crate) fn syntax(mut self, uid: &str) -> Self {
        self.syntax = TransferSyntax::lookup(uid).unwrap();
        self
    }

    pub(crate) fn number(self, tag: Tag, number: u16) -> Self {
        self.element(tag, VR::US, &number.to_le_bytes())
    }

    pub(crate) fn element(mut self, tag: Tag, vr: VR, value: &[u8]) -> Self {
        self.elements.insert(tag, (vr, value.to_vec()));
        self
    }

    pub(crate) fn without(mut self, tag: Tag) -> Self {
        self.elements.remove(&tag);
        self
    }

    pub(crate) fn size(self, rows: u16, columns: u16) -> Self {
        self.number(tags::ROWS, rows).number(tags::COLUMNS, columns)
    }

    pub(crate) fn bits(self, allocated: u16, stored: u16, high: u16) -> Self {
        self.number(tags::BITS_ALLOCATED, allocated)
            .number(tags::BITS_STORED, stored)
            .number(tags::HIGH_BIT, high)
            .number(tags::PIXEL_REPRESENTATION, 0)
    }

    pub(crate) fn photometric(self, name: &str, samples: u16) -> Self {
        let mut name = name.to_owned();
        if name.len() % 2 == 1 {
            name.push(' ');
        }
        self.element(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, name.as_bytes())
            .number(tags::SAMPLES_PER_PIXEL, samples)
    }

    pub(crate) fn frames(self, frames: &str) -> Self {
        self.element(tags::NUMBER_OF_FRAMES, VR::IS, frames.as_bytes())
    }

    /// Native pixel data of this length, and what stands there.
    pub(crate) fn native(mut self, tag: Tag, vr: VR, length: usize, value: &[u8]) -> Self {
        self.pixels = self.head(tag, vr, length as u32);
        self.pixels.extend(value);
        self
    }

    /// Encapsulated pixel data: the offset table and fragments, and a delimiter unless it is left out.
    pub(crate) fn encapsulated(self, items: &[&[u8]], ended: bool) -> Self {
        let mut bytes = Vec::new();
        for item in items {
            bytes.extend([0xFE, 0xFF, 0, 0xE0]);
            bytes.extend((item.len() as u32).to_le_bytes());
            bytes.extend(*item);
        }
        if ended {
            bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        }
        self.fragments(&bytes)
    }

    /// Encapsulated pixel data, as these bytes.
    pub(crate) fn fragments(mut self, bytes: &[u8]) -> Self {
        self.pixels = self.head(tags::PIXEL_DATA, VR::OB, u32::MAX);
        self.pixels.extend(bytes);
        self
    }

    fn head(&self, tag: Tag, vr: VR, length: u32) -> Vec<u8> {
        let big = self.syntax.is_big_endian();
        let u16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut out = [u16(tag.group()), u16(tag.element()), vr.to_bytes()].concat();
        if matches!(vr, VR::OB | VR::OW | VR::OF | VR::OD | VR::OV | VR::UN | VR::SQ) {
            out.extend([0, 0]);
            out.extend(if big {
                length.to_be_bytes()
            } else {
                length.to_le_bytes()
            });
        } else {
            out.extend(u16(length as u16));
        }
        out
    }

    pub(crate) fn header(&self) -> Header {
        let mut bytes = Vec::new();
        for (tag, (vr, value)) in &self.elements {
            bytes.extend(self.head(*tag, *vr, value.len() as u32));
            let mut value = value.clone();
            if *vr == VR::US && self.syntax.is_big_endian() {
                value.reverse();
            }
            bytes.extend(value);
        }
        Header::parse(self.syntax.clone(), &bytes, Limits::default()).unwrap().0
    }

    pub(crate) fn open(&self) -> Result<Pixels<Arc<Watched>>, PixelError> {
        let header = self.header();
        let bytes = [header.bytes().as_ref(), &self.pixels].concat();
        let watched = Watched {
            bytes: bytes.into(),
            read: Mutex::default(),
        };
        Pixels::open(&header, Arc::new(watched))
    }

    /// The decoded bytes of a frame, or the sentence why there are none.
    pub(crate) fn decoded(&self, frame: u32) -> Result<Vec<u8>, String> {
        let decoded = self.open().and_then(|pixels| pixels.decoded(frame));
        decoded
            .map(|frame| frame.bytes.to_vec())
            .map_err(|error| error.to_string())
    }

    /// The stored bytes of a frame, or the sentence why there are none.
    pub(crate) fn stored(&self, frame: u32) -> Result<Vec<u8>, String> {
        let stored = self.open().and_then(|pixels| pixels.stored(frame));
        stored
            .map(|frame| frame.bytes.to_vec())
            .map_err(|error| error.to_string())
    }
}

/// Bytes that count how many of them are read.
pub(crate) struct Watched {
    bytes: Bytes,
    pub(crate) read: Mutex<u64>,
}

impl Ranges for Watched {
    fn length(&self) -> u64 {
        self.bytes.length()
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        *self.read.lock().unwrap() += length as u64;
        self.bytes.read(offset, length)
    }
}

//! The header of an object: everything before its pixel data, parsed once, decoded on demand.

use crate::error::ParseError;
use crate::path::{Path, Step};
use crate::syntax::TransferSyntax;
use crate::uid::Uid;
use crate::value::Value;
use crate::{Tag, VR};
use bytes::Bytes;
use serde_json::Map;

/// What a header may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes before the pixel data. Default 32 MiB; at most 1 GiB is used.
    pub header_bytes: usize,
    /// Nested sequences. Default 64; at most 128 is used.
    pub depth: u16,
    /// Elements and items at all depths. Default 1,000,000.
    pub elements: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { header_bytes: 32 << 20, depth: 64, elements: 1_000_000 }
    }
}

/// Whether more bytes belong to the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The header may go on.
    More,
    /// Pixel data has begun; the header ends before it.
    PixelDataReached,
}

/// Builds a [`Header`] from bytes as they arrive.
#[derive(Debug)]
pub struct HeaderReader {}

impl HeaderReader {
    /// A reader for a data set in `syntax`, which must not be deflated (see [`crate::inflate`]).
    pub fn new(_syntax: TransferSyntax, _limits: Limits) -> Self {
        todo!()
    }
    /// Takes the next bytes of the data set.
    pub fn push(&mut self, _chunk: &[u8]) -> Result<Progress, ParseError> {
        todo!()
    }
    /// The same, without copying what lies behind the header.
    pub fn push_bytes(&mut self, _chunk: Bytes) -> Result<Progress, ParseError> {
        todo!()
    }
    /// The header, and what was pushed beyond it: from the pixel data element on, empty when there is none.
    pub fn finish(self) -> Result<(Header, Bytes), ParseError> {
        todo!()
    }
}

/// The data set up to its pixel data.
#[derive(Clone)]
pub struct Header {}

/// One element as it stands in the header.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tag: Tag,
    vr: VR,
    bytes: &'a [u8],
}

impl<'a> Element<'a> {
    /// Its tag.
    pub fn tag(&self) -> Tag {
        self.tag
    }
    /// Its VR: the stated one, or the dictionary's where none is stated.
    pub fn vr(&self) -> VR {
        self.vr
    }
    /// Its value as encoded, padding included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The four UIDs by which an object is filed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// SOP Class UID (0008,0016).
    pub sop_class: Uid,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: Uid,
    /// Series Instance UID (0020,000E).
    pub series: Uid,
    /// Study Instance UID (0020,000D).
    pub study: Uid,
}

/// A UID that an object is filed by is not there or is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {tag} {problem}")]
pub struct MissingIdentity {
    /// The element.
    pub tag: Tag,
    name: &'static str,
    problem: String,
}

impl Header {
    /// Parses the header at the start of a whole data set; also gives what follows it.
    pub fn parse(_syntax: TransferSyntax, _data_set: &[u8], _limits: Limits) -> Result<(Self, Bytes), ParseError> {
        todo!()
    }
    /// The encoded bytes.
    pub fn bytes(&self) -> &Bytes {
        todo!()
    }
    /// The transfer syntax of the data set.
    pub fn syntax(&self) -> &TransferSyntax {
        todo!()
    }
    /// The UIDs by which the object is filed.
    pub fn identity(&self) -> Result<Identity, MissingIdentity> {
        todo!()
    }
    /// The decoded values of a top-level element.
    pub fn text(&self, _tag: Tag) -> Option<Vec<String>> {
        todo!()
    }
    /// The first value of a top-level element, if it is not empty.
    pub fn first(&self, _tag: Tag) -> Option<String> {
        todo!()
    }
    /// The value of an element that is not a sequence.
    pub fn value(&self, _at: &Path) -> Option<Value> {
        todo!()
    }
    /// The tags present at one level, ascending.
    pub fn tags(&self, _within: &[Step]) -> Vec<Tag> {
        todo!()
    }
    /// The number of items of a sequence.
    pub fn items(&self, _at: &Path) -> Option<u32> {
        todo!()
    }
    /// An element as it is encoded.
    pub fn element(&self, _at: &Path) -> Option<Element<'_>> {
        todo!()
    }
    /// The header as DICOM JSON (PS3.18 Annex F).
    pub fn to_json(&self) -> Map<String, serde_json::Value> {
        todo!()
    }
    /// Only these top-level elements, as DICOM JSON.
    pub fn json_of(&self, _tags: &[Tag]) -> Map<String, serde_json::Value> {
        todo!()
    }
}

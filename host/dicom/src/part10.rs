//! DICOM files: preamble and file meta information (PS3.10 §7).

use crate::error::ParseError;
use crate::header::Identity;
use crate::syntax::TransferSyntax;
use bytes::Bytes;

/// Preamble, prefix and file meta information for an object; a pure function of its arguments.
pub fn preface(_identity: &Identity, _syntax: &TransferSyntax) -> Bytes {
    todo!()
}

/// What a file says about the object in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Media Storage SOP Class UID, as it stands.
    pub sop_class: Option<String>,
    /// Media Storage SOP Instance UID, as it stands.
    pub sop_instance: Option<String>,
    /// The transfer syntax of the data set.
    pub syntax: TransferSyntax,
}

/// Reads preamble, prefix and file meta information as bytes arrive.
#[derive(Debug, Default)]
pub struct MetaReader {}

impl MetaReader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        todo!()
    }
    /// Takes the next bytes; once the data set begins, gives the meta information and the data set's first bytes.
    pub fn push(&mut self, _chunk: &[u8]) -> Result<Option<(Meta, Bytes)>, ParseError> {
        todo!()
    }
}

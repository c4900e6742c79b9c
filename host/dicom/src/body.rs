//! What follows the header.

use crate::edit::TailEdits;
use crate::error::ParseError;
use crate::syntax::TransferSyntax;
use bytes::Bytes;

/// Checks, and edits, the pixel data and what follows it, while it streams by.
#[derive(Debug)]
pub struct Body {}

impl Body {
    /// Everything passes as it is; only the structure is followed.
    pub fn verbatim(_syntax: &TransferSyntax) -> Self {
        todo!()
    }
    /// Pixel data passes as it is; elements after it are edited.
    pub fn edited(_syntax: &TransferSyntax, _edits: TailEdits) -> Self {
        todo!()
    }
    /// Takes the next bytes; what is to be kept goes to `out`.
    pub fn push(&mut self, _chunk: Bytes, _out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        todo!()
    }
    /// The data set is over.
    pub fn finish(self, _out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        todo!()
    }
}

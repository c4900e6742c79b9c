//! The deflated transfer syntax.

use crate::error::ParseError;

/// Inflates a data set as bytes arrive.
#[derive(Debug)]
pub struct Inflater {}

impl Inflater {
    /// Refuses to give more than `limit_out` bytes, or more than `ratio` bytes per byte taken.
    pub fn new(_limit_out: u64, _ratio: u32) -> Self {
        todo!()
    }
    /// Takes the next deflated bytes; appends what comes out.
    pub fn push(&mut self, _chunk: &[u8], _out: &mut Vec<u8>) -> Result<(), ParseError> {
        todo!()
    }
    /// The stream is over.
    pub fn finish(self) -> Result<(), ParseError> {
        todo!()
    }
}

/// Deflates a data set as bytes arrive.
#[derive(Debug)]
pub struct Deflater {}

impl Deflater {
    /// A deflater at the start of a data set.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        todo!()
    }
    /// Takes the next bytes; appends what comes out.
    pub fn push(&mut self, _chunk: &[u8], _out: &mut Vec<u8>) {
        todo!()
    }
    /// Ends the stream.
    pub fn finish(self, _out: &mut Vec<u8>) {
        todo!()
    }
}

//! One frame, as it is handed out.

use crate::layout::{Layout, Numbers};
use bytes::Bytes;
use std::fmt;

/// One frame of an object.
///
/// Decoded, a sample is a number of [`Self::bits_allocated`] bits, little endian, the samples of a pixel side by side
/// (planar configuration 0), rows from the top, without padding. Bits that are not part of the stored value (overlays in
/// unused bits) are taken away and signs are extended, so that the number is the stored value (PS3.3 §C.7.6.3.1.4) and
/// Bits Stored need not be looked at. Pixels of one bit are given as bytes of 0 and 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Rows (0028,0010).
    pub rows: u32,
    /// Columns (0028,0011).
    pub columns: u32,
    /// Samples per Pixel (0028,0002).
    pub samples: u16,
    /// Bits of a sample: 8, 16, 32 or 64 when decoded; as in the header when stored.
    pub bits_allocated: u16,
    /// What kind of numbers the samples are.
    pub numbers: Numbers,
    /// Photometric Interpretation (0028,0004) of these bytes: a decoded frame is MONOCHROME1, MONOCHROME2, PALETTE COLOR
    /// or RGB, to which every YBR is converted.
    pub photometric: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Frame {
    pub(crate) fn new(layout: &Layout, bits_allocated: u16, photometric: &str, bytes: Bytes) -> Self {
        Self {
            rows: layout.rows,
            columns: layout.columns,
            samples: layout.samples,
            bits_allocated,
            numbers: layout.numbers,
            photometric: photometric.to_owned(),
            bytes,
        }
    }
}

// Not derived: the bytes are a picture of a patient.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            columns,
            samples,
            bits_allocated,
            ..
        } = self;
        write!(
            f,
            "Frame({rows} x {columns} x {samples}, {bits_allocated} bits, <{} bytes>)",
            self.bytes.len()
        )
    }
}

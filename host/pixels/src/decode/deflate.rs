//! Deflated Image Frame Compression (PS3.5 §A.4.13): a native frame as a plain RFC 1951 stream.

use crate::PixelError;
use crate::layout::Layout;
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// The native frame; never more than that comes out.
pub(super) fn decode(layout: &Layout, stored: &[u8]) -> Result<Bytes, PixelError> {
    // Padded to an even length before it was deflated.
    let length = layout.native_bits().div_ceil(8) as usize;
    let mut out = Vec::with_capacity(length + 1);
    let mut stream = Decompress::new(false);
    match stream.decompress_vec(stored, &mut out, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) if out.len() >= length => Ok(out.into()),
        Ok(_) if out.len() > length => Err(PixelError::corrupt("a frame inflates to more than it may")),
        _ => Err(PixelError::corrupt("a deflated frame is cut off or damaged")),
    }
}

//! From numbers to the bytes of a compressed frame, never with loss.
//!
//! Separate from decoding, which distrusts its input: here every number is right already, and what must be right is what
//! comes out. A codestream holds every bit that is allocated and set, and colour is not touched, so that a header which was
//! true of native pixel data is true of the compressed ones.

mod rle;

use crate::layout::{Layout, Numbers};
use crate::{Frame, PixelError};
use isocenter_dicom::TransferSyntax;

#[derive(Clone, Copy)]
enum Format {
    Rle,
}

/// Transfer syntaxes that frames can be encoded in, the best first.
const FORMATS: [(&str, Format); 1] = [("1.2.840.10008.1.2.5", Format::Rle)];

/// The UIDs of the transfer syntaxes that frames can be encoded in without loss, in the order in which they are preferred.
pub fn encodable() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(uid, _)| *uid)
}

/// Encodes a frame as [`crate::Pixels::unpacked`] gives it.
pub(crate) fn encode(to: &TransferSyntax, layout: &Layout, frame: Frame) -> Result<Frame, PixelError> {
    let mut known = FORMATS.iter().filter(|(uid, _)| to.uid().as_str() == *uid);
    let Some((_, format)) = known.next() else {
        return Err(PixelError::UnencodedSyntax(to.uid().clone()));
    };
    if layout.numbers == Numbers::Float {
        return Err(PixelError::unencoded("floating point pixels cannot be compressed"));
    }
    if layout.bits_allocated < 8 {
        return Err(PixelError::unencoded("pixels of one bit cannot be compressed"));
    }
    let mut bytes = match format {
        Format::Rle => rle::encode(&frame)?,
    };
    // What ends a fragment of odd length (PS3.5 §A.4).
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    Ok(Frame {
        bytes: bytes.into(),
        ..frame
    })
}

#[cfg(test)]
mod tests;

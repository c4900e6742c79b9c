//! JPEG (ISO/IEC 10918-1): lossy with 8 bits, lossless with 8 to 16.
//!
//! Which process a frame uses is taken from its codestream: objects in service state the wrong one of the transfer
//! syntaxes, and the decoder is the same.

mod markers;

use super::Samples;
use crate::PixelError;
use crate::layout::Layout;
use jpeg_decoder::{ColorTransform, Decoder};
use markers::{Markers, Process};

/// Scans of a progressive frame at most; each is a pass over the whole of it.
const SCANS: u32 = 64;

pub(super) fn decode(layout: &Layout, stored: &[u8]) -> Result<Samples, PixelError> {
    let markers = Markers::read(stored)?;
    check(layout, &markers)?;
    let mut decoder = Decoder::new(stored);
    decoder.set_max_decoding_buffer_size(layout.decoded_length() as usize);
    decoder.set_color_transform(match layout.samples {
        3 if is_ybr(layout, &markers) => ColorTransform::YCbCr,
        3 => ColorTransform::RGB,
        _ => ColorTransform::None,
    });
    let bytes = decoder
        .decode()
        .map_err(|_| PixelError::corrupt("its JPEG codestream is cut off or damaged"))?;
    Ok(Samples {
        bytes: little_endian(bytes, markers.precision),
        precision: markers.precision,
        // The decoder converts what is lossy only.
        colour_is_done: markers.process != Process::Lossless,
    })
}

/// The decoder gives 16-bit samples as this machine has them.
fn little_endian(mut bytes: Vec<u8>, precision: u16) -> Vec<u8> {
    if precision > 8 {
        for sample in bytes.as_chunks_mut().0 {
            *sample = u16::from_ne_bytes(*sample).to_le_bytes();
        }
    }
    bytes
}

fn check(layout: &Layout, markers: &Markers) -> Result<(), PixelError> {
    let size = (markers.rows, markers.columns, markers.components.len());
    let header = (layout.rows, layout.columns, usize::from(layout.samples));
    if size != header {
        return Err(PixelError::corrupt(format!(
            "the codestream says {} x {} x {}, the header {} x {} x {}",
            size.0, size.1, size.2, header.0, header.1, header.2
        )));
    }
    let lossless = markers.process == Process::Lossless;
    match markers.process {
        Process::Other => Err(PixelError::unsupported("a hierarchical or arithmetic JPEG process")),
        _ if !lossless && markers.precision != 8 => Err(PixelError::unsupported("lossy JPEG of more than 8 bits")),
        _ if lossless && !(8..=16).contains(&markers.precision) => {
            Err(PixelError::unsupported("lossless JPEG of less than 8 bits"))
        }
        // The decoder predicts wrongly across these, without saying so.
        _ if lossless && (markers.restarts || markers.point_transform != 0 || markers.scans != 1) => Err(
            PixelError::unsupported("lossless JPEG with restart intervals, point transform or several scans"),
        ),
        _ if lossless && markers.is_subsampled() => Err(PixelError::unsupported("lossless JPEG with subsampling")),
        _ if markers.scans > SCANS => Err(PixelError::unsupported(format!("JPEG with more than {SCANS} scans"))),
        _ => Ok(()),
    }
}

/// Whether the three components are YBR. The header decides, but for what only the codestream can know: that its writer
/// named the components R, G and B, said in an Adobe segment that there is no transform, or subsampled two of them.
fn is_ybr(layout: &Layout, markers: &Markers) -> bool {
    let identifiers: Vec<u8> = markers
        .components
        .iter()
        .map(|component| component.identifier)
        .collect();
    match markers.adobe_transform {
        _ if identifiers == *b"RGB" => false,
        _ if markers.is_subsampled() => true,
        Some(0) => false,
        Some(1) => true,
        _ => layout.photometric != "RGB",
    }
}

#[cfg(test)]
mod tests;

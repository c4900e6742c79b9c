//! High-throughput JPEG 2000 (ISO/IEC 15444-15), reversible.
//!
//! Separate because another decoder reads it: a fork of the one for everything else, which has had more use and stays for that.
//! It has no unsafe code either.

use super::codestream::Codestream;
use crate::PixelError;
use crate::decode::Samples;
use crate::layout::Layout;
use dicom_toolkit_jpeg2000::{DecodeSettings, Image};

pub(super) fn decode(layout: &Layout, codestream: &Codestream<'_>) -> Result<Samples, PixelError> {
    let damaged = |_| PixelError::corrupt("its JPEG 2000 codestream is cut off or damaged");
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let image = Image::new(codestream.bytes, &settings).map_err(damaged)?;
    let decoded = image.decode_native().map_err(damaged)?;
    let width = if codestream.precision > 8 { 2 } else { 1 };
    let length = layout.pixels() as usize * usize::from(layout.samples) * width;
    let size = (decoded.width, decoded.height, u16::from(decoded.num_components));
    if size != (layout.columns, layout.rows, layout.samples) || decoded.data.len() != length {
        return Err(PixelError::corrupt("its JPEG 2000 codestream holds less than it says"));
    }
    let mut bytes = decoded.data;
    if codestream.signed {
        // As if they were unsigned: half of their range too high.
        let half = 1_u16 << (codestream.precision - 1);
        if width == 1 {
            bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_sub(half as u8));
        } else {
            for sample in bytes.as_chunks_mut().0 {
                *sample = u16::from_le_bytes(*sample).wrapping_sub(half).to_le_bytes();
            }
        }
    }
    Ok(Samples {
        bytes,
        precision: codestream.precision,
        colour_is_done: false,
    })
}

//! Colour: what a decoded frame's samples mean (PS3.3 §C.7.6.3.1.2).
//!
//! Every YBR becomes RGB. A lossy JPEG has lost its subsampled chrominance anyway, JPEG 2000 undoes its own transform, and
//! whoever looks at pixels wants RGB; so there is one colour space that a caller can meet and not six.

use crate::PixelError;
use crate::layout::{Layout, Numbers};

/// Converts samples when they are YBR and that has not been done; gives the photometric interpretation that they have.
pub(crate) fn settle<'l>(layout: &'l Layout, samples: &mut [u8], is_done: bool) -> Result<&'l str, PixelError> {
    let (wanted, settled) = match layout.photometric.as_str() {
        "MONOCHROME1" | "MONOCHROME2" | "PALETTE COLOR" => (1, layout.photometric.as_str()),
        "RGB" | "YBR_ICT" | "YBR_RCT" => (3, "RGB"),
        "YBR_FULL" | "YBR_FULL_422" => {
            if !is_done {
                if layout.bits_allocated != 8 || layout.numbers != Numbers::Unsigned {
                    return Err(PixelError::unsupported("YBR of other than 8 unsigned bits"));
                }
                samples.as_chunks_mut().0.iter_mut().for_each(to_rgb);
            }
            (3, "RGB")
        }
        // Only what the standard has ever defined may be named in an error.
        known @ ("YBR_PARTIAL_422" | "YBR_PARTIAL_420" | "HSV" | "ARGB" | "CMYK" | "XYB") => {
            return Err(PixelError::unsupported(format!("photometric interpretation {known}")));
        }
        _ => return Err(PixelError::unsupported("its photometric interpretation is unknown")),
    };
    if layout.samples != wanted {
        let have = layout.samples;
        return Err(PixelError::corrupt(format!(
            "{settled} has {wanted} samples per pixel, not {have}"
        )));
    }
    Ok(settled)
}

/// What samples mean that have not been converted: what the header says, but that each pixel has its own chrominance, and
/// that the transform within JPEG 2000 has been undone.
pub(crate) fn kept(layout: &Layout) -> &str {
    match layout.photometric.as_str() {
        "YBR_ICT" | "YBR_RCT" => "RGB",
        "YBR_FULL_422" => "YBR_FULL",
        other => other,
    }
}

fn to_rgb(pixel: &mut [u8; 3]) {
    let [luminance, blue, red] = pixel.map(f32::from);
    let (blue, red) = (blue - 128.0, red - 128.0);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    *pixel = [
        byte(luminance + 1.402 * red),
        byte(luminance - 0.344_136 * blue - 0.714_136 * red),
        byte(luminance + 1.772 * blue),
    ];
}

//! JPEG 2000 (ISO/IEC 15444-1), reversible and irreversible, and high-throughput JPEG 2000 (ISO/IEC 15444-15), reversible, with up
//! to 16 bits.

mod codestream;
mod high_throughput;

use super::Samples;
use crate::PixelError;
use crate::layout::{Layout, Numbers};
use codestream::Codestream;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// Samples of a frame at most: the decoder holds each in 12 to 16 bytes.
const SAMPLES: u64 = 64 << 20;

pub(super) fn decode(layout: &Layout, stored: &[u8]) -> Result<Samples, PixelError> {
    let codestream = Codestream::read(stored)?;
    check(layout, &codestream)?;
    if codestream.high_throughput {
        return high_throughput::decode(layout, &codestream);
    }
    let damaged = |_| PixelError::corrupt("its JPEG 2000 codestream is cut off or damaged");
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let image = Image::new(codestream.bytes, &settings).map_err(damaged)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let components = decoded.components();
    let pixels = layout.pixels() as usize;
    let complete = components.len() == usize::from(layout.samples)
        && components.iter().all(|component| component.samples().len() == pixels);
    if !complete {
        return Err(PixelError::corrupt("its JPEG 2000 codestream holds less than it says"));
    }
    let width = if codestream.precision > 8 { 2 } else { 1 };
    let step = components.len() * width;
    let mut bytes = vec![0; pixels * step];
    for (number, component) in components.iter().enumerate() {
        let places = bytes.get_mut(number * width..).unwrap_or_default().chunks_mut(step);
        for (place, sample) in places.zip(component.samples()) {
            let value = number_of(*sample, &codestream).to_le_bytes();
            place
                .iter_mut()
                .zip(value)
                .take(width)
                .for_each(|(to, from)| *to = from);
        }
    }
    Ok(Samples {
        bytes,
        precision: codestream.precision,
        colour_is_done: false,
    })
}

/// The decoder gives every sample as if it were unsigned: half of its range too high when it is signed.
fn number_of(sample: f32, codestream: &Codestream<'_>) -> i32 {
    let range = 1_i32 << codestream.precision;
    let value = (sample.round() as i32).clamp(0, range - 1);
    if codestream.signed { value - range / 2 } else { value }
}

fn check(layout: &Layout, codestream: &Codestream<'_>) -> Result<(), PixelError> {
    let size = (codestream.rows, codestream.columns, codestream.components);
    let header = (layout.rows, layout.columns, layout.samples);
    if size != header {
        return Err(PixelError::corrupt(format!(
            "the codestream says {} x {} x {}, the header {} x {} x {}",
            size.0, size.1, size.2, header.0, header.1, header.2
        )));
    }
    if codestream.signed && layout.numbers != Numbers::Signed {
        return Err(PixelError::corrupt(
            "the codestream is signed and the header says it is not",
        ));
    }
    if codestream.precision > 16 {
        return Err(PixelError::unsupported("JPEG 2000 of more than 16 bits"));
    }
    let samples = layout.pixels() * u64::from(layout.samples);
    if samples > SAMPLES {
        return Err(PixelError::unsupported(format!(
            "JPEG 2000 of more than {SAMPLES} samples"
        )));
    }
    codestream.check_parts(samples)
}

#[cfg(test)]
mod tests;

//! RLE (PS3.5 Annex G): PackBits, a segment for each byte of each sample.
//!
//! Written here because it is a page, and because the output is then bounded exactly: a segment can write nothing but the
//! bytes of its own plane.

use crate::PixelError;
use crate::layout::Layout;

/// Samples of the width that the header allocates, little endian, those of a pixel side by side.
pub(super) fn decode(layout: &Layout, stored: &[u8]) -> Result<Vec<u8>, PixelError> {
    if layout.bits_allocated < 8 {
        return Err(PixelError::unsupported("RLE of one-bit pixels"));
    }
    let width = usize::from(layout.sample_bytes());
    let pixel = usize::from(layout.samples) * width;
    let offsets: Vec<usize> = stored
        .get(..64)
        .ok_or_else(|| PixelError::corrupt("the RLE header is cut off"))?
        .as_chunks()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes) as usize)
        .collect();
    let (count, offsets) = offsets.split_first().unwrap_or((&0, &[]));
    if *count != pixel {
        return Err(PixelError::corrupt(format!(
            "it has {count} RLE segments where {pixel} belong"
        )));
    }
    let mut out = vec![0; layout.decoded_length() as usize];
    for (segment, &begin) in offsets.iter().take(pixel).enumerate() {
        let end = offsets.get(segment + 1).filter(|_| segment + 1 < pixel);
        let bytes = stored.get(begin..end.copied().unwrap_or(stored.len()));
        let bytes = bytes.filter(|_| begin >= 64);
        let bytes = bytes.ok_or_else(|| PixelError::corrupt("an RLE segment lies outside the frame"))?;
        // The most significant byte of a sample comes first.
        let first = segment / width * width + (width - 1 - segment % width);
        let plane = out.iter_mut().skip(first).step_by(pixel);
        unpack(bytes, plane)?;
    }
    Ok(out)
}

/// Fills a plane; what follows when it is full is padding.
fn unpack<'p>(mut bytes: &[u8], plane: impl Iterator<Item = &'p mut u8>) -> Result<(), PixelError> {
    let cut = || PixelError::corrupt("an RLE segment is cut off");
    let mut plane = plane.peekable();
    while plane.peek().is_some() {
        let (&control, rest) = bytes.split_first().ok_or_else(cut)?;
        match control {
            0..=127 => {
                let (literal, rest) = rest.split_at_checked(usize::from(control) + 1).ok_or_else(cut)?;
                // The literal first: when it is used up, no place may have been taken for it.
                literal.iter().zip(plane.by_ref()).for_each(|(from, to)| *to = *from);
                bytes = rest;
            }
            128 => bytes = rest,
            129.. => {
                let (value, rest) = rest.split_first().ok_or_else(cut)?;
                plane
                    .by_ref()
                    .take(257 - usize::from(control))
                    .for_each(|to| *to = *value);
                bytes = rest;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

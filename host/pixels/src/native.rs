//! Frames that are not compressed: finding them, and making numbers of them (PS3.5 §8.1, §8.2).
//!
//! Separate because both are arithmetic on the header's numbers. The decoders of compressed frames end here too: what
//! they give are samples that only need the width, the sign and the colour that were promised.

use crate::layout::{Layout, Numbers};
use crate::ranges::Ranges;
use crate::{Frame, PixelError, colour};
use bytes::{Bytes, BytesMut};

/// The bytes of one frame in the value at `value` (its place and length), little endian.
pub(crate) fn read(
    ranges: &impl Ranges,
    value: (u64, u64),
    swapped: usize,
    layout: &Layout,
    frame: u32,
) -> Result<Bytes, PixelError> {
    if layout.is_422() && layout.columns % 2 == 1 {
        return Err(PixelError::corrupt("YBR_FULL_422 needs an even number of columns"));
    }
    let bits = layout.native_bits();
    // Both are below 2^37 and 2^31: no overflow.
    let first = u64::from(frame) * bits;
    let (begin, end) = (first / 8, (first + bits).div_ceil(8));
    let (at, length) = value;
    if end > length {
        return Err(PixelError::corrupt(format!(
            "frame {frame} would end at byte {end}, and there are {length}"
        )));
    }
    let unit = swapped as u64;
    // Units are turned whole; the value has a whole number of them, or its end is as it is.
    let (from, to) = (begin / unit * unit, end.next_multiple_of(unit).min(length));
    let mut bytes = ranges.read(at + from, (to - from) as usize)?;
    if swapped > 1 {
        let mut turned = BytesMut::from(bytes.as_ref());
        turned.chunks_exact_mut(swapped).for_each(<[u8]>::reverse);
        bytes = turned.freeze();
    }
    let bytes = bytes.slice((begin - from) as usize..(end - from) as usize);
    Ok(shifted(bytes, (first % 8) as u32, bits))
}

/// Moves one-bit pixels so that the first is the lowest bit, and clears what follows the last.
fn shifted(bytes: Bytes, by: u32, bits: u64) -> Bytes {
    if bits.is_multiple_of(8) && by == 0 {
        return bytes;
    }
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        let above = bytes.get(at + 1).copied().unwrap_or(0);
        out.push((u16::from_le_bytes([*byte, above]) >> by) as u8);
    }
    out.truncate(bits.div_ceil(8) as usize);
    if let (Some(last), rest @ 1..) = (out.last_mut(), bits % 8) {
        *last &= (1_u8 << rest) - 1;
    }
    out.into()
}

/// A native frame, as [`read`] gives it, as numbers.
pub(crate) fn decode(layout: &Layout, stored: Bytes) -> Result<Frame, PixelError> {
    finish(layout, samples(layout, &stored)?, StoredBits::of(layout), false)
}

/// The samples of a native frame, those of a pixel side by side, with all their bits.
pub(crate) fn samples(layout: &Layout, stored: &[u8]) -> Result<Vec<u8>, PixelError> {
    let wanted = layout.native_bits().div_ceil(8) as usize;
    let stored = stored.get(..wanted).ok_or_else(|| {
        let have = stored.len();
        PixelError::corrupt(format!("a frame has {have} bytes where {wanted} are needed"))
    })?;
    Ok(if layout.bits_allocated == 1 {
        let bits = layout.pixels() as usize * usize::from(layout.samples);
        let bit = |at: usize| stored.get(at / 8).map_or(0, |byte| byte >> (at % 8) & 1);
        (0..bits).map(bit).collect()
    } else if layout.is_422() {
        let wide = |four: &[u8; 4]| {
            let [one, two, blue, red] = *four;
            [one, blue, red, two, blue, red]
        };
        stored.as_chunks().0.iter().flat_map(wide).collect()
    } else if layout.by_plane {
        interleaved(stored, layout)
    } else {
        stored.to_vec()
    })
}

/// Puts the samples of a pixel side by side.
fn interleaved(stored: &[u8], layout: &Layout) -> Vec<u8> {
    let (width, samples) = (usize::from(layout.sample_bytes()), usize::from(layout.samples));
    let plane = layout.pixels() as usize * width;
    let mut out = vec![0; stored.len()];
    for (sample, plane) in stored.chunks_exact(plane).enumerate() {
        let places = out.chunks_exact_mut(width).skip(sample).step_by(samples);
        for (place, value) in places.zip(plane.chunks_exact(width)) {
            place.copy_from_slice(value);
        }
    }
    out
}

/// Which bits of a sample are its value.
#[derive(Clone, Copy)]
pub(crate) struct StoredBits {
    /// How many.
    pub(crate) count: u32,
    /// Bits below them.
    pub(crate) below: u32,
}

impl StoredBits {
    /// As the header says.
    pub(crate) fn of(layout: &Layout) -> Self {
        if layout.bits_allocated == 1 {
            return Self { count: 1, below: 0 };
        }
        Self {
            count: u32::from(layout.bits_stored),
            below: u32::from(layout.high_bit + 1 - layout.bits_stored),
        }
    }
}

/// Makes a frame of samples that have their place and width: takes away bits that are no value, extends signs, converts
/// colour unless that is done.
pub(crate) fn finish(
    layout: &Layout,
    mut samples: Vec<u8>,
    bits: StoredBits,
    colour_is_done: bool,
) -> Result<Frame, PixelError> {
    let width = usize::from(layout.sample_bytes());
    let signed = layout.numbers == Numbers::Signed;
    if layout.numbers != Numbers::Float && bits.count < layout.bits_allocated.into() {
        change(&mut samples, width, |sample| value(sample, bits, signed));
    }
    let photometric = colour::settle(layout, &mut samples, colour_is_done)?;
    let bits_allocated = layout.sample_bytes() * 8;
    Ok(Frame::new(layout, bits_allocated, photometric, samples.into()))
}

/// Changes samples of so many bytes, each by itself.
pub(crate) fn change(samples: &mut [u8], width: usize, to: impl Fn(u64) -> u64) {
    match width {
        1 => each(samples, |bytes| [to(u64::from(u8::from_le_bytes(bytes))) as u8]),
        2 => each(samples, |bytes| {
            (to(u64::from(u16::from_le_bytes(bytes))) as u16).to_le_bytes()
        }),
        4 => each(samples, |bytes| {
            (to(u64::from(u32::from_le_bytes(bytes))) as u32).to_le_bytes()
        }),
        _ => each(samples, |bytes| to(u64::from_le_bytes(bytes)).to_le_bytes()),
    }
}

fn each<const N: usize>(samples: &mut [u8], change: impl Fn([u8; N]) -> [u8; N]) {
    for sample in samples.as_chunks_mut().0 {
        *sample = change(*sample);
    }
}

/// The value in some bits, in two's complement when signed.
pub(crate) fn value(sample: u64, bits: StoredBits, signed: bool) -> u64 {
    let unused = 64_u32.saturating_sub(bits.count);
    let high = sample.wrapping_shr(bits.below).wrapping_shl(unused);
    if signed {
        (high as i64).wrapping_shr(unused) as u64
    } else {
        high.wrapping_shr(unused)
    }
}

#[cfg(test)]
mod tests;

//! From the bytes of a compressed frame to numbers.
//!
//! Separate because this is where foreign code meets hostile bytes. Each format has a file: it reads what the codestream
//! says about itself, compares that with the header, refuses what the decoder behind it is known to get wrong, and only
//! then decodes. A decoder that panics all the same is caught here.

mod deflate;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod rle;

use crate::layout::{Layout, Numbers};
use crate::native::{self, StoredBits};
use crate::{Frame, PixelError, colour};
use bytes::Bytes;
use isocenter_dicom::TransferSyntax;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Clone, Copy)]
enum Format {
    Native,
    Deflated,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
}

/// Transfer syntaxes whose frames can be decoded, beside the native ones.
const FORMATS: [(&str, Format); 16] = [
    ("1.2.840.10008.1.2.1.98", Format::Native),
    ("1.2.840.10008.1.2.8.1", Format::Deflated),
    ("1.2.840.10008.1.2.5", Format::Rle),
    ("1.2.840.10008.1.2.4.50", Format::Jpeg),
    ("1.2.840.10008.1.2.4.51", Format::Jpeg),
    ("1.2.840.10008.1.2.4.53", Format::Jpeg),
    ("1.2.840.10008.1.2.4.55", Format::Jpeg),
    ("1.2.840.10008.1.2.4.57", Format::Jpeg),
    ("1.2.840.10008.1.2.4.70", Format::Jpeg),
    ("1.2.840.10008.1.2.4.80", Format::JpegLs),
    ("1.2.840.10008.1.2.4.81", Format::JpegLs),
    ("1.2.840.10008.1.2.4.90", Format::Jpeg2000),
    ("1.2.840.10008.1.2.4.91", Format::Jpeg2000),
    ("1.2.840.10008.1.2.4.201", Format::Jpeg2000),
    ("1.2.840.10008.1.2.4.202", Format::Jpeg2000),
    ("1.2.840.10008.1.2.4.203", Format::Jpeg2000),
];

fn format(syntax: &TransferSyntax) -> Option<Format> {
    if !syntax.is_encapsulated() {
        return Some(Format::Native);
    }
    let mut known = FORMATS.iter().filter(|(uid, _)| syntax.uid().as_str() == *uid);
    known.next().map(|(_, format)| *format)
}

/// Whether frames in this transfer syntax can be decoded. One that can may still hold a frame that uses something of its
/// format which no decoder here reads.
pub fn is_decodable(syntax: &TransferSyntax) -> bool {
    format(syntax).is_some()
}

/// Whether it is a video: MPEG-2, MPEG-4 AVC, HEVC (1.2.840.10008.1.2.4.100 to 108).
pub(crate) fn is_video(syntax: &TransferSyntax) -> bool {
    let branch = syntax.uid().as_str().strip_prefix("1.2.840.10008.1.2.4.");
    let number = branch
        .and_then(|rest| rest.split('.').next())
        .and_then(|arc| arc.parse().ok());
    number.is_some_and(|number: u16| (100..=108).contains(&number))
}

/// What a decoder gives: samples side by side, in one byte each, or two (little endian) when they have more than 8 bits.
struct Samples {
    bytes: Vec<u8>,
    /// Bits of a sample.
    precision: u16,
    /// YBR has been converted to RGB.
    colour_is_done: bool,
}

/// Decodes one frame.
pub(crate) fn decode(syntax: &TransferSyntax, layout: &Layout, stored: Bytes) -> Result<Frame, PixelError> {
    let format = format(syntax).ok_or_else(|| PixelError::UnsupportedSyntax(syntax.uid().clone()))?;
    if layout.numbers == Numbers::Float && !matches!(format, Format::Native) {
        return Err(PixelError::corrupt("floating point pixels cannot be compressed"));
    }
    match format {
        Format::Native => native::decode(layout, stored),
        Format::Deflated => native::decode(layout, deflate::decode(layout, &stored)?),
        Format::Rle => native::finish(layout, rle::decode(layout, &stored)?, StoredBits::of(layout), false),
        Format::Jpeg => widened(layout, caught(|| jpeg::decode(layout, &stored))?),
        Format::JpegLs => widened(layout, jpeg_ls::decode(layout, &stored)?),
        Format::Jpeg2000 => widened(layout, caught(|| jpeg2000::decode(layout, &stored))?),
    }
}

/// One frame with every bit that its compression has kept, where the header says that it is, and in its own colour.
pub(crate) fn unpack(syntax: &TransferSyntax, layout: &Layout, stored: Bytes) -> Result<Frame, PixelError> {
    let bytes = match format(syntax) {
        _ if layout.bits_allocated < 8 => return decode(syntax, layout, stored),
        Some(Format::Rle) => rle::decode(layout, &stored)?,
        Some(Format::Native) => native::samples(layout, &stored)?,
        Some(Format::Deflated) => native::samples(layout, &deflate::decode(layout, &stored)?)?,
        Some(Format::Jpeg) => return kept(layout, caught(|| jpeg::decode(layout, &stored))?),
        Some(Format::JpegLs) => return kept(layout, jpeg_ls::decode(layout, &stored)?),
        Some(Format::Jpeg2000) => return kept(layout, caught(|| jpeg2000::decode(layout, &stored))?),
        None => return Err(PixelError::UnsupportedSyntax(syntax.uid().clone())),
    };
    let bits = layout.sample_bytes() * 8;
    Ok(Frame::new(layout, bits, colour::kept(layout), bytes.into()))
}

/// What a decoder gives, as native pixel data would hold it.
fn kept(layout: &Layout, samples: Samples) -> Result<Frame, PixelError> {
    let precision = samples.precision;
    let reaches = precision > layout.high_bit;
    let up = if reaches {
        0
    } else {
        layout.high_bit + 1 - layout.bits_stored
    };
    let width = usize::from(layout.sample_bytes());
    if samples.colour_is_done || !reaches {
        // The value alone is there.
        let frame = widened(layout, samples)?;
        let mut bytes = Vec::from(frame.bytes);
        if up > 0 {
            native::change(&mut bytes, width, |sample| sample << up);
        }
        return Ok(Frame {
            bytes: bytes.into(),
            ..frame
        });
    }
    let mut bytes = wide(layout, samples)?;
    // The highest bit is the sign, if the codestream has no more than the value.
    let signed = layout.numbers == Numbers::Signed && precision == layout.high_bit + 1;
    let bits = StoredBits {
        count: u32::from(precision),
        below: 0,
    };
    native::change(&mut bytes, width, |sample| native::value(sample, bits, signed));
    let allocated = layout.sample_bytes() * 8;
    Ok(Frame::new(layout, allocated, colour::kept(layout), bytes.into()))
}

/// Makes an error of a panic. Nothing that the decoder has touched is used afterwards.
fn caught<T>(decode: impl FnOnce() -> Result<T, PixelError>) -> Result<T, PixelError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(PixelError::corrupt("the decoder gave up on it")))
}

/// Makes numbers of what a decoder gives.
fn widened(layout: &Layout, samples: Samples) -> Result<Frame, PixelError> {
    let (precision, colour_is_done) = (samples.precision, samples.colour_is_done);
    // Where the header says, when the codestream reaches so high; else the value is all that it has.
    let bits = if precision > layout.high_bit {
        StoredBits::of(layout)
    } else {
        StoredBits {
            count: u32::from(layout.bits_stored.min(precision)),
            below: 0,
        }
    };
    native::finish(layout, wide(layout, samples)?, bits, colour_is_done)
}

/// Gives samples the width that the header promises.
fn wide(layout: &Layout, samples: Samples) -> Result<Vec<u8>, PixelError> {
    let Samples { bytes, precision, .. } = samples;
    let have = if precision > 8 { 2 } else { 1 };
    let want = usize::from(layout.sample_bytes());
    let count = layout.pixels() as usize * usize::from(layout.samples);
    if layout.bits_allocated < 8 || have > want {
        return Err(PixelError::corrupt(format!(
            "its samples have {precision} bits and the header allocates {}",
            layout.bits_allocated
        )));
    }
    if bytes.len() != count * have {
        return Err(PixelError::corrupt(format!(
            "it decodes to {} bytes where {} belong",
            bytes.len(),
            count * have
        )));
    }
    if have == want {
        return Ok(bytes);
    }
    let mut wide = vec![0; count * want];
    for (to, from) in wide.chunks_exact_mut(want).zip(bytes.chunks_exact(have)) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    Ok(wide)
}

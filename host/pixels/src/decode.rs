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
use crate::{Frame, PixelError};
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
const FORMATS: [(&str, Format); 13] = [
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

/// One frame with every bit that its compression has kept.
pub(crate) fn unpack(syntax: &TransferSyntax, layout: &Layout, stored: Bytes) -> Result<Frame, PixelError> {
    let whole = layout.bits_allocated >= 8 && !layout.is_422();
    let samples = match format(syntax) {
        Some(Format::Rle) if whole => rle::decode(layout, &stored)?,
        Some(Format::Native) if whole => native::samples(layout, &stored)?,
        Some(Format::Deflated) if whole => native::samples(layout, &deflate::decode(layout, &stored)?)?,
        _ => return decode(syntax, layout, stored),
    };
    let bits = layout.sample_bytes() * 8;
    Ok(Frame::new(layout, bits, &layout.photometric, samples.into()))
}

/// Makes an error of a panic. Nothing that the decoder has touched is used afterwards.
fn caught<T>(decode: impl FnOnce() -> Result<T, PixelError>) -> Result<T, PixelError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(PixelError::corrupt("the decoder gave up on it")))
}

/// Gives samples the width that the header promises.
fn widened(layout: &Layout, samples: Samples) -> Result<Frame, PixelError> {
    let Samples {
        bytes,
        precision,
        colour_is_done,
    } = samples;
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
    let bytes = if have == want {
        bytes
    } else {
        let mut wide = vec![0; count * want];
        for (to, from) in wide.chunks_exact_mut(want).zip(bytes.chunks_exact(have)) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        wide
    };
    // A sign is at the top of the stored bits, or of the codestream's when it has fewer.
    let bits = StoredBits {
        count: u32::from(layout.bits_stored.min(precision)),
        below: 0,
    };
    native::finish(layout, bytes, bits, colour_is_done)
}

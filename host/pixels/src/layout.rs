//! What the header says about the pixels: how many there are and how each is written (PS3.3 §C.7.6.3).
//!
//! Separate because everything else here depends on these numbers and none of it may meet one that has not been checked:
//! a [`Layout`] has at least one row, column and frame, and a frame that fits [`FRAME_LIMIT`].

use crate::{FRAME_LIMIT, PixelError};
use isocenter_dicom::{Header, Tag, tags};
use std::borrow::Cow;

/// What kind of numbers samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Unsigned integers.
    Unsigned,
    /// Integers in two's complement.
    Signed,
    /// Floating point: Float Pixel Data (7FE0,0008) or Double Float Pixel Data (7FE0,0009).
    Float,
}

/// How the pixels of an object are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Rows (0028,0010), at least 1.
    pub rows: u32,
    /// Columns (0028,0011), at least 1.
    pub columns: u32,
    /// Samples per Pixel (0028,0002).
    pub samples: u16,
    /// Bits Allocated (0028,0100): 1, 8, 16, 32 or 64.
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101); Bits Allocated where it is absent.
    pub bits_stored: u16,
    /// High Bit (0028,0102); one below Bits Stored where it is absent.
    pub high_bit: u16,
    /// Pixel Representation (0028,0103), or floating point by the tag of the pixel data.
    pub numbers: Numbers,
    /// Photometric Interpretation (0028,0004).
    pub photometric: String,
    /// Planar Configuration (0028,0006) is 1: the samples of a native frame stand plane by plane.
    pub by_plane: bool,
    /// Number of Frames (0028,0008), at least 1; 1 where it is absent.
    pub frames: u32,
}

impl Layout {
    /// Reads it for pixel data under the tag `pixels`.
    pub(crate) fn of(header: &Header, pixels: Tag) -> Result<Self, PixelError> {
        let numbers = match pixels {
            tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA => Numbers::Float,
            _ if optional(header, PIXEL_REPRESENTATION)? == Some(1) => Numbers::Signed,
            _ => Numbers::Unsigned,
        };
        let bits_allocated = required(header, BITS_ALLOCATED)?;
        let fits = match pixels {
            tags::FLOAT_PIXEL_DATA => bits_allocated == 32,
            tags::DOUBLE_FLOAT_PIXEL_DATA => bits_allocated == 64,
            _ => matches!(bits_allocated, 1 | 8 | 16 | 32 | 64),
        };
        if !fits {
            let what = format!("{bits_allocated} bits allocated for each sample");
            return Err(PixelError::unsupported(what));
        }
        let (mut bits_stored, mut high_bit) = (bits_allocated, bits_allocated - 1);
        if numbers != Numbers::Float {
            bits_stored = optional(header, BITS_STORED)?.unwrap_or(bits_allocated);
            if !(1..=bits_allocated).contains(&bits_stored) {
                return Err(BITS_STORED.flawed("is not between 1 and Bits Allocated"));
            }
            high_bit = optional(header, HIGH_BIT)?.unwrap_or(bits_stored - 1);
            if high_bit >= bits_allocated || high_bit + 1 < bits_stored {
                return Err(HIGH_BIT.flawed("leaves no room for Bits Stored"));
            }
        }
        let photometric = header
            .first(tags::PHOTOMETRIC_INTERPRETATION)
            .ok_or_else(|| PHOTOMETRIC_INTERPRETATION.flawed("is missing"))?;
        let samples = required(header, SAMPLES_PER_PIXEL)?;
        if !(1..=4).contains(&samples) {
            return Err(SAMPLES_PER_PIXEL.flawed("is not between 1 and 4"));
        }
        let layout = Self {
            rows: u32::from(at_least_one(ROWS, required(header, ROWS)?)?),
            columns: u32::from(at_least_one(COLUMNS, required(header, COLUMNS)?)?),
            samples,
            bits_allocated,
            bits_stored,
            high_bit,
            numbers,
            photometric,
            by_plane: samples > 1 && optional(header, PLANAR_CONFIGURATION)? == Some(1),
            frames: frames(header)?,
        };
        let length = layout.decoded_length();
        if length > FRAME_LIMIT {
            let limit = FRAME_LIMIT;
            return Err(PixelError::TooLong { length, limit });
        }
        Ok(layout)
    }

    /// Pixels of a frame.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.columns)
    }

    /// Bytes of a sample once decoded.
    pub(crate) fn sample_bytes(&self) -> u16 {
        self.bits_allocated.div_ceil(8)
    }

    /// Bytes of a decoded frame.
    pub(crate) fn decoded_length(&self) -> u64 {
        self.pixels() * u64::from(self.samples) * u64::from(self.sample_bytes())
    }

    /// Whether two pixels share their chrominance in native pixel data.
    pub(crate) fn is_422(&self) -> bool {
        self.photometric == "YBR_FULL_422" && self.samples == 3
    }

    /// Bits of a native frame: no padding, neither between rows nor between frames.
    pub(crate) fn native_bits(&self) -> u64 {
        let samples = if self.is_422() { 2 } else { u64::from(self.samples) };
        self.pixels() * samples * u64::from(self.bits_allocated)
    }
}

struct Attribute {
    tag: Tag,
    name: &'static str,
}

impl Attribute {
    fn flawed(&self, flaw: impl Into<Cow<'static, str>>) -> PixelError {
        PixelError::Header {
            tag: self.tag,
            name: self.name,
            flaw: flaw.into(),
        }
    }
}

const fn attribute(tag: Tag, name: &'static str) -> Attribute {
    Attribute { tag, name }
}

const SAMPLES_PER_PIXEL: Attribute = attribute(tags::SAMPLES_PER_PIXEL, "Samples per Pixel");
const PHOTOMETRIC_INTERPRETATION: Attribute = attribute(tags::PHOTOMETRIC_INTERPRETATION, "Photometric Interpretation");
const PLANAR_CONFIGURATION: Attribute = attribute(tags::PLANAR_CONFIGURATION, "Planar Configuration");
const NUMBER_OF_FRAMES: Attribute = attribute(tags::NUMBER_OF_FRAMES, "Number of Frames");
const ROWS: Attribute = attribute(tags::ROWS, "Rows");
const COLUMNS: Attribute = attribute(tags::COLUMNS, "Columns");
const BITS_ALLOCATED: Attribute = attribute(tags::BITS_ALLOCATED, "Bits Allocated");
const BITS_STORED: Attribute = attribute(tags::BITS_STORED, "Bits Stored");
const HIGH_BIT: Attribute = attribute(tags::HIGH_BIT, "High Bit");
const PIXEL_REPRESENTATION: Attribute = attribute(tags::PIXEL_REPRESENTATION, "Pixel Representation");

/// The first value; `None` when the element is absent or empty.
fn optional(header: &Header, attribute: Attribute) -> Result<Option<u16>, PixelError> {
    let Some(text) = header.first(attribute.tag) else {
        return Ok(None);
    };
    let number = text
        .parse()
        .map_err(|_| attribute.flawed("is not a number of 16 bits"))?;
    Ok(Some(number))
}

fn required(header: &Header, attribute: Attribute) -> Result<u16, PixelError> {
    let (tag, name) = (attribute.tag, attribute.name);
    optional(header, attribute)?.ok_or_else(|| self::attribute(tag, name).flawed("is missing"))
}

fn at_least_one(attribute: Attribute, number: u16) -> Result<u16, PixelError> {
    if number == 0 {
        return Err(attribute.flawed("is 0"));
    }
    Ok(number)
}

fn frames(header: &Header) -> Result<u32, PixelError> {
    let Some(text) = header.first(tags::NUMBER_OF_FRAMES) else {
        return Ok(1);
    };
    let number = text.trim().parse::<i64>();
    let number = number.map_err(|_| NUMBER_OF_FRAMES.flawed("is not a number"))?;
    u32::try_from(number)
        .ok()
        .filter(|frames| (1..1 << 31).contains(frames))
        .ok_or_else(|| NUMBER_OF_FRAMES.flawed("is not between 1 and 2147483647"))
}

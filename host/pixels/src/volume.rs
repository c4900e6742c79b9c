//! A series as one block of numbers, for models: slices sorted along their normal, rescaled, 32-bit floats.
//!
//! Separate from frames because it is geometry. A model that is given slices in the wrong order, of two acquisitions, or
//! with one missing in the middle gives an answer all the same; so a [`Plan`] is made of the headers first, and what is
//! not a regular grid is refused with the reason. Only then are frames decoded, one at a time, each into its place: the
//! memory is that of the volume and of one frame.

mod geometry;

use crate::layout::{Layout, Numbers};
use crate::{Frame, PixelError};
use geometry::{Grid, Slice};
use isocenter_dicom::{Header, Tag, tags};

pub use geometry::Placement;

/// Bytes of a volume at most.
pub const VOLUME_LIMIT: u64 = 1 << 30;

/// Why a series is no volume. Names tags and numbers of slices, no values that tell of a patient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// Nothing to begin with.
    #[error("the series has no objects")]
    Empty,
    /// A member is no picture, or not one that can be read.
    #[error("object {member} of the series is no image that can be read: {reason}")]
    NoImage {
        /// Which of the members, from 0.
        member: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Slices are not alike.
    #[error("the slices are not of one kind: {name} {tag} differs")]
    Differs {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
    },
    /// Some slices say where they are, others do not.
    #[error("some slices have no {name} {tag}")]
    Missing {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
    },
    /// A number that is none, or makes no sense.
    #[error("{name} {tag} of a slice cannot be used: {reason}")]
    Unusable {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two slices at one place.
    #[error("there are several slices at one place: the series has more than one pass over the body")]
    SamePlace,
    /// Nothing says in which order slices are.
    #[error("slices have no position, and {0}")]
    NoOrder(&'static str),
    /// The distances are not equal.
    #[error("slices are not equally spaced: their distances go from {least} to {most} mm")]
    Spacing {
        /// The least, in mm.
        least: String,
        /// The most, in mm.
        most: String,
    },
    /// The slices do not lie above each other.
    #[error("slices are shifted against each other, as by a tilted gantry")]
    Shifted,
    /// More than may be held.
    #[error("the volume of {bytes} bytes is larger than the limit of {VOLUME_LIMIT} bytes")]
    TooLarge {
        /// Bytes of the volume.
        bytes: u64,
    },
    /// A frame is not what its header says.
    #[error("frame {frame} of object {member} is not what its header says")]
    Frame {
        /// Which of the members, from 0.
        member: usize,
        /// Which of its frames, from 0.
        frame: u32,
    },
}

/// Where the numbers of a volume come from: made of headers alone.
#[derive(Debug)]
pub struct Plan {
    rows: u32,
    columns: u32,
    slices: Vec<Slice>,
    placement: Option<Placement>,
}

/// A frame of a member, which is one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Which of the headers that the plan was made of.
    pub member: usize,
    /// Which of its frames, from 0.
    pub frame: u32,
}

impl Plan {
    /// Looks at the members of one series, in any order.
    ///
    /// Slices are sorted by Image Position (Patient) along the normal of Image Orientation (Patient), ascending, top level
    /// or functional groups; where no slice has either, by Instance Number and frame. Modality values are computed by
    /// Rescale Slope and Intercept, which may differ from slice to slice.
    pub fn new(headers: &[&Header]) -> Result<Self, VolumeError> {
        let first = headers.first().ok_or(VolumeError::Empty)?;
        let mut slices = Vec::new();
        let mut shape: Option<Layout> = None;
        let mut length = 0_u64;
        for (member, header) in headers.iter().enumerate() {
            let layout = Layout::of(header, tags::PIXEL_DATA).map_err(|error| no_image(member, &error))?;
            check_kind(member, header, &layout)?;
            let shape = shape.get_or_insert_with(|| layout.clone());
            for (differs, tag, name) in [
                (layout.rows != shape.rows, tags::ROWS, "Rows"),
                (layout.columns != shape.columns, tags::COLUMNS, "Columns"),
                (
                    layout.photometric != shape.photometric,
                    tags::PHOTOMETRIC_INTERPRETATION,
                    "Photometric Interpretation",
                ),
                (
                    header.first(tags::FRAME_OF_REFERENCE_UID) != first.first(tags::FRAME_OF_REFERENCE_UID),
                    tags::FRAME_OF_REFERENCE_UID,
                    "Frame of Reference UID",
                ),
            ] {
                if differs {
                    return Err(VolumeError::Differs { tag, name });
                }
            }
            // Before anything is made for each frame: their number is the sender's claim.
            length = length.saturating_add(layout.pixels().saturating_mul(4 * u64::from(layout.frames)));
            if length > VOLUME_LIMIT {
                return Err(VolumeError::TooLarge { bytes: length });
            }
            for frame in 0..layout.frames {
                slices.push(Slice::of(header, Source { member, frame })?);
            }
        }
        let shape = shape.ok_or(VolumeError::Empty)?;
        let placement = Grid::sort(&mut slices)?;
        Ok(Self {
            rows: shape.rows,
            columns: shape.columns,
            slices,
            placement,
        })
    }

    /// Slices, rows, columns.
    pub fn shape(&self) -> [u32; 3] {
        [self.slices.len() as u32, self.rows, self.columns]
    }

    /// Where the volume is in the patient; `None` when its slices do not say.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// Which frame is which slice, in order.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Source> {
        self.slices.iter().map(|slice| slice.source)
    }

    /// Makes the volume: `decode` gives the decoded frame of each slice, in order, and may block. An error of it ends the
    /// work.
    pub fn fill<E: From<VolumeError>>(
        &self,
        mut decode: impl FnMut(Source) -> Result<Frame, E>,
    ) -> Result<Vec<f32>, E> {
        let pixels = self.rows as usize * self.columns as usize;
        let mut values = Vec::with_capacity(pixels * self.slices.len());
        for slice in &self.slices {
            let frame = decode(slice.source)?;
            self.append(slice, &frame, &mut values)?;
        }
        Ok(values)
    }

    fn append(&self, slice: &Slice, frame: &Frame, values: &mut Vec<f32>) -> Result<(), VolumeError> {
        let Source { member, frame: number } = slice.source;
        let pixels = self.rows as usize * self.columns as usize;
        let width = usize::from(frame.bits_allocated / 8);
        let fits = (frame.rows, frame.columns, frame.samples) == (self.rows, self.columns, 1)
            && frame.bytes.len() == pixels * width;
        let wrong = VolumeError::Frame { member, frame: number };
        if !fits {
            return Err(wrong);
        }
        let bytes = frame.bytes.as_ref();
        let rescaled = |stored: f64| (stored * slice.slope + slice.intercept) as f32;
        match (width, frame.numbers) {
            (1, Numbers::Unsigned) => values.extend(bytes.iter().map(|&byte| rescaled(f64::from(byte)))),
            (1, Numbers::Signed) => values.extend(bytes.iter().map(|&byte| rescaled(f64::from(byte as i8)))),
            (2, Numbers::Unsigned) => values.extend(units(bytes, u16::from_le_bytes).map(|n| rescaled(f64::from(n)))),
            (2, Numbers::Signed) => values.extend(units(bytes, i16::from_le_bytes).map(|n| rescaled(f64::from(n)))),
            (4, Numbers::Unsigned) => values.extend(units(bytes, u32::from_le_bytes).map(|n| rescaled(f64::from(n)))),
            (4, Numbers::Signed) => values.extend(units(bytes, i32::from_le_bytes).map(|n| rescaled(f64::from(n)))),
            (4, Numbers::Float) => values.extend(units(bytes, f32::from_le_bytes).map(|n| rescaled(f64::from(n)))),
            (8, Numbers::Float) => values.extend(units(bytes, f64::from_le_bytes).map(rescaled)),
            _ => return Err(wrong),
        }
        Ok(())
    }
}

fn units<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks().0.iter().map(move |unit| number(*unit))
}

fn no_image(member: usize, error: &PixelError) -> VolumeError {
    let reason = error.to_string();
    VolumeError::NoImage { member, reason }
}

fn check_kind(member: usize, header: &Header, layout: &Layout) -> Result<(), VolumeError> {
    let reason = if !matches!(layout.photometric.as_str(), "MONOCHROME1" | "MONOCHROME2") || layout.samples != 1 {
        "it is not of grey values"
    } else if header.element(&tags::MODALITY_LUT_SEQUENCE.into()).is_some() {
        "its values are defined by a Modality LUT (0028,3000)"
    } else {
        return Ok(());
    };
    let reason = reason.to_owned();
    Err(VolumeError::NoImage { member, reason })
}

#[cfg(test)]
mod tests;

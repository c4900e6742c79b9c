//! The handle on an object's pixels: where each frame is.

use crate::fragments::Fragments;
use crate::frame::Frame;
use crate::layout::Layout;
use crate::ranges::Ranges;
use crate::{PixelError, decode, encode, native};
use bytes::Bytes;
use isocenter_dicom::body::PixelElement;
use isocenter_dicom::{Header, TransferSyntax, VR, tags};

/// The pixels of one object, read by frame.
///
/// Opening reads 20 bytes. The index of fragments is made when the first frame is asked for and kept (8 bytes a frame).
/// All methods but [`Self::layout`] and [`Self::frames`] block; the handle may be shared between threads.
pub struct Pixels<R> {
    ranges: R,
    syntax: TransferSyntax,
    layout: Layout,
    place: Place,
}

enum Place {
    Native {
        /// Where the value begins, and its bytes.
        value: (u64, u64),
        /// Bytes of a unit that is written backwards, 1 when none is.
        swapped: usize,
    },
    Encapsulated(Fragments),
}

impl<R: Ranges> Pixels<R> {
    /// Finds the pixel data behind a header. `ranges` is the data set that the header was read from; of a deflated one,
    /// what it inflates to ([`crate::inflated`]).
    pub fn open(header: &Header, ranges: R) -> Result<Self, PixelError> {
        let at = header.bytes().len() as u64;
        let left = ranges.length().saturating_sub(at).min(12);
        let beginning = ranges.read(at, left as usize)?;
        let element = PixelElement::read(header.syntax(), &beginning)?.ok_or(PixelError::NoPixels)?;
        let layout = Layout::of(header, element.tag)?;
        let value = at + u64::from(element.head);
        let encapsulated = header.syntax().is_encapsulated();
        let place = match element.length {
            None if encapsulated && element.tag == tags::PIXEL_DATA => {
                Place::Encapsulated(Fragments::open(header, &ranges, value, layout.frames)?)
            }
            None => {
                return Err(PixelError::corrupt(
                    "it has fragments, which its transfer syntax does not",
                ));
            }
            Some(_) if encapsulated && element.tag == tags::PIXEL_DATA => {
                return Err(PixelError::corrupt(
                    "it has no fragments, which its transfer syntax demands",
                ));
            }
            Some(length) => Place::Native {
                value: (value, u64::from(length).min(ranges.length().saturating_sub(value))),
                swapped: match element.vr {
                    _ if !header.syntax().is_big_endian() => 1,
                    // Pixels of 32 bits are turned whole, as the writers in service do it, and not by words.
                    VR::OW => usize::from(layout.sample_bytes()).max(2),
                    VR::OF => 4,
                    VR::OD => 8,
                    _ => 1,
                },
            },
        };
        Ok(Self {
            ranges,
            syntax: header.syntax().clone(),
            layout,
            place,
        })
    }

    /// How the pixels are laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many frames the header states. Asking for one that the pixel data does not hold is an error.
    pub fn frames(&self) -> u32 {
        self.layout.frames
    }

    /// A frame as it is stored, counted from 0: its fragments joined; of native pixel data, its bytes as little endian
    /// would have them, and of one-bit pixels, shifted so that the first is the lowest bit of the first byte.
    pub fn stored(&self, index: u32) -> Result<Frame, PixelError> {
        let bytes = self.bytes(index)?;
        Ok(Frame::new(
            &self.layout,
            self.layout.bits_allocated,
            &self.layout.photometric,
            bytes,
        ))
    }

    /// A frame as numbers, counted from 0.
    ///
    /// Takes up to ten times the frame's decoded length in memory, and as long as the decoder does: seconds for the
    /// largest. Call it off the async threads, few at once.
    pub fn decoded(&self, index: u32) -> Result<Frame, PixelError> {
        if matches!(self.place, Place::Encapsulated(_)) && !decode::is_decodable(&self.syntax) {
            return Err(PixelError::UnsupportedSyntax(self.syntax.uid().clone()));
        }
        let stored = self.bytes(index)?;
        decode::decode(&self.syntax, &self.layout, stored)
    }

    /// A frame as native pixel data would hold it, counted from 0, the samples of a pixel side by side. Every bit is where
    /// the header says that it is, those beside the stored value too as far as the compression keeps them, and colour is as
    /// it was, but for lossy JPEG, which gives RGB. Blocks as [`Self::decoded`] does.
    pub fn unpacked(&self, index: u32) -> Result<Frame, PixelError> {
        let stored = self.bytes(index)?;
        decode::unpack(&self.syntax, &self.layout, stored)
    }

    /// A frame, counted from 0, in a transfer syntax that [`crate::encodable`] names: what it decodes to is
    /// [`Self::unpacked`], bit for bit, and its colour is that one's. Its bytes are even. Blocks as [`Self::decoded`] does.
    pub fn encoded(&self, index: u32, to: &TransferSyntax) -> Result<Frame, PixelError> {
        encode::encode(to, &self.layout, self.unpacked(index)?)
    }

    #[cfg(test)]
    pub(crate) fn ranges(&self) -> &R {
        &self.ranges
    }

    fn bytes(&self, index: u32) -> Result<Bytes, PixelError> {
        let frames = self.layout.frames;
        if index >= frames {
            return Err(PixelError::NoSuchFrame { index, frames });
        }
        match &self.place {
            Place::Native { value, swapped } => native::read(&self.ranges, *value, *swapped, &self.layout, index),
            // A video is one codestream: which of its bytes are frame 5 only its decoder knows.
            Place::Encapsulated(_) if decode::is_video(&self.syntax) => Err(PixelError::unsupported(
                "frames of a video are not apart from each other",
            )),
            Place::Encapsulated(fragments) => fragments.frame(&self.ranges, index),
        }
    }
}

impl<R> std::fmt::Debug for Pixels<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pixels")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

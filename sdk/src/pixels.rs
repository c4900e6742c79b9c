//! Pixels of an object, pulled frame by frame.
//!
//! Separate because it is an import: a plugin that calls nothing here cannot see pixels, and the host does not wait for
//! them before it asks a filter.

pub use crate::bindings::imports::isocenter::dicom::pixels::Form;
use crate::bindings::imports::isocenter::dicom::pixels::Trouble as Raw;
use crate::raw::pixels;
use crate::{Object, Result};

/// What a read answers at most.
const PIECE: u32 = 1 << 20;

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The object has no pixel data.
    NoPixels,
    /// Frames are counted from 0.
    NoSuchFrame,
    /// The host does not decode this transfer syntax; [`Form::Stored`] is there.
    UnsupportedSyntax,
    /// The pixel data is not what the header says.
    Corrupt,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Trouble::NoPixels => "the object has no pixel data",
            Trouble::NoSuchFrame => "the object has no frame of that number",
            Trouble::UnsupportedSyntax => "the transfer syntax is not decoded by this host",
            Trouble::Corrupt => "the pixel data is not what the header says",
        })
    }
}

impl std::error::Error for Trouble {}

impl From<Raw> for Trouble {
    fn from(trouble: Raw) -> Trouble {
        match trouble {
            Raw::NoPixels => Trouble::NoPixels,
            Raw::NoSuchFrame => Trouble::NoSuchFrame,
            Raw::UnsupportedSyntax => Trouble::UnsupportedSyntax,
            Raw::Corrupt => Trouble::Corrupt,
        }
    }
}

/// One frame. Its bytes stay with the host until they are read.
pub struct Frame(pixels::Frame);

impl Frame {
    /// Rows (0028,0010).
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.0.rows()
    }

    /// Columns (0028,0011).
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.0.columns()
    }

    /// Samples per Pixel (0028,0002).
    #[must_use]
    pub fn samples(&self) -> u16 {
        self.0.samples()
    }

    /// Bits Allocated (0028,0100).
    #[must_use]
    pub fn bits_allocated(&self) -> u16 {
        self.0.bits_allocated()
    }

    /// Whether Pixel Representation (0028,0103) is 1.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.0.is_signed()
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.len()
    }

    /// Bytes from an offset, at most 1 MiB a call; fewer than asked at the end, none past it.
    #[must_use]
    pub fn read(&self, offset: u64, len: u32) -> Vec<u8> {
        self.0.read(offset, len)
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        whole(self.size(), |offset| self.read(offset, PIECE))
    }
}

impl Object<'_> {
    /// How many frames it has; 0 without pixel data.
    #[must_use]
    pub fn frames(&self) -> u32 {
        pixels::frames(&self.0)
    }

    /// One of its frames, counted from 0.
    ///
    /// # Errors
    /// The frame is not there, or not in that form.
    pub fn frame(&self, index: u32, form: Form) -> Result<Frame, Trouble> {
        pixels::open(&self.0, index, form).map(Frame).map_err(Trouble::from)
    }
}

/// Pulls what is read in pieces.
pub(crate) fn whole(size: u64, mut read: impl FnMut(u64) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    loop {
        let piece = read(bytes.len() as u64);
        if piece.is_empty() {
            return bytes;
        }
        bytes.extend_from_slice(&piece);
    }
}

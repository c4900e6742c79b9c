//! Why there is no frame.
//!
//! One type, because whoever asks for a frame answers all of it the same way: with one of a few kinds of trouble and a
//! sentence. The sentence names elements, lengths and counts, never a value of the patient's.

use isocenter_dicom::{ParseError, Tag, Uid};
use std::borrow::Cow;

/// The frame that was asked for cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PixelError {
    /// The data set ends with its header.
    #[error("the object has no pixel data")]
    NoPixels,
    /// Frames are counted from 0.
    #[error("there is no frame {index}: the object has {frames}, counted from 0")]
    NoSuchFrame {
        /// The frame that was asked for.
        index: u32,
        /// How many there are.
        frames: u32,
    },
    /// No decoder here reads this transfer syntax.
    #[error("pixel data in transfer syntax {0} cannot be decoded")]
    UnsupportedSyntax(Uid),
    /// The pixel data uses something of its transfer syntax, or of DICOM, that no decoder here reads.
    #[error("the pixel data cannot be decoded: {0}")]
    Unsupported(Cow<'static, str>),
    /// No encoder here writes this transfer syntax.
    #[error("pixel data is not encoded in transfer syntax {0}")]
    UnencodedSyntax(Uid),
    /// The transfer syntax has no form for such pixels, or no encoder here writes it without loss.
    #[error("the pixel data cannot be encoded so: {0}")]
    Unencoded(Cow<'static, str>),
    /// A frame would be longer than [`crate::FRAME_LIMIT`].
    #[error("a frame of {length} bytes is longer than the limit of {limit} bytes")]
    TooLong {
        /// Bytes of the frame.
        length: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// An element that says how pixels are laid out is absent, or is not what it must be.
    #[error("{name} {tag} {flaw}, so that the pixel data cannot be read")]
    Header {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        flaw: Cow<'static, str>,
    },
    /// The pixel data contradicts the header or itself.
    #[error("the pixel data is damaged: {0}")]
    Corrupt(Cow<'static, str>),
    /// The pixel data element does not read as one.
    #[error(transparent)]
    Element(#[from] ParseError),
    /// The bytes could not be read.
    #[error("the pixel data could not be read")]
    Read(#[from] std::io::Error),
}

/// The kinds of trouble, as the plugin contract counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no pixel data.
    NoPixels,
    /// There are fewer frames.
    NoSuchFrame,
    /// It cannot be decoded here, and may be elsewhere.
    Unsupported,
    /// It is damaged.
    Corrupt,
    /// Nothing is wrong with the object as far as is known: the bytes could not be read.
    Unreadable,
}

impl PixelError {
    pub(crate) fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Corrupt(what.into())
    }

    pub(crate) fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported(what.into())
    }

    pub(crate) fn unencoded(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unencoded(what.into())
    }

    /// Which kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::NoPixels => Trouble::NoPixels,
            Self::NoSuchFrame { .. } => Trouble::NoSuchFrame,
            Self::UnsupportedSyntax(_)
            | Self::Unsupported(_)
            | Self::UnencodedSyntax(_)
            | Self::Unencoded(_)
            | Self::TooLong { .. } => Trouble::Unsupported,
            Self::Header { .. } | Self::Corrupt(_) | Self::Element(_) => Trouble::Corrupt,
            Self::Read(_) => Trouble::Unreadable,
        }
    }
}

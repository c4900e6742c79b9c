//! What the walker says: the words for what stands in a data set.
//!
//! Separate from the walker, whose users need these and not how they are found.

use crate::syntax::TransferSyntax;
use crate::{Tag, VR};

/// Pixel Data and its two floating point relatives: what ends a header.
pub(crate) fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008 | 0x0009 | 0x0010))
}

/// How element headers and numbers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

impl Encoding {
    /// What UN and implicit data sets hold.
    pub(crate) const IMPLICIT_LE: Self = Self {
        explicit: false,
        big_endian: false,
    };

    pub(crate) fn of(syntax: &TransferSyntax) -> Self {
        Self {
            explicit: syntax.is_explicit(),
            big_endian: syntax.is_big_endian(),
        }
    }

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    pub(crate) fn u16_bytes(self, number: u16) -> [u8; 2] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    pub(crate) fn u32_bytes(self, number: u32) -> [u8; 4] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }
}

/// What stands at the walker's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// An element with a value of known length, which the walker steps over.
    Element(Head),
    /// A sequence begins; items or its end follow.
    Sequence(Head),
    /// Encapsulated data begins; fragments or its end follow.
    Fragments(Head),
    /// An item begins; elements or its end follow.
    Item(Head),
    /// A fragment of known length, which the walker steps over.
    Fragment(Head),
    /// The innermost item, sequence or fragments end, with a delimiter of so many bytes (0 or 8).
    End(u8),
    /// Top-level pixel data. The walker stays before it.
    PixelData,
}

/// The header of an element, item or fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) tag: Tag,
    /// The VR to read the value by.
    pub(crate) vr: VR,
    /// Bytes before the value.
    pub(crate) size: u8,
    /// Bytes of the value; `None` when undefined.
    pub(crate) length: Option<u32>,
    /// How this header is encoded.
    pub(crate) encoding: Encoding,
    /// The element states UN and its dictionary VR is known: `vr` is that one, and the value is implicit little endian.
    pub(crate) wrapped: bool,
    /// US that becomes SS when Pixel Representation says so.
    pub(crate) sign_depends: bool,
}

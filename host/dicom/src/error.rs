//! What can be wrong with the bytes of an object.
//!
//! One type for header, body, file preface and deflate stream, because whoever receives an object answers all of them
//! the same way. It names the element, the place and the problem in one sentence and never quotes a value: the text is
//! sent back to the peer.

use crate::Tag;
use std::fmt;

/// The bytes are not a data set that can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    tag: Option<Tag>,
    offset: u64,
    problem: Problem,
}

/// What is wrong, in one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Two bytes where the VR belongs that name none (PS3.5 §6.2).
    #[error("the VR bytes {:02X} {:02X} name no value representation", .0[0], .0[1])]
    UnknownVr([u8; 2]),
    /// Undefined length on an element that cannot have it (PS3.5 §7.1.1).
    #[error("a {0} element cannot have undefined length")]
    UndefinedLength(&'static str),
    /// The value is longer than what encloses it.
    #[error("its length of {length} bytes goes beyond the item or sequence that holds it, which has {left} bytes left")]
    BeyondParent {
        /// Length that the element states, in bytes.
        length: u64,
        /// Bytes left in the enclosing item or sequence.
        left: u64,
    },
    /// The header would not fit [`crate::Limits::header_bytes`].
    #[error("its length of {length} bytes takes the header past the limit of {limit} bytes")]
    HeaderTooLong {
        /// Length that the element states, in bytes.
        length: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// More nested sequences than [`crate::Limits::depth`].
    #[error("sequences are nested more than {0} deep")]
    TooDeep(u16),
    /// More elements than [`crate::Limits::elements`].
    #[error("the header has more than {0} elements")]
    TooManyElements(u32),
    /// An item, or one of the two delimiters, where an element belongs.
    #[error("an item or delimiter stands where a data element belongs")]
    StrayDelimiter,
    /// Something else where an item belongs.
    #[error("this stands where an item (FFFE,E000) or a sequence delimiter (FFFE,E0DD) belongs")]
    NotAnItem,
    /// A fragment must state its length (PS3.5 §A.4).
    #[error("a fragment of encapsulated pixel data cannot have undefined length")]
    UndefinedFragment,
    /// A delimiter with a value.
    #[error("a delimiter must have length 0, this has {0}")]
    DelimiterLength(u32),
    /// The enclosing item has bytes left, but too few for an element.
    #[error("the enclosing item or sequence ends inside an element header")]
    ParentEnds,
    /// The bytes stop in the middle.
    #[error("the data set ends inside this element")]
    Ends,
    /// The bytes stop before anything can be said.
    #[error("the data set ends inside the header of an element")]
    EndsInHeader,
    /// An element after the pixel data whose place is before it.
    #[error(
        "this element stands after the pixel data, where only higher tags may; or what follows the pixel data is not DICOM"
    )]
    AfterPixelData,
    /// An element after the pixel data would have to be rewritten by an edit and is too long for that.
    #[error("this element after the pixel data is to be edited and is longer than {0} bytes")]
    TailTooLong(u64),
    /// An edit could not be applied to an element after the pixel data.
    #[error("an edit cannot be applied to this element after the pixel data: {0}")]
    TailEdit(String),
    /// No `DICM` at offset 128.
    #[error("this is not a DICOM file: \"DICM\" is missing at offset 128 (PS3.10 §7.1)")]
    NotPart10,
    /// The file meta information is longer than anything sensible.
    #[error("the file meta information is longer than {0} bytes")]
    MetaTooLong(u64),
    /// No transfer syntax in the file meta information.
    #[error("the file meta information has no transfer syntax (0002,0010)")]
    NoSyntax,
    /// A transfer syntax that is not one, or cannot be read.
    #[error("the transfer syntax {0} is unknown")]
    UnknownSyntax(String),
    /// The deflate stream is damaged.
    #[error("the deflated data set is damaged")]
    Deflate,
    /// A zlib header before the deflate stream.
    #[error("the deflated data set starts with a zlib header, where PS3.5 §A.5 wants a plain deflate stream")]
    Zlib,
    /// The deflate stream has no end.
    #[error("the deflated data set ends in the middle")]
    DeflateEnds,
    /// Bytes after the end of the deflate stream.
    #[error("bytes follow the end of the deflated data set")]
    AfterDeflate,
    /// More comes out than is allowed.
    #[error("the deflated data set inflates to more than {0} bytes")]
    InflatesTooFar(u64),
    /// More comes out, per byte that went in, than is allowed.
    #[error("the deflated data set inflates more than {0} to 1")]
    InflatesTooMuch(u32),
}

impl ParseError {
    pub(crate) fn new(tag: Option<Tag>, offset: u64, problem: Problem) -> Self {
        Self { tag, offset, problem }
    }

    /// The element concerned, when its tag could be read.
    pub fn tag(&self) -> Option<Tag> {
        self.tag
    }

    /// Where it begins, in bytes from the start of the data set (of the file, for [`crate::part10`]).
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag {
            Some(tag) => write!(f, "element {tag} at byte {}: {}", self.offset, self.problem),
            None => write!(f, "at byte {}: {}", self.offset, self.problem),
        }
    }
}

impl std::error::Error for ParseError {}

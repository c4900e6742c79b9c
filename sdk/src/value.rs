//! Tags, paths and values: the contract's records with the conveniences that authors expect.
//!
//! Separate because everything else speaks in them.

pub use crate::bindings::imports::isocenter::dicom::types::{Path, Step, Value};
use crate::tags;

/// An attribute's tag, packed as 0xggggeeee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// The group number.
    #[must_use]
    pub const fn group(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The element number.
    #[must_use]
    pub const fn element(self) -> u16 {
        (self.0 & 0xFFFF) as u16
    }

    /// One item of this sequence, counted from 0: a step on a path.
    #[must_use]
    pub const fn item(self, item: u32) -> Step {
        Step { sequence: self.0, item }
    }

    /// Whether the group number is odd (PS3.5 §7.8).
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.group() % 2 == 1
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({:04X},{:04X})", self.group(), self.element())
    }
}

impl From<Tag> for Path {
    fn from(tag: Tag) -> Path {
        Path {
            within: Vec::new(),
            tag: tag.0,
        }
    }
}

impl Path {
    /// An element inside the item that these steps lead to.
    #[must_use]
    pub fn inside(within: &[Step], tag: Tag) -> Path {
        Path {
            within: within.to_vec(),
            tag: tag.0,
        }
    }

    /// The steps into an item of the sequence that this path leads to, counted from 0.
    #[must_use]
    pub fn into_item(mut self, item: u32) -> Vec<Step> {
        self.within.push(Tag(self.tag).item(item));
        self.within
    }
}

/// A coded entry (PS3.3 §8): value, coding scheme and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code<'a>(pub &'a str, pub &'a str, pub &'a str);

impl Code<'_> {
    /// Its elements inside an item.
    pub(crate) fn elements(self, item: &[Step]) -> [(Path, Value); 3] {
        let element = |tag, text: &str| (Path::inside(item, tag), Value::Text(vec![text.to_owned()]));
        [
            element(tags::CODE_VALUE, self.0),
            element(tags::CODING_SCHEME_DESIGNATOR, self.1),
            element(tags::CODE_MEANING, self.2),
        ]
    }
}

/// A value representation, by its two letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vr(pub [u8; 2]);

impl Vr {
    pub(crate) const fn unpack(packed: u16) -> Vr {
        Vr(packed.to_be_bytes())
    }
}

impl std::fmt::Debug for Vr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

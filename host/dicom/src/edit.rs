//! Changes to a header.

use crate::header::Header;
use crate::path::Path;
use crate::uid::Uid;
use crate::value::Value;
use crate::{Tag, VR};
use std::fmt;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Gives the element this value; creates it when it is absent.
    Set {
        /// The element.
        at: Path,
        /// Its new value.
        value: Value,
    },
    /// Empties the element, when it is there.
    Clear(Path),
    /// Takes the element away, when it is there.
    Remove(Path),
    /// Takes every element with this tag away, at every depth.
    RemoveEverywhere(Tag),
    /// Takes private groups away, at every depth, but for blocks reserved by these creators.
    RemovePrivate {
        /// Private creators whose blocks stay.
        keep_creators: Vec<String>,
    },
    /// Replaces the UIDs of this element by the site's.
    RemapUid(Path),
    /// Replaces every UID at every depth, but for classes, syntaxes and coding schemes.
    RemapUidsEverywhere {
        /// Further elements to leave alone.
        keep: Vec<Tag>,
    },
    /// Moves every date at every depth.
    ShiftDatesEverywhere {
        /// Days to add.
        days: i32,
    },
}

/// The site's secret, from which replacement UIDs are derived.
#[derive(Clone)]
pub struct SiteKey([u8; 32]);

impl SiteKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The UID that stands for `uid` at this site.
    pub fn remap(&self, _uid: &Uid) -> Uid {
        todo!()
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(redacted)")
    }
}

/// What is to happen to elements after the pixel data.
#[derive(Debug, Clone)]
pub struct TailEdits {}

/// What was done to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It has a new value.
    Set,
    /// It is empty now.
    Cleared,
    /// It is gone.
    Removed,
    /// Its UIDs were replaced.
    Remapped,
    /// Its dates were moved.
    Shifted,
}

/// What was done, how often, to elements with one tag; for the log. No values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tag.
    pub tag: Tag,
    /// What was done.
    pub kind: ChangeKind,
    /// To how many elements with this tag, at all depths.
    pub count: u32,
}

/// An edited header.
#[derive(Clone)]
pub struct Edited {
    /// The new header.
    pub header: Header,
    /// To be given to [`crate::body::Body::edited`].
    pub tail: TailEdits,
    /// What was done, in tag order.
    pub changed: Vec<Change>,
}

/// An edit that cannot be done as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The value does not fit the element's VR.
    #[error("the value for {at} does not fit its VR {}: {reason}", .vr.to_string())]
    Value {
        /// The element.
        at: Path,
        /// Its VR.
        vr: VR,
        /// What does not fit.
        reason: String,
    },
}

/// Applies `edits` in order.
pub fn apply(_header: &Header, _edits: &[Edit], _key: &SiteKey) -> Result<Edited, EditError> {
    todo!()
}

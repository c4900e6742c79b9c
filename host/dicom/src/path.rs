//! Where an element stands: down through items of sequences, then a tag.
//!
//! Separate because header, edits and the plugin contract all name elements in this way.

use crate::Tag;
use std::fmt;

/// Descend into one item of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    /// The sequence.
    pub sequence: Tag,
    /// Which of its items, from 0.
    pub item: u32,
}

/// An element: zero or more steps down, then the tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// The way down; empty for the data set itself.
    pub within: Vec<Step>,
    /// The element.
    pub tag: Tag,
}

impl From<Tag> for Path {
    fn from(tag: Tag) -> Self {
        Self {
            within: Vec::new(),
            tag,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.within {
            write!(f, "{}[{}].", step.sequence, step.item)?;
        }
        write!(f, "{}", self.tag)
    }
}

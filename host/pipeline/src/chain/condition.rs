//! Conditions: which objects a chain is for.
//!
//! Apart from the chain because it is asked for every object of every chain, and must end soon whatever a sender wrote:
//! patterns take time linear in what they look at, and what they look at is bounded.

use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::Tag;
use isocenter_dicom::header::Header;

use super::network::{self, Network};
use super::pattern::Pattern;

/// An element of more bytes matches no pattern, whatever it holds. The longest value of any VR that is meant for short
/// texts takes 10,240 characters (LT).
pub(super) const LONGEST_ELEMENT: usize = 64 * 1024;

/// Which objects a chain is for: every given key must match; a key matches when one of its patterns does.
///
/// The default matches everything. What an object does not have, or has empty, matches no pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The AE title of the sender. An object that came without one (STOW-RS, a file) never matches a given list.
    pub calling_ae: Vec<Pattern>,
    /// The AE title that the sender called.
    pub called_ae: Vec<Pattern>,
    /// The networks of the sender. An object whose sender has no address never matches a given list.
    pub address: Vec<Network>,
    /// How the object came.
    pub transport: Vec<Transport>,
    /// Elements of the header; any value of a multi-valued element may match.
    pub elements: Vec<(Element, Vec<Pattern>)>,
}

/// An element of the header, or one of every item of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The sequences on the way, each inside the one before; any of their items may match.
    pub sequences: Vec<Tag>,
    /// The element.
    pub tag: Tag,
}

impl From<Tag> for Element {
    fn from(tag: Tag) -> Self {
        Self {
            sequences: Vec::new(),
            tag,
        }
    }
}

impl Condition {
    /// Whether an object with this header, from this source, is meant.
    pub fn matches(&self, header: &Header, source: &Source) -> bool {
        named(&self.calling_ae, source.calling_ae.as_deref())
            && named(&self.called_ae, source.called_ae.as_deref())
            && (self.transport.is_empty() || self.transport.contains(&source.transport))
            && (self.address.is_empty() || network::any_holds(&self.address, source.peer.as_deref()))
            && self.elements.iter().all(|(element, patterns)| {
                let mut accepts = |value: &str| patterns.iter().any(|pattern| pattern.matches(value));
                header.any_text(&element.sequences, element.tag, LONGEST_ELEMENT, &mut accepts)
            })
    }

    /// Whether every object is meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether no patterns are given, or one of them matches a name that is there.
fn named(patterns: &[Pattern], name: Option<&str>) -> bool {
    patterns.is_empty() || name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

#[cfg(test)]
mod tests;

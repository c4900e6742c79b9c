//! The edits that a filter records.
//!
//! Separate because they are not performed here: the host applies them, in their order, while it streams the object
//! to its place.

use crate::bindings::filter::isocenter::dicom::edits;
#[cfg(not(target_arch = "wasm32"))]
use crate::fake;
use crate::{Path, Tag, Value};

/// Changes to one object; they count only if the verdict keeps it.
pub struct Edits<'a>(Target<'a>);

enum Target<'a> {
    Host(&'a edits::Edits),
    #[cfg(not(target_arch = "wasm32"))]
    Fake(&'a mut fake::Edits),
}

macro_rules! record {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match &mut $self.0 {
            Target::Host(edits) => edits.$method($($argument),*),
            #[cfg(not(target_arch = "wasm32"))]
            Target::Fake(edits) => edits.$method($($argument),*),
        }
    };
}

impl<'a> Edits<'a> {
    pub(crate) fn host(edits: &'a edits::Edits) -> Edits<'a> {
        Edits(Target::Host(edits))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn fake(edits: &'a mut fake::Edits) -> Edits<'a> {
        Edits(Target::Fake(edits))
    }

    /// Sets an element, adding it where it is absent.
    pub fn set(&mut self, at: impl Into<Path>, value: Value) {
        record!(self.set(&at.into(), &value));
    }

    /// Sets an element to one text.
    pub fn set_text(&mut self, at: impl Into<Path>, text: impl Into<String>) {
        self.set(at, Value::Text(vec![text.into()]));
    }

    /// Leaves the element with an empty value.
    pub fn clear(&mut self, at: impl Into<Path>) {
        record!(self.clear(&at.into()));
    }

    /// Removes the element.
    pub fn remove(&mut self, at: impl Into<Path>) {
        record!(self.remove(&at.into()));
    }

    /// Removes the element at every depth.
    pub fn remove_everywhere(&mut self, tag: Tag) {
        record!(self.remove_everywhere(tag.0));
    }

    /// Removes private groups at every depth, but for the blocks of these creators.
    pub fn remove_private(&mut self, keep_creators: &[String]) {
        record!(self.remove_private(keep_creators));
    }

    /// Replaces a UID by one derived from it with the site's key, and answers the new ones.
    pub fn remap_uid(&mut self, at: impl Into<Path>) -> Vec<String> {
        record!(self.remap_uid(&at.into()))
    }

    /// The same for every element of VR UI, but for these tags.
    pub fn remap_uids_everywhere(&mut self, keep: &[Tag]) {
        let keep: Vec<u32> = keep.iter().map(|tag| tag.0).collect();
        record!(self.remap_uids_everywhere(&keep));
    }

    /// Shifts every date, and the date part of every date-time, at every depth.
    pub fn shift_dates_everywhere(&mut self, days: i32) {
        record!(self.shift_dates_everywhere(days));
    }
}

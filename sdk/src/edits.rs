//! The edits that a filter records.
//!
//! Separate because they are not performed here: the host applies them, in their order, while it streams the object
//! to its place.

use crate::raw::{Exclusive, edits};
use crate::{Code, Object, Path, Tag, Value, tags};

/// Changes to one object; they count only if the verdict keeps it.
pub struct Edits<'a>(pub(crate) Exclusive<'a, edits::Edits>);

/// Why elements are changed, for [`Edits::keep_originals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modification<'a> {
    /// When, as a DT. A filter on ingest gives the day alone ([`Moment::date`](crate::Moment::date)), which a DT may:
    /// an object that is sent twice must come out the same twice, or the second is taken for another of the same UID.
    pub when: &'a str,
    /// Who provided the object before; may be empty.
    pub source: &'a str,
    /// Who changes it: a name that is known in the institution.
    pub system: &'a str,
    /// `COERCE`: replaced by values of the receiving system. `CORRECT`: what was wrong is put right.
    pub reason: &'a str,
}

impl Edits<'_> {
    /// Sets an element, adding it where it is absent.
    pub fn set(&mut self, at: impl Into<Path>, value: Value) {
        self.0.set(&at.into(), &value);
    }

    /// Sets an element to one text.
    pub fn set_text(&mut self, at: impl Into<Path>, text: impl Into<String>) {
        self.set(at, Value::Text(vec![text.into()]));
    }

    /// Leaves the element with an empty value.
    pub fn clear(&mut self, at: impl Into<Path>) {
        self.0.clear(&at.into());
    }

    /// Removes the element.
    pub fn remove(&mut self, at: impl Into<Path>) {
        self.0.remove(&at.into());
    }

    /// Removes the element at every depth.
    pub fn remove_everywhere(&mut self, tag: Tag) {
        self.0.remove_everywhere(tag.0);
    }

    /// Appends an empty item to a sequence, making the sequence where it is absent. Its elements are then set by paths
    /// into it ([`Path::inside`]).
    pub fn add_item(&mut self, sequence: impl Into<Path>) {
        self.0.add_item(&sequence.into());
    }

    /// Appends a coded entry to a sequence. `items`: how many it has by then, because edits cannot be read back.
    pub fn add_code(&mut self, sequence: impl Into<Path>, items: u32, code: Code<'_>) {
        let sequence = sequence.into();
        self.add_item(sequence.clone());
        for (path, value) in code.elements(&sequence.into_item(items)) {
            self.set(path, value);
        }
    }

    /// Appends an item to the Original Attributes Sequence (PS3.3 §C.12.1.1.9): what these elements hold as the object
    /// came, and why that is changed. An element that is absent, or a sequence, is not in it.
    pub fn keep_originals(&mut self, object: &Object<'_>, changed: &[Tag], why: &Modification<'_>) {
        let sequence = tags::ORIGINAL_ATTRIBUTES_SEQUENCE;
        let step = sequence.item(object.items(sequence).unwrap_or(0));
        let item = [step];
        self.add_item(sequence);
        for (tag, text) in [
            (tags::SOURCE_OF_PREVIOUS_VALUES, why.source),
            (tags::ATTRIBUTE_MODIFICATION_DATE_TIME, why.when),
            (tags::MODIFYING_SYSTEM, why.system),
            (tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION, why.reason),
        ] {
            self.set_text(Path::inside(&item, tag), text);
        }
        self.add_item(Path::inside(&item, tags::MODIFIED_ATTRIBUTES_SEQUENCE));
        let within = [step, tags::MODIFIED_ATTRIBUTES_SEQUENCE.item(0)];
        let paths: Vec<Path> = changed.iter().map(|&tag| tag.into()).collect();
        for (&tag, value) in changed.iter().zip(object.get_many(&paths)) {
            if let Some(value) = value {
                self.set(Path::inside(&within, tag), value);
            }
        }
    }

    /// Removes private groups at every depth, but for the blocks of these creators.
    pub fn remove_private(&mut self, keep_creators: &[String]) {
        self.0.remove_private(keep_creators);
    }

    /// Replaces a UID by one derived from it with the site's key, and answers the new ones.
    pub fn remap_uid(&mut self, at: impl Into<Path>) -> Vec<String> {
        self.0.remap_uid(&at.into())
    }

    /// The same for every element of VR UI, but for these tags.
    pub fn remap_uids_everywhere(&mut self, keep: &[Tag]) {
        let keep: Vec<u32> = keep.iter().map(|tag| tag.0).collect();
        self.0.remap_uids_everywhere(&keep);
    }

    /// Shifts every date, and the date part of every date-time, at every depth.
    pub fn shift_dates_everywhere(&mut self, days: i32) {
        self.0.shift_dates_everywhere(days);
    }
}

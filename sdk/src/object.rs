//! The object that a plugin reads.
//!
//! Separate because it is where a plugin meets patient data; natively it reads a [`fake`](crate::fake) one.

use crate::raw::{Handle, objects};
use crate::{Path, Step, Tag, Value, Vr, tags};

/// The header of one SOP instance, as it came: edits do not show in it.
pub struct Object<'a>(pub(crate) Handle<'a, objects::Object>);

impl<'a> Object<'a> {
    pub(crate) fn lent(object: &'a objects::Object) -> Object<'a> {
        Object(Handle::Lent(object))
    }

    pub(crate) fn owned(object: objects::Object) -> Object<'static> {
        Object(Handle::Owned(object))
    }

    /// An element's value; `None` where it is absent or a sequence.
    #[must_use]
    pub fn get(&self, at: impl Into<Path>) -> Option<Value> {
        self.0.get(&at.into())
    }

    /// Many values for one crossing of the sandbox boundary, in the order of the question.
    #[must_use]
    pub fn get_many(&self, at: &[Path]) -> Vec<Option<Value>> {
        self.0.get_many(at)
    }

    /// The values of a text element; `None` where it is absent or not text.
    #[must_use]
    pub fn text(&self, at: impl Into<Path>) -> Option<Vec<String>> {
        match self.get(at) {
            Some(Value::Text(values)) => Some(values),
            _ => None,
        }
    }

    /// The first value of a text element, if it is not empty.
    #[must_use]
    pub fn first(&self, at: impl Into<Path>) -> Option<String> {
        self.text(at)?.into_iter().next().filter(|text| !text.is_empty())
    }

    /// The first value as an integer, whether it is written in digits (IS) or binary; `None` where it is neither.
    #[must_use]
    pub fn integer(&self, at: impl Into<Path>) -> Option<i64> {
        match self.get(at)? {
            Value::Text(values) => values.first()?.trim().parse().ok(),
            Value::Signed(values) => values.first().copied(),
            Value::Unsigned(values) => i64::try_from(*values.first()?).ok(),
            Value::Real(_) | Value::Tags(_) | Value::Bytes(_) => None,
        }
    }

    /// Tags present at one level, ascending; empty where there is no such item.
    #[must_use]
    pub fn tags(&self, within: &[Step]) -> Vec<Tag> {
        self.0.tags(within).into_iter().map(Tag).collect()
    }

    /// Tags and VRs present at one level: what to walk an object with.
    #[must_use]
    pub fn elements(&self, within: &[Step]) -> Vec<(Tag, Vr)> {
        self.0
            .elements(within)
            .into_iter()
            .map(|(tag, vr)| (Tag(tag), Vr::unpack(vr)))
            .collect()
    }

    /// Items in a sequence; `None` where it is absent or not a sequence.
    #[must_use]
    pub fn items(&self, at: impl Into<Path>) -> Option<u32> {
        self.0.items(&at.into())
    }

    /// SOP Class UID.
    #[must_use]
    pub fn sop_class(&self) -> String {
        self.first(tags::SOP_CLASS_UID).unwrap_or_default()
    }

    /// SOP Instance UID.
    #[must_use]
    pub fn sop_instance(&self) -> String {
        self.first(tags::SOP_INSTANCE_UID).unwrap_or_default()
    }

    /// Series Instance UID.
    #[must_use]
    pub fn series(&self) -> String {
        self.first(tags::SERIES_INSTANCE_UID).unwrap_or_default()
    }

    /// Study Instance UID.
    #[must_use]
    pub fn study(&self) -> String {
        self.first(tags::STUDY_INSTANCE_UID).unwrap_or_default()
    }

    /// Transfer Syntax UID in which the object was received.
    #[must_use]
    pub fn transfer_syntax(&self) -> String {
        self.0.transfer_syntax()
    }

    /// The header as DICOM JSON (PS3.18 Annex F), bulk data left out.
    #[must_use]
    pub fn json(&self) -> String {
        self.0.json()
    }
}

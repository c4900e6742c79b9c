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
        text(self.get(at)?)
    }

    /// The first value of a text element, if it is not empty.
    #[must_use]
    pub fn first(&self, at: impl Into<Path>) -> Option<String> {
        first(self.text(at)?)
    }

    /// The first value as an integer, whether it is written in digits (IS) or binary; `None` where it is neither.
    #[must_use]
    pub fn integer(&self, at: impl Into<Path>) -> Option<i64> {
        integer(self.get(at)?)
    }

    /// Tags present at one level, ascending; empty where there is no such item.
    #[must_use]
    pub fn tags(&self, within: &[Step]) -> Vec<Tag> {
        self.0.tags(within).into_iter().map(Tag).collect()
    }

    /// Tags and VRs present at one level: what to walk an object with.
    #[must_use]
    pub fn elements(&self, within: &[Step]) -> Vec<(Tag, Vr)> {
        elements(&self.0, within)
    }

    /// Items in a sequence; `None` where it is absent or not a sequence.
    #[must_use]
    pub fn items(&self, at: impl Into<Path>) -> Option<u32> {
        self.0.items(&at.into())
    }

    /// The items of a sequence, in their order; none where it is absent or not a sequence.
    ///
    /// ```
    /// use isocenter::{fake, tags};
    ///
    /// let object = fake::Object::from_json(
    ///     r#"{"00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]}}"#,
    /// )?;
    /// let object = object.object();
    /// let images = object.sequence(tags::REFERENCED_IMAGE_SEQUENCE);
    /// let uids: Vec<String> = images.filter_map(|image| image.first(tags::REFERENCED_SOP_INSTANCE_UID)).collect();
    /// assert_eq!(uids, ["1.2.3"]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn sequence(&self, at: impl Into<Path>) -> impl Iterator<Item = Item<'_>> {
        let at = at.into();
        let count = self.0.items(&at).unwrap_or_default();
        (0..count).map(move |index| Item {
            object: &self.0,
            within: at.clone().into_item(index),
        })
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

/// One item of a sequence: a data set within an object (PS3.5 §7.5).
pub struct Item<'o> {
    object: &'o objects::Object,
    within: Vec<Step>,
}

impl Item<'_> {
    /// Where an element of it is, for edits and conditions.
    #[must_use]
    pub fn path(&self, tag: Tag) -> Path {
        Path::inside(&self.within, tag)
    }

    /// An element's value; `None` where it is absent or a sequence.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<Value> {
        self.object.get(&self.path(tag))
    }

    /// The values of a text element; `None` where it is absent or not text.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<Vec<String>> {
        text(self.get(tag)?)
    }

    /// The first value of a text element, if it is not empty.
    #[must_use]
    pub fn first(&self, tag: Tag) -> Option<String> {
        first(self.text(tag)?)
    }

    /// The first value as an integer, as [`Object::integer`] has it.
    #[must_use]
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        integer(self.get(tag)?)
    }

    /// Tags and VRs of its elements, ascending.
    #[must_use]
    pub fn elements(&self) -> Vec<(Tag, Vr)> {
        elements(self.object, &self.within)
    }

    /// The items of a sequence in it.
    pub fn sequence(&self, tag: Tag) -> impl Iterator<Item = Item<'_>> {
        let at = self.path(tag);
        let count = self.object.items(&at).unwrap_or_default();
        (0..count).map(move |index| Item {
            object: self.object,
            within: at.clone().into_item(index),
        })
    }
}

fn text(value: Value) -> Option<Vec<String>> {
    match value {
        Value::Text(values) => Some(values),
        _ => None,
    }
}

fn first(values: Vec<String>) -> Option<String> {
    values.into_iter().next().filter(|text| !text.is_empty())
}

fn integer(value: Value) -> Option<i64> {
    match value {
        Value::Text(values) => values.first()?.trim().parse().ok(),
        Value::Signed(values) => values.first().copied(),
        Value::Unsigned(values) => i64::try_from(*values.first()?).ok(),
        Value::Real(_) | Value::Tags(_) | Value::Bytes(_) => None,
    }
}

fn elements(object: &objects::Object, within: &[Step]) -> Vec<(Tag, Vr)> {
    let elements = object.elements(within).into_iter();
    elements.map(|(tag, vr)| (Tag(tag), Vr::unpack(vr))).collect()
}

//! Objects in memory, with their frames.

use std::collections::BTreeMap;

use super::json;
use crate::bindings::imports::isocenter::dicom::pixels::{Form, Trouble};
use crate::{Path, Step, Tag, Value, Vr, tags};

/// An object in memory, or an item of one.
#[derive(Clone, Debug, Default)]
pub struct Object {
    pub(super) elements: BTreeMap<Tag, (Vr, Element)>,
    frames: Vec<Frame>,
}

#[derive(Clone, Debug)]
pub(super) enum Element {
    Value(Value),
    Items(Vec<Object>),
}

/// One frame of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as the methods of `Frame`")]
pub struct Frame {
    pub rows: u32,
    pub columns: u32,
    pub samples: u16,
    pub bits_allocated: u16,
    pub is_signed: bool,
    /// Decoded.
    pub bytes: Vec<u8>,
    /// As it is stored; `None`: the host decodes nothing of this object, and `bytes` are its stored form.
    pub stored: Option<Vec<u8>>,
}

impl Frame {
    /// A frame of one unsigned sample of 8 bits per pixel.
    #[must_use]
    pub fn gray(rows: u32, columns: u32, bytes: Vec<u8>) -> Frame {
        Frame {
            rows,
            columns,
            samples: 1,
            bits_allocated: 8,
            is_signed: false,
            stored: Some(bytes.clone()),
            bytes,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn read(&self, offset: u64, len: u32) -> Vec<u8> {
        super::raw::part(&self.bytes, offset, len)
    }
}

fields! { Frame: rows: u32, columns: u32, samples: u16, bits_allocated: u16, is_signed: bool; }

impl Object {
    /// An object of a study, a series and a UID.
    #[must_use]
    pub fn of(study: &str, series: &str, object: &str) -> Object {
        Object::default()
            .with_text(tags::STUDY_INSTANCE_UID, b"UI", study)
            .with_text(tags::SERIES_INSTANCE_UID, b"UI", series)
            .with_text(tags::SOP_INSTANCE_UID, b"UI", object)
    }

    /// An object from its elements in DICOM JSON (PS3.18 Annex F), or from a list of one, as WADO-RS answers metadata.
    ///
    /// ```
    /// use isocenter::{fake, tags};
    ///
    /// let object = fake::Object::from_json(
    ///     r#"{
    ///         "00080060": {"vr": "CS", "Value": ["CT"]},
    ///         "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
    ///         "00280010": {"vr": "US", "Value": [512]}
    ///     }"#,
    /// )?;
    /// assert_eq!(object.object().first(tags::PATIENT_NAME).as_deref(), Some("Doe^Jane"));
    /// assert_eq!(object.object().integer(tags::ROWS), Some(512));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// Names the element and what is wrong with it.
    pub fn from_json(text: &str) -> Result<Object, String> {
        json::read(text)
    }

    /// [`Object::from_json`] of a file.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn from_json_file(path: impl AsRef<std::path::Path>) -> Result<Object, String> {
        let path = path.as_ref();
        let named = |error: String| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        Object::from_json(&text).map_err(named)
    }

    /// Adds an element.
    #[must_use]
    pub fn with(mut self, tag: Tag, vr: &[u8; 2], value: Value) -> Object {
        self.elements.insert(tag, (Vr(*vr), Element::Value(value)));
        self
    }

    /// Adds an element of one text, or of several that backslashes separate.
    #[must_use]
    pub fn with_text(self, tag: Tag, vr: &[u8; 2], text: &str) -> Object {
        self.with(tag, vr, Value::Text(text.split('\\').map(str::to_owned).collect()))
    }

    /// Adds a sequence.
    #[must_use]
    pub fn with_items(mut self, tag: Tag, items: Vec<Object>) -> Object {
        self.elements.insert(tag, (Vr(*b"SQ"), Element::Items(items)));
        self
    }

    /// Adds a frame.
    #[must_use]
    pub fn with_frame(mut self, frame: Frame) -> Object {
        self.frames.push(frame);
        self
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn object(&self) -> crate::Object<'_> {
        crate::Object::lent(self)
    }

    /// The first value of a text element; empty where there is none.
    pub(crate) fn first(&self, tag: Tag) -> String {
        self.object().first(tag).unwrap_or_default()
    }

    fn item(&self, within: &[Step]) -> Option<&Object> {
        within
            .iter()
            .try_fold(self, |object, step| match object.elements.get(&Tag(step.sequence)) {
                Some((_, Element::Items(items))) => items.get(step.item as usize),
                _ => None,
            })
    }

    pub(crate) fn get(&self, at: &Path) -> Option<Value> {
        match self.item(&at.within)?.elements.get(&Tag(at.tag)) {
            Some((_, Element::Value(value))) => Some(value.clone()),
            _ => None,
        }
    }

    pub(crate) fn get_many(&self, at: &[Path]) -> Vec<Option<Value>> {
        at.iter().map(|at| self.get(at)).collect()
    }

    pub(crate) fn tags(&self, within: &[Step]) -> Vec<u32> {
        self.item(within)
            .map_or_else(Vec::new, |item| item.elements.keys().map(|tag| tag.0).collect())
    }

    pub(crate) fn elements(&self, within: &[Step]) -> Vec<(u32, u16)> {
        let of = |item: &Object| {
            item.elements
                .iter()
                .map(|(tag, (vr, _))| (tag.0, u16::from_be_bytes(vr.0)))
                .collect()
        };
        self.item(within).map_or_else(Vec::new, of)
    }

    pub(crate) fn items(&self, at: &Path) -> Option<u32> {
        match self.item(&at.within)?.elements.get(&Tag(at.tag)) {
            Some((_, Element::Items(items))) => u32::try_from(items.len()).ok(),
            _ => None,
        }
    }

    pub(crate) fn transfer_syntax(&self) -> String {
        "1.2.840.10008.1.2.1".into()
    }

    pub(crate) fn json(&self) -> String {
        json::written(self).to_string()
    }

    pub(crate) fn frame_count(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn open_frame(&self, index: u32, form: Form) -> Result<Frame, Trouble> {
        if self.frames.is_empty() {
            return Err(Trouble::NoPixels);
        }
        let mut frame = self.frames.get(index as usize).ok_or(Trouble::NoSuchFrame)?.clone();
        match (form, frame.stored.take()) {
            (Form::Decoded, None) => return Err(Trouble::UnsupportedSyntax),
            (Form::Stored, Some(stored)) => frame.bytes = stored,
            (Form::Decoded, Some(_)) | (Form::Stored, None) => {}
        }
        Ok(frame)
    }
}

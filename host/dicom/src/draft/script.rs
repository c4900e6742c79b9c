//! What the host writes into a draft, as edits.
//!
//! Separate because most of it is the same few gestures: a text, a code, an item with something in it.

use crate::edit::Edit;
use crate::path::{Path, Step};
use crate::value::Value;
use crate::{Tag, tags};

/// Edits in the making.
#[derive(Default)]
pub(super) struct Script(Vec<Edit>);

impl Script {
    pub(super) fn finish(self) -> Vec<Edit> {
        self.0
    }

    pub(super) fn set(&mut self, within: &[Step], tag: Tag, value: Value) {
        let within = within.to_vec();
        self.0.push(Edit::Set {
            at: Path { within, tag },
            value,
        });
    }

    pub(super) fn text(&mut self, tag: Tag, text: impl Into<String>) {
        self.set(&[], tag, Value::Text(vec![text.into()]));
    }

    pub(super) fn texts(&mut self, tag: Tag, texts: &[&str]) {
        self.set(&[], tag, Value::Text(texts.iter().map(ToString::to_string).collect()));
    }

    pub(super) fn number(&mut self, tag: Tag, number: u64) {
        self.set(&[], tag, Value::Unsigned(vec![number]));
    }

    /// An element without a value.
    pub(super) fn empty(&mut self, tag: Tag) {
        self.set(&[], tag, Value::Text(Vec::new()));
    }

    /// A sequence without items.
    pub(super) fn empty_sequence(&mut self, tag: Tag) {
        self.0.extend([Edit::AddItem(tag.into()), Edit::Clear(tag.into())]);
    }

    /// Adds the item of this number, the next one; gives the way into it.
    pub(super) fn item(&mut self, within: &[Step], sequence: Tag, item: u32) -> Vec<Step> {
        self.0.push(Edit::AddItem(Path {
            within: within.to_vec(),
            tag: sequence,
        }));
        let step = Step { sequence, item };
        within.iter().copied().chain([step]).collect()
    }

    pub(super) fn text_in(&mut self, within: &[Step], tag: Tag, text: impl Into<String>) {
        self.set(within, tag, Value::Text(vec![text.into()]));
    }

    /// A sequence of one code of DICOM's own (PS3.16 Annex D).
    pub(super) fn code(&mut self, within: &[Step], sequence: Tag, value: &str, meaning: &str) {
        let code = self.item(within, sequence, 0);
        self.text_in(&code, tags::CODE_VALUE, value);
        self.text_in(&code, tags::CODING_SCHEME_DESIGNATOR, "DCM");
        self.text_in(&code, tags::CODE_MEANING, meaning);
    }
}

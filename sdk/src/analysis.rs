//! What an analyzer makes: drafts of new objects, and where it stands.
//!
//! Separate because nothing here is stored by the plugin: the host makes the objects when the last step is done, all
//! together or not at all, and sends them through the chains like any other.

pub use crate::bindings::imports::isocenter::dicom::drafts::Kind as DraftKind;
use crate::raw::{Exclusive, drafts, results};
use crate::{Code, Object, Path, Value};

/// What follows a step of an analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The analysis is complete.
    Done,
    /// To be resumed after a pause. Nothing but the token is carried over.
    Wait {
        /// At most 64 KiB.
        token: Vec<u8>,
        /// How long the pause is.
        seconds: u32,
    },
}

impl Next {
    /// To be resumed with this token after so many seconds.
    #[must_use]
    pub fn wait(token: impl Into<Vec<u8>>, seconds: u32) -> Next {
        Next::Wait {
            token: token.into(),
            seconds,
        }
    }
}

/// What an analysis comes to.
pub struct Results<'a>(pub(crate) Exclusive<'a, results::Results>);

impl Results<'_> {
    /// Says how far it is: per cent, and a note without patient data.
    pub fn progress(&mut self, percent: u8, note: &str) {
        self.0.progress(percent, note);
    }

    /// Adds an object. Only the step that answers [`Next::Done`] may.
    pub fn add(&mut self, draft: Draft) {
        self.0.add(draft.0);
    }
}

/// A new object. The host owns its UIDs, and copies patient, study and frame of reference from the first source.
pub struct Draft(drafts::Draft);

impl Draft {
    /// An object of this kind that derives from a source: without one it would be nobody's.
    #[must_use]
    pub fn new(kind: DraftKind, source: &Object<'_>) -> Draft {
        let mut draft = Draft(drafts::Draft::new(kind));
        draft.derive_from(source);
        draft
    }

    /// Adds a source, which the object will refer to.
    #[allow(
        clippy::allow_attributes,
        clippy::needless_pass_by_ref_mut,
        reason = "it changes with the host"
    )]
    pub fn derive_from(&mut self, source: &Object<'_>) {
        self.0.derive_from(&source.0);
    }

    /// Sets an element; the items on the way are made. UIDs, patient and study are the host's and refused when the
    /// object is stored.
    pub fn set(&mut self, at: impl Into<Path>, value: Value) {
        self.0.set(&at.into(), &value);
    }

    /// Sets an element to one text.
    pub fn set_text(&mut self, at: impl Into<Path>, text: impl Into<String>) {
        self.set(at, Value::Text(vec![text.into()]));
    }

    /// Sets a sequence to one item, a coded entry.
    pub fn set_code(&mut self, sequence: impl Into<Path>, code: Code<'_>) {
        for (path, value) in code.elements(&sequence.into().into_item(0)) {
            self.set(path, value);
        }
    }

    /// Appends to the pixel data, or to the document.
    pub fn append_pixels(&mut self, bytes: &[u8]) {
        self.0.append_pixels(bytes);
    }

    /// The SOP Instance UID that it will have.
    #[must_use]
    pub fn uid(&self) -> String {
        self.0.uid()
    }
}

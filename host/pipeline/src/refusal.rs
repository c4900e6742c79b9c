//! Why an object was not taken, in words for its sender.
//!
//! One type for every door, so that DIMSE and STOW-RS cannot disagree about what a refusal means: each door maps
//! [`RefusalKind`] exhaustively onto its own codes. A reason never holds patient data: it may name tags, UIDs,
//! transfer syntaxes and limits.

use isocenter_dicom::header::Identity;

/// What kind of trouble a refusal is; decides the status that the sender sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The data set cannot be parsed, or lacks what identifies an object.
    CannotUnderstand,
    /// The data set contradicts what was announced with it (SOP class or instance, study of the request).
    Mismatch,
    /// An object with the same SOP Instance UID and other content is stored, and the policy is `keep-first`.
    Duplicate,
    /// A limit of this host (size of the header, of a deflated object, memory for headers) was reached.
    TooLarge,
    /// The disk or the index cannot take it now; the sender should try again.
    OutOfResources,
    /// A filter asked to try again later, or could not run now.
    TryLater,
    /// A filter refused it, or failed on a chain whose policy is `refuse`.
    RefusedByPlugin,
}

impl RefusalKind {
    /// Whether the same object may be taken later.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::OutOfResources | Self::TryLater)
    }

    /// A word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CannotUnderstand => "cannot-understand",
            Self::Mismatch => "mismatch",
            Self::Duplicate => "duplicate",
            Self::TooLarge => "too-large",
            Self::OutOfResources => "out-of-resources",
            Self::TryLater => "try-later",
            Self::RefusedByPlugin => "refused-by-plugin",
        }
    }
}

/// An object that was not taken: nothing of it is stored.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What kind of trouble it is.
    pub kind: RefusalKind,
    /// One sentence for the sender, without patient data.
    pub reason: String,
    /// Whose object it was, when the header was read that far.
    pub identity: Option<Identity>,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            identity: None,
        }
    }

    pub(crate) fn of(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }
}

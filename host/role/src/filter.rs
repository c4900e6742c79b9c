//! Filters: look at an object that passes, edit it, let it pass or not.

use std::sync::Arc;

use isocenter_dicom::edit::Edit;

use crate::{Call, OpenObject, Part};

/// Looks at an object that passes, on its way in or out.
pub trait Filter: Part {
    /// Whether it looks at pixels: an arriving object is then spooled before it is asked.
    fn wants_pixels(&self) -> bool;

    /// Shows it one object.
    fn filter(self: Arc<Self>, object: OpenObject, passage: Arc<Passage>) -> Call<'static, FilterAnswer>;
}

/// What a filter wants to happen to the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on, with the edits.
    Keep,
    /// Ingest: answer success, store nothing. Egress: do not send.
    Drop(String),
    /// Answer a failure status to the sender. The reason leaves the host.
    Refuse(String),
    /// Answer success, hold the object unedited for a person.
    Quarantine(String),
}

impl Verdict {
    /// A word for it, for metrics and records.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Keep => "keep",
            Verdict::Drop(_) => "drop",
            Verdict::Refuse(_) => "refuse",
            Verdict::Quarantine(_) => "quarantine",
        }
    }
}

/// A filter's answer.
#[derive(Clone, Debug)]
pub struct FilterAnswer {
    /// What is to happen.
    pub verdict: Verdict,
    /// Recorded edits in their order. Empty unless the verdict is [`Verdict::Keep`].
    pub edits: Vec<Edit>,
}

/// Where an object is going while a filter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the archive.
    Ingest,
    /// To a destination.
    Egress,
}

/// How an object came to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// C-STORE.
    Dimse,
    /// STOW-RS.
    Stow,
    /// Made from another object by a plugin.
    Derived,
    /// Imported from a file.
    File,
}

/// What the object is passing through, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Into the archive or out of it.
    pub direction: Direction,
    /// How the object came to the archive.
    pub transport: Transport,
    /// AE title of the sender; DIMSE only.
    pub calling_ae: Option<String>,
    /// AE title that the sender called; DIMSE only.
    pub called_ae: Option<String>,
    /// Network address of the sender.
    pub peer: Option<String>,
    /// Who sent it, as the auth plugins named them.
    pub subject: Option<String>,
    /// Egress only: the configured destination.
    pub destination: Option<String>,
    /// Times this object, or the one it derives from, has passed through ingest.
    pub hops: u32,
}

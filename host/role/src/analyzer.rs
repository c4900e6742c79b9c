//! Analyzers: make new objects from a quiet study, in as many steps as they need.

use std::sync::Arc;
use std::time::Duration;

use isocenter_dicom::header::Header;
use isocenter_dicom::{Path, Value};

use crate::{Call, Part, Study};

/// Makes new objects from a study. Between two steps nothing of it is alive but the token.
pub trait Analyzer: Part {
    /// The first step.
    fn start(self: Arc<Self>, study: Arc<dyn Study>) -> Call<'static, Analysis>;

    /// The next step after one that ended in [`Next::Wait`], perhaps in another process.
    fn resume(self: Arc<Self>, token: Vec<u8>, study: Arc<dyn Study>) -> Call<'static, Analysis>;
}

/// What one step came to.
#[derive(Debug)]
pub struct Analysis {
    /// What is next.
    pub next: Next,
    /// Objects to be stored, all together or none. Empty unless `next` is [`Next::Done`].
    pub drafts: Vec<PlannedDraft>,
    /// The last progress that was reported: per cent, and a note.
    pub progress: Option<(u8, String)>,
}

/// What follows a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The analysis is complete.
    Done,
    /// To be resumed after a pause, with this token (at most 64 KiB).
    Wait(Vec<u8>, Duration),
}

/// What kind of object a draft becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DraftKind {
    /// Secondary Capture Image.
    SecondaryCapture,
    /// Comprehensive SR.
    StructuredReport,
    /// Segmentation.
    Segmentation,
    /// Parametric Map.
    ParametricMap,
    /// Grayscale Softcopy Presentation State.
    PresentationState,
    /// Encapsulated PDF.
    EncapsulatedPdf,
}

/// A new object as its author described it; the host owns UIDs, provenance and the ingest of the result.
#[derive(Clone, Debug)]
pub struct PlannedDraft {
    /// What it becomes.
    pub kind: DraftKind,
    /// The SOP Instance UID it will have.
    pub uid: String,
    /// Headers of the objects that it derives from; patient, study and frame of reference come from the first.
    pub sources: Vec<Arc<Header>>,
    /// Elements in the order in which they were set; the items on the way are made.
    pub elements: Vec<(Path, Value)>,
    /// Pixel data, or the document.
    pub pixels: Vec<u8>,
}

//! Objects and studies as they are handed to plugins: opened one at a time, their pixels pulled.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use isocenter_dicom::header::Header;

/// One object that a plugin may look at.
#[derive(Clone)]
pub struct OpenObject {
    /// Everything before its pixel data.
    pub header: Arc<Header>,
    /// Its pixels; `None` where they are not at hand (they have not arrived yet) or not for this caller.
    pub frames: Option<Arc<dyn Frames>>,
}

impl OpenObject {
    /// An object whose pixels are not at hand.
    #[must_use]
    pub fn header(header: Arc<Header>) -> OpenObject {
        OpenObject { header, frames: None }
    }
}

impl std::fmt::Debug for OpenObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenObject").finish_non_exhaustive()
    }
}

/// In which form a frame is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is stored: the bytes of its fragments.
    Stored,
    /// As pixels, little endian, planar configuration 0.
    Decoded,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Rows (0028,0010).
    pub rows: u32,
    /// Columns (0028,0011).
    pub columns: u32,
    /// Samples per Pixel (0028,0002).
    pub samples: u16,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: u16,
    /// Pixel Representation (0028,0103) is 1.
    pub signed: bool,
    /// Its bytes, in the form that was asked for.
    pub bytes: Bytes,
}

/// Why there is no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameTrouble {
    /// The object has no pixel data, or it is not at hand.
    #[error("the object has no pixel data here")]
    NoPixels,
    /// Frames are counted from 0.
    #[error("there is no frame of that number")]
    NoSuchFrame,
    /// The transfer syntax is not decoded here.
    #[error("the transfer syntax is not decoded here")]
    UnsupportedSyntax,
    /// The pixel data is not what the header says, or cannot be read.
    #[error("the pixel data is not valid: {0}")]
    Corrupt(String),
}

/// The frames of one object.
pub trait Frames: Send + Sync {
    /// How many; 0 without pixel data.
    fn count(&self) -> u32;

    /// One of them, counted from 0.
    fn open(&self, index: u32, form: Form) -> BoxFuture<'_, Result<Frame, FrameTrouble>>;
}

/// One object of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub object: String,
}

/// Shape (slices, rows, columns) and values.
pub type Volume = (Vec<u32>, Vec<f32>);

/// A stored study whose members are opened one at a time.
pub trait Study: Send + Sync {
    /// Study Instance UID.
    fn uid(&self) -> &str;

    /// Its members as they were when it was opened, in series and instance order.
    fn members(&self) -> &[Member];

    /// Opens a member by its position. `Ok(None)`: it is not stored any more. `Err`: it cannot be read now.
    fn open(&self, position: usize) -> BoxFuture<'_, Result<Option<OpenObject>, String>>;

    /// The frames of one series, sorted along the normal and rescaled. The error says why they are no volume.
    fn volume(&self, series: String) -> BoxFuture<'_, Result<Volume, String>>;
}

/// The archive as one caller may see it: what they may not see is not found.
pub trait Visible: Send + Sync {
    /// Opens an object by its SOP Instance UID.
    fn open(&self, object: String) -> BoxFuture<'_, Result<Option<OpenObject>, String>>;

    /// Opens a study by its Study Instance UID.
    fn open_study(&self, study: String) -> BoxFuture<'_, Result<Option<Arc<dyn Study>>, String>>;

    /// A QIDO-RS query (`studies?PatientID=…`) as DICOM JSON (PS3.18 §10.6); the error says what is wrong with it.
    fn search(&self, query: String) -> BoxFuture<'_, Result<String, String>>;
}

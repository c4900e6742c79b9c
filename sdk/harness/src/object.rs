//! Objects of cases: a Part 10 file, or its elements in DICOM JSON (PS3.18 Annex F).

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_dicom::header::{Header, HeaderReader, Limits};
use isocenter_dicom::part10::MetaReader;
use isocenter_dicom::{Path as ElementPath, TransferSyntax, tags};
use isocenter_pixels::{PixelError, Pixels, Ranges, Trouble};
use isocenter_role::{Form, Frame, FrameTrouble, Frames, OpenObject};

use crate::json;

/// Explicit VR Little Endian.
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// The largest file.
const MOST_BYTES: u64 = 256 << 20;

/// Why an object of a case cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Its content.
    #[error("{} is no object: {why}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// An object of a case, whole.
#[derive(Clone)]
pub struct CaseObject {
    /// As a plugin is given it.
    pub open: OpenObject,
    data_set: Bytes,
}

impl CaseObject {
    /// One decoded frame, for a volume.
    pub(crate) fn decoded(&self, index: u32) -> Result<isocenter_pixels::Frame, PixelError> {
        let ranges: Arc<dyn Ranges> = Arc::new(self.data_set.clone());
        Pixels::open(&self.open.header, ranges)?.decoded(index)
    }
}

/// Reads a DICOM file (PS3.10), or where its name ends in `.json` the elements of an object in DICOM JSON.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read_object(path: &Path) -> Result<CaseObject, ObjectError> {
    let file = |error| ObjectError::File {
        path: path.to_owned(),
        error,
    };
    let content = |why: String| ObjectError::Content {
        path: path.to_owned(),
        why,
    };
    if std::fs::metadata(path).map_err(file)?.len() > MOST_BYTES {
        return Err(content("it is larger than 256 MiB".into()));
    }
    let bytes = std::fs::read(path).map_err(file)?;
    let (syntax, data_set) = if path.extension().is_some_and(|extension| extension == "json") {
        let syntax = TransferSyntax::lookup(EXPLICIT).ok_or_else(|| content("no transfer syntax".into()))?;
        (syntax, json::data_set(&bytes).map_err(content)?.into())
    } else {
        of_part10(bytes.into()).map_err(content)?
    };
    let mut reader = HeaderReader::new(syntax, Limits::default());
    let read = reader.push(&data_set).and_then(|_| reader.finish());
    let (header, _) = read.map_err(|error| content(error.to_string()))?;
    let header = Arc::new(header);
    let picture = Picture {
        header: Arc::clone(&header),
        data_set: data_set.clone(),
        pixels: OnceLock::new(),
    };
    Ok(CaseObject {
        open: OpenObject {
            frames: Some(Arc::new(picture)),
            header,
        },
        data_set,
    })
}

/// The data set of a file.
fn of_part10(file: Bytes) -> Result<(TransferSyntax, Bytes), String> {
    let mut reader = MetaReader::new();
    let read = match reader.push(&file) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => reader.finish(),
        Err(error) => Err(error),
    };
    let (meta, data_set) = read.map_err(|error| error.to_string())?;
    if meta.syntax.is_deflated() {
        let plain = isocenter_pixels::inflated(&data_set).map_err(|error| error.to_string())?;
        let explicit = TransferSyntax::lookup(EXPLICIT).ok_or("no transfer syntax")?;
        return Ok((explicit, plain));
    }
    Ok((meta.syntax, data_set))
}

/// The frames of an object that is in memory, found when somebody asks.
struct Picture {
    header: Arc<Header>,
    data_set: Bytes,
    pixels: OnceLock<Result<Pixels<Arc<dyn Ranges>>, FrameTrouble>>,
}

impl Picture {
    fn frame(&self, index: u32, form: Form) -> Result<Frame, FrameTrouble> {
        let opened = self.pixels.get_or_init(|| {
            let ranges: Arc<dyn Ranges> = Arc::new(self.data_set.clone());
            Pixels::open(&self.header, ranges).map_err(trouble)
        });
        let pixels = opened.as_ref().map_err(Clone::clone)?;
        let frame = match form {
            Form::Stored => pixels.stored(index),
            Form::Decoded => pixels.decoded(index),
        };
        let frame = frame.map_err(trouble)?;
        Ok(Frame {
            rows: frame.rows,
            columns: frame.columns,
            samples: frame.samples,
            bits_allocated: frame.bits_allocated,
            signed: frame.numbers == isocenter_pixels::Numbers::Signed,
            bytes: frame.bytes,
        })
    }
}

impl Frames for Picture {
    fn count(&self) -> u32 {
        let rows = ElementPath {
            within: Vec::new(),
            tag: tags::ROWS,
        };
        if self.header.value(&rows).is_none() {
            return 0;
        }
        let stated = self.header.first(tags::NUMBER_OF_FRAMES);
        stated.and_then(|text| text.trim().parse().ok()).unwrap_or(1)
    }

    fn open(&self, index: u32, form: Form) -> BoxFuture<'_, Result<Frame, FrameTrouble>> {
        std::future::ready(self.frame(index, form)).boxed()
    }
}

fn trouble(error: PixelError) -> FrameTrouble {
    match error.trouble() {
        Trouble::NoPixels => FrameTrouble::NoPixels,
        Trouble::NoSuchFrame => FrameTrouble::NoSuchFrame,
        Trouble::Unsupported => FrameTrouble::UnsupportedSyntax,
        Trouble::Corrupt | Trouble::Unreadable => FrameTrouble::Corrupt(error.to_string()),
    }
}

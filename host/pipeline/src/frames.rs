//! Frames for plugins: of stored objects and of spooled ones.
//!
//! Separate because decoding blocks and may take seconds: it happens on threads for that, few at once, opened at the
//! first frame that somebody asks for.

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use isocenter_archive::index::Located;
use isocenter_archive::{Archive, StoredBytes};
use isocenter_dicom::header::Header;
use isocenter_dicom::part10::MetaReader;
use isocenter_dicom::{Path, tags};
use isocenter_pixels::volume::{Plan, VolumeError};
use isocenter_pixels::{PixelError, Pixels, Ranges, Trouble};
use isocenter_role::{Form, Frame, FrameTrouble, Frames, Volume};
use tokio::sync::Semaphore;

/// Frames that are being read or decoded at once, whoever asked: each may take ten times its size.
pub(crate) static DECODING: Semaphore = Semaphore::const_new(4);
/// How far into a Part 10 file its data set may begin.
const LONGEST_META: usize = 64 * 1024;

/// Where the bytes come from, opened when they are wanted. Blocks.
type Open = dyn Fn() -> io::Result<Arc<dyn Ranges>> + Send + Sync;

/// The frames of one object.
struct Lazy {
    header: Arc<Header>,
    open: Box<Open>,
    pixels: OnceLock<Result<Pixels<Arc<dyn Ranges>>, FrameTrouble>>,
}

/// The frames of a stored object.
pub(crate) fn stored(archive: &Archive, located: &Located, header: &Arc<Header>) -> Arc<dyn Frames> {
    let (archive, located) = (archive.clone(), located.clone());
    of(header, move || ranges(&archive, &located))
}

/// The data set of a stored object, by place; of a deflated one, what it inflates to.
pub(crate) fn ranges(archive: &Archive, located: &Located) -> io::Result<Arc<dyn Ranges>> {
    let data_set = DataSet::of(archive.stored_bytes(located)?)?;
    if located.syntax.as_str() == DEFLATED {
        let plain = isocenter_pixels::inflated(&data_set).map_err(io::Error::other)?;
        return Ok(Arc::new(plain));
    }
    Ok(Arc::new(data_set))
}

/// Deflated Explicit VR Little Endian (PS3.5 §A.5).
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// The frames of a data set whose bytes `open` gives.
pub(crate) fn of(
    header: &Arc<Header>,
    open: impl Fn() -> io::Result<Arc<dyn Ranges>> + Send + Sync + 'static,
) -> Arc<dyn Frames> {
    Arc::new(Shared(Arc::new(Lazy {
        header: Arc::clone(header),
        open: Box::new(open),
        pixels: OnceLock::new(),
    })))
}

impl Lazy {
    fn frame(&self, index: u32, form: Form) -> Result<Frame, FrameTrouble> {
        let pixels = self
            .pixels
            .get_or_init(|| {
                let ranges = (self.open)().map_err(|error| FrameTrouble::Corrupt(error.to_string()))?;
                Pixels::open(&self.header, ranges).map_err(trouble)
            })
            .as_ref()
            .map_err(Clone::clone)?;
        let frame = match form {
            Form::Stored => pixels.stored(index),
            Form::Decoded => pixels.decoded(index),
        }
        .map_err(trouble)?;
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

/// Shared with the thread that decodes.
struct Shared(Arc<Lazy>);

impl Frames for Shared {
    fn count(&self) -> u32 {
        // As stated; whether the pixel data holds them is known when they are opened.
        let rows = Path {
            within: Vec::new(),
            tag: tags::ROWS,
        };
        if self.0.header.value(&rows).is_none() {
            return 0;
        }
        let stated = self.0.header.first(tags::NUMBER_OF_FRAMES);
        stated.and_then(|text| text.trim().parse().ok()).unwrap_or(1)
    }

    fn open(&self, index: u32, form: Form) -> BoxFuture<'_, Result<Frame, FrameTrouble>> {
        let lazy = Arc::clone(&self.0);
        Box::pin(async move {
            let _turn = DECODING.acquire().await;
            let reading = tokio::task::spawn_blocking(move || lazy.frame(index, form));
            reading
                .await
                .unwrap_or_else(|error| Err(FrameTrouble::Corrupt(error.to_string())))
        })
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

/// The data set within a Part 10 file.
struct DataSet {
    file: StoredBytes,
    begin: u64,
}

impl DataSet {
    fn of(file: StoredBytes) -> io::Result<DataSet> {
        let most = usize::try_from(file.length()).unwrap_or(usize::MAX).min(LONGEST_META);
        let beginning = file.read(0, most)?;
        let mut reader = MetaReader::new();
        match reader.push(&beginning) {
            Ok(Some((_, behind))) => Ok(DataSet {
                begin: (most - behind.len()) as u64,
                file,
            }),
            Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

impl Ranges for DataSet {
    fn length(&self) -> u64 {
        self.file.length().saturating_sub(self.begin)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let from = self.begin.checked_add(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.read(from, length)
    }
}

/// The frames of one series as a volume: shape `[slices, rows, columns]`, and the values. Blocks, for seconds.
pub(crate) fn volume(archive: &Archive, members: &[(Located, Arc<Header>)]) -> Result<Volume, String> {
    let headers: Vec<&Header> = members.iter().map(|(_, header)| &**header).collect();
    let plan = Plan::new(&headers).map_err(|error| error.to_string())?;
    // One at a time: slices of one member follow each other.
    let mut opened: Option<(usize, Pixels<Arc<dyn Ranges>>)> = None;
    let values = plan.fill(|source| {
        if opened.as_ref().is_none_or(|(member, _)| *member != source.member) {
            let (located, header) = members.get(source.member).ok_or_else(gone)?;
            let ranges = ranges(archive, located).map_err(|error| Unmade(error.to_string()))?;
            let pixels = Pixels::open(header, ranges).map_err(|error| Unmade(error.to_string()))?;
            opened = Some((source.member, pixels));
        }
        let (_, pixels) = opened.as_ref().ok_or_else(gone)?;
        pixels.decoded(source.frame).map_err(|error| Unmade(error.to_string()))
    });
    let values = values.map_err(|Unmade(why)| why)?;
    Ok((plan.shape().to_vec(), values))
}

/// Why a volume is not made.
struct Unmade(String);

impl From<VolumeError> for Unmade {
    fn from(error: VolumeError) -> Self {
        Self(error.to_string())
    }
}

fn gone() -> Unmade {
    Unmade("a member is not there".to_owned())
}

//! An object on its way out in another transfer syntax than it is stored in: explicit or implicit VR little endian, which
//! nearly every peer takes, or a compressed one. Nothing is lost: values stay, frames are decoded, and encoded as they were.
//!
//! Separate from `egress`, which decides what leaves; here is how it is written. A frame is in memory at a time.

mod compress;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;
use isocenter_dicom::edit::{self, Edit};
use isocenter_dicom::header::Header;
use isocenter_dicom::recode::{self, RecodeError, Rest};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{Tag, VR, Value, tags};
use isocenter_pixels::{Frame, PixelError, Pixels, Ranges};

use crate::Pipeline;
use crate::egress::NotSent;
use crate::frames::{self, DECODING};

pub(crate) use compress::compressed;

type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// Where fragments were and how long.
const OFFSETS: [Tag; 3] = [
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    tags::ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
];

/// What is needed of an object whose frames are written anew.
pub(crate) struct Decoding {
    /// Its header as it is stored: it says how the frames are to be read.
    pub(crate) stored: Header,
    /// Its header as it leaves.
    pub(crate) leaving: Arc<Header>,
    pub(crate) located: Located,
}

/// An object with native pixel data, or without any. `behind`: the bytes that follow its header.
pub(crate) fn plain(header: &Header, behind: Pieces, to: &TransferSyntax) -> Result<Pieces, NotSent> {
    let head = recode::header(header, to).map_err(dead)?;
    let rest = Rest::new(header.syntax(), to).of_bits(bits_allocated(header));
    Ok(piece(head).chain(through(behind, rest)).boxed())
}

fn bits_allocated(header: &Header) -> u64 {
    match header.value(&tags::BITS_ALLOCATED.into()) {
        Some(Value::Unsigned(bits)) => bits.first().copied().unwrap_or_default(),
        _ => 0,
    }
}

/// What follows the header of a deflated object, inflated; such objects are small by the limits of ingest.
pub(crate) async fn inflated(pipeline: &Pipeline, located: &Located, header: usize) -> Result<Pieces, NotSent> {
    let (archive, at) = (pipeline.archive().clone(), located.clone());
    let behind = blocking(move || {
        let plain = frames::ranges(&archive, &at)?;
        let left = plain.length().saturating_sub(header as u64);
        Ok(plain.read(header as u64, usize::try_from(left).unwrap_or(usize::MAX))?)
    })
    .await?;
    Ok(piece(behind).boxed())
}

/// An object with compressed pixel data: its frames, decoded one after the other. `behind`: the bytes that follow its header,
/// of which only what comes after the pixel data is taken.
pub(crate) async fn decoded(
    pipeline: &Pipeline,
    decoding: Decoding,
    behind: Pieces,
    to: &TransferSyntax,
) -> Result<Pieces, NotSent> {
    let Decoding {
        stored,
        leaving,
        located,
    } = decoding;
    let archive = pipeline.archive().clone();
    let turn = DECODING.acquire().await;
    let opened = blocking(move || {
        let pixels = Pixels::open(&stored, frames::ranges(&archive, &located)?)?;
        let first = pixels.unpacked(0)?;
        Ok((Arc::new(pixels), first))
    })
    .await;
    drop(turn);
    let (pixels, first) = opened?;
    let length = (first.bytes.len() as u64).saturating_mul(u64::from(pixels.frames()));
    let padded = u32::try_from(length.next_multiple_of(2))
        .ok()
        .filter(|length| *length < u32::MAX - 1)
        .ok_or_else(|| {
            NotSent::Dead(format!(
                "its frames decode to {length} bytes, more than one element can have"
            ))
        })?;
    let header = described(pipeline, &leaving, &first)?;
    let head = recode::header(&header, to).map_err(dead)?;
    let vr = if first.bits_allocated > 8 || !to.is_explicit() {
        VR::OW
    } else {
        VR::OB
    };
    let element = recode::pixel_element(tags::PIXEL_DATA, vr, padded, to);
    let frame_length = first.bytes.len();
    let others = others(pixels, Pixels::unpacked).map(move |frame| {
        let frame = frame?;
        // The length of the whole has been told.
        if frame.bytes.len() != frame_length {
            return Err(io::Error::other("a frame decodes to another length than the first"));
        }
        Ok(frame.bytes)
    });
    let padding = if u64::from(padded) > length {
        Bytes::from_static(&[0])
    } else {
        Bytes::new()
    };
    let rest = Rest::new(leaving.syntax(), to);
    Ok(piece(head)
        .chain(piece(element))
        .chain(piece(first.bytes))
        .chain(others)
        .chain(piece(padding))
        .chain(through(behind, rest))
        .boxed())
}

/// The frames behind the first, one after the other.
fn others<R: Ranges + Send + Sync + 'static>(
    pixels: Arc<Pixels<R>>,
    frame: impl Fn(&Pixels<R>, u32) -> Result<Frame, PixelError> + Clone + Send + 'static,
) -> impl futures::Stream<Item = io::Result<Frame>> + Send + 'static {
    stream::iter(1..pixels.frames()).then(move |index| {
        let (pixels, frame) = (Arc::clone(&pixels), frame.clone());
        async move {
            let _turn = DECODING.acquire().await;
            let made = tokio::task::spawn_blocking(move || frame(&pixels, index)).await;
            made.map_err(io::Error::other)?.map_err(io::Error::other)
        }
    })
}

/// The header, saying of the pixels what is true of frames written anew, one after the other.
fn described(pipeline: &Pipeline, header: &Header, frame: &Frame) -> Result<Header, NotSent> {
    let set = |tag: Tag, value| Edit::Set { at: tag.into(), value };
    let mut edits = vec![
        set(
            tags::PHOTOMETRIC_INTERPRETATION,
            Value::Text(vec![frame.photometric.clone()]),
        ),
        set(
            tags::BITS_ALLOCATED,
            Value::Unsigned(vec![u64::from(frame.bits_allocated)]),
        ),
    ];
    edits.extend(OFFSETS.map(|tag| Edit::Remove(tag.into())));
    if frame.samples > 1 {
        edits.push(set(tags::PLANAR_CONFIGURATION, Value::Unsigned(vec![0])));
    }
    let edited = edit::apply(header, &edits, &pipeline.config().site_key);
    Ok(edited.map_err(|error| NotSent::Dead(error.to_string()))?.header)
}

fn piece(bytes: Bytes) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter((!bytes.is_empty()).then_some(Ok(bytes)))
}

/// The bytes behind a header in their new encoding.
fn through(behind: Pieces, rest: Rest) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let pieces = stream::try_unfold((behind, Some(rest)), |(mut behind, rest)| async move {
        let Some(mut rest) = rest else {
            return Ok::<_, io::Error>(None);
        };
        let Some(piece) = behind.next().await else {
            let last = rest.finish().map_err(invalid)?;
            return Ok(Some((vec![last], (behind, None))));
        };
        let mut out = Vec::new();
        rest.push(piece?, &mut out).map_err(invalid)?;
        Ok(Some((out, (behind, Some(rest)))))
    });
    pieces
        .map_ok(|pieces| stream::iter(pieces.into_iter().filter(|piece| !piece.is_empty()).map(Ok)))
        .try_flatten()
}

fn invalid(error: RecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn dead(error: RecodeError) -> NotSent {
    NotSent::Dead(error.to_string())
}

/// Why it cannot be read or decoded.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Pixels(#[from] PixelError),
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Unread> + Send + 'static) -> Result<T, NotSent> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Unread::Io(error))) => Err(NotSent::Later(error.to_string())),
        Ok(Err(Unread::Pixels(error))) => Err(NotSent::Dead(error.to_string())),
        Err(error) => Err(NotSent::Later(error.to_string())),
    }
}

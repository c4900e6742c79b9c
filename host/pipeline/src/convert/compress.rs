//! Frames encoded, for who takes no uncompressed ones: a fragment for each, behind an empty offset table, because their
//! lengths are not known before the first of them leaves.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use isocenter_dicom::recode::{self, Rest};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_pixels::{Frame, PixelError, Pixels, Ranges};

use super::{Decoding, Pieces, blocking, dead, described, others, piece, plain, through};
use crate::Pipeline;
use crate::egress::NotSent;
use crate::frames::{self, DECODING};

/// An object in the first of these transfer syntaxes that holds its pixels without loss; without pixels, in the first.
/// `behind`: the bytes that follow its header, of which only what comes after the pixel data is taken.
pub(crate) async fn compressed(
    pipeline: &Pipeline,
    decoding: Decoding,
    behind: Pieces,
    among: Vec<TransferSyntax>,
) -> Result<(TransferSyntax, Pieces), NotSent> {
    let Decoding {
        stored,
        leaving,
        located,
    } = decoding;
    let archive = pipeline.archive().clone();
    let without_pixels = among.first().cloned();
    let turn = DECODING.acquire().await;
    let opened = blocking(move || {
        let pixels = match Pixels::open(&stored, frames::ranges(&archive, &located)?) {
            Err(PixelError::NoPixels) => return Ok(None),
            opened => opened?,
        };
        let (to, first) = first(&pixels, among)?;
        Ok(Some((Arc::new(pixels), to, first)))
    })
    .await;
    drop(turn);
    let Some((pixels, to, first)) = opened? else {
        let to = without_pixels.ok_or_else(|| NotSent::Dead("there is no transfer syntax for it".to_owned()))?;
        let data = plain(&leaving, behind, &to)?;
        return Ok((to, data));
    };
    let header = described(pipeline, &leaving, &first)?;
    let head = recode::header(&header, &to).map_err(dead)?;
    let rest = Rest::new(leaving.syntax(), &to);
    let syntax = to.clone();
    let others = others(pixels, move |pixels, index| pixels.encoded(index, &syntax));
    let fragments = stream::iter([Ok(first)])
        .chain(others)
        .map_ok(|frame| stream::iter(fragment(frame)))
        .try_flatten();
    let data = piece(head)
        .chain(piece(recode::fragments_begin(&to)))
        .chain(fragments)
        .chain(piece(recode::fragments_end()))
        .chain(through(behind, rest))
        .boxed();
    Ok((to, data))
}

/// The first frame, and the transfer syntax that all are to be in. Blocks.
fn first<R: Ranges>(pixels: &Pixels<R>, among: Vec<TransferSyntax>) -> Result<(TransferSyntax, Frame), PixelError> {
    let mut refused = PixelError::NoPixels;
    for to in among {
        match pixels.encoded(0, &to) {
            Ok(frame) => return Ok((to, frame)),
            Err(error @ PixelError::Unencoded(_)) => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}

/// A frame has 256 MiB at most, its codestream less than twice that.
fn fragment(frame: Frame) -> [io::Result<Bytes>; 2] {
    let length = u32::try_from(frame.bytes.len()).map_err(io::Error::other);
    [length.map(recode::fragment), Ok(frame.bytes)]
}

//! Where the bytes of a data set come from.
//!
//! Separate so that a pack, a spool file and a test's bytes are the same to what reads them. It blocks: a frame is
//! decoded on a thread that may block anyway, a file answers a positioned read in microseconds, and a store that is only
//! reachable asynchronously can be waited for on that thread. An asynchronous trait would give nothing and would bring a
//! runtime into this crate.

use crate::{FRAME_LIMIT, PixelError};
use bytes::Bytes;
use isocenter_dicom::inflate::Inflater;
use std::io;
use std::sync::Arc;

/// The bytes of one data set, by their place in it: place 0 is its first element, behind any preamble and file meta
/// information.
pub trait Ranges: Send + Sync {
    /// Bytes in the data set.
    fn length(&self) -> u64;

    /// The bytes from `offset` on, exactly `length` of them; an error when there are not so many. Blocks.
    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes>;
}

impl Ranges for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let begin = usize::try_from(offset).map_err(io::Error::other)?;
        let end = begin.checked_add(length).filter(|end| *end <= self.len());
        end.map(|end| self.slice(begin..end))
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl<R: Ranges + ?Sized> Ranges for Arc<R> {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        (**self).read(offset, length)
    }
}

/// More than deflate can reach: what is stored passed its limits when it was received.
const RATIO: u32 = 1100;

/// What is inflated at once.
const PIECE: usize = 64 << 10;

/// The data set that a deflated one inflates to, to be read in its stead. Places in the two have nothing in common, so it
/// is held in memory: at most [`FRAME_LIMIT`] bytes.
pub fn inflated(deflated: &impl Ranges) -> Result<Bytes, PixelError> {
    let mut inflater = Inflater::new(FRAME_LIMIT, RATIO);
    let mut out = Vec::new();
    let mut at = 0;
    while at < deflated.length() {
        let here = usize::try_from(deflated.length() - at).unwrap_or(PIECE).min(PIECE);
        let piece = deflated.read(at, here)?;
        inflater.push(&piece, &mut out)?;
        at += here as u64;
    }
    inflater.finish()?;
    Ok(out.into())
}

//! The spool: an arriving object on disk before its filters are asked, because one of them looks at pixels.
//!
//! Separate because such an object is neither in memory nor in the archive yet. The file has no name: it is gone with
//! the handle, also after a crash. It need not be durable, since nothing is acknowledged before the object is stored.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use isocenter_dicom::header::Header;
use isocenter_pixels::Ranges;
use isocenter_role::Frames;

use crate::frames;

/// Bytes of one read.
const PIECE: u64 = 128 * 1024;

/// What of an object is behind its header, on disk; the header is in memory.
pub(crate) struct Spool {
    header: Arc<Header>,
    file: Arc<File>,
    length: u64,
}

impl Spool {
    /// A spool in `folder`, which is made where it is absent.
    pub(crate) fn new(header: Arc<Header>, folder: &Path) -> io::Result<Spool> {
        std::fs::create_dir_all(folder)?;
        Ok(Spool {
            header,
            file: Arc::new(tempfile::tempfile_in(folder)?),
            length: 0,
        })
    }

    pub(crate) fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// Appends what came.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let file = Arc::clone(&self.file);
        self.length += bytes.len() as u64;
        blocking(move || (&*file).write_all(&bytes)).await
    }

    /// The frames of what is spooled by now.
    pub(crate) fn frames(&self) -> Arc<dyn Frames> {
        let whole = Whole {
            header: self.header.bytes().clone(),
            file: Arc::clone(&self.file),
            length: self.length,
        };
        let whole = Arc::new(whole);
        frames::of(&self.header, move || Ok(Arc::clone(&whole) as Arc<dyn Ranges>))
    }

    /// What was written, from the beginning.
    pub(crate) fn read(self) -> Pieces {
        Pieces {
            file: self.file,
            at: 0,
            length: self.length,
        }
    }
}

/// What is behind the header, piece by piece.
pub(crate) struct Pieces {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl Pieces {
    /// `None` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let left = (self.length - self.at).min(PIECE);
        if left == 0 {
            return Ok(None);
        }
        let (file, at) = (Arc::clone(&self.file), self.at);
        self.at += left;
        blocking(move || read(&file, at, usize::try_from(left).unwrap_or(0)))
            .await
            .map(Some)
    }
}

/// The data set: the header from memory, the rest from the file.
struct Whole {
    header: Bytes,
    file: Arc<File>,
    length: u64,
}

impl Ranges for Whole {
    fn length(&self) -> u64 {
        self.header.len() as u64 + self.length
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let before = self.header.len() as u64;
        if offset >= before {
            return read(&self.file, offset - before, length);
        }
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let of_header = self.header.slice(from..).len().min(length);
        let mut bytes = self.header.slice(from..from + of_header).to_vec();
        bytes.extend_from_slice(&read(&self.file, 0, length - of_header)?);
        Ok(bytes.into())
    }
}

fn read(file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes.into())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

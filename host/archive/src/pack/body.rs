//! The bytes of one object on their way to a pack. Separate from [`super::entry`] because objects that are stored together
//! arrive in the same way ([`super::together`]).
//!
//! Bytes are gathered into pieces of 256 KiB; a full piece is digested and written on a blocking thread while the next one
//! fills. At most one piece fills and one is written, so this holds at most 1 MiB whatever the size of the object.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{Pack, tar::BLOCK};
use crate::ArchiveError;

/// What is written at once.
const PIECE: usize = 256 * 1024;
/// What a body starts with: enough for a small object, and doubled as the object grows.
const FIRST: usize = 32 * 1024;

/// An object that is arriving.
pub(crate) struct Body {
    pub(crate) pack: Arc<Pack>,
    /// What is not written yet, where it goes, and how many of its first bytes are room for the label.
    piece: Vec<u8>,
    at: u64,
    room: usize,
    /// `None` while a piece is being written: it is with that piece.
    hasher: Option<Box<blake3::Hasher>>,
    writing: Option<JoinHandle<Written>>,
    length: u64,
    header_length: Option<u64>,
}

/// An object that is all here, but not all in the file.
pub(crate) struct Rest {
    /// What is not written yet, and where it goes.
    pub(crate) rest: Vec<u8>,
    pub(crate) at: u64,
    /// How many bytes at the start of `rest` are the room for the label; zero if the room is in the file already.
    pub(crate) room: usize,
    /// Has seen the object up to `rest`.
    pub(crate) hasher: Box<blake3::Hasher>,
    pub(crate) length: u64,
    pub(crate) header_length: u32,
}

/// A piece that was written, or not, with what can be used again.
struct Written {
    result: io::Result<()>,
    piece: Vec<u8>,
    hasher: Box<blake3::Hasher>,
}

impl Body {
    /// Starts at a place of a pack, with room for a label.
    pub(crate) fn new(pack: Arc<Pack>, start: u64, room: usize) -> Self {
        let mut piece = Vec::with_capacity(FIRST);
        piece.resize(room, 0);
        Self {
            pack,
            piece,
            at: start,
            room,
            hasher: Some(Box::default()),
            writing: None,
            length: 0,
            header_length: None,
        }
    }

    /// Appends bytes of the Part 10 file.
    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let free = (PIECE + self.room).saturating_sub(self.piece.len());
            let taken = bytes.split_to(free.min(bytes.len()));
            self.take(&taken);
            if self.piece.len() >= PIECE + self.room {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Says that the header ends here.
    pub(crate) fn header_done(&mut self) {
        self.header_length.get_or_insert(self.length);
    }

    /// Whether a piece is being written.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Waits for the piece being written; gives its buffer back, empty.
    pub(crate) async fn written(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let Some(writing) = self.writing.as_mut() else {
            return Ok(Vec::new());
        };
        let written = writing.await;
        self.writing = None;
        let Written {
            result,
            mut piece,
            hasher,
        } = written.map_err(|_| ArchiveError::Closed)?;
        result.map_err(|error| ArchiveError::file("write", &self.pack.path, error))?;
        self.hasher = Some(hasher);
        piece.clear();
        Ok(piece)
    }

    /// Ends it, after [`Body::written`].
    pub(crate) fn rest(self) -> Result<Rest, ArchiveError> {
        Ok(Rest {
            rest: self.piece,
            at: self.at,
            room: self.room,
            hasher: self.hasher.ok_or(ArchiveError::Closed)?,
            length: self.length,
            header_length: u32::try_from(self.header_length.unwrap_or(self.length)).unwrap_or(u32::MAX),
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        let needed = self.piece.len() + bytes.len();
        if needed > self.piece.capacity() {
            // Doubling must not overshoot what a piece can hold.
            let capacity = needed.max(2 * self.piece.capacity()).min(PIECE + self.room);
            self.piece.reserve_exact(capacity.saturating_sub(self.piece.len()));
        }
        self.piece.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
    }

    /// Hands the piece to a blocking thread, after the one before it.
    async fn flush(&mut self) -> Result<(), ArchiveError> {
        let spare = self.written().await?;
        let hasher = self.hasher.take().ok_or(ArchiveError::Closed)?;
        let piece = std::mem::replace(&mut self.piece, spare);
        let (pack, at, room) = (self.pack.clone(), self.at, self.room);
        self.at += piece.len() as u64;
        self.room = 0;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let mut hasher = hasher;
            hasher.update(piece.get(room..).unwrap_or_default());
            let result = pack.file.write_all_at(&piece, at);
            Written { result, piece, hasher }
        }));
        Ok(())
    }
}

impl Rest {
    /// The digest of the object; the rest is padded to whole blocks.
    pub(crate) fn end(&mut self) -> [u8; 32] {
        self.hasher.update(self.rest.get(self.room..).unwrap_or_default());
        self.rest.resize(self.rest.len().next_multiple_of(BLOCK), 0);
        *self.hasher.finalize().as_bytes()
    }

    /// Writes the rest, and then the label of the entry that starts at `start`; both at once where nothing has been written
    /// yet. Without a label its room stays zero. Blocking.
    pub(crate) fn write(&mut self, file: &File, start: u64, label: Option<&[u8]>) -> io::Result<()> {
        if let (Some(label), Some(room)) = (label, self.rest.get_mut(..self.room).filter(|room| !room.is_empty())) {
            room.copy_from_slice(label);
        }
        file.write_all_at(&self.rest, self.at)?;
        if let (Some(label), 0) = (label, self.room) {
            file.write_all_at(label, start)?;
        }
        self.rest = Vec::new();
        Ok(())
    }
}

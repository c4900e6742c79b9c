//! One object being appended to a pack, while it arrives.
//!
//! Bytes are gathered into pieces of 256 KiB; a full piece is digested and written on a blocking thread while the next one
//! fills. At most one piece fills and one is written, so an entry holds at most 1 MiB whatever the size of the object. What
//! fits into one piece is written at commit, together with the headers before it, in one write.

use std::{
    os::unix::fs::FileExt,
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use bytes::Bytes;
use isocenter_dicom::{header::Identity, uid::Uid};
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    task::JoinHandle,
};

use super::{
    Pack, Tail,
    label::{self, Label},
};
use crate::{
    ArchiveError,
    archive::Inner,
    group::{Cut, Finish},
    index::{Attributes, Held, Indexed, NewJob, Source},
};

/// What is written at once.
const PIECE: usize = 256 * 1024;
/// What an entry starts with: enough for a small object, and doubled as the object grows.
const FIRST: usize = 32 * 1024;

/// What the index needs to know about an object besides where it is.
#[derive(Clone, Debug)]
pub struct NewObjectParts {
    /// Its four UIDs, as stored.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// What can be searched for.
    pub attributes: Attributes,
    /// Work to enqueue in the same transaction, if the object is new or replaces another.
    pub jobs: Vec<NewJob>,
}

/// An object being appended to a pack. Dropping it, or [`Entry::abandon`], takes its bytes back out.
#[must_use = "an entry that is not committed is taken back"]
pub struct Entry {
    /// Empty once it was committed or abandoned.
    open: Option<Open>,
}

struct Open {
    archive: Arc<Inner>,
    pack: Arc<Pack>,
    tail: OwnedMutexGuard<Tail>,
    object: Uid,
    study: Uid,
    source: Source,
    held: Option<Held>,
    arrived: SystemTime,
    /// Where the entry starts in the pack.
    start: u64,
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

/// A piece that was written, or not, with what can be used again.
struct Written {
    result: std::io::Result<()>,
    piece: Vec<u8>,
    hasher: Box<blake3::Hasher>,
}

impl Entry {
    pub(super) fn new(
        archive: Arc<Inner>,
        pack: Arc<Pack>,
        tail: OwnedMutexGuard<Tail>,
        (study, object): (&Uid, &Uid),
        source: Source,
        held: Option<Held>,
    ) -> Self {
        let room = label::reserved(&source, held.as_ref());
        let mut piece = Vec::with_capacity(FIRST);
        piece.resize(room, 0);
        let start = tail.end;
        let open = Open {
            archive,
            pack,
            tail,
            object: object.clone(),
            study: study.clone(),
            source,
            held,
            arrived: SystemTime::now(),
            start,
            piece,
            at: start,
            room,
            hasher: Some(Box::default()),
            writing: None,
            length: 0,
            header_length: None,
        };
        Self { open: Some(open) }
    }

    /// Appends a piece of the Part 10 file. After an error the entry can only be abandoned: a full disk, say. What was
    /// committed before it is safe.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), ArchiveError> {
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        while !bytes.is_empty() {
            let free = (PIECE + open.room).saturating_sub(open.piece.len());
            let taken = bytes.split_to(free.min(bytes.len()));
            open.take(&taken);
            if open.piece.len() >= PIECE + open.room {
                open.flush().await?;
            }
        }
        Ok(())
    }

    /// Says that the header ends here: the pixel data element starts with the next byte. Without it the whole object
    /// counts as header.
    pub fn header_done(&mut self) {
        if let Some(open) = self.open.as_mut() {
            open.header_length.get_or_insert(open.length);
        }
    }

    /// Makes the object durable and indexes it; returns when both is done. It stays in the pack if it is new, replaces
    /// another or is held; otherwise its bytes are taken back out.
    ///
    /// Dropping the returned future does not stop the commit. An error means that the object is not acknowledged;
    /// [`ArchiveError::Unconfirmed`] that it may be stored all the same.
    pub async fn commit(mut self, parts: NewObjectParts) -> Result<Indexed, ArchiveError> {
        for job in &parts.jobs {
            job.for_new_object()?;
        }
        let open = self.open.as_mut().ok_or(ArchiveError::Closed)?;
        open.written().await?;
        let permit = open.archive.group.permit().await?;
        let (answer, answered) = oneshot::channel();
        let open = self.open.take().ok_or(ArchiveError::Closed)?;
        let archive = open.archive.clone();
        let hasher = open.hasher.ok_or(ArchiveError::Closed)?;
        let label = Label {
            object: open.object,
            study: open.study,
            length: open.length,
            header_length: u32::try_from(open.header_length.unwrap_or(open.length)).unwrap_or(u32::MAX),
            digest: [0; 32],
            arrived: open.arrived,
            source: open.source,
            duplicates: archive.duplicates,
            held: open.held,
        };
        archive.group.finish(Finish {
            pack: open.pack,
            tail: open.tail,
            start: open.start,
            rest: open.piece,
            at: open.at,
            room: open.room,
            hasher,
            label,
            parts,
            answer,
            permit,
        });
        answered.await.map_err(|_| ArchiveError::Closed)?
    }

    /// Takes the object's bytes back out of the pack; returns when the pack is free for the next entry.
    pub async fn abandon(mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.pack.clearing.store(true, Ordering::Release);
        // Whether the last piece could be written makes no difference now.
        let _ = open.written().await;
        let (reply, replied) = oneshot::channel();
        open.cut(Some(Box::new(move || {
            let _ = reply.send(());
        })));
        let _ = replied.await;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.pack.clearing.store(true, Ordering::Release);
        if open.writing.is_none() {
            return open.cut(None);
        }
        let archive = open.archive.clone();
        archive.spawn(async move {
            let _ = open.written().await;
            open.cut(None);
        });
    }
}

impl Open {
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

    /// Waits for the piece being written; gives its buffer back, empty.
    async fn written(&mut self) -> Result<Vec<u8>, ArchiveError> {
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

    fn cut(self, reply: Option<Box<dyn FnOnce() + Send>>) {
        let Self {
            archive,
            pack,
            tail,
            start,
            ..
        } = self;
        archive.group.cut(Cut {
            pack,
            tail,
            to: start,
            reply,
        });
    }
}

//! Objects out of packs: chunks as a stream, from files that stay open for a while.
//!
//! What the page cache holds is read on the spot (`RWF_NOWAIT`): that is a copy, not a wait. What it does not hold is read
//! on a blocking thread, one chunk ahead. No thread belongs to a reader, so that slow readers cost none.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, IoSliceMut},
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Future, Stream};
use rustix::io::ReadWriteFlags;
use tokio::task::JoinHandle;

use super::folder::{Folder, PackName};

/// The most that is read at once.
const CHUNK: usize = 128 * 1024;
/// Packs that stay open for reading.
const OPEN: usize = 64;

/// Packs open for reading, the most recently used last.
pub(crate) struct Files {
    folder: Arc<Folder>,
    recent: Mutex<VecDeque<(PackName, Arc<File>)>>,
}

impl Files {
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            recent: Mutex::default(),
        }
    }

    fn known(&self, name: &PackName) -> Option<Arc<File>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let at = recent.iter().rposition(|(known, _)| known == name)?;
        let found = recent.remove(at)?;
        let file = found.1.clone();
        recent.push_back(found);
        Some(file)
    }

    /// Opens a pack. Blocking.
    pub(crate) fn open(&self, name: &PackName) -> io::Result<Arc<File>> {
        if let Some(file) = self.known(name) {
            return Ok(file);
        }
        let file = Arc::new(File::open(self.folder.path(name))?);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back((name.clone(), file.clone()));
        if recent.len() > OPEN {
            recent.pop_front();
        }
        Ok(file)
    }
}

/// A stretch of a pack, chunk by chunk.
pub(crate) struct Reading {
    files: Arc<Files>,
    name: PackName,
    file: Option<Arc<File>>,
    at: u64,
    left: u64,
    /// The chunk being read on a blocking thread.
    ahead: Option<JoinHandle<Ahead>>,
}

/// What a blocking thread read, and from which file.
type Ahead = io::Result<(Arc<File>, Bytes)>;

impl Reading {
    pub(crate) fn new(files: Arc<Files>, name: PackName, at: u64, length: u64) -> Self {
        let file = files.known(&name);
        Self {
            files,
            name,
            file,
            at,
            left: length,
            ahead: None,
        }
    }

    /// Starts to read the chunk at `at`, if there is one.
    fn read_ahead(&mut self) {
        let size = self.size();
        if size == 0 {
            return;
        }
        let (files, name, file, at) = (self.files.clone(), self.name.clone(), self.file.clone(), self.at);
        self.ahead = Some(tokio::task::spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => files.open(&name)?,
            };
            let mut chunk = vec![0; size];
            file.read_exact_at(&mut chunk, at)?;
            Ok((file, Bytes::from(chunk)))
        }));
    }

    /// The chunk at `at`, if all of it is in the page cache.
    fn at_hand(&self) -> Option<Bytes> {
        let file = self.file.as_ref()?;
        let mut chunk = vec![0; self.size()];
        let into = &mut [IoSliceMut::new(&mut chunk)];
        let read = rustix::io::preadv2(file, into, self.at, ReadWriteFlags::NOWAIT).ok()?;
        (read == chunk.len()).then(|| Bytes::from(chunk))
    }

    fn size(&self) -> usize {
        usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK)
    }

    fn advance(&mut self, chunk: &Bytes) {
        self.at += chunk.len() as u64;
        self.left -= chunk.len() as u64;
    }
}

impl Stream for Reading {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ahead.is_none() {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            if let Some(chunk) = self.at_hand() {
                self.advance(&chunk);
                return Poll::Ready(Some(Ok(chunk)));
            }
            self.read_ahead();
        }
        let Some(ahead) = self.ahead.as_mut() else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(ahead).poll(context));
        self.ahead = None;
        match read.unwrap_or_else(|_| Err(io::Error::other("the host is stopping"))) {
            Ok((file, chunk)) => {
                self.file = Some(file);
                self.advance(&chunk);
                self.read_ahead();
                Poll::Ready(Some(Ok(chunk)))
            }
            Err(error) => {
                self.left = 0;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

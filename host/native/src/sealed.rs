//! A file's bytes in memory, where nobody can change them any more.
//!
//! Separate because it is what makes a digest mean something: the bytes that are hashed are the bytes that are loaded.
//! A path could name another file a moment later, and a file could be written to while it is mapped.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use rustix::io::Errno;

use crate::digest::{Digest, Found, Hasher};

/// A sealed anonymous file. Its path stays its own for as long as it is open.
#[derive(Debug)]
pub(crate) struct Sealed {
    file: File,
}

/// Opens a regular file of at most this many bytes. Anything else (a pipe, a device) is an error, not a wait.
pub(crate) fn open(path: &Path, most: u64) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if meta.len() > most {
        return Err(too_large(most));
    }
    Ok((file, meta.len()))
}

pub(crate) fn too_large(most: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it has more than {} MiB", most >> 20),
    )
}

impl Sealed {
    /// Copies a file of at most this many bytes and seals the copy.
    pub(crate) fn copy(path: &Path, most: u64) -> io::Result<Sealed> {
        let (source, _) = open(path, most)?;
        let mut file = File::from(anonymous()?);
        if io::copy(&mut source.take(most + 1), &mut file)? > most {
            return Err(too_large(most));
        }
        rustix::fs::fcntl_add_seals(
            &file,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        Ok(Sealed { file })
    }

    /// The digest of what is sealed: read after sealing, so that it is of the bytes that stay.
    pub(crate) fn digest(&mut self, expected: &Digest) -> io::Result<Found> {
        self.file.rewind()?;
        let mut hasher = Hasher::toward(Some(expected));
        let mut piece = vec![0; 1 << 20];
        loop {
            let read = self.file.read(&mut piece)?;
            if read == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(piece.get(..read).unwrap_or_default());
        }
    }

    /// Names the sealed bytes, and nothing else as long as this lives.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

/// An anonymous file from which code may be run.
fn anonymous() -> rustix::io::Result<rustix::fd::OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create("isocenter-native", flags | MemfdFlags::EXEC) {
        // Linux before 6.3 does not know the flag, and does not need it.
        Err(Errno::INVAL) => rustix::fs::memfd_create("isocenter-native", flags),
        made => made,
    }
}

#[cfg(test)]
mod tests;

//! `import`: every DICOM file of a folder, sent to the running host.
//!
//! Apart from sending itself because what is here is about files: finding them, telling which are DICOM, and saying
//! which were refused and why.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use isocenter_dicom::part10::MetaReader;

use crate::send::{Batch, Data, Outgoing, Receiver, SendError};

/// Media Storage Directory Storage: a DICOMDIR lists objects and is none.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Longest preamble and file meta information that is looked at.
const LONGEST_META: u64 = 1024 * 1024;

/// Deepest folder below the one that is imported.
const DEEPEST: usize = 64;

/// What became of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects that the host has.
    pub stored: u64,
    /// Files that are DICOM and that the host does not have.
    pub refused: u64,
    /// Files that are not DICOM (no "DICM" after the preamble), or a DICOMDIR.
    pub passed_over: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} stored, {} refused, {} passed over (not DICOM objects)",
            self.stored, self.refused, self.passed_over
        )
    }
}

/// Sends every object below `from`; each refusal is told as it happens.
///
/// # Errors
/// The host cannot be reached; what was stored until then stays stored.
pub async fn import(
    from: &Path,
    receiver: &Receiver,
    mut refused: impl FnMut(&str, &str),
) -> Result<Summary, SendError> {
    let mut summary = Summary::default();
    let mut batch = Batch::default();
    for found in Walk::from(from) {
        // A few kilobytes of a file are read here, on the way; nothing else runs on this thread that could wait.
        let outgoing = match found.and_then(|path| look(&path)) {
            Ok(Some(outgoing)) => outgoing,
            Ok(None) => {
                summary.passed_over += 1;
                continue;
            }
            Err(Unreadable { path, reason }) => {
                summary.refused += 1;
                refused(&path.display().to_string(), &reason);
                continue;
            }
        };
        if !batch.fits(&outgoing) {
            send(std::mem::take(&mut batch), receiver, &mut summary, &mut refused).await?;
        }
        batch.add(outgoing);
    }
    send(batch, receiver, &mut summary, &mut refused).await?;
    Ok(summary)
}

async fn send(
    batch: Batch,
    receiver: &Receiver,
    summary: &mut Summary,
    refused: &mut impl FnMut(&str, &str),
) -> Result<(), SendError> {
    batch
        .send(receiver, |object, fate| match fate {
            Ok(()) => summary.stored += 1,
            Err(reason) => {
                summary.refused += 1;
                refused(&object.name, &reason);
            }
        })
        .await
}

/// A file or folder that cannot be read, or whose file meta information is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable {
    path: PathBuf,
    reason: String,
}

impl Unreadable {
    fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// The object in a file; `None` when the file is no DICOM object.
fn look(path: &Path) -> Result<Option<Outgoing>, Unreadable> {
    let unreadable = |error: io::Error| Unreadable::new(path, error);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::with_capacity(132);
    (&mut file).take(132).read_to_end(&mut start).map_err(unreadable)?;
    if start.get(128..) != Some(b"DICM") {
        return Ok(None);
    }
    let mut reader = MetaReader::new();
    let mut read = start.len() as u64;
    let mut portion = start;
    let (meta, rest) = loop {
        if let Some(found) = reader.push(&portion).map_err(|error| Unreadable::new(path, error))? {
            break found;
        }
        portion.clear();
        (&mut file).take(4096).read_to_end(&mut portion).map_err(unreadable)?;
        if portion.is_empty() {
            return Err(Unreadable::new(path, "the file ends within its file meta information"));
        }
        read += portion.len() as u64;
        if read > LONGEST_META {
            return Err(Unreadable::new(
                path,
                format!("more than {LONGEST_META} bytes of file meta information"),
            ));
        }
    };
    let missing = |what: &str| Unreadable::new(path, format!("its file meta information names no {what}"));
    let sop_class = meta
        .sop_class
        .ok_or_else(|| missing("Media Storage SOP Class UID (0002,0002)"))?;
    if sop_class == DIRECTORY {
        return Ok(None);
    }
    let sop_instance = meta
        .sop_instance
        .ok_or_else(|| missing("Media Storage SOP Instance UID (0002,0003)"))?;
    Ok(Some(Outgoing {
        name: path.display().to_string(),
        sop_class,
        sop_instance,
        syntax: meta.syntax.uid().as_str().to_owned(),
        data: Data::File {
            path: path.to_owned(),
            offset: read - rest.len() as u64,
        },
    }))
}

/// The files below a path, folder by folder, each folder's in the order of their names. Links to folders are not
/// followed, so there is no way round in circles; what is neither file nor folder is left out.
struct Walk {
    /// Still to be visited, the next one last, with its depth.
    pending: Vec<(PathBuf, usize)>,
}

impl Walk {
    fn from(path: &Path) -> Self {
        Self {
            pending: vec![(path.to_owned(), 0)],
        }
    }

    /// Puts what is in a folder before everything else.
    fn open(&mut self, folder: &Path, depth: usize) -> Result<(), Unreadable> {
        if depth >= DEEPEST {
            return Err(Unreadable::new(
                folder,
                format!("lies more than {DEEPEST} folders deep"),
            ));
        }
        let unreadable = |error: io::Error| Unreadable::new(folder, error);
        let entries = std::fs::read_dir(folder).map_err(unreadable)?;
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        paths.sort_unstable_by(|one, other| other.cmp(one));
        self.pending.extend(paths.into_iter().map(|path| (path, depth + 1)));
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((path, depth)) = self.pending.pop() {
            let kind = match std::fs::symlink_metadata(&path) {
                Ok(found) => found.file_type(),
                Err(error) => return Some(Err(Unreadable::new(&path, error))),
            };
            if kind.is_dir() {
                if let Err(error) = self.open(&path, depth) {
                    return Some(Err(error));
                }
            } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                return Some(Ok(path));
            } else if depth == 0 && path.is_dir() {
                // The folder that was named may itself be a link.
                if let Err(error) = self.open(&path, depth) {
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;

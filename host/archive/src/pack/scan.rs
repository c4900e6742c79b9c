//! Walks the entries of a pack, front to back, in bounded memory. Blocking: call it off the async threads.
//!
//! Used by recovery, verification and the rebuilding of the index. Serving never scans: a row says where its object is.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use super::{
    label::{Label, MOST_TOGETHER},
    tar::{self, BLOCK, Kind, Read},
};

/// One entry of a pack.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where its extended header starts.
    pub(crate) start: u64,
    /// Where the object starts.
    pub(crate) content: u64,
    /// Where the next entry starts.
    pub(crate) end: u64,
    pub(crate) label: Label,
}

/// What stands at a place in a pack.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Entry(Box<Found>),
    /// The end of the archive: nothing, or nothing but zeros, follows.
    End,
    /// Something that is not a whole entry, and why.
    Torn(&'static str),
}

/// A walk over a pack.
#[derive(Debug)]
pub(crate) struct Scan {
    file: Arc<File>,
    length: u64,
    at: u64,
}

/// No record of ours needs more; what claims more is damaged.
const LARGEST_RECORDS: u64 = 64 * 1024;

impl Scan {
    pub(crate) fn new(file: Arc<File>) -> io::Result<Self> {
        Self::from(file, 0)
    }

    /// A walk that begins where an entry is known to start.
    pub(crate) fn from(file: Arc<File>, at: u64) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length, at })
    }

    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// The length of the file when the walk began.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the walk stands: the end of the last whole entry.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next entry. After [`Step::End`] and [`Step::Torn`] there is none, and the walk stays where it is.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        if self.at >= self.length {
            return Ok(Step::End);
        }
        let start = self.at;
        let extended = match self.header(start)? {
            Ok(Read::Header(header)) if header.kind == Kind::Extended => header,
            Ok(Read::Header(_)) => return Ok(Step::Torn("an entry without an extended header")),
            Ok(Read::Zero) => return self.end(),
            Ok(Read::Bad(why)) => return Ok(Step::Torn(why)),
            Err(why) => return Ok(Step::Torn(why)),
        };
        if extended.size > LARGEST_RECORDS {
            return Ok(Step::Torn("an extended header that is too long"));
        }
        let mut records = vec![0; usize::try_from(extended.size).unwrap_or_default()];
        if start + BLOCK as u64 + extended.size > self.length {
            return Ok(Step::Torn("the file ends inside an extended header"));
        }
        self.file.read_exact_at(&mut records, start + BLOCK as u64)?;
        let at = start + BLOCK as u64 + tar::padded(extended.size);
        let file = match self.header(at)? {
            Ok(Read::Header(header)) if header.kind == Kind::File => header,
            Ok(Read::Header(_) | Read::Zero) => {
                return Ok(Step::Torn("an extended header without a file"));
            }
            Ok(Read::Bad(why)) => return Ok(Step::Torn(why)),
            Err(why) => return Ok(Step::Torn(why)),
        };
        let label = match Label::decode(&records, &file) {
            Ok(label) => label,
            Err(why) => return Ok(Step::Torn(why)),
        };
        let content = at + BLOCK as u64;
        let end = label
            .length
            .checked_next_multiple_of(BLOCK as u64)
            .and_then(|length| content.checked_add(length));
        match end {
            Some(end) if end <= self.length => {
                self.at = end;
                Ok(Step::Entry(Box::new(Found {
                    start,
                    content,
                    end,
                    label,
                })))
            }
            _ => Ok(Step::Torn("the file ends inside an object")),
        }
    }

    /// Whether the walk is over, without walking on: the last entry of a pack must be known to be the last.
    fn peek(&mut self) -> io::Result<Option<End>> {
        let at = self.at;
        let step = self.step()?;
        self.at = at;
        Ok(match step {
            Step::Entry(_) => None,
            Step::End => Some(End::Whole),
            Step::Torn(why) => Some(End::Torn(why)),
        })
    }

    fn header(&self, at: u64) -> io::Result<Result<Read, &'static str>> {
        let mut block = [0; BLOCK];
        if at + BLOCK as u64 > self.length {
            return Ok(Err("the file ends inside a header"));
        }
        self.file.read_exact_at(&mut block, at)?;
        Ok(Ok(tar::read(&block)))
    }

    /// A zero block is the end only if nothing follows: an entry that was never finished has zeros for a header, too.
    fn end(&self) -> io::Result<Step> {
        let mut block = [0; BLOCK];
        let rest = self.length - self.at;
        if rest > tar::TRAILER.len() as u64 {
            return Ok(Step::Torn("an entry that was not finished"));
        }
        if rest == tar::TRAILER.len() as u64 {
            self.file.read_exact_at(&mut block, self.at + BLOCK as u64)?;
        }
        Ok(if block.iter().all(|byte| *byte == 0) {
            Step::End
        } else {
            Step::Torn("data after the end")
        })
    }
}

/// Entries that are looked at at once: one question to the index.
pub(crate) const BATCH: usize = MOST_TOGETHER;

/// The next entries of a pack.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Seen>,
    /// Set when there are no more.
    pub(crate) end: Option<End>,
}

/// An entry, and whether its content has the digest that its label says, if that was asked.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) found: Found,
    pub(crate) sound: bool,
}

/// How a pack ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Torn(&'static str),
}

/// What a batch compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Entries are listed; every one counts as sound.
    Nothing,
    /// The content of each is read.
    Digests,
}

/// Walks on by at most [`BATCH`] entries, on a blocking thread.
pub(crate) async fn batch(mut scan: Scan, compare: Compare) -> io::Result<(Scan, Batch)> {
    let walk = move || {
        let mut batch = Batch {
            entries: Vec::new(),
            end: None,
        };
        let mut buffer = if compare == Compare::Digests {
            vec![0; 256 * 1024]
        } else {
            Vec::new()
        };
        while batch.entries.len() < BATCH && batch.end.is_none() {
            match scan.step()? {
                // What was stored together is seen together.
                Step::Entry(found)
                    if !batch.entries.is_empty() && batch.entries.len() + found.label.together.unwrap_or(1) > BATCH =>
                {
                    scan.at = found.start;
                    break;
                }
                Step::Entry(found) => {
                    let sound = compare == Compare::Nothing
                        || digest(&scan.file, found.content, found.label.length, &mut buffer)? == found.label.digest;
                    batch.entries.push(Seen { found: *found, sound });
                }
                Step::End => batch.end = Some(End::Whole),
                Step::Torn(why) => batch.end = Some(End::Torn(why)),
            }
        }
        if batch.end.is_none() {
            batch.end = scan.peek()?;
        }
        Ok((scan, batch))
    };
    tokio::task::spawn_blocking(walk)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the host is stopping")))
}

/// The digest of a stretch of a file, read in pieces of the buffer's size.
pub(crate) fn digest(file: &File, mut at: u64, length: u64, buffer: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut left = length;
    while left > 0 {
        let piece = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(piece) = buffer.get_mut(..piece).filter(|piece| !piece.is_empty()) else {
            break;
        };
        file.read_exact_at(piece, at)?;
        hasher.update(piece);
        at += piece.len() as u64;
        left -= piece.len() as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests;

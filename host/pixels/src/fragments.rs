//! Which fragments of encapsulated pixel data make up a frame (PS3.5 §A.4).
//!
//! Separate because it is all places and lengths, every one of them the sender's claim. An offset table is believed as
//! far as it is ascending and the fragments themselves agree: a frame must begin where an item begins and end where the
//! next frame begins. Where they do not agree, the fragments' headers are walked once, and then either each fragment is a
//! frame, or as many of them begin a codestream as there are frames; anything else is refused, because it cannot be known
//! which fragment belongs to which frame.

use crate::ranges::Ranges;
use crate::{FRAME_LIMIT, PixelError};
use bytes::{Bytes, BytesMut};
use isocenter_dicom::{Header, Path, Value, tags};
use std::sync::{Arc, Mutex, PoisonError};

/// Fragments at most that are walked over: 16 MiB of index.
const FRAGMENTS: usize = 1 << 21;

/// Fragments of one frame at most.
const PER_FRAME: usize = 1 << 16;

/// What is read at once while fragments are walked over: the headers of several short ones.
const WINDOW: u64 = 4 << 10;

/// Bytes of the header of an item, and of a delimiter.
const HEAD: u64 = 8;

/// What begins a codestream: JPEG and JPEG-LS, JPEG 2000, its file format.
const BEGINNINGS: [&[u8]; 3] = [b"\xFF\xD8\xFF", b"\xFF\x4F\xFF\x51", b"\0\0\0\x0CjP  "];

/// The fragments of an object's pixel data.
pub(crate) struct Fragments {
    /// Where the basic offset table begins, and its bytes.
    table: (u64, u32),
    /// Offsets of the extended offset table (7FE0,0001).
    extended: Option<Vec<u64>>,
    frames: u32,
    /// Made when the first frame is asked for.
    index: Mutex<Option<Arc<Index>>>,
}

/// Where frames begin.
struct Index {
    /// For each frame, from the first fragment's header.
    starts: Vec<u64>,
    /// Where the last one ends, when that is known.
    end: Option<u64>,
    /// It was found by walking, so that there is nothing better to be had.
    walked: bool,
}

/// What stands at a place among fragments.
enum Mark {
    Fragment(u32),
    End,
}

impl Fragments {
    /// The fragments in the value that begins at `at`.
    pub(crate) fn open(header: &Header, ranges: &impl Ranges, at: u64, frames: u32) -> Result<Self, PixelError> {
        let Mark::Fragment(length) = mark(ranges, at)? else {
            return Err(PixelError::corrupt(
                "there is no basic offset table, not even an empty one",
            ));
        };
        let table = (at + HEAD, length);
        if table.0 + u64::from(length) > ranges.length() {
            return Err(PixelError::corrupt(
                "the basic offset table is longer than the data set",
            ));
        }
        let extended = match header.value(&Path::from(tags::EXTENDED_OFFSET_TABLE)) {
            Some(Value::Bytes(bytes)) if bytes.len() / 8 == frames as usize && bytes.len() % 8 == 0 => {
                Some(numbers(&bytes, 8).collect())
            }
            _ => None,
        };
        Ok(Self {
            table,
            extended,
            frames,
            index: Mutex::new(None),
        })
    }

    /// Where the first fragment's header is.
    fn first(&self) -> u64 {
        self.table.0 + u64::from(self.table.1)
    }

    /// The fragments of one frame, joined.
    pub(crate) fn frame(&self, ranges: &impl Ranges, frame: u32) -> Result<Bytes, PixelError> {
        let index = self.index(ranges)?;
        match self.collect(ranges, &index, frame) {
            Err(PixelError::Corrupt(_)) if !index.walked && self.frames > 1 => {
                let walked = self.replace(self.walk(ranges)?);
                self.collect(ranges, &walked, frame)
            }
            result => result,
        }
    }

    fn index(&self, ranges: &impl Ranges) -> Result<Arc<Index>, PixelError> {
        let known = self.index.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(known) => Ok(known),
            None => Ok(self.replace(self.make(ranges)?)),
        }
    }

    fn replace(&self, index: Index) -> Arc<Index> {
        let index = Arc::new(index);
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(index.clone());
        index
    }

    fn make(&self, ranges: &impl Ranges) -> Result<Index, PixelError> {
        let stated = |starts: Vec<u64>| Index {
            starts,
            end: None,
            walked: false,
        };
        if self.frames == 1 {
            return Ok(stated(vec![0]));
        }
        let plausible = |starts: &Vec<u64>| {
            let ascending = starts.iter().zip(starts.iter().skip(1)).all(|(one, next)| one < next);
            starts.len() == self.frames as usize && starts.first() == Some(&0) && ascending
        };
        if let Some(starts) = self.extended.as_ref().filter(|starts| plausible(starts)) {
            return Ok(stated(starts.clone()));
        }
        let (at, length) = self.table;
        if u64::from(length) == 4 * u64::from(self.frames) && length as usize <= 4 * FRAGMENTS {
            let starts = numbers(&ranges.read(at, length as usize)?, 4).collect();
            if plausible(&starts) {
                return Ok(stated(starts));
            }
        }
        self.walk(ranges)
    }

    /// Walks over the headers of all fragments.
    fn walk(&self, ranges: &impl Ranges) -> Result<Index, PixelError> {
        let mut window = Window::default();
        let (mut fragments, mut beginnings) = (Vec::new(), Vec::new());
        let mut at = self.first();
        let end = loop {
            let head = window.at(ranges, at)?;
            let Mark::Fragment(length) = parse(&head)? else {
                break at;
            };
            let next = at + HEAD + u64::from(length);
            if next > ranges.length() {
                return Err(beyond(length));
            }
            let begins = |beginning: &&[u8]| {
                head.get(HEAD as usize..)
                    .is_some_and(|value| value.starts_with(beginning))
            };
            if length > 0 {
                fragments.push(at - self.first());
            }
            if BEGINNINGS.iter().any(begins) {
                beginnings.push(at - self.first());
            }
            if fragments.len() > FRAGMENTS || (next - self.first()) / HEAD > 4 * FRAGMENTS as u64 && length == 0 {
                return Err(PixelError::unsupported(format!(
                    "it has more than {FRAGMENTS} fragments"
                )));
            }
            at = next;
        };
        let count = fragments.len();
        let starts = [fragments, beginnings]
            .into_iter()
            .find(|starts| starts.len() == self.frames as usize && starts.first() == Some(&0));
        let starts = starts.ok_or_else(|| {
            PixelError::corrupt(format!(
                "it has {count} fragments for {} frames, and no offset table that says which belong together",
                self.frames
            ))
        })?;
        Ok(Index {
            starts,
            end: Some(end - self.first()),
            walked: true,
        })
    }

    /// Joins the fragments from a frame's first to the next frame's first, or to the end.
    fn collect(&self, ranges: &impl Ranges, index: &Index, frame: u32) -> Result<Bytes, PixelError> {
        let place = |number: usize| index.starts.get(number).map(|start| self.first() + start);
        let start = place(frame as usize).ok_or(PixelError::NoSuchFrame {
            index: frame,
            frames: self.frames,
        })?;
        let end = place(frame as usize + 1).or_else(|| index.end.map(|end| self.first() + end));
        let mut at = start;
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut total = 0;
        while end.is_none_or(|end| at < end) {
            let Mark::Fragment(length) = mark(ranges, at)? else {
                if end.is_none() && at > start {
                    break;
                }
                return Err(PixelError::corrupt("a frame begins behind the last fragment"));
            };
            let next = at + HEAD + u64::from(length);
            if next > ranges.length() {
                return Err(beyond(length));
            }
            if end.is_some_and(|end| next > end) {
                return Err(PixelError::corrupt("a frame begins in the middle of a fragment"));
            }
            total += u64::from(length);
            if total > FRAME_LIMIT {
                return Err(PixelError::TooLong {
                    length: total,
                    limit: FRAME_LIMIT,
                });
            }
            if pieces.len() == PER_FRAME {
                let what = format!("a frame has more than {PER_FRAME} fragments");
                return Err(PixelError::unsupported(what));
            }
            pieces.push(ranges.read(at + HEAD, length as usize)?);
            at = next;
        }
        Ok(join(pieces))
    }
}

fn beyond(length: u32) -> PixelError {
    PixelError::corrupt(format!("a fragment of {length} bytes goes beyond the data set"))
}

/// One run of bytes from several; does not copy when there is only one.
fn join(pieces: Vec<Bytes>) -> Bytes {
    if let [one] = pieces.as_slice() {
        return one.clone();
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    all.freeze()
}

fn mark(ranges: &impl Ranges, at: u64) -> Result<Mark, PixelError> {
    let left = ranges.length().checked_sub(at).map(|left| left.min(HEAD));
    let left = left.ok_or_else(|| PixelError::corrupt("a frame begins behind the end of the data set"))?;
    parse(&ranges.read(at, left as usize)?)
}

/// Reads what stands at the beginning of `bytes`. That they end where an item could begin is a delimiter left out.
fn parse(bytes: &[u8]) -> Result<Mark, PixelError> {
    match *bytes {
        [] | [0xFE, 0xFF, 0xDD, 0xE0, ..] => Ok(Mark::End),
        [0xFE, 0xFF, 0x00, 0xE0, a, b, c, d, ..] if [a, b, c, d] != [0xFF; 4] => {
            Ok(Mark::Fragment(u32::from_le_bytes([a, b, c, d])))
        }
        _ => Err(PixelError::corrupt(
            "something that is no fragment stands where one belongs",
        )),
    }
}

/// Little-endian numbers of so many bytes.
fn numbers(bytes: &[u8], width: usize) -> impl Iterator<Item = u64> {
    let number = |unit: &[u8]| unit.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    bytes.chunks_exact(width).map(number)
}

/// The bytes last read while walking.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Bytes,
}

impl Window {
    /// The header at a place and the first bytes behind it: 16, fewer at the end of the data set.
    fn at(&mut self, ranges: &impl Ranges, at: u64) -> Result<Bytes, PixelError> {
        let wanted = ranges.length().saturating_sub(at).min(16);
        let end = self.at + self.bytes.len() as u64;
        if at < self.at || at + wanted > end {
            let length = ranges.length().saturating_sub(at).min(WINDOW);
            self.bytes = ranges.read(at, length as usize)?;
            self.at = at;
        }
        let begin = (at - self.at) as usize;
        Ok(self.bytes.slice(begin..begin + wanted as usize))
    }
}

#[cfg(test)]
mod tests;

//! Bytes to header, while they arrive.
//!
//! Separate from [`Header`], which is complete and immutable. The reader keeps what was pushed in one buffer and runs
//! the walker over it, which needs each element only once: a value that has not arrived yet is stepped over by its
//! length, and reading goes on behind it when it has.

use super::table::Entry;
use super::{Header, Limits, Progress};
use crate::VR;
use crate::error::{ParseError, Problem};
use crate::structure::{Encoding, Head, Pixels, Token, Walker};
use crate::syntax::TransferSyntax;
use bytes::{Bytes, BytesMut};

/// Bytes that are copied before it is known whether they belong to the header.
const PIECE: usize = 8 << 10;

/// Builds a [`Header`] from bytes as they arrive, in chunks of any size.
///
/// It holds the header's bytes, at most [`Limits::header_bytes`] and one chunk, and 24 bytes per element.
#[derive(Debug)]
pub struct HeaderReader {
    syntax: TransferSyntax,
    limits: Limits,
    walker: Walker,
    buffer: BytesMut,
    table: Vec<Entry>,
    /// Rows whose sequence or item is still open.
    open: Vec<u32>,
    /// A row that states UN and is a sequence by the dictionary, to be read when its value has arrived.
    wrapped: Option<u32>,
    /// Where the value of the Pixel Representation last seen is.
    pixel_representation: Option<u32>,
    reached: bool,
    /// What was pushed after pixel data was reached and is not in the buffer.
    rest: Vec<Bytes>,
}

impl HeaderReader {
    /// A reader for a data set in `syntax`. A deflated one must be inflated first ([`crate::inflate`]); it is then read
    /// as the Explicit VR Little Endian that it is.
    pub fn new(syntax: TransferSyntax, limits: Limits) -> Self {
        let limits = Limits {
            header_bytes: limits.header_bytes.min(1 << 30),
            ..limits
        };
        Self {
            walker: Walker::new(Encoding::of(&syntax), Pixels::Stop, limits.depth),
            syntax,
            limits,
            buffer: BytesMut::new(),
            table: Vec::with_capacity(192),
            open: Vec::new(),
            wrapped: None,
            pixel_representation: None,
            reached: false,
            rest: Vec::new(),
        }
    }

    /// Takes the next bytes of the data set. After an error, or once pixel data is reached, there is no point in pushing
    /// more; what is pushed then is only kept for [`Self::finish`] to hand back.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, ParseError> {
        let used = self.feed(chunk)?;
        if let Some(rest) = chunk.get(used..).filter(|rest| !rest.is_empty()) {
            self.rest.push(Bytes::copy_from_slice(rest));
        }
        Ok(self.progress())
    }

    /// The same as [`Self::push`], without copying what lies behind the header.
    pub fn push_bytes(&mut self, chunk: Bytes) -> Result<Progress, ParseError> {
        let used = self.feed(&chunk)?;
        if used < chunk.len() {
            self.rest.push(chunk.slice(used..));
        }
        Ok(self.progress())
    }

    /// The header, and what was pushed beyond it: from the start of the pixel data element, empty when there is none.
    ///
    /// An error when the data set stops inside an element before pixel data was reached.
    pub fn finish(mut self) -> Result<(Header, Bytes), ParseError> {
        if !self.reached {
            let inside_value = self.position() > self.buffer.len();
            if inside_value || self.position() < self.buffer.len() || !self.walker.at_top() {
                return Err(self.walker.ends(inside_value));
            }
        }
        let tail = self.buffer.split_off(self.position().min(self.buffer.len()));
        let rest = join(tail.freeze(), self.rest);
        Ok((Header::new(self.buffer.freeze(), self.syntax, self.table), rest))
    }

    fn progress(&self) -> Progress {
        if self.reached {
            Progress::PixelDataReached
        } else {
            Progress::More
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.walker.position()).unwrap_or(usize::MAX)
    }

    /// Appends as much of `chunk` as the header needs, piece by piece; returns how much that was.
    fn feed(&mut self, chunk: &[u8]) -> Result<usize, ParseError> {
        let mut used = 0;
        while !self.reached && used < chunk.len() {
            let missing = self.position().saturating_sub(self.buffer.len());
            let rest = chunk.get(used..).unwrap_or_default();
            let piece = rest.get(..missing.saturating_add(PIECE)).unwrap_or(rest);
            self.buffer.extend_from_slice(piece);
            used += piece.len();
            self.walk()?;
        }
        // Gives back what the last piece held beyond the header, unless the tag itself was cut by the chunk's start.
        let beyond = self.buffer.len().saturating_sub(self.position());
        if self.reached && beyond <= used {
            self.buffer.truncate(self.position());
            used -= beyond;
        }
        Ok(used)
    }

    /// Reads every element whose header is in the buffer.
    fn walk(&mut self) -> Result<(), ParseError> {
        loop {
            let at = self.position();
            if at > self.buffer.len() {
                return Ok(());
            }
            if let Some(row) = self.wrapped.take() {
                self.unwrap_items(row)?;
            }
            let bytes = self.buffer.get(at..).unwrap_or_default();
            let Some(token) = self.walker.next(bytes)? else {
                return self.check_size(None);
            };
            match token {
                Token::Element(head) => {
                    let row = self.note(&head, at)?;
                    if head.sign_depends && self.is_signed() {
                        self.change(row, |entry| entry.vr = VR::SS);
                    } else if head.wrapped && head.vr == VR::SQ {
                        self.wrapped = Some(row);
                    } else if head.tag == crate::tags::PIXEL_REPRESENTATION {
                        self.pixel_representation = self.table.get(row as usize).map(|entry| entry.value);
                    }
                }
                Token::Sequence(head) | Token::Item(head) => {
                    let row = self.note(&head, at)?;
                    if matches!(token, Token::Sequence(_)) {
                        self.change(row, Entry::set_items);
                    }
                    self.open.push(row);
                }
                Token::Fragments(head) => {
                    let row = self.note(&head, at)?;
                    self.open.push(row);
                }
                Token::Fragment(_) => self.check_size(None)?,
                Token::End(delimiter) => {
                    let end = at as u32;
                    let next = self.table.len() as u32;
                    if let Some(row) = self.open.pop() {
                        self.change(row, |entry| (entry.end, entry.next) = (end, next));
                    }
                    debug_assert_eq!(self.position(), at + usize::from(delimiter));
                }
                Token::PixelData => {
                    self.reached = true;
                    return self.check_size(None);
                }
            }
        }
    }

    /// Adds a row for what begins at `at`.
    fn note(&mut self, head: &Head, at: usize) -> Result<u32, ParseError> {
        let row = self.table.len() as u32;
        if row >= self.limits.elements {
            return Err(ParseError::new(
                Some(head.tag),
                at as u64,
                Problem::TooManyElements(self.limits.elements),
            ));
        }
        self.check_size(Some((head, at)))?;
        self.table.push(Entry::new(head, at as u32, row));
        Ok(row)
    }

    /// Refuses a header that is, or by the stated length will be, too long; before the bytes have arrived.
    fn check_size(&self, head: Option<(&Head, usize)>) -> Result<(), ParseError> {
        let limit = self.limits.header_bytes as u64;
        let (tag, at, length) = match head {
            Some((head, at)) => (
                Some(head.tag),
                at as u64,
                u64::from(head.size) + u64::from(head.length.unwrap_or(0)),
            ),
            None => (None, self.walker.position(), 0),
        };
        if at + length <= limit {
            return Ok(());
        }
        Err(ParseError::new(
            tag,
            at,
            Problem::HeaderTooLong {
                length: length.max(1),
                limit,
            },
        ))
    }

    fn change(&mut self, row: u32, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.table.get_mut(row as usize) {
            change(entry);
        }
    }

    fn is_signed(&self) -> bool {
        let value = self
            .pixel_representation
            .and_then(|at| self.buffer.get(at as usize..at as usize + 2));
        // 0 or 1 in either byte order.
        value.is_some_and(|bytes| bytes.iter().any(|&b| b != 0))
    }

    /// Reads the items in the value of an element that hides them behind UN of defined length (PS3.5 §6.2.2). When they
    /// do not read as items, the value is left as it is: storing it is still right.
    fn unwrap_items(&mut self, row: u32) -> Result<(), ParseError> {
        let Some(entry) = self.table.get(row as usize).copied() else {
            return Ok(());
        };
        let mut walker = Walker::over_items(
            entry.tag,
            u64::from(entry.value),
            u64::from(entry.end),
            self.walker.depth().saturating_add(1),
            self.limits.depth,
        );
        let mut open: Vec<u32> = Vec::new();
        let rows = self.table.len();
        let readable = loop {
            let at = walker.position() as usize;
            if walker.at_top() {
                break true;
            }
            let Some(bytes) = self.buffer.get(at..entry.end as usize) else {
                break false;
            };
            match walker.next(bytes) {
                Ok(Some(Token::End(_))) => {
                    let next = self.table.len() as u32;
                    if let Some(row) = open.pop() {
                        self.change(row, |entry| (entry.end, entry.next) = (at as u32, next));
                    }
                }
                Ok(Some(token @ (Token::Element(head) | Token::Sequence(head) | Token::Item(head)))) => {
                    let row = self.note(&head, at)?;
                    match token {
                        Token::Element(_) => {}
                        Token::Sequence(_) => {
                            self.change(row, Entry::set_items);
                            open.push(row);
                        }
                        _ => open.push(row),
                    }
                }
                Ok(Some(Token::Fragments(head))) => {
                    let row = self.note(&head, at)?;
                    open.push(row);
                }
                Ok(Some(Token::Fragment(_))) => {}
                Ok(Some(Token::PixelData) | None) | Err(_) => break false,
            }
        };
        if readable {
            let next = self.table.len() as u32;
            self.change(row, |entry| {
                entry.set_items();
                entry.next = next;
            });
        } else {
            self.table.truncate(rows);
            self.change(row, Entry::set_unreadable);
        }
        Ok(())
    }
}

/// One run of bytes from several; does not copy when there is only one.
fn join(first: Bytes, rest: Vec<Bytes>) -> Bytes {
    let mut pieces = std::iter::once(first).chain(rest).filter(|piece| !piece.is_empty());
    let Some(first) = pieces.next() else {
        return Bytes::new();
    };
    let Some(second) = pieces.next() else { return first };
    let mut all = BytesMut::from(first.as_ref());
    all.extend_from_slice(&second);
    for piece in pieces {
        all.extend_from_slice(&piece);
    }
    all.freeze()
}

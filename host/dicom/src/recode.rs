//! The same object in another encoding: explicit or implicit VR little endian (PS3.5 Annex A). Separate from `edit`, which
//! changes what an object says: here every value stays, and only how lengths and representations are written differs.
//!
//! Values of big endian are turned by their VR. What is absent: writing it. Group lengths are left out, as they would be
//! wrong. Sequences and items get undefined lengths, so that nothing is measured before it is written.

use crate::body::PixelElement;
use crate::error::ParseError;
use crate::header::{Header, Limits};
use crate::syntax::TransferSyntax;
use crate::vr::{self, Form};
use crate::{Tag, VR};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::ops::Range;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
/// The longest value that the short form of an explicit element header has room for.
const LONGEST_SHORT: usize = 0xFFFE;
/// The most that may follow the pixel data.
const LONGEST_TAIL: usize = 1 << 20;

/// Why an object cannot be written so. Names tags and lengths, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecodeError {
    /// It is to be in big endian, or is deflated or has fragments.
    #[error("data sets are not converted from or to transfer syntax {0}")]
    Syntax(/** Its UID. */ String),
    /// A value in big endian of which nobody knows how many bytes belong together.
    #[error("{0} is in big endian and of unknown representation (UN)")]
    Unknown(/** Where. */ Tag),
    /// Fragments in an item (an icon), which only an encapsulated transfer syntax has a form for.
    #[error("{0} is compressed within the header")]
    Fragments(/** Where. */ Tag),
    /// What follows the pixel data is longer than anybody writes.
    #[error("more than {LONGEST_TAIL} bytes follow the pixel data")]
    LongTail,
    /// What follows the header cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// The header in explicit or implicit VR little endian.
///
/// # Errors
/// [`RecodeError`].
pub fn header(header: &Header, to: &TransferSyntax) -> Result<Bytes, RecodeError> {
    if let Some(syntax) = [header.syntax(), to].into_iter().find(|syntax| syntax.is_deflated()) {
        return Err(RecodeError::Syntax(syntax.uid().to_string()));
    }
    if to.is_big_endian() {
        return Err(RecodeError::Syntax(to.uid().to_string()));
    }
    let mut out = BytesMut::with_capacity(header.bytes().len() + header.bytes().len() / 4);
    level(header, header.top(), to.is_explicit(), &mut out)?;
    Ok(out.freeze())
}

/// Recurses once for each sequence within another, of which a header has at most 128.
fn level(header: &Header, rows: Range<usize>, explicit: bool, out: &mut BytesMut) -> Result<(), RecodeError> {
    for (row, entry) in header.level(rows) {
        if entry.tag.element() == 0 {
            continue;
        }
        if entry.has_items() {
            put_head(out, entry.tag, VR::SQ, None, explicit);
            for (item, of) in header.level(row + 1..entry.next as usize) {
                put_plain(out, ITEM, UNDEFINED);
                level(header, item + 1..of.next as usize, explicit, out)?;
                put_plain(out, ITEM_END, 0);
            }
            put_plain(out, SEQUENCE_END, 0);
        } else if entry.is_undefined() {
            return Err(RecodeError::Fragments(entry.tag));
        } else {
            let value = header.raw(entry);
            put_head(out, entry.tag, entry.vr, Some(value.len()), explicit);
            if !header.syntax().is_big_endian() || value.is_empty() {
                out.put_slice(value);
                continue;
            }
            if entry.vr == VR::UN {
                return Err(RecodeError::Unknown(entry.tag));
            }
            let unit = unit(entry.vr);
            let at = out.len();
            out.put_slice(value);
            turn(out.get_mut(at..).unwrap_or_default(), unit);
        }
    }
    Ok(())
}

/// How many bytes of a value belong together, which are in the other order in the other byte ordering (PS3.5 §7.3).
fn unit(vr: VR) -> usize {
    match vr::form(vr) {
        Form::Signed(width) | Form::Unsigned(width) | Form::Real(width) | Form::Binary(width) => width,
        // A tag is two numbers.
        Form::Tags => 2,
        Form::Values | Form::Whole | Form::Items => 1,
    }
}

/// Turns each unit; what is left over at the end is none.
fn turn(value: &mut [u8], unit: usize) {
    if unit > 1 {
        value.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
}

/// The header of a pixel data element whose native value has that many bytes, which is even.
pub fn pixel_element(tag: Tag, vr: VR, length: u32, to: &TransferSyntax) -> Bytes {
    let mut out = BytesMut::with_capacity(12);
    put_head(&mut out, tag, vr, Some(length as usize), to.is_explicit());
    out.freeze()
}

/// The header of a pixel data element that has fragments, and an empty offset table as the first of them (PS3.5 §A.4).
pub fn fragments_begin(to: &TransferSyntax) -> Bytes {
    let mut out = BytesMut::with_capacity(20);
    put_head(&mut out, crate::tags::PIXEL_DATA, VR::OB, None, to.is_explicit());
    put_plain(&mut out, ITEM, 0);
    out.freeze()
}

/// The header of a fragment that has that many bytes.
pub fn fragment(length: u32) -> Bytes {
    let mut out = BytesMut::with_capacity(8);
    put_plain(&mut out, ITEM, length);
    out.freeze()
}

/// What ends fragments.
pub fn fragments_end() -> Bytes {
    let mut out = BytesMut::with_capacity(8);
    put_plain(&mut out, SEQUENCE_END, 0);
    out.freeze()
}

fn put_head(out: &mut BytesMut, tag: Tag, vr: VR, length: Option<usize>, explicit: bool) {
    out.put_u16_le(tag.group());
    out.put_u16_le(tag.element());
    let length = length.map_or(UNDEFINED, |length| u32::try_from(length).unwrap_or(UNDEFINED - 1));
    if explicit {
        // A value that is too long for its VR's header is given as UN (PS3.5 §6.2.2).
        let fits = vr::has_long_header(vr) || length as usize <= LONGEST_SHORT;
        let vr = if fits { vr } else { VR::UN };
        out.put_slice(&vr.to_bytes());
        if !vr::has_long_header(vr) {
            out.put_u16_le(u16::try_from(length).unwrap_or(0));
            return;
        }
        out.put_u16_le(0);
    }
    out.put_u32_le(length);
}

fn put_plain(out: &mut BytesMut, tag: Tag, length: u32) {
    out.put_u16_le(tag.group());
    out.put_u16_le(tag.element());
    out.put_u32_le(length);
}

/// What follows a header, on its way into another encoding: native pixel data passes into another native form; else pixel
/// data is left out for who writes its frames instead. The elements behind are written anew.
#[derive(Debug)]
pub struct Rest {
    from: TransferSyntax,
    to: TransferSyntax,
    state: State,
    /// Bytes of a sample, where there is native pixel data in big endian.
    sample: usize,
    /// How many bytes of native pixel data are turned at a time.
    unit: usize,
    /// Bytes that wait for more: of an element's header, or everything behind the pixel data.
    held: BytesMut,
}

#[derive(Debug)]
enum State {
    /// The pixel data element begins.
    Begin,
    /// So many bytes of native pixel data are to pass, or to be left out.
    Native(u64),
    /// So many bytes of a fragment are to be left out; a fragment's header follows.
    Fragment(u64),
    /// Elements behind the pixel data.
    Tail,
}

impl Rest {
    /// From one transfer syntax to explicit or implicit VR little endian; either may be an encapsulated one.
    pub fn new(from: &TransferSyntax, to: &TransferSyntax) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            state: State::Begin,
            sample: 2,
            unit: 1,
            held: BytesMut::new(),
        }
    }

    /// Of pixels that have so many bits allocated. Those of 32 bits in OW are turned whole, as the writers in service do it,
    /// and not by words.
    #[must_use]
    pub fn of_bits(mut self, allocated: u64) -> Self {
        self.sample = match allocated {
            17..=32 => 4,
            33..=64 => 8,
            _ => 2,
        };
        self
    }

    /// Takes the next bytes from the pixel data element on; what goes out is appended.
    ///
    /// # Errors
    /// [`RecodeError`].
    pub fn push(&mut self, mut piece: Bytes, out: &mut Vec<Bytes>) -> Result<(), RecodeError> {
        loop {
            match &mut self.state {
                State::Native(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                    *left -= here as u64;
                    let done = *left == 0;
                    let value = piece.split_to(here);
                    if here > 0 && !self.to.is_encapsulated() {
                        self.pass(value, done, out);
                    }
                    if !done {
                        return Ok(());
                    }
                    self.state = State::Tail;
                }
                State::Fragment(left) if *left > 0 => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                    *left -= here as u64;
                    piece.advance(here);
                    if *left > 0 {
                        return Ok(());
                    }
                }
                State::Fragment(_) => {
                    self.hold(&mut piece, 8);
                    let Some((&[g0, g1, e0, e1, a, b, c, d], _)) = self.held.split_first_chunk() else {
                        return Ok(());
                    };
                    self.held.clear();
                    let tag = Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
                    self.state = if tag == SEQUENCE_END {
                        State::Tail
                    } else {
                        State::Fragment(u64::from(u32::from_le_bytes([a, b, c, d])))
                    };
                }
                State::Begin => {
                    self.hold(&mut piece, 12);
                    if self.held.len() < 12 {
                        return Ok(());
                    }
                    self.begin(out)?;
                }
                State::Tail => {
                    if self.held.len() + piece.len() > LONGEST_TAIL {
                        return Err(RecodeError::LongTail);
                    }
                    self.held.extend_from_slice(&piece);
                    return Ok(());
                }
            }
        }
    }

    /// Native pixel data on its way out. What is no whole unit yet is held until more comes.
    fn pass(&mut self, value: Bytes, is_last: bool, out: &mut Vec<Bytes>) {
        if self.unit == 1 {
            out.push(value);
            return;
        }
        self.held.extend_from_slice(&value);
        let whole = self.held.len() - self.held.len() % self.unit;
        let mut ready = if is_last {
            self.held.split()
        } else {
            self.held.split_to(whole)
        };
        turn(&mut ready, self.unit);
        out.push(ready.freeze());
    }

    /// Moves bytes until that many are held.
    fn hold(&mut self, piece: &mut Bytes, count: usize) {
        let missing = count.saturating_sub(self.held.len()).min(piece.len());
        self.held.extend_from_slice(&piece.split_to(missing));
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) -> Result<(), RecodeError> {
        let Some(element) = PixelElement::read(&self.from, &self.held)? else {
            self.state = State::Tail;
            return Ok(());
        };
        let behind = self.held.split_off(usize::from(element.head).min(self.held.len()));
        self.held.clear();
        match element.length {
            Some(length) => {
                let passes = !self.to.is_encapsulated();
                if passes {
                    out.push(pixel_element(element.tag, element.vr, length, &self.to));
                }
                if self.from.is_big_endian() {
                    self.unit = match element.vr {
                        VR::UN => return Err(RecodeError::Unknown(element.tag)),
                        VR::OW => self.sample,
                        vr => unit(vr),
                    };
                }
                let here = (length as usize).min(behind.len());
                let (value, more) = behind.split_at(here);
                let left = u64::from(length) - here as u64;
                if here > 0 && passes {
                    self.pass(Bytes::copy_from_slice(value), left == 0, out);
                }
                self.held.extend_from_slice(more);
                self.state = State::Native(left);
            }
            None => {
                self.held = behind;
                self.state = State::Fragment(0);
            }
        }
        Ok(())
    }

    /// Ends it: what has not gone out yet, the elements behind the pixel data last.
    ///
    /// # Errors
    /// [`RecodeError`]: they cannot be read.
    pub fn finish(mut self) -> Result<Bytes, RecodeError> {
        let mut out = Vec::new();
        if let State::Begin = self.state
            && !self.held.is_empty()
        {
            // A pixel of implicit VR can be shorter, with its header, than the header of an element can be.
            self.begin(&mut out)?;
        }
        if !self.held.is_empty() {
            let (tail, _) = Header::parse(self.from.clone(), &self.held, Limits::default())?;
            out.push(header(&tail, &self.to)?);
        }
        Ok(out.concat().into())
    }
}

#[cfg(test)]
mod tests;

//! What follows the header: pixel data, native or in fragments, and the few elements that may stand after it.
//!
//! It streams through here on its way to the disk. The structure is followed, element by element and fragment by
//! fragment, so that an object which is cut off, or has something else glued to its end, is noticed before it is
//! acknowledged. The bytes of the pixel data are never looked at. Memory is constant, whatever the length of the object:
//! 12 bytes of an element header, and, when there are edits, one element of at most 1 MiB from after the pixel data.
//!
//! Decisions about what files in service do: a missing sequence delimiter after the last whole fragment is accepted, the
//! length of native pixel data need not be what rows and columns say. Bytes after the pixel data that are no elements, or
//! elements whose place is before it, are refused, padding with zeros included: they may hide anything.

use crate::edit::{TailEdits, TailFate};
use crate::error::{ParseError, Problem};
use crate::structure::{Encoding, Head, Pixels, Token, Walker, is_pixel_data};
use crate::syntax::TransferSyntax;
use crate::{Tag, VR};
use bytes::{Bytes, BytesMut};

/// Longest element after the pixel data that can be edited.
const HOLD: usize = 1 << 20;

/// Checks, and edits, the pixel data and what follows it, while it streams by.
///
/// Offsets in its errors count from the start of the pixel data element.
#[derive(Debug)]
pub struct Body {
    walker: Walker,
    syntax: TransferSyntax,
    /// Bytes of the value at hand that have not come yet.
    skip: u64,
    /// The beginning of an element header that was cut by the end of a chunk.
    carry: [u8; 12],
    carried: usize,
    /// Items of the pixel data so far: the offset table, then fragments.
    fragments: u64,
    edits: Option<TailEdits>,
    /// What happens to the top-level element at hand.
    fate: TailFate,
    /// Its tag and place.
    element: (Tag, u64),
    /// Its bytes, when it is held back.
    held: BytesMut,
}

impl Body {
    /// Everything passes as it is; only the structure is followed.
    pub fn verbatim(syntax: &TransferSyntax) -> Self {
        Self::new(syntax, None)
    }

    /// Pixel data passes as it is; elements after it are edited.
    pub fn edited(syntax: &TransferSyntax, edits: TailEdits) -> Self {
        Self::new(syntax, Some(edits))
    }

    fn new(syntax: &TransferSyntax, edits: Option<TailEdits>) -> Self {
        Self {
            // In a data set no deeper than 64 above, the depth here starts anew.
            walker: Walker::new(Encoding::of(syntax), Pixels::Pass, 64),
            syntax: syntax.clone(),
            skip: 0,
            carry: [0; 12],
            carried: 0,
            fragments: 0,
            edits,
            fate: TailFate::Pass,
            element: (Tag(0, 0), 0),
            held: BytesMut::new(),
        }
    }

    /// Takes the next bytes, from the start of the pixel data element on; what is to be kept goes to `out`, without
    /// being copied.
    pub fn push(&mut self, chunk: Bytes, out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        let mut chunk = Chunk {
            bytes: chunk,
            kept_from: 0,
            at: 0,
        };
        loop {
            if self.skip > 0 {
                let here = usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.rest().len());
                if here == 0 {
                    break;
                }
                self.advance(&mut chunk, here, out)?;
                self.skip -= here as u64;
                self.settle(&mut chunk, out)?;
                continue;
            }
            let cut = self.carried;
            for (free, byte) in self.carry.iter_mut().skip(cut).zip(chunk.rest()) {
                *free = *byte;
                self.carried += 1;
            }
            let start = self.walker.position();
            let at_top = self.walker.at_top();
            let token = self.walker.next(self.carry.get(..self.carried).unwrap_or_default());
            let Some(token) = token.map_err(|error| explain(error, at_top))? else {
                // The rest is the beginning of an element header, and has been noted.
                break;
            };
            let (size, length) = match token {
                Token::Element(head) | Token::Fragment(head) => (head.size, head.length.unwrap_or(0)),
                Token::Sequence(head) | Token::Fragments(head) | Token::Item(head) => (head.size, 0),
                Token::End(delimiter) => (delimiter, 0),
                Token::PixelData => (0, 0),
            };
            if matches!(token, Token::Fragment(_)) {
                self.fragments += 1;
            }
            if let (true, Token::Element(head) | Token::Sequence(head) | Token::Fragments(head)) = (at_top, token) {
                self.begin(&head, start, token)?;
            }
            // What the end of the last chunk cut off is not in this one.
            let before = self.carry.get(..cut).unwrap_or_default();
            match self.fate {
                TailFate::Pass if cut > 0 => out.push(Bytes::copy_from_slice(before)),
                TailFate::Hold => self.held.extend_from_slice(before),
                _ => {}
            }
            self.carried = 0;
            self.advance(&mut chunk, usize::from(size).saturating_sub(cut), out)?;
            self.skip = u64::from(length);
            self.settle(&mut chunk, out)?;
        }
        chunk.keep(out);
        Ok(())
    }

    /// The data set is over: an error when it ends inside an element, which is named.
    pub fn finish(self, _out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        let whole_fragments = self.walker.in_top_fragments() && self.fragments > 1 && is_pixel_data(self.element.0);
        if self.skip == 0 && self.carried == 0 && (self.walker.at_top() || whole_fragments) {
            return Ok(());
        }
        Err(self.walker.ends(self.skip > 0))
    }

    /// A top-level element begins.
    fn begin(&mut self, head: &Head, start: u64, token: Token) -> Result<(), ParseError> {
        self.element = (head.tag, start);
        self.fragments = 0;
        if is_pixel_data(head.tag) {
            self.fate = TailFate::Pass;
            return Ok(());
        }
        if head.tag.group() < 0x7FE0 {
            return Err(ParseError::new(Some(head.tag), start, Problem::AfterPixelData));
        }
        let has_items = matches!(token, Token::Sequence(_)) || head.vr == VR::SQ;
        self.fate = self
            .edits
            .as_ref()
            .map_or(TailFate::Pass, |edits| edits.fate(head.tag, head.vr, has_items));
        if self.fate == TailFate::Hold && head.length.is_some_and(|length| length as usize > HOLD) {
            return Err(self.too_long());
        }
        Ok(())
    }

    /// Goes on by so many bytes, which share the fate of the element at hand.
    fn advance(&mut self, chunk: &mut Chunk, length: usize, out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        if self.fate == TailFate::Pass {
            chunk.at += length;
            return Ok(());
        }
        chunk.keep(out);
        if self.fate == TailFate::Hold {
            self.held
                .extend_from_slice(chunk.rest().get(..length).unwrap_or_default());
            if self.held.len() > HOLD + 12 {
                return Err(self.too_long());
            }
        }
        chunk.at += length;
        chunk.kept_from = chunk.at;
        Ok(())
    }

    /// When the element at hand is complete and was held back: edits it.
    fn settle(&mut self, chunk: &mut Chunk, out: &mut Vec<Bytes>) -> Result<(), ParseError> {
        if self.fate != TailFate::Hold || self.skip > 0 || !self.walker.at_top() {
            return Ok(());
        }
        self.fate = TailFate::Pass;
        chunk.keep(out);
        let element = self.held.split();
        let (tag, start) = self.element;
        let Some(edits) = &mut self.edits else { return Ok(()) };
        let edited = edits
            .rewrite(&self.syntax, &element)
            .map_err(|error| ParseError::new(Some(tag), start, Problem::TailEdit(error.to_string())))?;
        if !edited.is_empty() {
            out.push(edited);
        }
        Ok(())
    }

    fn too_long(&self) -> ParseError {
        let (tag, start) = self.element;
        ParseError::new(Some(tag), start, Problem::TailTooLong(HOLD as u64))
    }
}

/// The pixel data element that follows a header, as its own header states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelElement {
    /// (7FE0,0010), (7FE0,0008) or (7FE0,0009).
    pub tag: Tag,
    /// Its VR: the stated one, or the dictionary's in implicit VR.
    pub vr: VR,
    /// Bytes before its value.
    pub head: u8,
    /// Bytes of its value; `None` when undefined, so that fragments follow.
    pub length: Option<u32>,
}

impl PixelElement {
    /// Reads the first 12 bytes behind a header (fewer when the data set ends before); `None` when there is no element.
    pub fn read(syntax: &TransferSyntax, bytes: &[u8]) -> Result<Option<Self>, ParseError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut walker = Walker::new(Encoding::of(syntax), Pixels::Pass, 64);
        match walker.next(bytes)? {
            Some(Token::Element(head) | Token::Fragments(head)) if is_pixel_data(head.tag) => Ok(Some(Self {
                tag: head.tag,
                vr: head.vr,
                head: head.size,
                length: head.length,
            })),
            Some(Token::Element(head) | Token::Fragments(head) | Token::Sequence(head)) => {
                Err(ParseError::new(Some(head.tag), 0, Problem::AfterPixelData))
            }
            _ => Err(walker.ends(false)),
        }
    }
}

/// The bytes at hand.
struct Chunk {
    bytes: Bytes,
    /// Where the bytes begin that are to be kept and have not been given yet.
    kept_from: usize,
    /// How far it has been read.
    at: usize,
}

impl Chunk {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Gives what is to be kept, in one piece.
    fn keep(&mut self, out: &mut Vec<Bytes>) {
        if self.kept_from < self.at {
            out.push(self.bytes.slice(self.kept_from..self.at));
        }
        self.kept_from = self.at;
    }
}

/// What stands where an element belongs, after the pixel data, and is none, is not DICOM.
fn explain(error: ParseError, at_top: bool) -> ParseError {
    let none = matches!(
        error.problem(),
        Problem::UnknownVr(_) | Problem::StrayDelimiter | Problem::UndefinedLength(_)
    );
    if at_top && none && error.offset() > 0 {
        return ParseError::new(error.tag(), error.offset(), Problem::AfterPixelData);
    }
    error
}

#[cfg(test)]
mod tests;

//! The one place that knows how a data set is encoded (PS3.5 §7): elements, sequences, items, fragments, delimiters.
//!
//! The walker is given bytes at the place where the next element or delimiter begins and says what stands there and how
//! long it is. It keeps no bytes. So the header reader (which keeps them all) and the body (which keeps none) share it.
//!
//! It does not recurse: what is open stands on a stack whose height [`crate::Limits::depth`] bounds.
//!
//! Liberties that files in service take, and that are accepted: tags out of order or repeated; odd lengths; implicit VR
//! inside the items of an explicit data set; a VR of two capitals that this program does not know with the reserved
//! bytes zero (PS3.5 §6.2.2 promises this layout for every future VR). All else is an error.

mod token;

pub(crate) use token::{Encoding, Head, Token, is_pixel_data};

use crate::dictionary;
use crate::error::{ParseError, Problem};
use crate::vr;
use crate::{Tag, VR};

/// Undefined length, and "no end known".
pub(crate) const UNDEFINED: u32 = u32::MAX;
const NO_END: u64 = u64::MAX;

pub(crate) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(crate) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(crate) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    DataSet,
    Sequence,
    Fragments,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    level: Level,
    encoding: Encoding,
    /// Where it ends, when its length is defined.
    end: u64,
    /// Where the innermost enclosing thing of defined length ends.
    bound: u64,
    /// What opened it, and where, for errors.
    tag: Tag,
    start: u64,
    /// No element of this item has been read yet.
    fresh: bool,
}

/// What happens at top-level pixel data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// The walker stops before it.
    Stop,
    /// It is an element, or fragments, like others.
    Pass,
}

/// Follows the structure of a data set.
#[derive(Debug)]
pub(crate) struct Walker {
    position: u64,
    pixels: Pixels,
    depth_limit: u16,
    depth: u16,
    stack: Vec<Frame>,
    /// The element last seen, for errors about bytes that are missing.
    last: Option<(Tag, u64)>,
}

impl Walker {
    pub(crate) fn new(encoding: Encoding, pixels: Pixels, depth_limit: u16) -> Self {
        let top = Frame {
            level: Level::DataSet,
            encoding,
            end: NO_END,
            bound: NO_END,
            tag: Tag(0, 0),
            start: 0,
            fresh: false,
        };
        let mut stack = Vec::with_capacity(16);
        stack.push(top);
        Self {
            position: 0,
            pixels,
            depth_limit: depth_limit.min(128),
            depth: 0,
            stack,
            last: None,
        }
    }

    /// A walker over the items in the value of one element, from `start` to `end`, `depth` sequences down.
    pub(crate) fn over_items(tag: Tag, start: u64, end: u64, depth: u16, depth_limit: u16) -> Self {
        let mut walker = Self::new(Encoding::IMPLICIT_LE, Pixels::Pass, depth_limit);
        let frame = Frame {
            level: Level::Sequence,
            encoding: Encoding::IMPLICIT_LE,
            end,
            bound: end,
            tag,
            start,
            fresh: false,
        };
        walker.stack.push(frame);
        walker.position = start;
        walker.depth = depth;
        walker
    }

    /// Where the next token begins, from the start of the data set.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the next token is one of the data set itself.
    pub(crate) fn at_top(&self) -> bool {
        self.stack.len() == 1
    }

    /// Whether the next token is a fragment of top-level encapsulated data, or its end.
    pub(crate) fn in_top_fragments(&self) -> bool {
        self.stack.len() == 2 && self.stack.last().is_some_and(|frame| frame.level == Level::Fragments)
    }

    /// Sequences open.
    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }

    /// The error for a data set whose bytes stop before it does.
    pub(crate) fn ends(&self, inside_value: bool) -> ParseError {
        let innermost = self
            .stack
            .last()
            .filter(|_| !self.at_top())
            .map(|frame| (frame.tag, frame.start));
        match if inside_value { self.last } else { innermost } {
            Some((tag, start)) => ParseError::new(Some(tag), start, Problem::Ends),
            None => ParseError::new(None, self.position, Problem::EndsInHeader),
        }
    }

    /// What stands at [`Self::position`], where `bytes` begin; `None` when they are too few to tell (12 always suffice).
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Option<Token>, ParseError> {
        let Some(frame) = self.stack.last() else {
            return Ok(None);
        };
        let (level, encoding, end, bound) = (frame.level, frame.encoding, frame.end, frame.bound);
        if self.position == end {
            self.close();
            return Ok(Some(Token::End(0)));
        }
        let left = bound - self.position;
        if left < 8 {
            return Err(self.error(frame.tag, Problem::ParentEnds));
        }
        let Some(&[a, b, c, d]) = bytes.first_chunk() else {
            return Ok(None);
        };
        let tag = Tag(encoding.u16([a, b]), encoding.u16([c, d]));
        if self.pixels == Pixels::Stop && self.stack.len() == 1 && is_pixel_data(tag) {
            return Ok(Some(Token::PixelData));
        }
        let Some(&[_, _, _, _, e, f, g, h]) = bytes.first_chunk() else {
            return Ok(None);
        };
        if tag.group() == 0xFFFE || level != Level::DataSet {
            return self
                .delimiter(tag, level, encoding, end, bound, encoding.u32([e, f, g, h]))
                .map(Some);
        }
        let Some(head) = self.head(tag, encoding, [e, f, g, h], bytes)? else {
            return Ok(None);
        };
        self.element(head, bound).map(Some)
    }

    /// Reads an element header; the first four bytes, the tag, are read already.
    fn head(
        &mut self,
        tag: Tag,
        encoding: Encoding,
        [e, f, g, h]: [u8; 4],
        bytes: &[u8],
    ) -> Result<Option<Head>, ParseError> {
        if !encoding.explicit {
            let known = dictionary::lookup(tag);
            return Ok(Some(Head {
                tag,
                vr: known.map_or(VR::UN, |known| known.vr),
                size: 8,
                length: defined(encoding.u32([e, f, g, h])),
                encoding,
                wrapped: false,
                sign_depends: known.is_some_and(|known| known.by_pixel_representation),
            }));
        }
        let stated = match vr::from_bytes([e, f]) {
            Some(stated) => stated,
            None if e.is_ascii_uppercase() && f.is_ascii_uppercase() && [g, h] == [0, 0] => VR::UN,
            None if !(e.is_ascii_uppercase() && f.is_ascii_uppercase()) && self.become_implicit() => {
                let implicit = Encoding {
                    explicit: false,
                    ..encoding
                };
                return self.head(tag, implicit, [e, f, g, h], bytes);
            }
            None => return Err(self.error(tag, Problem::UnknownVr([e, f]))),
        };
        let (size, length) = if vr::has_long_header(stated) {
            let Some(&[.., i, j, k, l]) = bytes.first_chunk::<12>() else {
                return Ok(None);
            };
            (12, defined(encoding.u32([i, j, k, l])))
        } else {
            (8, Some(u32::from(encoding.u16([g, h]))))
        };
        let mut head = Head {
            tag,
            vr: stated,
            size,
            length,
            encoding,
            wrapped: false,
            sign_depends: false,
        };
        // Only the two letters "UN": a VR of the future is left as unknown.
        if [e, f] == *b"UN"
            && length.is_some()
            && let Some(known) = dictionary::lookup(tag)
        {
            (head.vr, head.wrapped, head.sign_depends) = (known.vr, true, known.by_pixel_representation);
        }
        Ok(Some(head))
    }

    /// Some scanners write the items of private sequences without VRs. When the first element of an item shows none, the
    /// item is read so.
    fn become_implicit(&mut self) -> bool {
        match self.stack.last_mut() {
            Some(frame) if frame.fresh => {
                frame.encoding.explicit = false;
                true
            }
            _ => false,
        }
    }

    fn element(&mut self, head: Head, bound: u64) -> Result<Token, ParseError> {
        let Head { tag, vr, encoding, .. } = head;
        let start = self.position;
        self.last = Some((tag, start));
        if let Some(frame) = self.stack.last_mut() {
            frame.fresh = false;
        }
        let value = start + u64::from(head.size);
        let Some(length) = head.length else {
            if is_pixel_data(tag)
                || matches!(vr, VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV) && encoding.explicit
            {
                self.position = value;
                self.open(Level::Fragments, encoding, NO_END, tag, start)?;
                return Ok(Token::Fragments(head));
            }
            if encoding.explicit && !matches!(vr, VR::SQ | VR::UN) {
                return Err(self.error(tag, Problem::UndefinedLength(vr.to_string())));
            }
            // PS3.5 §6.2.2: UN of undefined length is a sequence in implicit VR little endian.
            let within = if encoding.explicit && vr == VR::UN {
                Encoding::IMPLICIT_LE
            } else {
                encoding
            };
            self.position = value;
            self.open(Level::Sequence, within, NO_END, tag, start)?;
            return Ok(Token::Sequence(head));
        };
        let end = value + u64::from(length);
        if end > bound {
            let problem = Problem::BeyondParent {
                length: u64::from(length),
                left: bound.saturating_sub(value),
            };
            return Err(self.error(tag, problem));
        }
        if vr == VR::SQ && !head.wrapped {
            self.position = value;
            self.open(Level::Sequence, encoding, end, tag, start)?;
            return Ok(Token::Sequence(head));
        }
        self.position = end;
        Ok(Token::Element(head))
    }

    fn delimiter(
        &mut self,
        tag: Tag,
        level: Level,
        encoding: Encoding,
        end: u64,
        bound: u64,
        length: u32,
    ) -> Result<Token, ParseError> {
        let start = self.position;
        match (level, tag) {
            (Level::Sequence | Level::Fragments, ITEM) => {
                let length = defined(length);
                let head = Head {
                    tag,
                    vr: VR::UN,
                    size: 8,
                    length,
                    encoding,
                    wrapped: false,
                    sign_depends: false,
                };
                let value = start + 8;
                let item_end = length.map_or(NO_END, |length| value + u64::from(length));
                if item_end != NO_END && item_end > bound {
                    let left = bound.saturating_sub(value);
                    return Err(self.error(
                        tag,
                        Problem::BeyondParent {
                            length: item_end - value,
                            left,
                        },
                    ));
                }
                self.last = Some((tag, start));
                if level == Level::Fragments {
                    if item_end == NO_END {
                        return Err(self.error(tag, Problem::UndefinedFragment));
                    }
                    self.position = item_end;
                    return Ok(Token::Fragment(head));
                }
                self.position = value;
                self.open(Level::DataSet, encoding, item_end, tag, start)?;
                Ok(Token::Item(head))
            }
            (Level::Sequence | Level::Fragments, SEQUENCE_END) | (Level::DataSet, ITEM_END)
                if end == NO_END && self.stack.len() > 1 =>
            {
                if length != 0 {
                    return Err(self.error(tag, Problem::DelimiterLength(length)));
                }
                self.position += 8;
                self.close();
                Ok(Token::End(8))
            }
            (Level::DataSet, _) | (_, ITEM_END | SEQUENCE_END) => Err(self.error(tag, Problem::StrayDelimiter)),
            _ => Err(self.error(tag, Problem::NotAnItem)),
        }
    }

    fn open(&mut self, level: Level, encoding: Encoding, end: u64, tag: Tag, start: u64) -> Result<(), ParseError> {
        if level == Level::Sequence {
            if self.depth >= self.depth_limit {
                return Err(ParseError::new(Some(tag), start, Problem::TooDeep(self.depth_limit)));
            }
            self.depth += 1;
        }
        let bound = match self.stack.last() {
            Some(parent) if end == NO_END => parent.bound,
            _ => end,
        };
        self.stack.push(Frame {
            level,
            encoding,
            end,
            bound,
            tag,
            start,
            fresh: level == Level::DataSet,
        });
        Ok(())
    }

    fn close(&mut self) {
        if let Some(Frame {
            level: Level::Sequence, ..
        }) = self.stack.pop()
        {
            self.depth = self.depth.saturating_sub(1);
        }
    }

    fn error(&self, tag: Tag, problem: Problem) -> ParseError {
        ParseError::new(Some(tag), self.position, problem)
    }
}

fn defined(length: u32) -> Option<u32> {
    (length != UNDEFINED).then_some(length)
}

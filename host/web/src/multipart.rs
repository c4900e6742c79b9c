//! `multipart/related` bodies (RFC 2046 §5.1, RFC 2387), read as they arrive.
//!
//! A parser of our own because the ones in the registry read `multipart/form-data` only and want a field name in every
//! part. It does no I/O: bytes are pushed in, events are pulled out, and part data leaves as slices of what came in,
//! uncopied. It holds at most one pushed chunk, one part's header lines ([`Limits::header_bytes`]) and one delimiter's
//! worth of bytes, whatever the size of the body.

use bytes::{Bytes, BytesMut};
use memchr::memmem;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Parts in one body.
    pub(crate) parts: u32,
    /// Bytes of one part's header lines.
    pub(crate) header_bytes: usize,
}

/// Header lines of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartHead {
    lines: Vec<(String, String)>,
}

impl PartHead {
    /// A header's value by its name in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What comes out of a body, in order: `(Head Data* End)* Closed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A part begins.
    Head(PartHead),
    /// Some of the part's content; never empty.
    Data(Bytes),
    /// The part is whole.
    End,
    /// The closing delimiter was read; what follows it is ignored.
    Closed,
}

/// Why a body cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadMultipart {
    /// The boundary parameter breaks RFC 2046's grammar.
    #[error("the boundary parameter must be 1 to 70 printable ASCII characters")]
    Boundary,
    /// A part's header lines do not end.
    #[error("the header lines of part {part} are longer than {limit} bytes")]
    HeadTooLong {
        /// Counted from 1.
        part: u32,
        /// Bytes allowed.
        limit: usize,
    },
    /// A header line has no colon, or is not ASCII.
    #[error("a header line of part {part} is not \"name: value\"")]
    HeadLine {
        /// Counted from 1.
        part: u32,
    },
    /// Too many parts.
    #[error("more than {limit} parts in one request: send them in several")]
    Parts {
        /// Parts allowed.
        limit: u32,
    },
    /// The body ended before the first delimiter.
    #[error(
        "no line \"--boundary\" with the boundary of the Content-Type header was found in the body (lines end with CR LF)"
    )]
    NoDelimiter,
    /// The body ended inside a part, or before the closing delimiter.
    #[error(
        "the body ends after {parts} whole part(s) without its closing delimiter: the connection broke or the sender left it out"
    )]
    Truncated {
        /// Parts that were whole.
        parts: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter: a preamble, ignored.
    Preamble,
    /// Right after a delimiter: `--`, or padding and a line end.
    AfterDelimiter,
    Head,
    /// At the empty line after the head.
    ContentBegins,
    Data,
    Closed,
}

/// Reads one body.
#[derive(Debug)]
pub(crate) struct Reader {
    delimiter: Vec<u8>,
    finder: memmem::Finder<'static>,
    limits: Limits,
    state: State,
    /// Pushed and not yet given out.
    rest: Bytes,
    begun: u32,
    whole: u32,
}

impl Reader {
    /// A reader for the boundary that the `Content-Type` header names.
    pub(crate) fn new(boundary: &str, limits: Limits) -> Result<Self, BadMultipart> {
        let printable = boundary.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !(1..=70).contains(&boundary.len()) || !printable || boundary.ends_with(' ') {
            return Err(BadMultipart::Boundary);
        }
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Ok(Self {
            finder: memmem::Finder::new(&delimiter).into_owned(),
            delimiter,
            limits,
            state: State::Preamble,
            // The first delimiter needs no line end before it when it opens the body.
            rest: Bytes::from_static(b"\r\n"),
            begun: 0,
            whole: 0,
        })
    }

    /// Takes the next bytes of the body. Pull every event before pushing again: that keeps memory to one chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.rest.is_empty() {
            self.rest = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.rest.len() + chunk.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&chunk);
            self.rest = joined.freeze();
        }
    }

    /// The next event, or `None` when more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, BadMultipart> {
        loop {
            match self.state {
                State::Preamble => {
                    if !self.skip_preamble() {
                        return Ok(None);
                    }
                }
                State::Data => return Ok(self.data()),
                State::AfterDelimiter => match self.after_delimiter()? {
                    Some(Some(event)) => return Ok(Some(event)),
                    Some(None) => {}
                    None => return Ok(None),
                },
                State::Head => return self.head(),
                State::ContentBegins => {
                    if !self.content_begins() {
                        return Ok(None);
                    }
                }
                State::Closed => {
                    self.rest = Bytes::new();
                    return Ok(None);
                }
            }
        }
    }

    /// What it means that the body is over, if the closing delimiter has not been read.
    pub(crate) fn end(&self) -> BadMultipart {
        match self.state {
            State::Preamble => BadMultipart::NoDelimiter,
            _ => BadMultipart::Truncated { parts: self.whole },
        }
    }

    /// Drops the preamble; whether a delimiter was reached.
    fn skip_preamble(&mut self) -> bool {
        match self.finder.find(&self.rest) {
            Some(at) => {
                let _ = self.rest.split_to(at + self.delimiter.len());
                self.state = State::AfterDelimiter;
                true
            }
            None => {
                let kept = self.possible_delimiter_at_end();
                let _ = self.rest.split_to(self.rest.len() - kept);
                false
            }
        }
    }

    /// Part content up to a delimiter, or up to where one may begin.
    fn data(&mut self) -> Option<Event> {
        let (length, found) = match self.finder.find(&self.rest) {
            Some(at) => (at, true),
            None => (self.rest.len() - self.possible_delimiter_at_end(), false),
        };
        if length > 0 {
            // A found delimiter is found again at offset 0 by the next call.
            return Some(Event::Data(self.rest.split_to(length)));
        }
        if !found {
            return None;
        }
        // What follows decides whether this is a delimiter; until then it is kept whole, so that it can become data.
        let tail = self.rest.slice(self.delimiter.len()..);
        match Following::of(&tail) {
            Following::Unknown => None,
            Following::NotADelimiter => Some(Event::Data(self.rest.split_to(self.delimiter.len()))),
            Following::Close(_) | Following::Part(_) => {
                self.rest = tail;
                self.state = State::AfterDelimiter;
                self.whole += 1;
                Some(Event::End)
            }
        }
    }

    /// After a delimiter: outer `None` wants more bytes, inner `None` means a state was changed without an event.
    fn after_delimiter(&mut self) -> Result<Option<Option<Event>>, BadMultipart> {
        match Following::of(&self.rest) {
            Following::Unknown => Ok(None),
            Following::Close(length) => {
                let _ = self.rest.split_to(length);
                self.state = State::Closed;
                Ok(Some(Some(Event::Closed)))
            }
            Following::NotADelimiter => {
                // Only the preamble gets here: within a part it was found out before.
                self.state = State::Preamble;
                Ok(Some(None))
            }
            Following::Part(length) => {
                if self.begun == self.limits.parts {
                    return Err(BadMultipart::Parts {
                        limit: self.limits.parts,
                    });
                }
                self.begun += 1;
                let _ = self.rest.split_to(length);
                self.state = State::Head;
                Ok(Some(None))
            }
        }
    }

    /// Header lines up to the empty one, which is left to [`Reader::content_begins`].
    fn head(&mut self) -> Result<Option<Event>, BadMultipart> {
        let length = if self.rest.starts_with(b"\r\n") {
            Some(0)
        } else {
            memmem::find(&self.rest, b"\r\n\r\n").map(|at| at + 2)
        };
        let part = self.begun;
        let limit = self.limits.header_bytes;
        match length {
            Some(length) if length > limit => Err(BadMultipart::HeadTooLong { part, limit }),
            None if self.rest.len() > limit => Err(BadMultipart::HeadTooLong { part, limit }),
            None => Ok(None),
            Some(length) => {
                let lines = header_lines(&self.rest.split_to(length)).ok_or(BadMultipart::HeadLine { part })?;
                self.state = State::ContentBegins;
                Ok(Some(Event::Head(PartHead { lines })))
            }
        }
    }

    /// Drops the empty line after the head, unless it is the line end that opens the next delimiter: then the part is
    /// empty. Whether that could be decided.
    fn content_begins(&mut self) -> bool {
        let shared = self.rest.len().min(self.delimiter.len());
        if self.rest.get(..shared) == self.delimiter.get(..shared) {
            if shared < self.delimiter.len() {
                return false;
            }
        } else {
            let _ = self.rest.split_to(2);
        }
        self.state = State::Data;
        true
    }

    /// How many of the last bytes may be the beginning of a delimiter.
    fn possible_delimiter_at_end(&self) -> usize {
        let longest = self.rest.len().min(self.delimiter.len() - 1);
        let tail = self.rest.slice(self.rest.len() - longest..);
        memchr::memchr_iter(b'\r', &tail)
            .find(|at| tail.get(*at..).is_some_and(|end| self.delimiter.starts_with(end)))
            .map_or(0, |at| tail.len() - at)
    }
}

/// What follows the bytes of a delimiter (RFC 2046 §5.1.1).
enum Following {
    /// Too few bytes to say.
    Unknown,
    /// The boundary was only the beginning of a longer word.
    NotADelimiter,
    /// `--`, of this length.
    Close(usize),
    /// Padding and a line end, of this length.
    Part(usize),
}

impl Following {
    /// Blanks that may stand between a delimiter and its line end.
    const PADDING: usize = 128;

    fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"--") {
            return Self::Close(2);
        }
        if bytes == b"-" {
            return Self::Unknown;
        }
        let padding = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match bytes.get(padding..) {
            _ if padding > Self::PADDING => Self::NotADelimiter,
            Some([b'\r', b'\n', ..]) => Self::Part(padding + 2),
            Some([] | [b'\r']) | None => Self::Unknown,
            Some(_) => Self::NotADelimiter,
        }
    }
}

/// Names in lower case and values of header lines; `None` when one is not `name: value` in UTF-8.
fn header_lines(lines: &[u8]) -> Option<Vec<(String, String)>> {
    std::str::from_utf8(lines)
        .ok()?
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;

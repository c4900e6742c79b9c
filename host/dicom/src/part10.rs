//! DICOM files: preamble and file meta information (PS3.10 §7).
//!
//! Separate from the header, because the file meta information is not part of the data set: it is always Explicit VR
//! Little Endian, it is dropped when an object comes in and written anew, the same for the same object, when it is stored.

use crate::error::{ParseError, Problem};
use crate::header::Identity;
use crate::structure::{Encoding, Pixels, Token, Walker};
use crate::syntax::TransferSyntax;
use crate::{Tag, tags};
use bytes::{BufMut, Bytes, BytesMut};

/// Implementation Class UID (0002,0012) of files and associations of this program.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.146893715382056842103967714208556034817";

/// Bytes before the file meta information: the preamble and "DICM".
const PREFIX: usize = 132;

/// Longest file meta information that is read.
const META_LIMIT: u64 = 64 << 10;

/// Preamble, prefix and file meta information for an object.
///
/// A pure function of its arguments: no version, date or AE title is in it, so that the same object always makes the same
/// file, byte for byte, and a digest over the file can tell whether two objects are the same.
pub fn preface(identity: &Identity, syntax: &TransferSyntax) -> Bytes {
    let mut meta = BytesMut::with_capacity(256);
    meta.put_slice(&[0x02, 0x00, 0x01, 0x00, b'O', b'B', 0, 0, 2, 0, 0, 0, 0x00, 0x01]);
    let uids = [
        (tags::MEDIA_STORAGE_SOP_CLASS_UID, identity.sop_class.as_str()),
        (tags::MEDIA_STORAGE_SOP_INSTANCE_UID, identity.sop_instance.as_str()),
        (tags::TRANSFER_SYNTAX_UID, syntax.uid().as_str()),
        (tags::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_CLASS_UID),
    ];
    for (tag, uid) in uids {
        meta.put_u16_le(tag.group());
        meta.put_u16_le(tag.element());
        meta.put_slice(b"UI");
        // A UID has at most 64 characters.
        meta.put_u16_le(uid.len().next_multiple_of(2) as u16);
        meta.put_slice(uid.as_bytes());
        if uid.len() % 2 == 1 {
            meta.put_u8(0);
        }
    }
    let mut file = BytesMut::with_capacity(PREFIX + 12 + meta.len());
    file.put_bytes(0, 128);
    file.put_slice(b"DICM");
    file.put_slice(&[0x02, 0x00, 0x00, 0x00, b'U', b'L', 4, 0]);
    file.put_u32_le(meta.len() as u32);
    file.put_slice(&meta);
    file.freeze()
}

/// What a file says about the object in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Media Storage SOP Class UID (0002,0002), as it stands.
    pub sop_class: Option<String>,
    /// Media Storage SOP Instance UID (0002,0003), as it stands.
    pub sop_instance: Option<String>,
    /// The transfer syntax of the data set.
    pub syntax: TransferSyntax,
}

/// Reads preamble, prefix and file meta information as bytes arrive.
///
/// The group length is a hint only: files in service state wrong ones. The meta information ends where its elements do.
#[derive(Debug)]
pub struct MetaReader {
    buffer: BytesMut,
    walker: Walker,
    /// Where the meta information should end, in bytes from its start.
    stated_end: Option<u64>,
    sop_class: Option<String>,
    sop_instance: Option<String>,
    syntax: Option<String>,
    /// Tag and place of a value that has not arrived yet.
    pending: Option<(Tag, usize, usize)>,
}

impl Default for MetaReader {
    fn default() -> Self {
        Self::new()
    }
}

impl MetaReader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        let encoding = Encoding {
            explicit: true,
            big_endian: false,
        };
        Self {
            buffer: BytesMut::new(),
            walker: Walker::new(encoding, Pixels::Pass, 1),
            stated_end: None,
            sop_class: None,
            sop_instance: None,
            syntax: None,
            pending: None,
        }
    }

    /// Takes the next bytes; once the data set begins, gives the meta information and the data set's first bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Option<(Meta, Bytes)>, ParseError> {
        self.buffer.extend_from_slice(chunk);
        if self.buffer.get(128..PREFIX).is_some_and(|magic| magic != b"DICM") {
            return Err(ParseError::new(None, 128, Problem::NotPart10));
        }
        if self.read().map_err(in_file)? {
            return self.take().map(Some);
        }
        Ok(None)
    }

    /// The file is over: gives the meta information of a file that has no data set, or the error that it ends too early.
    pub fn finish(mut self) -> Result<(Meta, Bytes), ParseError> {
        if self.buffer.len() < PREFIX {
            return Err(ParseError::new(None, 128, Problem::NotPart10));
        }
        let at = self.position();
        if at != self.buffer.len() {
            return Err(in_file(self.walker.ends(at > self.buffer.len())));
        }
        self.take()
    }

    fn position(&self) -> usize {
        usize::try_from(self.walker.position())
            .unwrap_or(usize::MAX)
            .saturating_add(PREFIX)
    }

    /// Reads elements as far as they are there; whether the meta information is complete.
    fn read(&mut self) -> Result<bool, ParseError> {
        loop {
            let at = self.position();
            let Some(bytes) = self.buffer.get(at..) else {
                return Ok(false);
            };
            if let Some((tag, start, end)) = self.pending.take() {
                let value = self.buffer.get(start..end).unwrap_or_default();
                match tag {
                    tags::FILE_META_INFORMATION_GROUP_LENGTH => {
                        let length = value.first_chunk().map(|&bytes| u64::from(u32::from_le_bytes(bytes)));
                        self.stated_end = length.map(|length| self.walker.position() + length);
                    }
                    tags::MEDIA_STORAGE_SOP_CLASS_UID => self.sop_class = Some(text(value)),
                    tags::MEDIA_STORAGE_SOP_INSTANCE_UID => self.sop_instance = Some(text(value)),
                    tags::TRANSFER_SYNTAX_UID => self.syntax = Some(text(value)),
                    _ => {}
                }
            }
            // Deflated bytes may look like anything, so there the stated length must be believed.
            let deflated = || TransferSyntax::lookup(self.syntax.as_deref()?).map(|syntax| syntax.is_deflated());
            if self.stated_end == Some(self.walker.position()) && deflated() == Some(true) {
                return Ok(true);
            }
            match bytes {
                [2, 0, ..] => {}
                [_, _, ..] => return Ok(true),
                _ => return Ok(false),
            }
            match self.walker.next(bytes)? {
                None => return Ok(false),
                Some(Token::Element(head)) => {
                    let start = at + usize::from(head.size);
                    self.pending = Some((head.tag, start, self.position()));
                }
                // A sequence has no place here; what follows it would be read as elements.
                Some(_) => return Err(ParseError::new(None, at as u64, Problem::NoSyntax)),
            }
            if self.walker.position() > META_LIMIT {
                return Err(ParseError::new(None, 0, Problem::MetaTooLong(META_LIMIT)));
            }
        }
    }

    fn take(&mut self) -> Result<(Meta, Bytes), ParseError> {
        let at = self.position();
        let syntax = self
            .syntax
            .take()
            .ok_or_else(|| ParseError::new(None, at as u64, Problem::NoSyntax))?;
        let Some(known) = TransferSyntax::lookup(&syntax) else {
            let problem = Problem::UnknownSyntax(shown(&syntax));
            return Err(ParseError::new(Some(tags::TRANSFER_SYNTAX_UID), at as u64, problem));
        };
        let rest = self.buffer.split_off(at.min(self.buffer.len())).freeze();
        Ok((
            Meta {
                sop_class: self.sop_class.take(),
                sop_instance: self.sop_instance.take(),
                syntax: known,
            },
            rest,
        ))
    }
}

/// Offsets in a file count its prefix.
fn in_file(error: ParseError) -> ParseError {
    ParseError::new(error.tag(), error.offset() + PREFIX as u64, error.problem().clone())
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches(['\0', ' ']).to_owned()
}

/// A UID may be shown to the sender; what is none may be anything, and is not.
fn shown(uid: &str) -> String {
    crate::uid::Uid::parse(uid).map_or_else(|_| "(which is not a UID)".to_owned(), |uid| uid.to_string())
}

#[cfg(test)]
mod tests;

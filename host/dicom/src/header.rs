//! The header of an object: everything before its pixel data, parsed once, decoded on demand.
//!
//! Filters, routers, the index and the JSON all ask the same header for a few values each. So parsing only notes where
//! elements are ([`HeaderReader`] makes the table), and a value is decoded when it is asked for. A header is immutable;
//! an edit makes a new one ([`crate::edit`]).
//!
//! Where a tag stands twice at one level, which is not allowed and happens, the first one counts everywhere, so that no
//! two parts of the program see different objects.

mod every;
mod identity;
mod reader;
mod table;

pub use crate::path::{Path, Step};
pub use crate::value::Value;
pub use identity::{Identity, MissingIdentity};
pub use reader::HeaderReader;
pub(crate) use table::Entry;

use crate::error::ParseError;
use crate::json;
use crate::syntax::TransferSyntax;
use crate::text::CharacterSet;
use crate::value;
use crate::{Tag, VR, tags};
use bytes::Bytes;
use serde_json::Map;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What a header may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes before the pixel data. Default 32 MiB; at most 1 GiB is used.
    pub header_bytes: usize,
    /// Nested sequences. Default 64; at most 128 is used.
    pub depth: u16,
    /// Elements and items at all depths, 24 bytes of memory each. Default 1,000,000.
    pub elements: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 << 20,
            depth: 64,
            elements: 1_000_000,
        }
    }
}

/// Whether more bytes belong to the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The header may go on.
    More,
    /// Top-level pixel data, (7FE0,0008), (7FE0,0009) or (7FE0,0010), has begun; the header ends before it.
    PixelDataReached,
}

/// The data set up to its pixel data. Cheap to clone: the copies share bytes and table.
#[derive(Clone)]
pub struct Header {
    bytes: Bytes,
    syntax: TransferSyntax,
    table: Arc<[Entry]>,
    /// The rows of the data set itself, where their tags ascend, as they should: what is asked for most is found by
    /// halving.
    ordered: Option<Arc<[u32]>>,
}

/// One element as it stands in the header.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tag: Tag,
    vr: VR,
    bytes: &'a [u8],
}

impl<'a> Element<'a> {
    /// Its tag.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Its VR: the stated one, or the dictionary's where none, or UN, is stated.
    pub fn vr(&self) -> VR {
        self.vr
    }

    /// Its value as encoded, padding included; of a sequence, its items.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Element({} {} <{} bytes>)",
            self.tag,
            self.vr.to_string(),
            self.bytes.len()
        )
    }
}

// Not derived: the bytes are patient data.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Header({}, {} rows, <{} bytes>)",
            self.syntax.uid(),
            self.table.len(),
            self.bytes.len()
        )
    }
}

impl Header {
    /// The table must be that of the bytes.
    pub(crate) fn new(bytes: Bytes, syntax: TransferSyntax, table: Vec<Entry>) -> Self {
        let mut header = Self {
            bytes,
            syntax,
            table: table.into(),
            ordered: None,
        };
        let mut last = None;
        let rows = header.level(header.top()).map(|(row, entry)| {
            let ascends = last.replace(entry.tag) <= Some(entry.tag);
            ascends.then(|| u32::try_from(row).ok()).flatten()
        });
        header.ordered = rows.collect();
        header
    }

    /// Parses the header at the start of a whole data set, and gives what follows it: from the pixel data element on,
    /// empty when there is none.
    pub fn parse(syntax: TransferSyntax, data_set: &[u8], limits: Limits) -> Result<(Self, Bytes), ParseError> {
        let mut reader = HeaderReader::new(syntax, limits);
        reader.push(data_set)?;
        reader.finish()
    }

    /// The encoded bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The transfer syntax of the data set.
    pub fn syntax(&self) -> &TransferSyntax {
        &self.syntax
    }

    /// The UIDs by which the object is filed; an error names the first that is missing, invalid or ambiguous.
    pub fn identity(&self) -> Result<Identity, MissingIdentity> {
        identity::of(self)
    }

    /// The values of a top-level element as text: decoded, split, without padding; numbers and tags in their usual
    /// notation. `None` when it is absent, a sequence or binary; an empty list when it is empty.
    pub fn text(&self, tag: Tag) -> Option<Vec<String>> {
        let (_, entry) = self.find(self.top(), tag)?;
        shown(self.decode(entry, &self.character_set(entry, &[]))?)
    }

    /// The first value of [`Self::text`], unless it is empty.
    pub fn first(&self, tag: Tag) -> Option<String> {
        self.text(tag)?.into_iter().next().filter(|value| !value.is_empty())
    }

    /// The value of an element that is not a sequence.
    pub fn value(&self, at: &Path) -> Option<Value> {
        let (_, entry) = self.find(self.enter(&at.within)?, at.tag)?;
        self.decode(entry, &self.character_set(entry, &at.within))
    }

    /// The tags present at one level, ascending, each once.
    pub fn tags(&self, within: &[Step]) -> Vec<Tag> {
        let Some(level) = self.enter(within) else {
            return Vec::new();
        };
        let mut tags: Vec<Tag> = self.level(level).map(|(_, entry)| entry.tag).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// The number of items of a sequence; `None` when the element is absent or not a sequence.
    pub fn items(&self, at: &Path) -> Option<u32> {
        let (row, entry) = self.find(self.enter(&at.within)?, at.tag)?;
        if !entry.has_items() {
            return None;
        }
        u32::try_from(self.level(row + 1..entry.next as usize).count()).ok()
    }

    /// An element as it is encoded.
    pub fn element(&self, at: &Path) -> Option<Element<'_>> {
        let (_, entry) = self.find(self.enter(&at.within)?, at.tag)?;
        Some(Element {
            tag: entry.tag,
            vr: entry.vr,
            bytes: self.raw(entry),
        })
    }

    /// The header as DICOM JSON (PS3.18 Annex F).
    ///
    /// Left out: group lengths, groups 0000 and 0002, and binary values longer than 1 MiB (the element stays, without
    /// value). Specific Character Set reads ISO_IR 192, because that is what the text is in now.
    pub fn to_json(&self) -> Map<String, serde_json::Value> {
        json::whole(self)
    }

    /// Only these top-level elements, as DICOM JSON.
    pub fn json_of(&self, tags: &[Tag]) -> Map<String, serde_json::Value> {
        json::only(self, tags)
    }
}

/// How the rest of the crate walks the table.
impl Header {
    pub(crate) fn table(&self) -> &[Entry] {
        &self.table
    }

    /// The rows of the data set itself.
    pub(crate) fn top(&self) -> Range<usize> {
        0..self.table.len()
    }

    /// The rows of one level, without those of the levels below.
    pub(crate) fn level(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, &Entry)> {
        let mut row = rows.start;
        std::iter::from_fn(move || {
            let entry = self.table.get(row).filter(|_| row < rows.end)?;
            let here = row;
            // Never backwards, whatever the table holds.
            row = (entry.next as usize).max(row + 1);
            Some((here, entry))
        })
    }

    /// The first row with this tag among those of one level.
    pub(crate) fn find(&self, rows: Range<usize>, tag: Tag) -> Option<(usize, &Entry)> {
        match &self.ordered {
            Some(ordered) if rows == self.top() => self.among(ordered, tag).next(),
            _ => self.level(rows).find(|(_, entry)| entry.tag == tag),
        }
    }

    /// All rows of the data set itself with this tag.
    pub(crate) fn find_all(&self, tag: Tag) -> impl Iterator<Item = (usize, &Entry)> {
        let ordered = self.ordered.iter().flat_map(move |rows| self.among(rows, tag));
        let others = self
            .ordered
            .is_none()
            .then(|| self.level(self.top()))
            .into_iter()
            .flatten();
        ordered.chain(others.filter(move |(_, entry)| entry.tag == tag))
    }

    /// Those of rows in the order of their tags that have this one.
    fn among<'h>(&'h self, ordered: &'h [u32], tag: Tag) -> impl Iterator<Item = (usize, &'h Entry)> {
        let entry = |row: &u32| self.table.get(*row as usize).map(|entry| (*row as usize, entry));
        let first = ordered.partition_point(|row| entry(row).is_some_and(|(_, entry)| entry.tag < tag));
        let rest = ordered.get(first..).unwrap_or_default();
        rest.iter()
            .map_while(entry)
            .take_while(move |(_, entry)| entry.tag == tag)
    }

    /// The rows of the level that these steps lead to.
    fn enter(&self, within: &[Step]) -> Option<Range<usize>> {
        let mut level = self.top();
        for step in within {
            let (row, entry) = self.find(level, step.sequence)?;
            if !entry.has_items() {
                return None;
            }
            let items = row + 1..entry.next as usize;
            let (item, entry) = self.level(items).nth(step.item as usize)?;
            level = item + 1..entry.next as usize;
        }
        Some(level)
    }

    /// The value's bytes.
    pub(crate) fn raw(&self, entry: &Entry) -> &[u8] {
        self.bytes
            .get(entry.value as usize..entry.end as usize)
            .unwrap_or_default()
    }

    /// The character sets that a level names itself (PS3.3 §C.12.1.1.2: an item without its own uses its parent's).
    pub(crate) fn character_set_of(&self, rows: Range<usize>) -> Option<CharacterSet> {
        let (_, entry) = self.find(rows, tags::SPECIFIC_CHARACTER_SET)?;
        Some(CharacterSet::of(self.raw(entry)))
    }

    /// The character sets that count for an element at the end of these steps.
    fn character_set(&self, entry: &Entry, within: &[Step]) -> CharacterSet {
        let levels = (0..=within.len()).rev();
        self.character_set_within(entry, levels.map_while(|depth| self.enter(within.get(..depth)?)))
    }

    /// The character sets that count for an element within these levels, the innermost first; not looked up when its
    /// bytes are the same in all of them.
    fn character_set_within(&self, entry: &Entry, levels: impl IntoIterator<Item = Range<usize>>) -> CharacterSet {
        let raw = self.raw(entry);
        if raw.is_ascii() && !raw.contains(&0x1B) {
            return CharacterSet::default();
        }
        levels
            .into_iter()
            .find_map(|level| self.character_set_of(level))
            .unwrap_or_default()
    }

    /// The value of a row; `None` for sequences.
    pub(crate) fn decode(&self, entry: &Entry, set: &CharacterSet) -> Option<Value> {
        let raw = self.bytes.slice_ref(self.raw(entry));
        value::decode(entry.vr, raw, entry.value_is_big_endian(), set)
    }
}

/// A value as text, one for each; `None` when it is binary.
fn shown(value: Value) -> Option<Vec<String>> {
    Some(match value {
        Value::Text(values) => values,
        Value::Signed(values) => values.iter().map(ToString::to_string).collect(),
        Value::Unsigned(values) => values.iter().map(ToString::to_string).collect(),
        Value::Real(values) => values.iter().map(ToString::to_string).collect(),
        Value::Tags(tags) => tags.iter().map(|tag| json::key(*tag)).collect(),
        Value::Bytes(_) => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests;

//! The header as an edit sees it: rows of the original table where nothing has changed, new values where something has.
//!
//! Separate from the flat table, which cannot be inserted into. The tree is built only where an edit reaches: a sequence
//! that no edit touches stays one row, and its bytes are copied in one piece.
//!
//! It recurses, once per nested sequence: at most 129 times, because a header has been through the walker's depth limit,
//! and an edit adds no sequence deeper than [`super::DEPTH`].

use super::{ChangeKind, Log};
use crate::header::{Entry, Header};
use crate::structure::{Encoding, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED};
use crate::text::CharacterSet;
use crate::vr;
use crate::{Tag, VR, tags};
use std::ops::Range;

/// The elements of the data set, or of one item.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) nodes: Vec<Node>,
    /// How new elements are written here.
    encoding: Encoding,
    /// Groups from which an element was taken: their group lengths are wrong now.
    shrunk: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// As it is in the original.
    Row(usize),
    /// A new value.
    Value { style: Style, bytes: Vec<u8> },
    /// A sequence in whose items something has changed.
    Items { frame: SequenceFrame, items: Vec<Item> },
}

/// Where a sequence is from.
#[derive(Debug, Clone, Copy)]
pub(super) enum SequenceFrame {
    /// The original, whose header and style of length it keeps.
    Row(usize),
    /// An edit.
    New(Style),
}

#[derive(Debug)]
pub(super) struct Item {
    /// Its row in the original; `None` when an edit added it.
    row: Option<usize>,
    level: Level,
}

/// How the header of a changed element is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    encoding: Encoding,
    /// It states UN; its value is implicit little endian.
    wrapped: bool,
}

impl Style {
    pub(super) fn value_is_big_endian(self) -> bool {
        self.encoding.big_endian && !self.wrapped
    }

    /// Its encoding, unless it states UN.
    pub(super) fn plain(self) -> Option<Encoding> {
        (!self.wrapped).then_some(self.encoding)
    }

    /// Whether a value can be this long.
    pub(super) fn takes(self, vr: VR, length: usize) -> bool {
        let long = !self.encoding.explicit || self.wrapped || vr::has_long_header(vr);
        length < if long { u32::MAX as usize } else { usize::from(u16::MAX) }
    }
}

/// What an edit of every element does with one of them.
pub(super) enum Fate {
    Keep,
    Remove,
    /// A new value, unpadded.
    Rewrite(Vec<u8>),
}

/// One element that an edit of every element looks at.
pub(super) struct Candidate<'a> {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    pub(super) bytes: &'a [u8],
}

/// An edit of every element, at every depth.
pub(super) trait Everywhere {
    /// Whether the edit may do something with an element of this tag and VR. Sequences are entered only where it may.
    fn concerns(&self, tag: Tag, vr: VR) -> bool;
    /// Called before the elements of a level, with its private creators when it has any that matter.
    fn enter(&mut self, _creators: &mut dyn Iterator<Item = (Tag, Vec<u8>)>) {}
    /// What to do with one that it concerns.
    fn judge(&mut self, element: &Candidate<'_>) -> Fate;
    /// What the last [`Fate::Rewrite`] or [`Fate::Remove`] is to be called.
    fn kind(&self) -> ChangeKind;
}

impl Level {
    pub(super) fn of(header: &Header) -> Self {
        Self::rows(header, header.top(), Encoding::of(header.syntax()))
    }

    fn rows(header: &Header, rows: Range<usize>, otherwise: Encoding) -> Self {
        let nodes: Vec<Node> = header
            .level(rows.clone())
            .map(|(row, entry)| Node {
                tag: entry.tag,
                vr: entry.vr,
                content: Content::Row(row),
            })
            .collect();
        let encoding = header
            .level(rows)
            .next()
            .map_or(otherwise, |(_, entry)| entry.encoding());
        Self {
            nodes,
            encoding,
            shrunk: Vec::new(),
        }
    }

    /// The level in one item of a sequence here; `None` when there is no such item.
    pub(super) fn item(&mut self, header: &Header, sequence: Tag, item: u32) -> Option<&mut Self> {
        let node = self.nodes.iter_mut().find(|node| node.tag == sequence)?;
        node.open(header)?.get_mut(item as usize).map(|item| &mut item.level)
    }

    /// Appends an empty item to the sequence, which is created when it is absent. Whether it is a sequence must have been
    /// asked before.
    pub(super) fn add_item(&mut self, header: &Header, sequence: Tag) {
        if !self.nodes.iter().any(|node| node.tag == sequence) {
            let content = Content::Items {
                frame: SequenceFrame::New(self.style()),
                items: Vec::new(),
            };
            self.insert(self.place(sequence), sequence, VR::SQ, content);
        }
        let Some(node) = self.nodes.iter_mut().find(|node| node.tag == sequence) else {
            return;
        };
        if let Content::Value { style, .. } = node.content {
            let frame = SequenceFrame::New(style);
            node.content = Content::Items {
                frame,
                items: Vec::new(),
            };
        }
        let encoding = node.encoding_of_items(header);
        let level = Level {
            nodes: Vec::new(),
            encoding,
            shrunk: Vec::new(),
        };
        if let Some(items) = node.open(header) {
            items.push(Item { row: None, level });
        }
    }

    /// The character sets that this level names.
    pub(super) fn character_set(&self, header: &Header) -> Option<CharacterSet> {
        let node = self
            .nodes
            .iter()
            .find(|node| node.tag == tags::SPECIFIC_CHARACTER_SET)?;
        node.bytes(header).map(CharacterSet::of)
    }

    /// The VR and style of an element that is here.
    pub(super) fn existing(&self, header: &Header, tag: Tag) -> Option<(VR, Style)> {
        let node = self.nodes.iter().find(|node| node.tag == tag)?;
        Some((node.vr, node.style(header, self.encoding)))
    }

    /// The style of an element that is new here.
    pub(super) fn style(&self) -> Style {
        Style {
            encoding: self.encoding,
            wrapped: false,
        }
    }

    /// The bytes of an element that is here and is not a sequence.
    pub(super) fn bytes<'a>(&'a self, header: &'a Header, tag: Tag) -> Option<&'a [u8]> {
        self.nodes.iter().find(|node| node.tag == tag)?.bytes(header)
    }

    /// Puts a value in, in tag order; takes others of the same tag away.
    pub(super) fn set(&mut self, tag: Tag, vr: VR, style: Style, bytes: Vec<u8>) {
        let at = self.nodes.iter().position(|node| node.tag == tag);
        self.nodes.retain(|node| node.tag != tag);
        let at = at.unwrap_or_else(|| self.place(tag));
        self.insert(at, tag, vr, Content::Value { style, bytes });
    }

    /// Where an element that is not here belongs.
    fn place(&self, tag: Tag) -> usize {
        let after = self.nodes.iter().position(|node| node.tag > tag);
        after.unwrap_or(self.nodes.len())
    }

    fn insert(&mut self, at: usize, tag: Tag, vr: VR, content: Content) {
        self.nodes.insert(at.min(self.nodes.len()), Node { tag, vr, content });
    }

    /// Empties an element; whether there was anything in it.
    pub(super) fn clear(&mut self, header: &Header, tag: Tag) -> bool {
        let encoding = self.encoding;
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|node| node.tag == tag) {
            let style = node.style(header, encoding);
            changed |= match &mut node.content {
                Content::Row(row) => header.table().get(*row).is_some_and(|entry| entry.value != entry.end),
                Content::Value { bytes, .. } => !bytes.is_empty(),
                Content::Items { items, .. } => !items.is_empty(),
            };
            // An empty sequence, of either kind of length, is written with length 0 and no delimiter.
            node.content = Content::Value {
                style,
                bytes: Vec::new(),
            };
        }
        changed
    }

    /// Takes an element away; whether it was there.
    pub(super) fn remove(&mut self, tag: Tag) -> bool {
        let before = self.nodes.len();
        self.nodes.retain(|node| node.tag != tag);
        let removed = self.nodes.len() < before;
        if removed {
            self.shrunk.push(tag.group());
        }
        removed
    }

    /// Offers every element here and below to an edit. A sequence that cannot be read, so that it cannot be known what is
    /// in it, is emptied, as a date that cannot be read is.
    pub(super) fn everywhere(&mut self, header: &Header, edit: &mut dyn Everywhere, log: &mut Log) {
        edit.enter(&mut self.creators(header));
        let encoding = self.encoding;
        let shrunk = &mut self.shrunk;
        self.nodes.retain_mut(|node| {
            let fate = if edit.concerns(node.tag, node.vr) {
                let bytes = node.bytes(header).unwrap_or_default();
                edit.judge(&Candidate {
                    tag: node.tag,
                    vr: node.vr,
                    bytes,
                })
            } else {
                Fate::Keep
            };
            let (bytes, kind) = match fate {
                Fate::Remove => {
                    shrunk.push(node.tag.group());
                    log.add(node.tag, edit.kind());
                    return false;
                }
                Fate::Rewrite(bytes) => (bytes, edit.kind()),
                Fate::Keep if node.is_unreadable(header) => (Vec::new(), ChangeKind::Cleared),
                Fate::Keep => return true,
            };
            log.add(node.tag, kind);
            let style = node.style(header, encoding);
            node.content = Content::Value { style, bytes };
            true
        });
        // Below only now, so that `enter` and `judge` of one level are not mixed with those of others.
        for node in &mut self.nodes {
            if !node.may_hold(header, edit) {
                continue;
            }
            for item in node.open(header).into_iter().flatten() {
                item.level.everywhere(header, edit, log);
            }
        }
    }

    fn creators(&self, header: &Header) -> impl Iterator<Item = (Tag, Vec<u8>)> {
        let creators = self
            .nodes
            .iter()
            .filter(|node| node.tag.group() % 2 == 1 && (0x0010..=0x00FF).contains(&node.tag.element()));
        creators.map(|node| (node.tag, node.bytes(header).unwrap_or_default().to_vec()))
    }

    /// The elements that are written: all but the group lengths that are wrong now.
    pub(super) fn written(&self) -> impl Iterator<Item = &Node> {
        let changed = |group: u16| {
            let rewritten = |node: &Node| node.tag.group() == group && !matches!(node.content, Content::Row(_));
            self.shrunk.contains(&group) || self.nodes.iter().any(rewritten)
        };
        self.nodes
            .iter()
            .filter(move |node| node.tag.element() != 0 || !changed(node.tag.group()))
    }

    /// Writes this level: what did not change byte for byte, what did anew, lengths around it corrected.
    pub(super) fn write(&self, header: &Header, out: &mut Vec<u8>) {
        for node in self.written() {
            match &node.content {
                Content::Row(row) => {
                    if let Some(entry) = header.table().get(*row) {
                        out.extend_from_slice(source(header, entry.start, entry.after()));
                    }
                }
                Content::Value { style, bytes } => write_value(node.tag, node.vr, *style, bytes, out),
                Content::Items { frame, items } => {
                    let write_items = |out: &mut Vec<u8>| items.iter().for_each(|item| item.write(header, out));
                    match frame {
                        SequenceFrame::Row(row) => {
                            if let Some(sequence) = header.table().get(*row) {
                                enclose(header, sequence, out, write_items);
                            }
                        }
                        SequenceFrame::New(style) => {
                            write_head(node.tag, VR::SQ, *style, None, out);
                            write_items(out);
                            write_delimiter(SEQUENCE_END, 0, node.encoding_of_items(header), out);
                        }
                    }
                }
            }
        }
    }
}

impl Node {
    /// The value, unless it is a sequence.
    fn bytes<'a>(&'a self, header: &'a Header) -> Option<&'a [u8]> {
        match &self.content {
            Content::Row(row) => header
                .table()
                .get(*row)
                .filter(|entry| !entry.has_items())
                .map(|entry| header.raw(entry)),
            Content::Value { bytes, .. } => Some(bytes),
            Content::Items { .. } => None,
        }
    }

    fn style(&self, header: &Header, otherwise: Encoding) -> Style {
        match &self.content {
            Content::Value { style, .. } => *style,
            Content::Items {
                frame: SequenceFrame::New(style),
                ..
            } => *style,
            Content::Row(row)
            | Content::Items {
                frame: SequenceFrame::Row(row),
                ..
            } => header.table().get(*row).map_or(
                Style {
                    encoding: otherwise,
                    wrapped: false,
                },
                |entry| Style {
                    encoding: entry.encoding(),
                    wrapped: entry.is_wrapped(),
                },
            ),
        }
    }

    /// The items, as levels that can be changed; `None` when this is not a sequence.
    fn open(&mut self, header: &Header) -> Option<&mut Vec<Item>> {
        if let Content::Row(row) = self.content {
            let entry = header.table().get(row).filter(|entry| entry.has_items())?;
            let items = header
                .level(row + 1..entry.next as usize)
                .map(|(row, item)| Item {
                    row: Some(row),
                    level: Level::rows(header, row + 1..item.next as usize, item.encoding()),
                })
                .collect();
            let frame = SequenceFrame::Row(row);
            self.content = Content::Items { frame, items };
        }
        match &mut self.content {
            Content::Items { items, .. } => Some(items),
            _ => None,
        }
    }

    /// How the items of this sequence are written: behind UN, in implicit VR little endian (PS3.5 §6.2.2).
    fn encoding_of_items(&self, header: &Header) -> Encoding {
        let style = self.style(header, Encoding::IMPLICIT_LE);
        let row = match self.content {
            Content::Row(row)
            | Content::Items {
                frame: SequenceFrame::Row(row),
                ..
            } => header.table().get(row),
            _ => None,
        };
        let states_un = |entry: &Entry| source(header, entry.start + 4, entry.start + 6) == b"UN";
        if style.wrapped || style.encoding.explicit && row.is_some_and(states_un) {
            return Encoding::IMPLICIT_LE;
        }
        style.encoding
    }

    fn is_unreadable(&self, header: &Header) -> bool {
        matches!(self.content, Content::Row(row) if header.table().get(row).is_some_and(Entry::is_unreadable))
    }

    /// Whether an edit of every element may have something to do below here.
    fn may_hold(&self, header: &Header, edit: &dyn Everywhere) -> bool {
        match &self.content {
            Content::Value { .. } => false,
            Content::Items { .. } => true,
            Content::Row(row) => {
                let next = header.table().get(*row).map_or(0, |entry| entry.next as usize);
                let below = header.table().get(row + 1..next).unwrap_or_default();
                below
                    .iter()
                    .any(|entry| edit.concerns(entry.tag, entry.vr) || entry.is_unreadable())
            }
        }
    }
}

impl Item {
    fn write(&self, header: &Header, out: &mut Vec<u8>) {
        match self.row {
            Some(row) => {
                if let Some(item) = header.table().get(row) {
                    enclose(header, item, out, |out| self.level.write(header, out));
                }
            }
            None => {
                write_delimiter(ITEM, UNDEFINED, self.level.encoding, out);
                self.level.write(header, out);
                write_delimiter(ITEM_END, 0, self.level.encoding, out);
            }
        }
    }
}

fn source(header: &Header, start: u32, end: u32) -> &[u8] {
    header.bytes().get(start as usize..end as usize).unwrap_or_default()
}

/// Writes a sequence or item of the original around new content.
fn enclose(header: &Header, entry: &Entry, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(source(header, entry.start, entry.value));
    let begin = out.len();
    content(out);
    if entry.is_undefined() {
        out.extend_from_slice(source(header, entry.end, entry.after()));
        return;
    }
    // The length is the last four bytes of every header that can stand here.
    let bytes = entry.encoding().u32_bytes((out.len() - begin) as u32);
    if let Some(field) = out.get_mut(begin.saturating_sub(4)..begin) {
        field.copy_from_slice(&bytes);
    }
}

fn write_value(tag: Tag, vr: VR, style: Style, bytes: &[u8], out: &mut Vec<u8>) {
    // `Style::takes` has been asked.
    write_head(tag, vr, style, Some(bytes.len() as u32), out);
    out.extend_from_slice(bytes);
}

/// Writes the header of an element; without a length, it is undefined: so a sequence in implicit VR is known as one even
/// where the dictionary does not know its tag.
fn write_head(tag: Tag, vr: VR, style: Style, length: Option<u32>, out: &mut Vec<u8>) {
    let Style { encoding, wrapped } = style;
    out.extend_from_slice(&encoding.u16_bytes(tag.group()));
    out.extend_from_slice(&encoding.u16_bytes(tag.element()));
    let stated = if wrapped { VR::UN } else { vr };
    let length = length.unwrap_or(UNDEFINED);
    if !encoding.explicit {
        out.extend_from_slice(&encoding.u32_bytes(length));
    } else if vr::has_long_header(stated) {
        out.extend_from_slice(&stated.to_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&encoding.u32_bytes(length));
    } else {
        out.extend_from_slice(&stated.to_bytes());
        out.extend_from_slice(&encoding.u16_bytes(length as u16));
    }
}

/// Writes the beginning or end of an item, or the end of a sequence.
fn write_delimiter(tag: Tag, length: u32, encoding: Encoding, out: &mut Vec<u8>) {
    out.extend_from_slice(&encoding.u16_bytes(tag.group()));
    out.extend_from_slice(&encoding.u16_bytes(tag.element()));
    out.extend_from_slice(&encoding.u32_bytes(length));
}

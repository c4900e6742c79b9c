//! Changes to a header, recorded by plugins and applied here.
//!
//! What an edit does not touch is copied byte for byte, padding, private elements and style of length included. Around
//! what it does touch, the lengths of enclosing sequences and items are corrected, and retired group lengths of changed
//! groups, which would be wrong, are dropped. Unless only values at the top changed ([`rows`]), the result is parsed again,
//! so that an edited header has passed the same gate as one from the network.
//!
//! Edits are applied in their order, each to the result of those before. An edit that cannot be done as asked is an
//! error, and nothing is passed on: an object that was to lose a name must not keep it because of a typing error.
//!
//! Elements after the pixel data are not in the header. [`TailEdits`] carries the edits to [`crate::body::Body`].

mod date;
mod encode;
mod everywhere;
mod key;
mod rows;
mod tail;
mod tree;

pub(crate) use date::civil;
pub use key::SiteKey;
pub use tail::TailEdits;
pub(crate) use tail::TailFate;

use crate::error::ParseError;
use crate::header::{Header, Limits};
use crate::path::Path;
use crate::structure::is_pixel_data;
use crate::text::CharacterSet;
use crate::value::Value;
use crate::vr::{self, Form};
use crate::{Tag, VR, dictionary, tags};
use bytes::Bytes;
use everywhere::{RemapUids, RemovePrivate, RemoveTag, ShiftDates};
use std::collections::BTreeMap;
use tree::Level;

/// Nested sequences at most in what an edit adds: the default of [`Limits::depth`].
const DEPTH: usize = 64;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Gives the element this value. One that is absent is created, with the dictionary's VR; the items that the path
    /// goes through must exist. Text is encoded in the object's character set, or refused. Setting Specific Character
    /// Set itself declares how the text is to be read; it does not convert it.
    Set {
        /// The element.
        at: Path,
        /// Its new value.
        value: Value,
    },
    /// Appends an empty item to the sequence, which is created when it is absent; the items that the path goes through
    /// must exist. The new item is the last one: where the sequence had two items, it is item 2 of the path of a following
    /// [`Edit::Set`].
    AddItem(Path),
    /// Empties the element (a sequence: of its items), when it is there.
    Clear(Path),
    /// Takes the element away, when it is there.
    Remove(Path),
    /// Takes every element with this tag away, at every depth.
    ///
    /// This and the other edits that reach everywhere also empty a sequence that states UN and does not read as items: it
    /// cannot be known what is in it.
    RemoveEverywhere(Tag),
    /// Takes all elements of odd groups away, at every depth, but for blocks that these creators reserved.
    RemovePrivate {
        /// Private creators whose blocks stay.
        keep_creators: Vec<String>,
    },
    /// Replaces the UIDs in this element by [`SiteKey::remap`], when it is there.
    RemapUid(Path),
    /// Replaces every UID at every depth, but for those that DICOM registered and for elements that name classes, transfer
    /// syntaxes or coding schemes.
    RemapUidsEverywhere {
        /// Further elements to leave alone.
        keep: Vec<Tag>,
    },
    /// Moves every DA and DT at every depth. A value that is not a date is emptied: it may be anything.
    ShiftDatesEverywhere {
        /// Days to add.
        days: i32,
    },
}

/// What was done to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It has a new value.
    Set,
    /// It has a new item.
    ItemAdded,
    /// It is empty now, or one of its values is.
    Cleared,
    /// It is gone.
    Removed,
    /// Its UIDs were replaced.
    Remapped,
    /// Its dates were moved.
    Shifted,
}

/// What was done, how often, to elements with one tag; for the log. No values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The tag.
    pub tag: Tag,
    /// What was done.
    pub kind: ChangeKind,
    /// To how many elements with this tag, at all depths.
    pub count: u32,
}

/// An edited header.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The new header.
    pub header: Header,
    /// To be given to [`crate::body::Body::edited`] for what follows the header.
    pub tail: TailEdits,
    /// What was done to the header, by tag.
    pub changed: Vec<Change>,
}

/// An edit that cannot be done as asked. Names tags, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The value does not fit the element's VR, or cannot be expressed in the object's character set.
    #[error("the value for {at} does not fit its VR {}: {reason}", .vr.to_string())]
    Value {
        /// The element.
        at: Path,
        /// Its VR.
        vr: VR,
        /// What does not fit.
        reason: String,
    },
    /// The value is longer than the element's length field can say.
    #[error("the value for {at} is too long: {length} bytes in a {} element", .vr.to_string())]
    TooLong {
        /// The element.
        at: Path,
        /// Its VR.
        vr: VR,
        /// Length of the encoded value, in bytes.
        length: usize,
    },
    /// The path goes through an item that does not exist.
    #[error("{0} cannot be set: the item it lies in does not exist")]
    NoItem(Path),
    /// Only items have values in a sequence.
    #[error("{0} is a sequence and cannot be given a value")]
    Sequence(Path),
    /// Only sequences have items.
    #[error("{at} cannot be given an item: its VR is {}, not SQ", .vr.to_string())]
    NotSequence {
        /// The element.
        at: Path,
        /// Its VR.
        vr: VR,
    },
    /// Sequences would be nested deeper than an object may be to be received.
    #[error("{0} cannot be given an item: sequences are nested at most {DEPTH} deep")]
    TooDeep(Path),
    /// Group lengths, file meta information, command elements, items and delimiters are not the plugin's to set.
    #[error("{0} cannot be edited: it is part of the encoding, not of the object")]
    Structure(Path),
    /// Pixel data streams by and is not edited.
    #[error("{0} cannot be edited: it is pixel data")]
    PixelData(Path),
    /// The element's place is after the pixel data, where nothing is added.
    #[error("{0} cannot be set: its place is after the pixel data")]
    AfterPixelData(Path),
    /// The element is not a UID.
    #[error("{at} cannot be remapped: its VR is {}, not UI", .vr.to_string())]
    NotUid {
        /// The element.
        at: Path,
        /// Its VR.
        vr: VR,
    },
    /// The result does not read as a data set.
    #[error("the edited header cannot be read again: {0}")]
    Result(ParseError),
}

/// Applies `edits` in order.
///
/// Errors when one cannot be done as asked; no edit of an absent element is one, except to set inside an absent item.
pub fn apply(header: &Header, edits: &[Edit], key: &SiteKey) -> Result<Edited, EditError> {
    let mut log = Log::default();
    let header = run(header, edits, key, &mut log, Scope::Header)?;
    let changed = log
        .0
        .into_iter()
        .map(|((tag, kind), count)| Change { tag, kind, count })
        .collect();
    Ok(Edited {
        header,
        tail: TailEdits::new(edits, key),
        changed,
    })
}

/// What was done so far.
#[derive(Debug, Default)]
struct Log(BTreeMap<(Tag, ChangeKind), u32>);

impl Log {
    fn add(&mut self, tag: Tag, kind: ChangeKind) {
        *self.0.entry((tag, kind)).or_default() += 1;
    }
}

/// What is being edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The header.
    Header,
    /// One element from after the pixel data, whose private block has been judged already.
    TailElement,
}

fn run(header: &Header, edits: &[Edit], key: &SiteKey, log: &mut Log, scope: Scope) -> Result<Header, EditError> {
    let mut top = Level::of(header);
    for edit in edits {
        one(header, &mut top, edit, key, log, scope)?;
    }
    if log.0.is_empty() {
        return Ok(header.clone());
    }
    let mut bytes = Vec::with_capacity(header.bytes().len() + 1024);
    top.write(header, &mut bytes);
    let Some(rows) = rows::of(header, &top) else {
        return read_again(header, &bytes);
    };
    debug_assert!(read_again(header, &bytes).is_ok_and(|read| read.table() == rows));
    Ok(Header::new(Bytes::from(bytes), header.syntax().clone(), rows))
}

fn read_again(header: &Header, bytes: &[u8]) -> Result<Header, EditError> {
    let limits = Limits {
        header_bytes: usize::MAX,
        depth: u16::MAX,
        elements: u32::MAX,
    };
    let (edited, _) = Header::parse(header.syntax().clone(), bytes, limits).map_err(EditError::Result)?;
    Ok(edited)
}

fn one(
    header: &Header,
    top: &mut Level,
    edit: &Edit,
    key: &SiteKey,
    log: &mut Log,
    scope: Scope,
) -> Result<(), EditError> {
    match edit {
        // Refused for the header already when it belongs behind the pixel data.
        Edit::Set { .. } | Edit::AddItem(_) if scope == Scope::TailElement => Ok(()),
        Edit::Set { at, value } => set(header, top, at, value, log),
        Edit::AddItem(at) => add_item(header, top, at, log),
        Edit::Clear(at) => {
            editable(at)?;
            if find(header, top, at).is_some_and(|(level, _)| level.clear(header, at.tag)) {
                log.add(at.tag, ChangeKind::Cleared);
            }
            Ok(())
        }
        Edit::Remove(at) => {
            editable(at)?;
            if find(header, top, at).is_some_and(|(level, _)| level.remove(at.tag)) {
                log.add(at.tag, ChangeKind::Removed);
            }
            Ok(())
        }
        Edit::RemapUid(at) => {
            editable(at)?;
            let Some((level, _)) = find(header, top, at) else {
                return Ok(());
            };
            let Some((vr, style)) = level.existing(header, at.tag) else {
                return Ok(());
            };
            if vr != VR::UI {
                return Err(EditError::NotUid { at: at.clone(), vr });
            }
            let bytes = everywhere::remapped(level.bytes(header, at.tag).unwrap_or_default(), key);
            level.set(at.tag, vr, style, bytes);
            log.add(at.tag, ChangeKind::Remapped);
            Ok(())
        }
        Edit::RemoveEverywhere(tag) => {
            editable(&Path {
                within: Vec::new(),
                tag: *tag,
            })?;
            top.everywhere(header, &mut RemoveTag(*tag), log);
            Ok(())
        }
        Edit::RemovePrivate { keep_creators } => {
            let spare_next = scope == Scope::TailElement;
            let blocks = BTreeMap::new();
            let mut edit = RemovePrivate {
                keep: keep_creators,
                blocks,
                spare_next,
                sparing: false,
            };
            top.everywhere(header, &mut edit, log);
            Ok(())
        }
        Edit::RemapUidsEverywhere { keep } => {
            top.everywhere(header, &mut RemapUids { keep, key }, log);
            Ok(())
        }
        Edit::ShiftDatesEverywhere { days } => {
            top.everywhere(
                header,
                &mut ShiftDates {
                    days: *days,
                    cleared: false,
                },
                log,
            );
            Ok(())
        }
    }
}

/// The level that a path's element is on, and the character sets there; `None` when an item on the way does not exist.
fn find<'l>(header: &Header, top: &'l mut Level, at: &Path) -> Option<(&'l mut Level, CharacterSet)> {
    let mut set = top.character_set(header);
    let mut level = top;
    for step in &at.within {
        level = level.item(header, step.sequence, step.item)?;
        set = level.character_set(header).or(set);
    }
    Some((level, set.unwrap_or_default()))
}

/// The same, to put something there; an error when nothing can be.
fn find_or_refuse<'l>(
    header: &Header,
    top: &'l mut Level,
    at: &Path,
) -> Result<(&'l mut Level, CharacterSet), EditError> {
    let outermost = at.within.first().map_or(at.tag, |step| step.sequence);
    if outermost > tags::PIXEL_DATA && top.existing(header, outermost).is_none() {
        return Err(EditError::AfterPixelData(at.clone()));
    }
    find(header, top, at).ok_or_else(|| EditError::NoItem(at.clone()))
}

fn add_item(header: &Header, top: &mut Level, at: &Path, log: &mut Log) -> Result<(), EditError> {
    editable(at)?;
    if at.within.len() >= DEPTH {
        return Err(EditError::TooDeep(at.clone()));
    }
    let (level, _) = find_or_refuse(header, top, at)?;
    let vr = match level.existing(header, at.tag) {
        Some((vr, _)) => vr,
        None => dictionary::lookup(at.tag).map_or(VR::SQ, |known| known.vr),
    };
    if vr != VR::SQ {
        return Err(EditError::NotSequence { at: at.clone(), vr });
    }
    level.add_item(header, at.tag);
    log.add(at.tag, ChangeKind::ItemAdded);
    Ok(())
}

fn set(header: &Header, top: &mut Level, at: &Path, value: &Value, log: &mut Log) -> Result<(), EditError> {
    editable(at)?;
    let (level, set) = find_or_refuse(header, top, at)?;
    let (vr, style) = match level.existing(header, at.tag) {
        Some(existing) => existing,
        None => (vr_for(header, at.tag, value), level.style()),
    };
    if vr == VR::SQ {
        return Err(EditError::Sequence(at.clone()));
    }
    let bytes = encode::encode(vr, value, &set, style.value_is_big_endian()).map_err(|reason| EditError::Value {
        at: at.clone(),
        vr,
        reason,
    })?;
    if !style.takes(vr, bytes.len()) {
        return Err(EditError::TooLong {
            at: at.clone(),
            vr,
            length: bytes.len(),
        });
    }
    level.set(at.tag, vr, style, bytes);
    log.add(at.tag, ChangeKind::Set);
    Ok(())
}

/// The VR of a new element: the dictionary's, and for tags that it does not know, one that can hold the value.
fn vr_for(header: &Header, tag: Tag, value: &Value) -> VR {
    if let Some(known) = dictionary::lookup(tag) {
        let signed = || header.first(tags::PIXEL_REPRESENTATION).is_some_and(|sign| sign != "0");
        return if known.by_pixel_representation && signed() {
            VR::SS
        } else {
            known.vr
        };
    }
    // Without VRs in the data set, nobody could read it as anything else.
    if !header.syntax().is_explicit() {
        return VR::UN;
    }
    match value {
        Value::Text(values) if values.iter().any(|value| value.len() > 64) => VR::UT,
        Value::Text(_) => VR::LO,
        Value::Signed(_) => VR::SV,
        Value::Unsigned(_) => VR::UV,
        Value::Real(_) => VR::FD,
        Value::Tags(_) => VR::AT,
        Value::Bytes(_) => VR::UN,
    }
}

/// Refuses what no edit may name.
fn editable(at: &Path) -> Result<(), EditError> {
    if at.within.is_empty() && is_pixel_data(at.tag) {
        return Err(EditError::PixelData(at.clone()));
    }
    if is_structure(at.tag) || at.within.iter().any(|step| is_structure(step.sequence)) {
        return Err(EditError::Structure(at.clone()));
    }
    Ok(())
}

/// Whether a text can be the value of an element with the dictionary's VR, in UTF-8.
pub(crate) fn accepts(tag: Tag, text: &str) -> bool {
    let vr = dictionary::lookup(tag).map_or(VR::UN, |known| known.vr);
    let value = Value::Text(vec![text.to_owned()]);
    encode::encode(vr, &value, &CharacterSet::of(b"ISO_IR 192"), false).is_ok()
}

/// That a value can be one of a VR, in UTF-8.
///
/// # Errors
/// Why it cannot; says nothing of the value.
pub(crate) fn fits(vr: VR, value: &Value) -> Result<(), String> {
    encode::encode(vr, value, &CharacterSet::of(b"ISO_IR 192"), false).map(drop)
}

fn is_structure(tag: Tag) -> bool {
    tag.element() == 0 || matches!(tag.group(), 0x0000 | 0x0002 | 0xFFFE | 0xFFFF)
}

/// Whether values of this VR can hold what the edits that reach everywhere look for: UIDs, dates, or other elements.
fn is_searched(vr: VR) -> bool {
    matches!(vr, VR::UI | VR::DA | VR::DT) || vr::form(vr) == Form::Items
}

#[cfg(test)]
mod tests;

//! Objects, edits, passages and plans for native tests of plugin logic: plain `cargo test`, no sandbox.
//!
//! Separate because none of it is in a component. A fake object knows what it is told and checks nothing.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use crate::{Direction, Transport};
use crate::{Path, Result, Step, Tag, Value, Vr};

/// The key under every secret's name, natively.
pub const KEY: &[u8] = b"a key for tests";

/// HMAC-SHA-256 under [`KEY`], whatever the secret.
pub(crate) fn hmac_sha256(_secret: &str, message: &[u8]) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY)?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// An object in memory, or an item of one.
#[derive(Clone, Debug, Default)]
pub struct Object {
    elements: BTreeMap<Tag, (Vr, Element)>,
}

#[derive(Clone, Debug)]
enum Element {
    Value(Value),
    Items(Vec<Object>),
}

impl Object {
    /// Adds an element.
    #[must_use]
    pub fn with(mut self, tag: Tag, vr: &[u8; 2], value: Value) -> Object {
        self.elements.insert(tag, (Vr(*vr), Element::Value(value)));
        self
    }

    /// Adds an element of one text.
    #[must_use]
    pub fn with_text(self, tag: Tag, vr: &[u8; 2], text: &str) -> Object {
        self.with(tag, vr, Value::Text(text.split('\\').map(str::to_owned).collect()))
    }

    /// Adds a sequence.
    #[must_use]
    pub fn with_items(mut self, tag: Tag, items: Vec<Object>) -> Object {
        self.elements.insert(tag, (Vr(*b"SQ"), Element::Items(items)));
        self
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn object(&self) -> crate::Object<'_> {
        crate::Object::fake(self)
    }

    fn item(&self, within: &[Step]) -> Option<&Object> {
        within
            .iter()
            .try_fold(self, |object, step| match object.elements.get(&Tag(step.sequence)) {
                Some((_, Element::Items(items))) => items.get(step.item as usize),
                _ => None,
            })
    }

    pub(crate) fn get(&self, at: &Path) -> Option<Value> {
        match self.item(&at.within)?.elements.get(&Tag(at.tag)) {
            Some((_, Element::Value(value))) => Some(value.clone()),
            _ => None,
        }
    }

    pub(crate) fn get_many(&self, at: &[Path]) -> Vec<Option<Value>> {
        at.iter().map(|at| self.get(at)).collect()
    }

    pub(crate) fn tags(&self, within: &[Step]) -> Vec<u32> {
        self.item(within)
            .map_or_else(Vec::new, |item| item.elements.keys().map(|tag| tag.0).collect())
    }

    pub(crate) fn elements(&self, within: &[Step]) -> Vec<(u32, u16)> {
        let of = |item: &Object| {
            item.elements
                .iter()
                .map(|(tag, (vr, _))| (tag.0, u16::from_be_bytes(vr.0)))
                .collect()
        };
        self.item(within).map_or_else(Vec::new, of)
    }

    pub(crate) fn items(&self, at: &Path) -> Option<u32> {
        match self.item(&at.within)?.elements.get(&Tag(at.tag)) {
            Some((_, Element::Items(items))) => u32::try_from(items.len()).ok(),
            _ => None,
        }
    }

    pub(crate) fn transfer_syntax(&self) -> String {
        "1.2.840.10008.1.2.1".into()
    }

    pub(crate) fn json(&self) -> String {
        "{}".into()
    }
}

/// One recorded edit.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the methods of `Edits` say what each is")]
pub enum Edit {
    Set(Path, Value),
    Clear(Path),
    Remove(Path),
    RemoveEverywhere(Tag),
    RemovePrivate(Vec<String>),
    RemapUid(Path),
    RemapUidsEverywhere(Vec<Tag>),
    ShiftDatesEverywhere(i32),
}

/// What a filter recorded.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// In its order.
    pub recorded: Vec<Edit>,
}

impl Edits {
    /// As a plugin sees it.
    pub fn edits(&mut self) -> crate::Edits<'_> {
        crate::Edits::fake(self)
    }

    pub(crate) fn set(&mut self, at: &Path, value: &Value) {
        self.recorded.push(Edit::Set(at.clone(), value.clone()));
    }

    pub(crate) fn clear(&mut self, at: &Path) {
        self.recorded.push(Edit::Clear(at.clone()));
    }

    pub(crate) fn remove(&mut self, at: &Path) {
        self.recorded.push(Edit::Remove(at.clone()));
    }

    pub(crate) fn remove_everywhere(&mut self, tag: u32) {
        self.recorded.push(Edit::RemoveEverywhere(Tag(tag)));
    }

    pub(crate) fn remove_private(&mut self, keep_creators: &[String]) {
        self.recorded.push(Edit::RemovePrivate(keep_creators.to_vec()));
    }

    pub(crate) fn remap_uid(&mut self, at: &Path) -> Vec<String> {
        self.recorded.push(Edit::RemapUid(at.clone()));
        Vec::new()
    }

    pub(crate) fn remap_uids_everywhere(&mut self, keep: &[u32]) {
        self.recorded
            .push(Edit::RemapUidsEverywhere(keep.iter().copied().map(Tag).collect()));
    }

    pub(crate) fn shift_dates_everywhere(&mut self, days: i32) {
        self.recorded.push(Edit::ShiftDatesEverywhere(days));
    }
}

/// What an object passes through; by default into the archive, by C-STORE.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as the methods of `Passage`")]
pub struct Passage {
    pub direction: Direction,
    pub transport: Transport,
    pub calling_ae: Option<String>,
    pub called_ae: Option<String>,
    pub peer: Option<String>,
    pub subject: Option<String>,
    pub destination: Option<String>,
    pub hops: u32,
}

impl Default for Passage {
    fn default() -> Passage {
        Passage {
            direction: Direction::Ingest,
            transport: Transport::Dimse,
            calling_ae: None,
            called_ae: None,
            peer: None,
            subject: None,
            destination: None,
            hops: 0,
        }
    }
}

impl Passage {
    /// As a plugin sees it.
    #[must_use]
    pub fn passage(&self) -> crate::Passage<'_> {
        crate::Passage::fake(self)
    }
}

/// A plan over some destinations.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    destinations: Vec<String>,
    /// Destination, delay in seconds and priority of what was planned.
    pub sends: BTreeMap<String, (u32, u8)>,
}

impl Plan {
    /// An empty plan over these.
    #[must_use]
    pub fn over(destinations: &[&str]) -> Plan {
        let mut destinations: Vec<String> = destinations.iter().map(|&name| name.to_owned()).collect();
        destinations.sort();
        Plan {
            destinations,
            sends: BTreeMap::new(),
        }
    }

    /// As a plugin sees it.
    pub fn plan(&mut self) -> crate::Plan<'_> {
        crate::Plan::fake(self)
    }

    pub(crate) fn destinations(&self) -> Vec<String> {
        self.destinations.clone()
    }

    pub(crate) fn send_to(&mut self, destination: &str) -> std::result::Result<(), ()> {
        if !self.destinations.iter().any(|name| name == destination) {
            return Err(());
        }
        self.sends.entry(destination.to_owned()).or_insert((0, 100));
        Ok(())
    }

    pub(crate) fn delay_seconds(&mut self, destination: &str, delay: u32) -> std::result::Result<(), ()> {
        self.sends.get_mut(destination).map(|send| send.0 = delay).ok_or(())
    }

    pub(crate) fn priority(&mut self, destination: &str, priority: u8) -> std::result::Result<(), ()> {
        self.sends.get_mut(destination).map(|send| send.1 = priority).ok_or(())
    }
}

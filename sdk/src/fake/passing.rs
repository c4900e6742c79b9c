//! What passes with an object: edits, passage, plan.

use std::collections::BTreeMap;

use crate::{Direction, Path, Tag, Transport, Value};

/// One recorded edit.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the methods of `Edits` say what each is")]
pub enum Edit {
    Set(Path, Value),
    Clear(Path),
    Remove(Path),
    RemoveEverywhere(Tag),
    AddItem(Path),
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
        crate::Edits(self)
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

    pub(crate) fn add_item(&mut self, at: &Path) {
        self.recorded.push(Edit::AddItem(at.clone()));
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
        crate::Passage(self)
    }
}

fields! {
    Passage: direction: Direction, transport: Transport, calling_ae: Option<String>, called_ae: Option<String>,
        peer: Option<String>, subject: Option<String>, destination: Option<String>, hops: u32;
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
        crate::Plan(self)
    }

    pub(crate) fn destinations(&self) -> Vec<String> {
        self.destinations.clone()
    }

    pub(crate) fn send_to(&mut self, destination: &str) -> Result<(), ()> {
        if !self.destinations.iter().any(|name| name == destination) {
            return Err(());
        }
        self.sends.entry(destination.to_owned()).or_insert((0, 100));
        Ok(())
    }

    pub(crate) fn delay_seconds(&mut self, destination: &str, delay: u32) -> Result<(), ()> {
        self.sends.get_mut(destination).map(|send| send.0 = delay).ok_or(())
    }

    pub(crate) fn priority(&mut self, destination: &str, priority: u8) -> Result<(), ()> {
        self.sends.get_mut(destination).map(|send| send.1 = priority).ok_or(())
    }
}

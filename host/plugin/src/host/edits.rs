//! The edits that a filter records.
//!
//! Separate because the list is what the plugin did: it is bounded here, applied elsewhere, and it is the audit
//! record. Nothing is checked against the object; an edit that cannot be applied is found when it is.

use std::sync::Arc;

use isocenter_dicom::edit::Edit;
use isocenter_dicom::{Header, Uid, Value};
use wasmtime::component::Resource;

use crate::bindings::isocenter::dicom::{edits, types};
use crate::call::Call;
use crate::host::value;

/// Edits in one call.
pub(crate) const MOST_EDITS: usize = 100_000;
/// What the recorded edits may occupy, in bytes.
pub(crate) const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Behind the handle `edits`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Edits {
    header: Arc<Header>,
    pub(crate) recorded: Vec<Edit>,
    bytes: usize,
}

impl Edits {
    pub(crate) fn new(header: Arc<Header>) -> Edits {
        Edits {
            header,
            recorded: Vec::new(),
            bytes: 0,
        }
    }

    fn record(&mut self, edit: Edit, bytes: usize) -> wasmtime::Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.recorded.len() >= MOST_EDITS {
            return Err(wasmtime::Error::msg(format!("more than {MOST_EDITS} edits")));
        }
        if self.bytes > MOST_BYTES {
            return Err(wasmtime::Error::msg(format!(
                "edits of more than {} MiB",
                MOST_BYTES >> 20
            )));
        }
        self.recorded.push(edit);
        Ok(())
    }
}

fn weight(at: &types::Path) -> usize {
    size_of_val(at.within.as_slice())
}

impl edits::Host for Call {}

impl edits::HostEdits for Call {
    fn set(&mut self, this: Resource<Edits>, at: types::Path, value: types::Value) -> wasmtime::Result<()> {
        let bytes = weight(&at) + value::size(&value);
        let edit = Edit::Set {
            at: value::path(at),
            value: value::from_guest(value),
        };
        self.table.get_mut(&this)?.record(edit, bytes)
    }

    fn clear(&mut self, this: Resource<Edits>, at: types::Path) -> wasmtime::Result<()> {
        let bytes = weight(&at);
        self.table.get_mut(&this)?.record(Edit::Clear(value::path(at)), bytes)
    }

    fn remove(&mut self, this: Resource<Edits>, at: types::Path) -> wasmtime::Result<()> {
        let bytes = weight(&at);
        self.table.get_mut(&this)?.record(Edit::Remove(value::path(at)), bytes)
    }

    fn remove_everywhere(&mut self, this: Resource<Edits>, tag: u32) -> wasmtime::Result<()> {
        self.table
            .get_mut(&this)?
            .record(Edit::RemoveEverywhere(value::tag(tag)), 0)
    }

    fn add_item(&mut self, this: Resource<Edits>, at: types::Path) -> wasmtime::Result<()> {
        let bytes = weight(&at);
        self.table.get_mut(&this)?.record(Edit::AddItem(value::path(at)), bytes)
    }

    fn remove_private(&mut self, this: Resource<Edits>, keep_creators: Vec<String>) -> wasmtime::Result<()> {
        let bytes = keep_creators.iter().map(|name| name.len() + size_of::<String>()).sum();
        self.table
            .get_mut(&this)?
            .record(Edit::RemovePrivate { keep_creators }, bytes)
    }

    fn remap_uid(&mut self, this: Resource<Edits>, at: types::Path) -> wasmtime::Result<Vec<String>> {
        let bytes = weight(&at);
        let path = value::path(at);
        let edits = self.table.get_mut(&this)?;
        let mapped = match edits.header.value(&path) {
            Some(Value::Text(values)) => values
                .iter()
                .filter_map(|value| Uid::parse(value).ok())
                .map(|uid| self.site_key.remap(&uid).as_str().to_owned())
                .collect(),
            _ => Vec::new(),
        };
        edits.record(Edit::RemapUid(path), bytes)?;
        Ok(mapped)
    }

    fn remap_uids_everywhere(&mut self, this: Resource<Edits>, keep: Vec<u32>) -> wasmtime::Result<()> {
        let bytes = size_of_val(keep.as_slice());
        let keep = keep.into_iter().map(value::tag).collect();
        self.table
            .get_mut(&this)?
            .record(Edit::RemapUidsEverywhere { keep }, bytes)
    }

    fn shift_dates_everywhere(&mut self, this: Resource<Edits>, days: i32) -> wasmtime::Result<()> {
        self.table
            .get_mut(&this)?
            .record(Edit::ShiftDatesEverywhere { days }, 0)
    }

    fn drop(&mut self, this: Resource<Edits>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

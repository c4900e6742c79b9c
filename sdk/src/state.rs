//! Small durable values, private to one configured plugin and shared by all hosts of the archive.
//!
//! Separate because it is a capability with a grant (`state = "16 MiB"`). Calls run beside each other on several hosts:
//! what is read and then written goes through [`update`], or by version.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::imports::isocenter::host::state::Entry;
use crate::bindings::imports::isocenter::host::state::Trouble;
use crate::raw::state;
use crate::{Error, Result};

/// Keys that one crossing of the sandbox boundary brings.
const PAGE: u32 = 1000;

/// How often [`update`] begins again before it gives way.
const TRIES: u32 = 32;

/// The value of a key, with its version; `None` where there is none, or its time has passed.
///
/// # Errors
/// The database does not answer; worth another try.
pub fn get(key: &str) -> Result<Option<Entry>> {
    state::get(key).map_err(error)
}

/// Writes a value, whatever is there. `seconds`: it is gone after that time.
///
/// # Errors
/// The grant is used up, key or value is too long (512 bytes, 64 KiB), or the database does not answer.
pub fn put(key: &str, value: &[u8], seconds: Option<u32>) -> Result<()> {
    state::put(key, value, None, seconds).map(|_| ()).map_err(error)
}

/// Writes a value only where there is none; answers whether it did. What many calls may see, one of them takes.
///
/// # Errors
/// As [`put`].
pub fn put_new(key: &str, value: &[u8], seconds: Option<u32>) -> Result<bool> {
    if_version(state::put(key, value, Some(0), seconds))
}

/// Writes a value only over the version that was read; answers whether it did.
///
/// # Errors
/// As [`put`].
pub fn put_over(key: &str, value: &[u8], version: u64, seconds: Option<u32>) -> Result<bool> {
    if_version(state::put(key, value, Some(version), seconds))
}

/// Removes a key; nothing happens where it is absent.
///
/// # Errors
/// The database does not answer.
pub fn delete(key: &str) -> Result<()> {
    state::delete(key).map_err(error)
}

/// The keys with a prefix, in the order of their bytes, a thousand at a time.
#[must_use]
pub fn keys(prefix: &str) -> Keys {
    Keys {
        prefix: prefix.to_owned(),
        after: None,
        page: Vec::new().into_iter(),
        ended: false,
    }
}

/// A value kept as JSON; `None` where there is none.
///
/// # Errors
/// It is not of this type, or the database does not answer.
pub fn read<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    Ok(match get(key)? {
        Some(entry) => Some(serde_json::from_slice(&entry.value)?),
        None => None,
    })
}

/// Keeps a value as JSON, whatever is there.
///
/// # Errors
/// As [`put`].
pub fn write<T: Serialize>(key: &str, value: &T, seconds: Option<u32>) -> Result<()> {
    put(key, &serde_json::to_vec(value)?, seconds)
}

/// Reads a value kept as JSON, changes it and writes it, and begins again where another call wrote in between. Answers
/// what was written. `change` runs once for each try, so it only computes.
///
/// # Errors
/// As [`read`] and [`put`], those of `change`, and after 32 tries in vain: worth another try.
pub fn update<T: Serialize + DeserializeOwned>(
    key: &str,
    seconds: Option<u32>,
    mut change: impl FnMut(Option<T>) -> Result<T>,
) -> Result<T> {
    for _ in 0..TRIES {
        let (old, version) = match get(key)? {
            Some(entry) => (Some(serde_json::from_slice(&entry.value)?), entry.version),
            None => (None, 0),
        };
        let new = change(old)?;
        if if_version(state::put(key, &serde_json::to_vec(&new)?, Some(version), seconds))? {
            return Ok(new);
        }
    }
    Err(Error::after(1, "others write the same state at the same time"))
}

/// Keys in their order.
pub struct Keys {
    prefix: String,
    after: Option<String>,
    page: std::vec::IntoIter<String>,
    ended: bool,
}

impl Iterator for Keys {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        if self.page.as_slice().is_empty() && !self.ended {
            match state::keys(&self.prefix, self.after.as_deref(), PAGE) {
                Ok(page) => {
                    self.ended = page.len() < PAGE as usize;
                    self.after = page.last().cloned();
                    self.page = page.into_iter();
                }
                Err(trouble) => {
                    self.ended = true;
                    return Some(Err(error(trouble)));
                }
            }
        }
        self.page.next().map(Ok)
    }
}

/// A conflict is an answer here, not an error.
fn if_version(written: std::result::Result<u64, Trouble>) -> Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(Trouble::Conflict) => Ok(false),
        Err(trouble) => Err(error(trouble)),
    }
}

fn error(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Conflict => Error::after(1, "the state was changed at the same time"),
        Trouble::OverQuota => Error::never("the state is full, its key longer than 512 bytes or its value than 64 KiB"),
        Trouble::Unavailable(why) => Error::after(5, format!("the state is not available: {why}")),
    }
}

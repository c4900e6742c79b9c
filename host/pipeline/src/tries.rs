//! How often a sender was asked to come again for one object.
//!
//! Apart from the way in, because it outlives sessions: a modality tries again on a new association.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use isocenter_dicom::uid::Uid;

/// How often senders were told to come again, by SOP Instance UID as received.
///
/// Kept in memory and bounded: forgetting only means that a sender is asked a few times more.
pub(crate) struct Tries {
    counts: Mutex<HashMap<Uid, u32>>,
    enough: u32,
}

/// Objects remembered at a time.
const REMEMBERED: usize = 10_000;

impl Tries {
    pub(crate) fn new(enough: u32) -> Self {
        Self {
            counts: Mutex::default(),
            enough,
        }
    }

    pub(crate) fn of(&self, object: &Uid) -> u32 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(object).copied().unwrap_or(0)
    }

    pub(crate) fn another(&self, object: &Uid) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED && !counts.contains_key(object) {
            counts.clear();
        }
        let count = counts.entry(object.clone()).or_insert(0);
        *count = (*count + 1).min(self.enough);
    }

    pub(crate) fn forget(&self, object: &Uid) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(object);
    }
}

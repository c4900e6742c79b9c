//! Series that this host saw committed a moment ago.
//!
//! Most objects arrive as one of hundreds of a series. For those the index need not be told again what the study and the
//! series are like, which is two thirds of the work of indexing an object. This is a memory and not a truth: a statement
//! that relies on it also checks that the series and the study are there, and inserts nothing where they are not.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use isocenter_dicom::uid::Uid;

use super::NewObject;

/// Series remembered at a time, about 300 bytes each; then all are forgotten and learnt anew.
const REMEMBERED: usize = 10_000;

/// Studies and series whose rows are known to have been committed.
#[derive(Debug, Default)]
pub(super) struct Familiar(Mutex<HashSet<(Uid, Uid)>>);

impl Familiar {
    /// Whether every object is of a series that is remembered.
    pub(super) fn knows(&self, batch: &[&NewObject]) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        batch.iter().all(|object| known.contains(&key(object)))
    }

    /// Remembers the series of objects that were committed.
    pub(super) fn learn(&self, batch: &[&NewObject]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + batch.len() > REMEMBERED {
            known.clear();
        }
        known.extend(batch.iter().map(|object| key(object)));
    }

    /// Forgets everything: what was remembered turned out to be gone.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn key(object: &NewObject) -> (Uid, Uid) {
    (object.identity.study.clone(), object.identity.series.clone())
}

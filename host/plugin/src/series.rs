//! What plugins count: a bounded registry per plugin.
//!
//! Separate because the metrics page reads it while calls write to it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use isocenter_role::{Measure, Series};

/// Names a plugin may use; every name is a series on the metrics page for good.
pub(crate) const MOST_SERIES: usize = 50;
pub(crate) const LONGEST_NAME: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    all: Mutex<BTreeMap<String, Measure>>,
}

impl Registry {
    pub(crate) fn all(&self) -> Vec<Series> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(name, measure)| Series {
                name: name.clone(),
                measure: *measure,
            })
            .collect()
    }

    /// Adds to a counter. A bad name, a name too many, or a name that is a summary: nothing happens, because a
    /// metric is never worth a trap.
    pub(crate) fn count(&self, name: &str, by: u64) {
        self.change(name, Measure::Counter(0), |measure| {
            if let Measure::Counter(value) = measure {
                *value = value.saturating_add(by);
            }
        });
    }

    /// Adds an observation to a summary. Values that are not finite are ignored.
    pub(crate) fn observe(&self, name: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let first = Measure::Summary {
            count: 0,
            sum: 0.0,
            least: value,
            greatest: value,
        };
        self.change(name, first, |measure| {
            if let Measure::Summary {
                count,
                sum,
                least,
                greatest,
            } = measure
            {
                *count = count.saturating_add(1);
                *sum += value;
                *least = least.min(value);
                *greatest = greatest.max(value);
            }
        });
    }

    fn change(&self, name: &str, first: Measure, change: impl FnOnce(&mut Measure)) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(measure) = all.get_mut(name) {
            change(measure);
        } else if all.len() < MOST_SERIES && is_name(name) {
            change(all.entry(name.to_owned()).or_insert(first));
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;

//! Where objects can be sent: named places of the configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use isocenter_role::Filter;

use crate::peer::Peer;

/// A named place that objects can be sent to.
#[derive(Clone)]
pub struct Destination {
    /// As routers and the page call it.
    pub name: String,
    /// What kind of place it is.
    pub target: Target,
    /// Filters that each object passes on its way there; the stored original stays as it is.
    pub egress: Vec<Arc<dyn Filter>>,
    /// What happens when it cannot be reached.
    pub retry: Retry,
}

/// What kind of place a destination is.
#[derive(Clone, Debug)]
pub enum Target {
    /// A DICOM peer, by C-STORE.
    Dicom(Peer),
    /// A folder of Part 10 files: `STUDY/SERIES/OBJECT.dcm`, by UID.
    Folder(PathBuf),
}

/// When a delivery that failed is tried again, and when it becomes a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Pause after the first failure; each further one doubles it.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// Tries in all.
    pub attempts: u32,
}

impl Default for Retry {
    /// Two seconds doubling to ten minutes, 100 tries: a peer may be away for about 15 hours.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(600),
            attempts: 100,
        }
    }
}

impl Retry {
    /// The pause before the next try after `attempts` failed ones; `None` when those were all.
    pub fn pause(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.attempts {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(30);
        Some(self.first.saturating_mul(1 << doublings).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Retry};

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry = Retry {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(15),
            attempts: 6,
        };
        let pauses: Vec<_> = (1..=6).map(|n| retry.pause(n).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(2), Some(4), Some(8), Some(15), Some(15), None]);
    }
}

//! Calls at the doors (authenticators, authorizers, gates, routes), written down without flooding the record.
//!
//! Separate from the record of what happens to objects, because these calls come with every request and from whoever
//! likes to send one. All of them are counted in the metrics. Rows there are of what failed or kept somebody out, a
//! hundred at once and then ten a second for each role of a plugin, and one a minute of what passed, as a sign of life.
//! A row never waits for the database, and holds nothing that a caller showed to be let in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use isocenter_dicom::uid::Uid;
use isocenter_role::{Failure, Outcome, Part, Role};

use crate::Pipeline;
use crate::record::{About, Called, row};

/// Rows of one role of one plugin that may be written at once.
const BURST: u32 = 100;
/// After how long one more may be.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a call that let somebody pass is written down.
const PASSED: Duration = Duration::from_secs(60);
/// Roles of plugins that are remembered; reloads may bring new names without end.
const MOST: usize = 1024;

/// What a call at a door was about.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// The study, where the request names one.
    pub study: Option<Uid>,
    /// The SOP Instance UID of the object, where it names one.
    pub object: Option<Uid>,
    /// Who asks for what, in the host's words: an action, a subject, an address. Never what they showed.
    pub who: Option<String>,
}

/// What a plugin answered at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// In a word.
    pub word: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// How it is written down.
    pub worth: Worth,
}

/// How a call is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Whenever there is room.
    ARow,
    /// Once a minute.
    ASample,
}

impl Pipeline {
    /// Takes down a call at a door, if it is one that is written down. Never waits.
    pub fn at_door<T>(
        &self,
        part: &(impl Part + ?Sized),
        role: Role,
        outcome: &Outcome<T>,
        visit: Visit,
        answered: impl FnOnce(&T) -> Answered,
    ) {
        let mut worth = Worth::ARow;
        let mut called = Called::new(part, role, outcome, |answer| {
            let answered = answered(answer);
            worth = answered.worth;
            (answered.word, answered.reason)
        });
        if !self.shared.doors.admits(part.name(), role, worth, Instant::now()) {
            return;
        }
        if let Err(failure) = &outcome.result {
            called.reason = Some(said(role, failure));
        }
        called.reason = match (visit.who, called.reason.take()) {
            (Some(who), Some(reason)) => Some(format!("{who}: {reason}")),
            (who, reason) => who.or(reason),
        };
        let about = About {
            study: visit.study,
            object: visit.object,
            ..About::default()
        };
        self.recorder().offer(row(called, &about));
    }
}

/// A failure as its row has it. Who was shown credentials, or a request, may have put them into its words: those are only
/// in the log.
fn said(role: Role, failure: &Failure) -> String {
    match (role, failure) {
        (Role::Authorizer, _) => failure.to_string(),
        (_, Failure::Trap(_)) => "the plugin trapped; the log says where".to_owned(),
        (_, Failure::Never(_)) => "the plugin could not do its work; the log says why".to_owned(),
        (_, Failure::After { seconds, .. }) => format!("the plugin asks to be tried again in {seconds} s"),
        _ => failure.to_string(),
    }
}

/// How much has been written down.
#[derive(Default)]
pub(crate) struct Doors {
    of: Mutex<HashMap<(String, Role), Budget>>,
}

struct Budget {
    /// When all rows so far would have been due at one every [`PAUSE`].
    due: Instant,
    /// The last sample of what passed.
    sampled: Option<Instant>,
}

impl Doors {
    /// Whether a call is written down.
    fn admits(&self, plugin: &str, role: Role, worth: Worth, now: Instant) -> bool {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= MOST {
            of.clear();
        }
        let budget = of.entry((plugin.to_owned(), role)).or_insert(Budget {
            due: now,
            sampled: None,
        });
        let admitted = match worth {
            Worth::ASample => budget.sample(now),
            Worth::ARow => budget.row(now),
        };
        if !admitted && worth == Worth::ARow {
            let labels = [("plugin", plugin.to_owned()), ("role", role.as_str().to_owned())];
            metrics::counter!("isocenter_outcomes_over_rate_total", &labels).increment(1);
        }
        admitted
    }
}

impl Budget {
    fn row(&mut self, now: Instant) -> bool {
        let due = self.due.max(now) + PAUSE;
        let admitted = due <= now + PAUSE * BURST;
        if admitted {
            self.due = due;
        }
        admitted
    }

    fn sample(&mut self, now: Instant) -> bool {
        let admitted = self
            .sampled
            .is_none_or(|last| now.saturating_duration_since(last) >= PASSED);
        if admitted {
            self.sampled = Some(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests;

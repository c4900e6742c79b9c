//! What a filter's outcome means for the object. Pure: no I/O, no clock.
//!
//! This is the failure table of the plugin contract for the role *filter*. There is no case in which an object goes on
//! unedited after a failure: that line is deliberately absent.

use std::time::Duration;

use isocenter_role::{Failure, FilterAnswer, Verdict};

use crate::chain::OnFailure;

/// What happens next to an object in its passage.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Apply the edits and go on with the next filter.
    GoOn,
    /// Answer success and store nothing; egress: do not send.
    Drop(String),
    /// Answer a failure that the sender should not repeat.
    Refuse(String),
    /// Answer a failure that asks the sender to try again after this time.
    TryLater(Duration, String),
    /// Hold the original, unedited and unrouted, for a person; answer success.
    Hold(String),
}

/// What the outcome of an ingest filter means.
///
/// What a failure says is for the operator, since a guest's last words may hold anything; the sender hears only that the
/// filter failed.
///
/// `tries` is how often this object was told to come again already; past `max_tries` it is held instead, so that a
/// filter that never recovers cannot keep an image at its modality for ever.
pub fn ingest(result: &Result<FilterAnswer, Failure>, policy: OnFailure, tries: u32, max_tries: u32) -> Next {
    match result {
        Ok(answer) => match &answer.verdict {
            Verdict::Keep => Next::GoOn,
            Verdict::Drop(reason) => Next::Drop(reason.clone()),
            Verdict::Refuse(reason) => Next::Refuse(reason.clone()),
            Verdict::Quarantine(reason) => Next::Hold(reason.clone()),
        },
        Err(failure) => match (failure.retryable(), policy) {
            (Some(after), _) if tries < max_tries => Next::TryLater(after, "the filter cannot run now".to_owned()),
            (_, OnFailure::Quarantine) => Next::Hold(failure.to_string()),
            (_, OnFailure::Refuse) => Next::Refuse("the filter failed".to_owned()),
        },
    }
}

/// What the outcome of an egress filter means: dropped objects are not sent, held ones become dead letters, and a
/// failure is retried or becomes a dead letter. Nothing is ever sent unedited.
pub fn egress(result: &Result<FilterAnswer, Failure>) -> Next {
    match result {
        Ok(answer) => match &answer.verdict {
            Verdict::Keep => Next::GoOn,
            Verdict::Drop(reason) => Next::Drop(reason.clone()),
            Verdict::Refuse(reason) | Verdict::Quarantine(reason) => Next::Hold(reason.clone()),
        },
        Err(failure) => match failure.retryable() {
            Some(after) => Next::TryLater(after, failure.to_string()),
            None => Next::Hold(failure.to_string()),
        },
    }
}

#[cfg(test)]
mod tests;

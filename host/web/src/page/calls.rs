//! What plugins did last: the latest calls of all, and the latest failure of each kind, which those would not show.

use std::time::SystemTime;

use isocenter_archive::index::RecordedOutcome;
use maud::{Markup, html};

use crate::time;

/// Kinds of failure that are shown.
const KINDS: usize = 10;

pub(super) fn section(latest: &[RecordedOutcome], failed: &[RecordedOutcome]) -> Markup {
    let single: Vec<_> = latest.iter().map(|call| (call, 1)).collect();
    html! {
        @if !latest.is_empty() {
            section aria-labelledby="calls-title" {
                h2 #calls-title { "What plugins did last" }
                @if failed.is_empty() { (table(&single, "calls-title")) } @else {
                    h3 #failed-title { "Calls that failed, the latest of each kind" }
                    (table(&kinds(failed), "failed-title"))
                    h3 #latest-title { "Calls of every outcome" }
                    (table(&single, "latest-title"))
                }
            }
        }
    }
}

/// The first of each kind of failure, and how many there are of it: a plugin that rests fails every call in the same way.
pub(super) fn kinds(failed: &[RecordedOutcome]) -> Vec<(&RecordedOutcome, usize)> {
    let mut kinds: Vec<(&RecordedOutcome, usize)> = Vec::new();
    let kind = |call: &RecordedOutcome| {
        (
            call.plugin.clone(),
            call.role.clone(),
            call.chain.clone(),
            call.outcome.clone(),
        )
    };
    for call in failed {
        if let Some((_, count)) = kinds.iter_mut().find(|(first, _)| kind(first) == kind(call)) {
            *count += 1;
        } else if kinds.len() < KINDS {
            kinds.push((call, 1));
        }
    }
    kinds
}

fn table(calls: &[(&RecordedOutcome, usize)], title: &str) -> Markup {
    let now = SystemTime::now();
    html! {
        div.scroll role="region" aria-labelledby=(title) tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "Plugin" }
                    th scope="col" { "Outcome" }
                    th scope="col" { "About" }
                    th scope="col" { "Reason" }
                    th.number scope="col" { "Cost" }
                    th scope="col" { "When" }
                } }
                tbody { @for (call, count) in calls { tr {
                    th.who scope="row" { (call.plugin) span.second { (call.role)
                        @if let Some(chain) = &call.chain { ", chain " (chain) }
                        @if call.shadow { ", shadow" } } }
                    td.nowrap { (outcome(call)) @if *count > 1 { span.second { "and " (count - 1) " more" } } }
                    td.uid { (about(call)) }
                    td.reason { (call.reason.as_deref().unwrap_or("—")) }
                    td.number { (time::millis(call.cpu)) span.second { (time::bytes(call.peak_memory)) } }
                    td.nowrap title=(time::utc(call.at)) { (time::ago(call.at, now)) " ago" }
                } } }
            }
        }
    }
}

fn outcome(call: &RecordedOutcome) -> Markup {
    html! {
        span class=(if call.failed { "bad" } else { "good" }) { (call.outcome) }
        @if call.edits > 0 { span.second { (time::count(u64::from(call.edits))) (if call.edits == 1 { " edit" } else { " edits" }) } }
    }
}

/// The object or the study.
fn about(call: &RecordedOutcome) -> Markup {
    html! {
        @match (&call.object, &call.study) {
            (Some(object), study) => {
                code { (object) }
                @if let Some(study) = study { span.second { "study " code { (study) } } }
            },
            (None, Some(study)) => { "study " code { (study) } },
            (None, None) => { "—" },
        }
    }
}

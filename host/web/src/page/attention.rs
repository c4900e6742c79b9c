//! What waits for a person: objects in quarantine and deliveries that were given up. Shown only when there are some.

use std::time::SystemTime;

use isocenter_archive::index::{DeadJob, Quarantined};
use maud::{Markup, html};

use crate::api;
use crate::time;

pub(super) fn quarantine(held: &[Quarantined], all: u64) -> Markup {
    let now = SystemTime::now();
    html! {
        @if !held.is_empty() {
            section.attention aria-labelledby="quarantine-title" {
                div.head {
                    h2 #quarantine-title { "Quarantine" }
                    p.note { "Held unedited and unrouted until somebody decides. " (shown(held.len(), all)) }
                }
                div.scroll role="region" aria-labelledby="quarantine-title" tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { "Object" }
                            th scope="col" { "Reason" }
                            th scope="col" { "From" }
                            th scope="col" { "Arrived" }
                        } }
                        tbody { @for entry in held { tr {
                            td { code { (entry.identity.sop_instance) }
                                span.second { "study " code { (entry.identity.study) } } }
                            td.reason { (entry.held.reason)
                                @if let Some(plugin) = &entry.held.plugin { span.second { "plugin " (plugin) } } }
                            td { (entry.source.calling_ae.as_deref().unwrap_or("—"))
                                span.second { (api::transport(entry.source.transport))
                                    @if let Some(peer) = &entry.source.peer { " from " (peer) } } }
                            td.nowrap title=(time::utc(entry.arrived)) { (time::ago(entry.arrived, now)) " ago" }
                        } } }
                    }
                }
            }
        }
    }
}

pub(super) fn dead_letters(dead: &[DeadJob], all: u64) -> Markup {
    let now = SystemTime::now();
    html! {
        @if !dead.is_empty() {
            section.attention aria-labelledby="dead-title" {
                div.head {
                    h2 #dead-title { "Dead letters" }
                    p.note { "Work that was given up; the objects themselves are safe. " (shown(dead.len(), all)) }
                }
                div.scroll role="region" aria-labelledby="dead-title" tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { "Object" }
                            th scope="col" { "What" }
                            th scope="col" { "Reason" }
                            th.number scope="col" { "Tries" }
                            th scope="col" { "Enqueued" }
                        } }
                        tbody { @for entry in dead { tr {
                            td {
                                @if let Some(object) = entry.task.object() { code { (object) } }
                                @if let Some(transaction) = entry.task.transaction() { "transaction " code { (transaction) } }
                                @if let Some(study) = entry.task.study() { span.second { "study " code { (study) } } }
                            }
                            td { (entry.task.kind().as_str())
                                @if let Some(destination) = entry.task.destination() { span.second { "to " (destination) } }
                                @if let Some(peer) = entry.task.peer() { span.second { "to " (peer) } }
                                @if let Some(plugin) = entry.task.plugin() { span.second { "plugin " (plugin) } }
                                @if let Some(chain) = entry.task.chain() { span.second { "chain " (chain) } }
                                @if let Some(queue) = entry.task.queue() { span.second { "queue " (queue) } } }
                            td.reason { (entry.reason) }
                            td.number { (entry.attempts) }
                            td.nowrap title=(time::utc(entry.enqueued)) { (time::ago(entry.enqueued, now)) " ago" }
                        } } }
                    }
                }
            }
        }
    }
}

/// Says that there are more than are listed.
fn shown(listed: usize, all: u64) -> String {
    if all > listed as u64 {
        format!("The latest {listed} of {}.", time::count(all))
    } else {
        String::new()
    }
}

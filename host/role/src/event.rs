//! Sinks: are told what happened, in order, at least once.

use std::sync::Arc;

use crate::{Call, Part};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows from event to event, not always by one.
    pub cursor: u64,
    /// When, in milliseconds since 1970-01-01 00:00 UTC.
    pub unix_millis: u64,
    /// What kind: `object.stored`, `object.quarantined`, `study.quiet`, `delivery.dead`, `procedure.started`, `procedure.ended`.
    pub kind: String,
    /// What is known of it.
    pub data: serde_json::Value,
}

/// Is told what happened.
pub trait Sink: Part {
    /// In order, at least once. Success: the sink has the whole batch.
    fn deliver(self: Arc<Self>, batch: Arc<Vec<Event>>) -> Call<'static, ()>;
}

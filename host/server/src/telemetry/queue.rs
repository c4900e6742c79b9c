//! The queue between the threads that end spans and the task that exports them.
//!
//! Apart from the export because this is what keeps it from delaying anybody.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Spans that may wait; a few megabytes.
pub(super) const LENGTH: usize = 4096;
/// Spans sent at a time, at most.
const BATCH: usize = 512;
/// How long a batch may wait for more.
const PAUSE: Duration = Duration::from_secs(1);

/// The end for those who end spans.
#[derive(Debug)]
pub(super) struct Door(Sender<SpanData>);

/// The end for the exporter.
pub(super) struct Spans(Receiver<SpanData>);

pub(super) fn new() -> (Door, Spans) {
    let (sender, receiver) = channel(LENGTH);
    (Door(sender), Spans(receiver))
}

/// Counts spans by what became of them.
pub(super) fn count(outcome: &'static str, spans: u64) {
    if spans > 0 {
        metrics::counter!("isocenter_trace_spans_total", "outcome" => outcome).increment(spans);
    }
}

impl SpanProcessor for Door {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.0.try_send(span).is_err() {
            count("dropped", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Spans {
    /// The next batch: as soon as it is full, or a pause after its first span. `None` when it is to stop.
    pub(super) async fn next(&mut self, stop: &CancellationToken) -> Option<Vec<SpanData>> {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            taken = self.0.recv_many(&mut batch, BATCH) => if taken == 0 { return None },
        }
        let until = Instant::now() + PAUSE;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(until) => break,
                taken = self.0.recv_many(&mut batch, room) => if taken == 0 { break },
            }
        }
        Some(batch)
    }

    /// What waits now, a batch of it; `None` when nothing does.
    pub(super) fn left(&mut self) -> Option<Vec<SpanData>> {
        let batch: Vec<SpanData> = std::iter::from_fn(|| self.0.try_recv().ok()).take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

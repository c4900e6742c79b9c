//! Traces: spans that have ended go to a collector, by OTLP over HTTP.
//!
//! Separate from the log because of its one rule: whatever the collector does, nothing waits for it. A span that has ended
//! is put into a queue of bounded length without waiting; one that finds it full is dropped and counted. One task empties
//! the queue, and what it cannot deliver within its time is dropped and counted too.
//!
//! Only spans are exported, never the events within them: the lines of a plugin's log may hold what the operator allowed
//! them to (`log-values`).

mod collector;
mod queue;

use std::time::Duration;

use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData};
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

use crate::config;
use collector::Collector;

/// What the last spans get to arrive once the host has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where the subscriber hands spans in.
pub struct Tracing(SdkTracer);

/// Carries spans from the queue to the collector.
pub struct Exporter {
    spans: queue::Spans,
    collector: Collector,
    service: ResourceAttributesWithSchema,
    /// Whether the last delivery failed; only a change is logged.
    failing: bool,
}

/// Both ends of the way to a collector. Nothing leaves before [`Exporter::start`].
pub fn prepare(settings: &config::Telemetry) -> (Tracing, Exporter) {
    let (sender, spans) = queue::new();
    let service = Resource::builder_empty()
        .with_service_name("isocenter")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    let exporter = Exporter {
        spans,
        collector: Collector::at(&settings.otlp),
        service: (&service).into(),
        failing: false,
    };
    let provider = SdkTracerProvider::builder()
        .with_resource(service)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            settings.sample.get(),
        ))))
        .with_span_processor(sender)
        .build();
    (Tracing(provider.tracer("isocenter")), exporter)
}

impl Tracing {
    /// The subscriber's layer.
    pub fn layer<S>(self) -> impl Layer<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(spans_of_ours())
    }
}

/// Spans of this program, whatever `RUST_LOG` says; no events, and nothing of the libraries.
fn spans_of_ours<S>() -> impl Filter<S> {
    FilterFn::new(|metadata: &Metadata<'_>| {
        let target = metadata.target();
        metadata.is_span() && (target == "plugin" || target.starts_with("isocenter"))
    })
    .with_max_level_hint(tracing::Level::INFO)
}

/// An exporter at work.
pub struct Exporting {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Begins to export, on the runtime of the caller.
    pub fn start(self) -> Exporting {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.run(stop.clone()));
        Exporting { stop, task }
    }

    async fn run(mut self, stop: CancellationToken) {
        while let Some(batch) = self.spans.next(&stop).await {
            self.export(batch).await;
        }
        let rest = async {
            while let Some(batch) = self.spans.left() {
                self.export(batch).await;
            }
        };
        // What the collector does not take in this time is lost, as it would be in a crash.
        let _ = tokio::time::timeout(LAST_WORDS, rest).await;
    }

    async fn export(&mut self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.service),
        };
        match self.collector.send(Bytes::from(request.encode_to_vec())).await {
            Ok(refused) => {
                queue::count("exported", count.saturating_sub(refused));
                queue::count("refused", refused.min(count));
                if std::mem::take(&mut self.failing) {
                    tracing::info!("traces are exported again");
                }
            }
            Err(trouble) => {
                queue::count("failed", count);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(collector = %self.collector, reason = %trouble, "traces cannot be exported; they are dropped");
                }
            }
        }
    }
}

impl Exporting {
    /// Exports what is left, within a bounded time.
    pub async fn end(self) {
        self.stop.cancel();
        // A task that panicked has nothing left to export.
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests;

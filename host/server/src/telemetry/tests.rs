use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Exporter, Tracing, prepare, queue};
use crate::config::{Config, Telemetry};

fn configured(sample: &str) -> Telemetry {
    let text = format!("[telemetry]\notlp = \"http://127.0.0.1:4318\"\nsample = {sample}");
    let config = Config::from_toml(&text, &Default::default(), std::path::Path::new("")).unwrap();
    config.telemetry.unwrap()
}

/// What would be exported of the spans that `work` makes: name, parent's name, attributes.
fn exported(sample: &str, work: impl FnOnce()) -> Vec<(String, Option<String>, Vec<String>)> {
    let (tracing, exporter): (Tracing, Exporter) = prepare(&configured(sample));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(tracing.layer()), work);
    let mut spans = exporter.spans;
    let spans: Vec<_> = std::iter::from_fn(|| spans.left()).flatten().collect();
    spans
        .iter()
        .map(|span| {
            let parent = spans
                .iter()
                .find(|other| other.span_context.span_id() == span.parent_span_id);
            let attributes = span
                .attributes
                .iter()
                .map(|pair| format!("{}={}", pair.key, pair.value));
            assert!(span.events.events.is_empty(), "an event was exported");
            (
                span.name.to_string(),
                parent.map(|parent| parent.name.to_string()),
                attributes.collect(),
            )
        })
        .collect()
}

#[test]
fn spans_nest_and_events_stay() {
    let spans = exported("1", || {
        let association = tracing::info_span!("association", peer = "127.0.0.1:5000", calling = tracing::field::Empty);
        association.record("calling", "CT1");
        association.in_scope(|| {
            let _object = tracing::info_span!("object", uid = "1.2.3").entered();
            tracing::warn!(name = "Secret^Name", "an event");
            let _call = tracing::info_span!(target: "plugin", "plugin call", plugin = "a").entered();
            tracing::info!(target: "plugin", "a line of the plugin's");
        });
    });
    let object = Some("object".to_owned());
    let association = Some("association".to_owned());
    assert_eq!(
        spans,
        [
            ("plugin call".to_owned(), object, vec!["plugin=a".to_owned()]),
            ("object".to_owned(), association, vec!["uid=1.2.3".to_owned()]),
            (
                "association".to_owned(),
                None,
                vec!["peer=127.0.0.1:5000".to_owned(), "calling=CT1".to_owned()]
            ),
        ]
    );
}

#[test]
fn spans_of_libraries_and_of_detail_stay() {
    let spans = exported("1", || {
        let _statement = tracing::info_span!(target: "sqlx::query", "statement", sql = "SELECT").entered();
        let _detail = tracing::debug_span!("detail").entered();
        let _ours = tracing::info_span!("ours").entered();
    });
    let names: Vec<_> = spans.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["ours"]);
}

#[test]
fn a_sample_keeps_whole_traces() {
    let work = || {
        for _ in 0..200 {
            let _outer = tracing::info_span!("outer").entered();
            let _inner = tracing::info_span!("inner").entered();
        }
    };
    assert!(exported("0", work).is_empty());
    assert_eq!(exported("1", work).len(), 400);
    let half = exported("0.5", work);
    let inner = half.iter().filter(|(name, ..)| name == "inner");
    assert!(inner.clone().all(|(_, parent, _)| parent.as_deref() == Some("outer")));
    assert_eq!(inner.count() * 2, half.len());
}

/// Whoever ends a span never waits, and what is lost is counted.
#[test]
fn a_full_queue_drops_and_counts() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let (door, mut spans) = queue::new();
    metrics::with_local_recorder(&recorder, || {
        let provider = SdkTracerProvider::builder().with_span_processor(door).build();
        let tracer = provider.tracer("test");
        for _ in 0..queue::LENGTH + 3 {
            drop(tracer.start("span"));
        }
    });
    let text = recorder.handle().render();
    assert!(
        text.contains("isocenter_trace_spans_total{outcome=\"dropped\"} 3"),
        "{text}"
    );
    let mut waiting = 0;
    while let Some(batch) = spans.left() {
        assert!(batch.len() <= 512);
        waiting += batch.len();
    }
    assert_eq!(waiting, queue::LENGTH);
}

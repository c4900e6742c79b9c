//! Metrics: the recorder, and the gauges that somebody has to look after.
//!
//! Counters and histograms are recorded where things happen; what is a state (how much is stored, what waits, memory)
//! is read here at intervals, never in the path of an object.

mod plugins;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use isocenter_pipeline::Pipeline;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often the gauges are read.
const INTERVAL: Duration = Duration::from_secs(10);

/// Upper bounds of latency histograms, in seconds.
const SECONDS: [f64; 13] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0,
];

/// Upper bounds of what calls of plugins took at most, in bytes: 1 to 512 MiB.
const BYTES: [f64; 10] = [
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
];

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// What `/metrics` answers.
    pub fn renderer(&self, pipeline: Pipeline) -> Arc<dyn Fn() -> String + Send + Sync> {
        let handle = self.0.clone();
        Arc::new(move || handle.render() + &plugins::lines(&pipeline.set()))
    }
}

/// Makes this process record its metrics.
///
/// # Errors
/// A recorder is there already.
pub fn install() -> Result<Metrics, String> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_memory_bytes".to_owned()), &BYTES))
        .and_then(PrometheusBuilder::install_recorder)
        .map(Metrics)
        .map_err(|error| error.to_string())
}

/// A queue, by its labels.
type Queue = [(&'static str, String); 5];

/// Reads the gauges until `stop`.
pub async fn watch(pipeline: Pipeline, metrics: Metrics, stop: CancellationToken) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut queues = BTreeSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        read(&pipeline, &mut queues).await;
        metrics.0.run_upkeep();
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; counts stay far below 2^53"
)]
async fn read(pipeline: &Pipeline, queues: &mut BTreeSet<Queue>) {
    if let Some(bytes) = resident() {
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    let index = pipeline.archive().index();
    match index.totals().await {
        Ok(totals) => {
            for (what, count) in [
                ("studies", totals.studies),
                ("series", totals.series),
                ("objects", totals.objects),
                ("quarantined", totals.quarantined),
            ] {
                metrics::gauge!("isocenter_stored", "what" => what).set(count as f64);
            }
            metrics::gauge!("isocenter_stored_bytes").set(totals.bytes as f64);
        }
        Err(error) => tracing::debug!(%error, "no totals"),
    }
    if let Ok(backlogs) = index.waiting_by_destination().await {
        // What a queue that is empty now held last would stand for ever.
        let mut empty = std::mem::take(queues);
        for backlog in backlogs {
            let of = |name: Option<String>| name.unwrap_or_default();
            let labels = [
                ("kind", backlog.kind.as_str().to_owned()),
                ("destination", of(backlog.destination)),
                ("chain", of(backlog.chain)),
                ("plugin", of(backlog.plugin)),
                ("queue", of(backlog.queue)),
            ];
            metrics::gauge!("isocenter_queue_waiting", &labels).set(backlog.waiting as f64);
            metrics::gauge!("isocenter_queue_dead", &labels).set(backlog.dead as f64);
            empty.remove(&labels);
            queues.insert(labels);
        }
        for labels in empty {
            metrics::gauge!("isocenter_queue_waiting", &labels).set(0.0);
            metrics::gauge!("isocenter_queue_dead", &labels).set(0.0);
        }
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

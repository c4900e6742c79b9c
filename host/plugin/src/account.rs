//! What each call adds to the metrics, whatever its role and whoever called.
//!
//! Separate because it is the one place that names these metrics. The handles are made at the first call and kept:
//! finding one by its labels costs more than a small call.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use isocenter_role::{Cost, Role};
use metrics::{Counter, Histogram, Label};

/// The account of one role of one plugin.
pub(crate) struct Account {
    plugin: String,
    role: Role,
    /// Calls that change nothing are counted apart and measured not at all.
    dry: bool,
    handles: OnceLock<Handles>,
    outcomes: Mutex<BTreeMap<&'static str, Counter>>,
}

struct Handles {
    queue: Histogram,
    instantiate: Histogram,
    run: Histogram,
    host_wait: Histogram,
    memory: Histogram,
}

impl Account {
    pub(crate) fn new(plugin: &str, role: Role, dry: bool) -> Account {
        Account {
            plugin: plugin.to_owned(),
            role,
            dry,
            handles: OnceLock::new(),
            outcomes: Mutex::default(),
        }
    }

    fn labels(&self) -> Vec<Label> {
        vec![
            Label::new("plugin", self.plugin.clone()),
            Label::from_static_parts("role", self.role.as_str()),
        ]
    }

    /// Counts a call under the word for its outcome, and what it cost.
    pub(crate) fn record(&self, outcome: &'static str, cost: &Cost) {
        self.counter(outcome).increment(1);
        if self.dry {
            return;
        }
        let handles = self.handles.get_or_init(|| Handles {
            queue: metrics::histogram!("isocenter_plugin_queue_seconds", self.labels()),
            instantiate: metrics::histogram!("isocenter_plugin_instantiate_seconds", self.labels()),
            run: metrics::histogram!("isocenter_plugin_seconds", self.labels()),
            host_wait: metrics::histogram!("isocenter_plugin_host_wait_seconds", self.labels()),
            memory: metrics::histogram!("isocenter_plugin_memory_bytes", self.labels()),
        });
        handles.queue.record(cost.queue.as_secs_f64());
        handles.instantiate.record(cost.instantiate.as_secs_f64());
        handles.run.record(cost.wall.as_secs_f64());
        handles.host_wait.record(cost.host_wait.as_secs_f64());
        handles.memory.record(cost.peak_memory as f64);
    }

    fn counter(&self, outcome: &'static str) -> Counter {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = outcomes.entry(outcome).or_insert_with(|| {
            let mut labels = self.labels();
            labels.push(Label::from_static_parts("outcome", outcome));
            if self.dry {
                metrics::counter!("isocenter_plugin_dry_calls_total", labels)
            } else {
                metrics::counter!("isocenter_plugin_calls_total", labels)
            }
        });
        counter.clone()
    }
}

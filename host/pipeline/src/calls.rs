//! What each call of a plugin adds to the metrics, whatever its role.

use isocenter_plugin::{Failure, Outcome, Plugin};

/// Counts a call by its outcome, and the time it took. `answered` puts an answer into a word.
pub(crate) fn record<T>(plugin: &Plugin, role: &'static str, outcome: &Outcome<T>, answered: fn(&T) -> &'static str) {
    let word = outcome.result.as_ref().map_or_else(failed, answered);
    let plugin = plugin.name().to_owned();
    metrics::counter!("isocenter_plugin_calls_total", "plugin" => plugin.clone(), "role" => role, "outcome" => word)
        .increment(1);
    metrics::histogram!("isocenter_plugin_seconds", "plugin" => plugin, "role" => role)
        .record(outcome.cost.wall.as_secs_f64());
}

/// A word for a failure, for metrics.
fn failed(failure: &Failure) -> &'static str {
    match failure {
        Failure::Trap(_) => "trap",
        Failure::Deadline { .. } => "deadline",
        Failure::Memory { .. } => "memory",
        Failure::Never(_) => "never",
        Failure::After { .. } => "after",
        Failure::Overloaded => "overloaded",
        Failure::Tripped { .. } => "tripped",
    }
}

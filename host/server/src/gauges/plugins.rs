//! What plugins are and what they count, as lines of the Prometheus text format.
//!
//! Written here and not recorded, because a reload may take a plugin away, and what is recorded stays for ever; and read
//! whenever somebody asks, because a breaker may open and close between two readings at intervals.

use std::fmt::Write;

use isocenter_pipeline::Set;
use isocenter_pipeline::duty::Duty;
use isocenter_role::{Measure, Plugin};

/// The lines for every plugin of a set.
pub fn lines(set: &Set) -> String {
    let mut text = String::new();
    states(&mut text, set);
    series(&mut text, set);
    text
}

fn states(text: &mut String, set: &Set) {
    head(
        text,
        "isocenter_plugin_state",
        "gauge",
        "What a role of a plugin does now: 1 for its state",
    );
    for plugin in set.plugins.values() {
        let name = label(plugin.name());
        for role in plugin.roles() {
            let now = set.duty(&**plugin, role).word();
            for word in Duty::WORDS {
                let value = u8::from(word == now);
                line(
                    text,
                    format_args!(
                        "isocenter_plugin_state{{plugin=\"{name}\",role=\"{role}\",state=\"{word}\"}} {value}"
                    ),
                );
            }
        }
    }
}

/// A family of what plugins count: its name, its type, its help, and its value where a series has one.
type Family = (&'static str, &'static str, &'static str, fn(&Measure) -> Option<String>);

const FAMILIES: [Family; 5] = [
    (
        "count_total",
        "counter",
        "What plugins count",
        |measure| match measure {
            Measure::Counter(value) => Some(value.to_string()),
            Measure::Summary { .. } => None,
        },
    ),
    (
        "observed_count",
        "counter",
        "Observations of plugins",
        |measure| match measure {
            Measure::Summary { count, .. } => Some(count.to_string()),
            Measure::Counter(_) => None,
        },
    ),
    ("observed_sum", "gauge", "Their sum", |measure| match measure {
        Measure::Summary { sum, .. } => Some(sum.to_string()),
        Measure::Counter(_) => None,
    }),
    (
        "observed_least",
        "gauge",
        "The least of them",
        |measure| match measure {
            Measure::Summary { least, .. } => Some(least.to_string()),
            Measure::Counter(_) => None,
        },
    ),
    (
        "observed_greatest",
        "gauge",
        "The greatest of them",
        |measure| match measure {
            Measure::Summary { greatest, .. } => Some(greatest.to_string()),
            Measure::Counter(_) => None,
        },
    ),
];

/// What plugins count themselves: at most 50 names each.
fn series(text: &mut String, set: &Set) {
    for (family, kind, help, value) in FAMILIES {
        let metric = format!("isocenter_plugin_own_{family}");
        head(text, &metric, kind, help);
        for plugin in set.plugins.values() {
            own(text, &metric, &**plugin, value);
        }
    }
}

fn own(text: &mut String, metric: &str, plugin: &dyn Plugin, value: fn(&Measure) -> Option<String>) {
    let name = label(plugin.name());
    for series in plugin.series() {
        if let Some(value) = value(&series.measure) {
            let own = label(&series.name);
            line(
                text,
                format_args!("{metric}{{plugin=\"{name}\",name=\"{own}\"}} {value}"),
            );
        }
    }
}

fn head(text: &mut String, metric: &str, kind: &str, help: &str) {
    line(text, format_args!("# HELP {metric} {help}\n# TYPE {metric} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

/// A label's value, with what the format would take for its end escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

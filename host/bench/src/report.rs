//! What was measured, as a table to read and as JSON to keep, with each row's ratios to its references.
//!
//! Separate from the measuring so that it is pure: measurements in, text out.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::generate::Size;
use crate::load::Outcome;

/// What received a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Append,
    Commits,
    /// The host without filters.
    Host,
    /// The host with a chain of two filters.
    HostWithChain,
    /// The host with a chain of five filters.
    HostWithFive,
    OrthancPostgres,
    OrthancSqlite,
}

/// One system under one load.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) objects: u64,
    pub(crate) failures: u64,
    pub(crate) first_failure: Option<String>,
    pub(crate) seconds: f64,
    pub(crate) objects_per_second: f64,
    pub(crate) megabytes_per_second: f64,
    pub(crate) p50_milliseconds: Option<f64>,
    pub(crate) p99_milliseconds: Option<f64>,
    /// Of the system and its Postgres.
    pub(crate) cpu_seconds_per_gigabyte: Option<f64>,
    pub(crate) cpu_milliseconds_per_object: Option<f64>,
    /// Of the load generator, which shares the processors.
    pub(crate) generator_cpu_seconds_per_gigabyte: Option<f64>,
    /// Of the system without its Postgres.
    pub(crate) peak_megabytes: Option<f64>,
    /// Ended by the time limit.
    pub(crate) cut: bool,
}

/// CPU seconds and peak memory that a load cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) system_seconds: f64,
    pub(crate) generator_seconds: f64,
    pub(crate) peak_bytes: u64,
}

impl Cost {
    pub(crate) fn add(&mut self, other: Self) {
        self.system_seconds += other.system_seconds;
        self.generator_seconds += other.generator_seconds;
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
    }
}

impl Measured {
    /// `cost` is `None` for the references, whose cost is not the question.
    pub(crate) fn of(kind: Kind, name: &str, outcome: &Outcome, cost: Option<Cost>) -> Self {
        let mut latencies = outcome.latencies.clone();
        latencies.sort_unstable();
        let gigabytes = outcome.bytes as f64 / 1e9;
        let per_gigabyte = |seconds: f64| {
            if gigabytes > 0.0 { seconds / gigabytes } else { 0.0 }
        };
        Self {
            kind,
            name: name.to_owned(),
            objects: outcome.objects,
            failures: outcome.failures,
            first_failure: outcome.first_failure.clone(),
            seconds: outcome.seconds,
            objects_per_second: outcome.rate(),
            megabytes_per_second: outcome.rate() * outcome.bytes as f64 / outcome.objects.max(1) as f64 / 1e6,
            p50_milliseconds: quantile(&latencies, 0.50),
            p99_milliseconds: quantile(&latencies, 0.99),
            cpu_seconds_per_gigabyte: cost.map(|cost| per_gigabyte(cost.system_seconds)),
            cpu_milliseconds_per_object: cost.map(|cost| cost.system_seconds * 1e3 / outcome.objects.max(1) as f64),
            generator_cpu_seconds_per_gigabyte: cost.map(|cost| per_gigabyte(cost.generator_seconds)),
            peak_megabytes: cost.map(|cost| cost.peak_bytes as f64 / 1e6),
            cut: outcome.cut,
        }
    }

    /// The reference that has a rate only.
    pub(crate) fn commits(per_second: f64, mean_latency: Duration) -> Self {
        let outcome = Outcome {
            latencies: vec![mean_latency],
            ..Outcome::default()
        };
        let nothing = Self::of(Kind::Commits, "Postgres commits (mean latency)", &outcome, None);
        Self {
            objects_per_second: per_second,
            p99_milliseconds: None,
            ..nothing
        }
    }
}

/// The value below which this part of the sorted latencies lies, in milliseconds.
pub(crate) fn quantile(sorted: &[Duration], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get((last as f64 * part).round() as usize)
        .map(|latency| latency.as_secs_f64() * 1e3)
}

/// The systems under one load, in the order of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    #[serde(serialize_with = "size_name")]
    pub(crate) size: Size,
    pub(crate) associations: u32,
    pub(crate) objects: u32,
    pub(crate) object_bytes: u64,
    pub(crate) systems: Vec<Measured>,
}

fn size_name<S: serde::Serializer>(size: &Size, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(size.name())
}

impl Row {
    /// Objects per second of a kind of system, if it was measured.
    pub(crate) fn rate(&self, kind: Kind) -> Option<f64> {
        let found = self.systems.iter().find(|system| system.kind == kind)?;
        Some(found.objects_per_second).filter(|rate| *rate > 0.0)
    }

    /// The row as a table.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{} objects ({} of {} KB), {} association{}\n{:34}{:>9}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}{:>10}{:>11}{:>9}{:>9}\n",
            self.size.name(),
            self.objects,
            self.object_bytes / 1000,
            self.associations,
            if self.associations == 1 { "" } else { "s" },
            "",
            "obj/s",
            "MB/s",
            "p50 ms",
            "p99 ms",
            "CPU s/GB",
            "ms/obj",
            "peak MB",
            "of sync",
            "of commit",
            "xO.+Pg",
            "xO.+SQL",
        );
        for system in &self.systems {
            let ratio = |kind: Kind| {
                let reference = self
                    .rate(kind)
                    .filter(|_| kind != system.kind && system.kind != Kind::Commits)?;
                Some(system.objects_per_second / reference)
            };
            let percent = |kind: Kind| ratio(kind).map_or("".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
            let times = |kind: Kind| ratio(kind).map_or("".to_owned(), |ratio| format!("{ratio:.2}"));
            let _ = write!(
                text,
                "  {:32}{:>9.0}{:>8}{:>8}{:>8}{:>9}{:>9}{:>9}{:>10}{:>11}{:>9}{:>9}",
                system.name,
                system.objects_per_second,
                Some(system.megabytes_per_second)
                    .filter(|rate| *rate > 0.0)
                    .map_or("".to_owned(), |rate| format!("{rate:.1}")),
                number(system.p50_milliseconds, 2),
                number(system.p99_milliseconds, 2),
                number(system.cpu_seconds_per_gigabyte, 2),
                number(system.cpu_milliseconds_per_object, 2),
                number(system.peak_megabytes, 0),
                percent(Kind::Append),
                percent(Kind::Commits),
                times(Kind::OrthancPostgres),
                times(Kind::OrthancSqlite),
            );
            text.push_str(if system.cut {
                "  stopped by the time limit\n"
            } else {
                "\n"
            });
            if let Some(failure) = &system.first_failure {
                let _ = writeln!(text, "    {} not acknowledged, the first: {failure}", system.failures);
            }
        }
        let generator = self
            .systems
            .iter()
            .filter(|system| matches!(system.kind, Kind::Host | Kind::HostWithChain | Kind::HostWithFive));
        let generator = generator
            .filter_map(|system| system.generator_cpu_seconds_per_gigabyte)
            .reduce(f64::max);
        if let Some(cost) = generator {
            let _ = writeln!(text, "  (the load generator itself: {cost:.2} CPU s/GB)");
        }
        text
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests;

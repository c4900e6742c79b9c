//! The project's targets for speed and memory, and how far this run was from each.
//!
//! Separate from the report so that the numbers which were promised stand in one place. A missed target is
//! printed, never asserted: a run on a busy machine proves nothing.

use serde::Serialize;

use crate::generate::Size;
use crate::queries::{self, Asked, Question};
use crate::report::{Kind, Measured, Row};
use crate::retrieval::{self, Retrieved};

/// Rates against Orthanc with Postgres, by size and associations.
const AGAINST_POSTGRES: [(Size, u32, f64); 4] = [
    (Size::Small, 1, 5.0),
    (Size::Large, 1, 3.0),
    (Size::Small, 8, 8.0),
    (Size::Large, 8, 4.0),
];
const CPU_SECONDS_PER_GIGABYTE: f64 = 4.0;
const PART_OF_RATE_WITH_CHAIN: f64 = 0.90;
const PART_OF_RATE_WITH_FIVE: f64 = 0.85;
/// Associations for the target above.
const ASSOCIATIONS_WITH_FIVE: u32 = 8;
const PEAK_MEGABYTES: f64 = 256.0;
const IDLE_MEGABYTES: f64 = 100.0;
const EMPTY_CALL_MICROSECONDS: f64 = 35.0;
const HOST_CALL_NANOSECONDS: f64 = 120.0;
const READ_AND_EDIT_MICROSECONDS: f64 = 200.0;
/// Of each of a hundred.
const PLUGIN_MEGABYTES: f64 = 3.0;
/// Of each of a thousand that rest.
const ASSOCIATION_KILOBYTES: f64 = 50.0;
/// Of ten plugins.
const START_MILLISECONDS: f64 = 100.0;

/// At the 99th percentile, for keys that have an index.
const FIND_MILLISECONDS: f64 = 10.0;
/// Two hundred times the studies: nothing beyond what two runs differ by.
const FIND_GROWTH: f64 = 1.25;
const FIND_AGAINST_POSTGRES: f64 = 2.5;
const RETRIEVAL_AGAINST_ORTHANC: f64 = 2.0;
const RETRIEVAL_AGAINST_COPY: f64 = 0.6;

/// A promise and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) wanted: f64,
    pub(crate) measured: f64,
    pub(crate) met: bool,
}

impl Target {
    fn at_least(what: String, unit: &'static str, wanted: f64, measured: f64) -> Self {
        Self {
            what,
            unit,
            wanted,
            measured,
            met: measured >= wanted,
        }
    }

    fn at_most(what: String, unit: &'static str, wanted: f64, measured: f64) -> Self {
        Self {
            what,
            unit,
            wanted,
            measured,
            met: measured <= wanted,
        }
    }

    /// One line: met or missed, and by how much.
    pub(crate) fn line(&self) -> String {
        let Self {
            what,
            unit,
            wanted,
            measured,
            met,
        } = self;
        let (verdict, apart) = if *met { ("met   ", "") } else { ("MISSED", "  ") };
        let by = if *met {
            String::new()
        } else {
            format!("by {:.0} %", (measured / wanted - 1.0).abs() * 100.0)
        };
        format!("  {verdict}  {what:82} wanted {wanted:>6.2}, is {measured:>7.2} {unit}{apart}{by}")
    }
}

/// What is known besides the rows.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Besides {
    /// Of the host with plugins loaded, its Postgres apart.
    pub(crate) idle_megabytes: Option<f64>,
    /// Median of a fresh instance and an empty call.
    pub(crate) empty_call_microseconds: Option<f64>,
    /// Of the smallest one.
    pub(crate) host_call_nanoseconds: Option<f64>,
    /// Median of a filter that reads thirty elements and records fifty edits.
    pub(crate) read_and_edit_microseconds: Option<f64>,
    /// What each of a hundred plugins adds to an idle host.
    pub(crate) plugin_megabytes: Option<f64>,
    /// What ten plugins add to a start.
    pub(crate) start_milliseconds: Option<f64>,
    /// What each of a thousand associations adds to a host, that rest.
    pub(crate) association_kilobytes: Option<f64>,
}

/// Every target that this run measured.
pub(crate) fn judge(rows: &[Row], besides: Besides) -> Vec<Target> {
    let mut targets = Vec::new();
    for (size, associations, wanted) in AGAINST_POSTGRES {
        let row = rows
            .iter()
            .find(|row| row.size == size && row.associations == associations);
        if let Some(measured) = row.and_then(|row| Some(row.rate(Kind::Host)? / row.rate(Kind::OrthancPostgres)?)) {
            let what = format!(
                "rate to Orthanc with Postgres, {} objects, associations: {associations}",
                size.name()
            );
            targets.push(Target::at_least(what, "times", wanted, measured));
        }
    }
    for row in rows {
        if let (Some(host), Some(orthanc)) = (row.rate(Kind::Host), row.rate(Kind::OrthancSqlite)) {
            let what = format!(
                "rate to Orthanc with SQLite, {} objects, associations: {}",
                row.size.name(),
                row.associations
            );
            targets.push(Target::at_least(what, "times", 1.0, host / orthanc));
        }
    }
    targets.extend(rows.iter().flat_map(with_chains));
    for (kind, name) in [
        (Kind::Host, "without a chain"),
        (Kind::HostWithChain, "with a chain of two"),
    ] {
        let large = systems(rows, kind, Some(Size::Large));
        if let Some(worst) = large
            .filter_map(|system| system.cpu_seconds_per_gigabyte)
            .reduce(f64::max)
        {
            let what = format!("CPU for large objects, {name}, its Postgres included, worst row");
            targets.push(Target::at_most(what, "s/GB", CPU_SECONDS_PER_GIGABYTE, worst));
        }
    }
    let kinds = [Kind::Host, Kind::HostWithChain, Kind::HostWithFive];
    let all = kinds.into_iter().flat_map(|kind| systems(rows, kind, None));
    if let Some(worst) = all.filter_map(|system| system.peak_megabytes).reduce(f64::max) {
        targets.push(Target::at_most(
            "peak resident memory of the host, worst row".to_owned(),
            "MB",
            PEAK_MEGABYTES,
            worst,
        ));
    }
    targets.extend(apart(besides));
    targets
}

/// What chains may cost.
fn with_chains(row: &Row) -> Vec<Target> {
    let Some(without) = row.rate(Kind::Host) else {
        return Vec::new();
    };
    let judged = row.systems.iter().filter_map(|system| {
        let wanted = match system.kind {
            Kind::HostWithChain => PART_OF_RATE_WITH_CHAIN,
            Kind::HostWithFive if row.associations == ASSOCIATIONS_WITH_FIVE => PART_OF_RATE_WITH_FIVE,
            _ => return None,
        };
        let what = format!(
            "rate with {} to rate without, {} objects, associations: {}",
            system.name.trim_start_matches("isocenter, "),
            row.size.name(),
            row.associations
        );
        Some(Target::at_least(
            what,
            "times",
            wanted,
            system.objects_per_second / without,
        ))
    });
    judged.collect()
}

/// What was measured apart from the rows.
fn apart(besides: Besides) -> Vec<Target> {
    let table = [
        (
            "idle resident memory of the host, plugins loaded",
            "MB",
            IDLE_MEGABYTES,
            besides.idle_megabytes,
        ),
        (
            "fresh instance and empty call, median",
            "us",
            EMPTY_CALL_MICROSECONDS,
            besides.empty_call_microseconds,
        ),
        (
            "typed host call",
            "ns",
            HOST_CALL_NANOSECONDS,
            besides.host_call_nanoseconds,
        ),
        (
            "filter that reads 30 elements and records 50 edits, median",
            "us",
            READ_AND_EDIT_MICROSECONDS,
            besides.read_and_edit_microseconds,
        ),
        (
            "resident memory of each of 100 idle plugins",
            "MB",
            PLUGIN_MEGABYTES,
            besides.plugin_megabytes,
        ),
        (
            "what ten plugins add to a start",
            "ms",
            START_MILLISECONDS,
            besides.start_milliseconds,
        ),
        (
            "resident memory of each of 1000 associations that rest",
            "KB",
            ASSOCIATION_KILOBYTES,
            besides.association_kilobytes,
        ),
    ];
    let measured = table
        .into_iter()
        .filter_map(|(what, unit, wanted, measured)| Some(Target::at_most(what.to_owned(), unit, wanted, measured?)));
    measured.collect()
}

/// What queries may take.
pub(crate) fn of_queries(all: &[Asked]) -> Vec<Target> {
    let mut targets = Vec::new();
    for (question, lanes) in queries::asked() {
        let name = question.name();
        let (few, many) = (
            queries::of(all, queries::HOST, question, lanes, false),
            queries::of(all, queries::HOST, question, lanes, true),
        );
        if let (Some(few), Some(many)) = (few, many) {
            let what = format!("C-FIND by {name}, {} studies, associations: {lanes}, p99", many.studies);
            targets.push(Target::at_most(what, "ms", FIND_MILLISECONDS, many.p99));
            let what = format!(
                "C-FIND by {name}, median, {} studies to {}, associations: {lanes}",
                many.studies, few.studies
            );
            targets.push(Target::at_most(what, "times", FIND_GROWTH, many.p50 / few.p50));
        }
        for (system, wanted) in [(queries::POSTGRES, FIND_AGAINST_POSTGRES), (queries::SQLITE, 1.0)] {
            let judged = question == Question::PatientId && (system == queries::POSTGRES || lanes > 1);
            if let (true, Some(few), Some(orthanc)) = (judged, few, queries::of(all, system, question, lanes, false)) {
                let what = format!("C-FIND by {name}, rate to {system}, associations: {lanes}");
                targets.push(Target::at_least(
                    what,
                    "times",
                    wanted,
                    few.per_second / orthanc.per_second,
                ));
            }
        }
    }
    targets
}

/// How fast objects are given back.
pub(crate) fn of_retrieval(all: &[Retrieved]) -> Vec<Target> {
    let mut targets = Vec::new();
    for (way, lanes) in retrieval::asked() {
        let references = [
            (retrieval::POSTGRES, RETRIEVAL_AGAINST_ORTHANC),
            (retrieval::SQLITE, RETRIEVAL_AGAINST_ORTHANC),
            (retrieval::COPY, RETRIEVAL_AGAINST_COPY),
        ];
        for (system, wanted) in references {
            let rate = |system| retrieval::rate(all, system, way, lanes);
            if let (Some(host), Some(other)) = (rate(retrieval::HOST), rate(system)) {
                let what = format!("{}, MB/s to {system}, associations: {lanes}", way.name());
                targets.push(Target::at_least(what, "times", wanted, host / other));
            }
        }
    }
    if let Some(worst) = all.iter().filter_map(|one| one.peak_megabytes).reduce(f64::max) {
        targets.push(Target::at_most(
            "peak resident memory of the host in retrieval".to_owned(),
            "MB",
            PEAK_MEGABYTES,
            worst,
        ));
    }
    targets
}

fn systems(rows: &[Row], kind: Kind, size: Option<Size>) -> impl Iterator<Item = &Measured> {
    let rows = rows.iter().filter(move |row| size.is_none_or(|size| row.size == size));
    rows.flat_map(|row| &row.systems)
        .filter(move |system| system.kind == kind)
}

#[cfg(test)]
mod tests;

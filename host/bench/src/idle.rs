//! What configured plugins cost a host that does nothing: time at its start, memory after it.
//!
//! Separate from the loads because a start is measured many times, with none, ten and a hundred plugins in turns, on
//! one data folder whose compiled code is there.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cpu;
use crate::host::Host;

/// Turns; each starts the host once with every number of plugins.
const ROUNDS: usize = 5;
/// Numbers of plugins; the first is what the others are compared with.
const NUMBERS: [usize; 3] = [0, 10, 100];

/// Components, with what they need to load: roles of all kinds.
const COMPONENTS: [(&str, &str); 10] = [
    ("stamp", r#"config = { set = { StationName = "CT-2" } }"#),
    ("anonymize", r#"grant = { secrets = ["site-key"] }"#),
    ("rules", r#"config = { default = ["research"] }"#),
    (
        "test/guest",
        "grant = { secrets = [\"site-key\"] }\nconfig = { do = \"nothing\" }",
    ),
    (
        "test/roles",
        "grant = { secrets = [\"site-key\"] }\nconfig = { do = \"nothing\" }",
    ),
    ("test/filter", "config = { rows = 2, bright = 10 }"),
    ("test/authorizer", ""),
    ("test/route", ""),
    ("test/router", "config = { rooms = {} }"),
    (
        "test/study-router",
        "config = { min-series = 2, send-to = \"research\" }",
    ),
];

/// Hosts with so many plugins; medians.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Idle {
    pub(crate) plugins: usize,
    /// From the start of the process until it is ready.
    pub(crate) start_milliseconds: f64,
    pub(crate) resident_megabytes: f64,
    /// The same, but of pages that several processes map only this one's part.
    pub(crate) proportional_megabytes: f64,
}

/// The starts with one number of plugins.
struct Starts {
    plugins: usize,
    took: Vec<Duration>,
    resident: Vec<u64>,
    proportional: Vec<u64>,
}

/// Starts hosts one after the other, and ends each.
///
/// # Errors
/// A host does not become ready.
pub(crate) fn measure(program: &Path, plugins: &Path, folder: &Path) -> Result<Vec<Idle>, Box<dyn Error>> {
    let file = |name: &str| plugins.join(name).with_extension("wasm");
    let components: Vec<_> = COMPONENTS.iter().filter(|(name, _)| file(name).exists()).collect();
    if components.is_empty() {
        return Ok(Vec::new());
    }
    let configuration = |number: usize| {
        let mut text = "[destinations.research]\nfolder = \"research\"\n".to_owned();
        for (nth, (name, more)) in (0..number).zip(components.iter().cycle()) {
            let _ = writeln!(text, "[plugins.idle-{nth}]\nsource = {:?}\n{more}", file(name));
        }
        text
    };
    let folder = folder.join("idle");
    let start = |number: usize| Host::start(program, &configuration(number), &folder);
    // Makes the database and compiles everything.
    start(components.len())?;
    let mut all = NUMBERS.map(Starts::new);
    for _ in 0..ROUNDS {
        for starts in &mut all {
            starts.add(&start(starts.plugins)?);
        }
    }
    Ok(all.map(Starts::median).into())
}

impl Starts {
    fn new(plugins: usize) -> Self {
        Self {
            plugins,
            took: Vec::new(),
            resident: Vec::new(),
            proportional: Vec::new(),
        }
    }

    fn add(&mut self, host: &Host) {
        self.took.push(host.start);
        self.resident.push(host.idle);
        self.proportional.push(cpu::proportional(host.id()));
    }

    fn median(mut self) -> Idle {
        Idle {
            plugins: self.plugins,
            start_milliseconds: middle(&mut self.took).map_or(0.0, |took| took.as_secs_f64() * 1e3),
            resident_megabytes: middle(&mut self.resident).map_or(0.0, |bytes| bytes as f64 / 1e6),
            proportional_megabytes: middle(&mut self.proportional).map_or(0.0, |bytes| bytes as f64 / 1e6),
        }
    }
}

fn middle<T: Ord + Copy>(values: &mut [T]) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// What so many plugins add to a start, in milliseconds.
pub(crate) fn added_start(all: &[Idle], plugins: usize) -> Option<f64> {
    let (none, some) = (of(all, 0)?, of(all, plugins)?);
    Some(some.start_milliseconds - none.start_milliseconds)
}

/// What each of so many plugins adds to the resident memory, in MB.
pub(crate) fn resident_each(all: &[Idle], plugins: usize) -> Option<f64> {
    let (none, some) = (of(all, 0)?, of(all, plugins)?);
    Some((some.resident_megabytes - none.resident_megabytes) / plugins as f64)
}

fn of(all: &[Idle], plugins: usize) -> Option<&Idle> {
    all.iter().find(|idle| idle.plugins == plugins)
}

/// All of it as a table.
pub(crate) fn table(all: &[Idle]) -> String {
    let mut text = format!(
        "The host idle, compiled code in its cache; medians of {ROUNDS} starts\n{:34}{:>10}{:>10}{:>10}{:>14}{:>16}\n",
        "", "start ms", "RSS MB", "PSS MB", "added ms", "RSS MB each",
    );
    for idle in all {
        let added = added_start(all, idle.plugins).filter(|_| idle.plugins > 0);
        let each = resident_each(all, idle.plugins).filter(|_| idle.plugins > 0);
        let _ = writeln!(
            text,
            "  {:32}{:>10.0}{:>10.1}{:>10.1}{:>14}{:>16}",
            format!("{} plugins", idle.plugins),
            idle.start_milliseconds,
            idle.resident_megabytes,
            idle.proportional_megabytes,
            added.map_or(String::new(), |added| format!("{added:.0}")),
            each.map_or(String::new(), |each| format!("{each:.2}")),
        );
    }
    text
}

#[cfg(test)]
mod tests;

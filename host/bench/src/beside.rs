//! What an honest sender notices of plugins that compute as long as they may: its latency alone, and beside them.
//!
//! Separate from the rows because two loads run at once here, and only one of them is measured. Each busy call stays
//! within its limit, so that no breaker ends the disturbance.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::chain::{self, Chain};
use crate::generate::{Generator, Size};
use crate::host::Host;
use crate::load::{self, Load, Outcome};
use crate::report::quantile;

/// Turns; in each every sender is alone once and beside the others once.
const ROUNDS: u32 = 3;
/// How long an honest sender sends in a turn.
const MEASURED: Duration = Duration::from_secs(5);
/// The others begin so long before and end so long after it.
const AROUND: Duration = Duration::from_millis(700);
/// Associations whose every object makes a filter compute: as many as the host has threads for plugins, or more.
const BUSY: u32 = 4;
/// More than anybody sends in the time.
const ENDLESS: u32 = 100_000;

/// One honest sender.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Beside {
    pub(crate) name: String,
    pub(crate) alone: Latency,
    pub(crate) beside: Latency,
}

/// From the first byte sent to the answer, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) objects: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Measures senders without a filter and with one.
///
/// # Errors
/// The host does not become ready, or an honest sender's object is not taken.
pub(crate) fn measure(
    generator: &Generator,
    program: &Path,
    plugins: &Path,
    folder: &Path,
) -> Result<Vec<Beside>, Box<dyn Error>> {
    let Some(busy) = Chain::busy(plugins) else {
        return Ok(Vec::new());
    };
    let mut chains = vec![Chain::none()];
    chains.extend(Chain::of_one(plugins));
    let configured: Vec<Chain> = chains.iter().chain([&busy]).cloned().collect();
    let configuration = chain::configuration(plugins, &configured)?;
    let host = Host::start(program, &configuration, &folder.join("beside"))?;
    let mut taken: Vec<[Outcome; 2]> = chains.iter().map(|_| Default::default()).collect();
    for _ in 0..ROUNDS {
        for (chain, [alone, beside]) in chains.iter().zip(&mut taken) {
            alone.add(honest(generator, &host, chain)?);
            beside.add(disturbed(generator, &host, chain, &busy)?);
        }
    }
    let measured = chains.iter().zip(taken).map(|(chain, [alone, beside])| Beside {
        name: chain.name.clone(),
        alone: Latency::of(alone),
        beside: Latency::of(beside),
    });
    Ok(measured.collect())
}

/// One association that sends for a while.
fn honest(generator: &Generator, host: &Host, chain: &Chain) -> Result<Outcome, Box<dyn Error>> {
    let load = Load {
        size: Size::Small,
        lanes: 1,
        objects: ENDLESS,
        limit: MEASURED,
    };
    let outcome = load::send(generator, load, &host.peer(chain))?;
    match &outcome.first_failure {
        Some(failure) => Err(host.trouble(failure).into()),
        None => Ok(outcome),
    }
}

/// The same beside those that keep a filter computing.
fn disturbed(generator: &Generator, host: &Host, chain: &Chain, busy: &Chain) -> Result<Outcome, Box<dyn Error>> {
    let load = Load {
        size: Size::Small,
        lanes: BUSY,
        objects: ENDLESS,
        limit: MEASURED + AROUND * 2,
    };
    thread::scope(|scope| {
        let others = scope.spawn(|| load::send(generator, load, &host.peer(busy)));
        thread::sleep(AROUND);
        let outcome = honest(generator, host, chain);
        match others.join() {
            Ok(Ok(others)) if others.objects > 0 => outcome,
            Ok(Ok(others)) => Err(host
                .trouble(&format!("no busy call ended: {:?}", others.first_failure))
                .into()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err("a sending thread panicked".into()),
        }
    })
}

impl Latency {
    fn of(mut outcome: Outcome) -> Self {
        outcome.latencies.sort_unstable();
        Self {
            objects: outcome.objects,
            p50: quantile(&outcome.latencies, 0.50).unwrap_or_default(),
            p99: quantile(&outcome.latencies, 0.99).unwrap_or_default(),
        }
    }
}

/// All of it as a table.
pub(crate) fn table(all: &[Beside]) -> String {
    let mut text = format!(
        "One association of small objects, beside {BUSY} whose filter computes 300 ms for each\n\
         {:34}{:>9}{:>8}{:>12}{:>8}{:>14}{:>11}\n",
        "", "p50 ms", "p99 ms", "beside: p50", "p99", "ratio of p50", "of p99",
    );
    for Beside { name, alone, beside } in all {
        let _ = writeln!(
            text,
            "  {name:32}{:>9.2}{:>8.2}{:>12.2}{:>8.2}{:>14.2}{:>11.2}",
            alone.p50,
            alone.p99,
            beside.p50,
            beside.p99,
            beside.p50 / alone.p50,
            beside.p99 / alone.p99,
        );
    }
    text
}

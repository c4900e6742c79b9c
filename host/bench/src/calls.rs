//! What a call costs in the plugin runtime itself: a fresh instance, the call, its end; and what one host call costs
//! inside it. With pooled instances and with instances on demand, in turns.
//!
//! Separate from the loads because there the cost hides behind the disk's; here nothing else happens. The
//! object is one that the loads send too, its header parsed before.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_plugin::{Allocation, Runtime, RuntimeOptions, Surroundings, WasmPlugin};
use isocenter_role::{Direction, Filter as _, OpenObject, Passage, Transport, Verdict};
use serde::Serialize;

use crate::chain::{CLOCKS, EMPTY, Filter, GETS, HOST_CALLS, READ_AND_EDIT};
use crate::cpu;
use crate::generate::{Generator, Size};

/// Turns: in each, every filter is called under every allocation.
const ROUNDS: usize = 5;
/// Calls at the beginning of each turn that are not measured: the pool and the caches are warm then, the instance never
/// is.
const WARM_UP: usize = 50;
/// Measured calls of a turn.
const CALLS: usize = 600;
/// Calls of a turn that come from another thread.
const FROM_OUTSIDE: usize = 200;
/// No plugin is called for longer in one turn.
const LONGEST: Duration = Duration::from_secs(3);
/// Plugins that are loaded to see what memory one takes.
const LOADED: usize = 24;

/// All calls, and what they come to.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Calls {
    pub(crate) filters: Vec<Called>,
    pub(crate) memory: Vec<Memory>,
}

/// The calls of one plugin under one allocation. Times are in microseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Called {
    pub(crate) name: &'static str,
    pub(crate) pooled: bool,
    pub(crate) calls: usize,
    pub(crate) edits: usize,
    pub(crate) instantiate: f64,
    /// As a chain waits for it: instantiation, call, end of the instance, and the accounts of all that.
    pub(crate) median: f64,
    pub(crate) p99: f64,
    /// The same from another thread than those of plugins.
    pub(crate) from_outside: f64,
    pub(crate) peak_memory_kilobytes: u64,
}

/// What a loaded plugin takes in this process.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) pooled: bool,
    /// Of the engine without a plugin.
    pub(crate) engine_megabytes: f64,
    pub(crate) plugin_megabytes: f64,
}

impl Calls {
    /// Median of a fresh instance and a call that does nothing, pooled, in microseconds.
    pub(crate) fn empty(&self) -> Option<f64> {
        Some(self.of(&EMPTY, true)?.median)
    }

    /// Median of the filter that reads thirty elements and records fifty edits, pooled, in microseconds.
    pub(crate) fn read_and_edit(&self) -> Option<f64> {
        Some(self.of(&READ_AND_EDIT, true)?.median)
    }

    /// What the smallest host call costs, pooled, in nanoseconds.
    pub(crate) fn host_call(&self) -> Option<f64> {
        self.each(&CLOCKS, true)
    }

    fn of(&self, filter: &Filter, pooled: bool) -> Option<&Called> {
        let mut filters = self.filters.iter();
        filters.find(|called| called.name == filter.name && called.pooled == pooled)
    }

    /// What each host call of this filter costs, in nanoseconds.
    fn each(&self, filter: &Filter, pooled: bool) -> Option<f64> {
        let difference = self.of(filter, pooled)?.median - self.of(&EMPTY, pooled)?.median;
        Some(difference * 1e3 / f64::from(HOST_CALLS))
    }

    /// The calls as a table.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "One filter call, each in a fresh instance; us, medians\n{:44}{:>9}{:>9}{:>9}{:>14}{:>8}{:>9}{:>8}\n",
            "", "instance", "call", "p99", "from outside", "edits", "peak KB", "calls",
        );
        for called in &self.filters {
            let _ = writeln!(
                text,
                "  {:42}{:>9.1}{:>9.1}{:>9.1}{:>14.1}{:>8}{:>9}{:>8}",
                format!("{}, {}", called.name, word(called.pooled)),
                called.instantiate,
                called.median,
                called.p99,
                called.from_outside,
                called.edits,
                called.peak_memory_kilobytes,
                called.calls,
            );
        }
        for (what, filter) in [("reading the clock", &CLOCKS), ("reading an element", &GETS)] {
            if let (Some(pooled), Some(on_demand)) = (self.each(filter, true), self.each(filter, false)) {
                let what = format!("one host call, {what}");
                let _ = writeln!(text, "  {what:42}{pooled:>9.0} ns pooled, {on_demand:.0} ns on demand");
            }
        }
        for memory in &self.memory {
            let _ = writeln!(
                text,
                "  {:42}{:>9.2} MB for each of {LOADED} plugins; {:.1} MB for the engine",
                format!("resident memory, {}", word(memory.pooled)),
                memory.plugin_megabytes,
                memory.engine_megabytes,
            );
        }
        text
    }
}

fn word(pooled: bool) -> &'static str {
    if pooled { "pooled" } else { "on demand" }
}

/// Calls every filter that is there, on the header of a CT object. `compiler` is the host's binary.
///
/// # Errors
/// The runtime does not start, a component is refused, or a filter does not keep the object.
pub(crate) fn measure(
    generator: &Generator,
    plugins: &Path,
    compiler: &Path,
    folder: &Path,
) -> Result<Calls, Box<dyn Error>> {
    let filters = Filter::all(plugins);
    if filters.is_empty() {
        return Ok(Calls::default());
    }
    let cache = folder.join("compiled");
    fs::create_dir_all(&cache)?;
    let mut options = RuntimeOptions::new(cache, SiteKey::new([7; 32]));
    // Another process, as in the host: what compiling leaves behind in memory is not the plugins'.
    options.compiler = Some(compiler.canonicalize()?);
    load(&Runtime::start(options.clone())?, &filters, plugins)?;

    let mut calls = Calls::default();
    let mut benches = Vec::new();
    for allocation in [Allocation::Pooled, Allocation::OnDemand] {
        options.allocation = allocation;
        let (bench, memory) = Bench::start(options.clone(), &filters, plugins)?;
        benches.push(bench);
        calls.memory.push(memory);
    }
    let header = header(generator)?;
    for _ in 0..ROUNDS {
        for bench in &mut benches {
            bench.turn(&header)?;
        }
    }
    for (nth, filter) in filters.iter().enumerate() {
        let of_each = benches.iter_mut().filter_map(|bench| bench.called(nth, filter.name));
        calls.filters.extend(of_each);
    }
    Ok(calls)
}

fn load(runtime: &Runtime, filters: &[&Filter], plugins: &Path) -> Result<Vec<Arc<WasmPlugin>>, Box<dyn Error>> {
    let loaded = filters
        .iter()
        .map(|filter| Ok(runtime.load(filter.spec(plugins)?, &Surroundings::default())?));
    loaded.collect()
}

/// The header of an object that the loads send too.
fn header(generator: &Generator) -> Result<Arc<Header>, Box<dyn Error>> {
    let mut feed = generator.feed(Size::Small, 1);
    let object = feed.next().map_err(|error| error.to_string())?.ok_or("no object")?;
    let data_set = [object.header, object.pixels].concat();
    let (header, _) = Header::parse(TransferSyntax::explicit_le(), &data_set, Limits::default())?;
    Ok(Arc::new(header))
}

/// A runtime with its plugins, and what their calls took.
struct Bench {
    pooled: bool,
    runtime: Runtime,
    plugins: Vec<(Arc<WasmPlugin>, Samples)>,
}

/// One entry for each call.
#[derive(Default)]
struct Samples {
    instantiations: Vec<Duration>,
    inside: Vec<Duration>,
    outside: Vec<Duration>,
    edits: usize,
    peak: u64,
}

impl Bench {
    /// Starts a runtime and sees what it and its plugins take; then only `filters` stay, each once.
    fn start(options: RuntimeOptions, filters: &[&Filter], plugins: &Path) -> Result<(Self, Memory), Box<dyn Error>> {
        let resident = || cpu::resident(std::process::id()) as f64 / 1e6;
        let pooled = options.allocation == Allocation::Pooled;
        let before = resident();
        let runtime = Runtime::start(options)?;
        let mut loaded = load(&runtime, filters, plugins)?;
        let first = resident();
        let more: Vec<&Filter> = filters.iter().copied().cycle().take(LOADED).collect();
        let unused = load(&runtime, &more, plugins)?;
        let plugin_megabytes = (resident() - first) / unused.len().max(1) as f64;
        let memory = Memory {
            pooled,
            engine_megabytes: (first - before - plugin_megabytes * filters.len() as f64).max(0.0),
            plugin_megabytes,
        };
        let plugins = loaded.drain(..).map(|plugin| (plugin, Samples::default())).collect();
        let bench = Self {
            pooled,
            runtime,
            plugins,
        };
        Ok((bench, memory))
    }

    /// Some calls of each plugin: in one visit to the threads of plugins, as a chain makes them, then from outside.
    fn turn(&mut self, header: &Arc<Header>) -> Result<(), Box<dyn Error>> {
        let caller = tokio::runtime::Builder::new_current_thread().build()?;
        for (plugin, samples) in &mut self.plugins {
            let visit = several(Arc::clone(plugin), Arc::clone(header), CALLS);
            let visited = caller.block_on(self.runtime.handle().spawn(visit))??;
            samples.inside.extend(visited.inside);
            samples.instantiations.extend(visited.instantiations);
            (samples.edits, samples.peak) = (visited.edits, visited.peak);
            let asked = several(Arc::clone(plugin), Arc::clone(header), FROM_OUTSIDE);
            samples.outside.extend(caller.block_on(asked)?.inside);
        }
        Ok(())
    }

    /// What all calls of one plugin come to.
    fn called(&mut self, nth: usize, name: &'static str) -> Option<Called> {
        let (_, samples) = self.plugins.get_mut(nth)?;
        for times in [&mut samples.inside, &mut samples.outside, &mut samples.instantiations] {
            times.sort_unstable();
        }
        Some(Called {
            name,
            pooled: self.pooled,
            calls: samples.inside.len(),
            edits: samples.edits,
            instantiate: at(&samples.instantiations, 0.5),
            median: at(&samples.inside, 0.5),
            p99: at(&samples.inside, 0.99),
            from_outside: at(&samples.outside, 0.5),
            peak_memory_kilobytes: samples.peak / 1000,
        })
    }
}

/// Calls one filter again and again, wherever this runs.
async fn several(plugin: Arc<WasmPlugin>, header: Arc<Header>, calls: usize) -> Result<Samples, String> {
    let passage = Arc::new(passage());
    let mut samples = Samples::default();
    let begun = Instant::now();
    for nth in 0..WARM_UP + calls {
        if begun.elapsed() > LONGEST {
            break;
        }
        let object = OpenObject::header(Arc::clone(&header));
        let asked = Instant::now();
        let outcome = Arc::clone(&plugin).filter(object, Arc::clone(&passage)).await;
        let took = asked.elapsed();
        let answer = outcome.result.map_err(|failure| failure.to_string())?;
        if answer.verdict != Verdict::Keep {
            return Err(format!("the object was not kept: {:?}", answer.verdict));
        }
        if nth >= WARM_UP {
            samples.inside.push(took);
            samples.instantiations.push(outcome.cost.instantiate);
            (samples.edits, samples.peak) = (answer.edits.len(), outcome.cost.peak_memory);
        }
    }
    Ok(samples)
}

fn passage() -> Passage {
    Passage {
        direction: Direction::Ingest,
        transport: Transport::Dimse,
        calling_ae: Some("BENCH".to_owned()),
        called_ae: Some("ISOCENTER".to_owned()),
        peer: None,
        subject: None,
        destination: None,
        hops: 0,
    }
}

/// The value below which this part of the sorted times lies, in microseconds.
fn at(sorted: &[Duration], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * part).round() as usize)
        .map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

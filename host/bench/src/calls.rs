//! What one filter call costs in the plugin runtime itself: a fresh instance, the call, its end.
//!
//! Separate from the loads because there the cost hides behind the disk's; here nothing else happens. The
//! object is one that the loads send too.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_plugin::{Runtime, RuntimeOptions, Surroundings, WasmPlugin};
use isocenter_role::{Direction, Filter as _, OpenObject, Passage, Transport, Verdict};
use serde::Serialize;

use crate::chain::Filter;
use crate::generate::{Generator, Size};

/// Calls before the measured ones: the breaker, the pool and the caches are warm then, the instance never is.
const WARM_UP: usize = 200;
const CALLS: usize = 3000;
/// No plugin is called for longer.
const LONGEST: Duration = Duration::from_secs(10);

/// The calls of one plugin.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Calls {
    pub(crate) name: String,
    pub(crate) calls: usize,
    pub(crate) edits: usize,
    /// From the moment when the call has its slot: instantiation, call, drop.
    pub(crate) median_microseconds: f64,
    pub(crate) p99_microseconds: f64,
    /// As the caller waits, the change to the plugin runtime's threads and back included.
    pub(crate) caller_median_microseconds: f64,
    pub(crate) peak_memory_kilobytes: u64,
}

impl Calls {
    /// One line for the report.
    pub(crate) fn line(&self) -> String {
        format!(
            "  {:32}{:>9.1} us median, {:.1} p99; the caller waits {:.1}; {} edits; {} KB of memory; {} calls",
            self.name,
            self.median_microseconds,
            self.p99_microseconds,
            self.caller_median_microseconds,
            self.edits,
            self.peak_memory_kilobytes,
            self.calls,
        )
    }
}

/// Calls one filter after the other, on the header of a CT object.
///
/// # Errors
/// The runtime does not start, a component is refused, or a filter does not keep the object.
pub(crate) fn measure(
    generator: &Generator,
    filters: &[&Filter],
    plugins: &Path,
    folder: &Path,
) -> Result<Vec<Calls>, Box<dyn Error>> {
    let mut feed = generator.feed(Size::Small, 1);
    let object = feed.next().map_err(|error| error.to_string())?.ok_or("no object")?;
    let data_set = [object.header, object.pixels].concat();
    let (header, _) = Header::parse(TransferSyntax::explicit_le(), &data_set, Limits::default())?;
    let header = Arc::new(header);
    let cache = folder.join("compiled");
    fs::create_dir_all(&cache)?;
    let runtime = Runtime::start(RuntimeOptions::new(cache, SiteKey::new([7; 32])))?;
    let caller = tokio::runtime::Builder::new_current_thread().build()?;
    let mut measured = Vec::new();
    for filter in filters {
        let plugin = runtime.load(filter.spec(plugins)?, &Surroundings::default())?;
        measured.push(caller.block_on(call(filter.name, &plugin, &header))?);
    }
    Ok(measured)
}

async fn call(name: &str, plugin: &Arc<WasmPlugin>, header: &Arc<Header>) -> Result<Calls, Box<dyn Error>> {
    let passage = Arc::new(Passage {
        direction: Direction::Ingest,
        transport: Transport::Dimse,
        calling_ae: Some("BENCH".to_owned()),
        called_ae: Some("ISOCENTER".to_owned()),
        peer: None,
        subject: None,
        destination: None,
        hops: 0,
    });
    let (mut walls, mut waits) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
    let (mut edits, mut peak) = (0, 0);
    let begun = Instant::now();
    for nth in 0..WARM_UP + CALLS {
        if begun.elapsed() > LONGEST {
            break;
        }
        let asked = Instant::now();
        let outcome = plugin
            .clone()
            .filter(OpenObject::header(Arc::clone(header)), passage.clone())
            .await;
        let waited = asked.elapsed();
        let answer = outcome.result?;
        if answer.verdict != Verdict::Keep {
            return Err(format!("{name} did not keep the object: {:?}", answer.verdict).into());
        }
        if nth >= WARM_UP {
            walls.push(outcome.cost.wall);
            waits.push(waited);
            edits = answer.edits.len();
            peak = outcome.cost.peak_memory;
        }
    }
    walls.sort_unstable();
    waits.sort_unstable();
    Ok(Calls {
        name: name.to_owned(),
        calls: walls.len(),
        edits,
        median_microseconds: at(&walls, 0.5),
        p99_microseconds: at(&walls, 0.99),
        caller_median_microseconds: at(&waits, 0.5),
        peak_memory_kilobytes: peak / 1000,
    })
}

fn at(sorted: &[Duration], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * part).round() as usize)
        .map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

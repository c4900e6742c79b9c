//! `make bench`: how fast the host takes objects in, what that costs, and how near it comes to what the machine
//! can do.
//!
//! Absolute numbers of a shared machine say little, so everything that is compared is measured in one run,
//! minutes apart: the host without and with a chain of filters, Orthanc with Postgres and with SQLite, an
//! append-and-sync of the same bytes, Postgres commits. In each row the host goes first and, in reverse order,
//! last, with Orthanc in between: what drifts, drifts for both. What plugins cost (a call, a start, memory, a busy
//! neighbour) is measured apart from the loads, in turns for the same reason. It stands apart from the tests because nothing
//! here may fail for being slow.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

mod ask;
mod beside;
mod calls;
mod chain;
mod cluster;
mod cpu;
mod generate;
mod host;
mod idle;
mod load;
mod options;
mod orthanc;
mod process;
mod queries;
mod report;
mod resting;
mod retrieval;
mod systems;
mod targets;
mod wire;

use beside::Beside;
use calls::Calls;
use generate::Generator;
use idle::Idle;
use options::{Options, Part};
use queries::Asked;
use report::Row;
use retrieval::Retrieved;
use systems::Systems;
use targets::Besides;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("isocenter-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if options.folder.exists() {
        fs::remove_dir_all(&options.folder)?;
    }
    fs::create_dir_all(&options.folder)?;
    let folder = options.folder.canonicalize()?;
    let result = measure(options, &folder);
    if !options.keep && result.is_ok() {
        fs::remove_dir_all(&folder)?;
    }
    result
}

fn measure(options: &Options, folder: &Path) -> Result<(), Failure> {
    let generator = Generator::new();
    let plugins = options
        .plugins
        .canonicalize()
        .unwrap_or_else(|_| options.plugins.clone());
    // First, while nothing else runs.
    let calls = calls(options, &generator, &plugins, folder)?;
    let idle = idle(options, &plugins, folder)?;
    let beside = beside(options, &generator, &plugins, folder)?;
    let resting = resting(options, &generator, folder)?;
    let queries = queries(options, &generator, folder)?;
    let retrieval = retrieval(options, &generator, folder)?;
    let (rows, idle_bytes) = rows(options, generator, &plugins, folder)?;
    let besides = Besides {
        idle_megabytes: idle_bytes.map(|bytes| bytes as f64 / 1e6),
        empty_call_microseconds: calls.empty(),
        host_call_nanoseconds: calls.host_call(),
        read_and_edit_microseconds: calls.read_and_edit(),
        plugin_megabytes: idle::resident_each(&idle, 100),
        start_milliseconds: idle::added_start(&idle, 10),
        association_kilobytes: resting,
    };
    let mut targets = targets::judge(&rows, besides);
    targets.extend(targets::of_queries(&queries));
    targets.extend(targets::of_retrieval(&retrieval));
    if !targets.is_empty() {
        println!("Targets");
    }
    for target in &targets {
        println!("{}", target.line());
    }
    if let Some(file) = &options.json {
        let all = serde_json::json!({
            "calls": calls, "idle": idle, "beside": beside, "queries": queries,
            "retrieval": retrieval, "rows": rows, "besides": besides, "targets": targets,
        });
        fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    Ok(())
}

fn calls(options: &Options, generator: &Generator, plugins: &Path, folder: &Path) -> Result<Calls, Failure> {
    if !options.wants(Part::Calls) {
        return Ok(Calls::default());
    }
    let calls = calls::measure(generator, plugins, &options.host, folder)?;
    println!("{}", calls.table());
    Ok(calls)
}

fn idle(options: &Options, plugins: &Path, folder: &Path) -> Result<Vec<Idle>, Failure> {
    if !options.wants(Part::Idle) {
        return Ok(Vec::new());
    }
    let idle = idle::measure(&options.host, plugins, folder)?;
    println!("{}", idle::table(&idle));
    Ok(idle)
}

fn beside(options: &Options, generator: &Generator, plugins: &Path, folder: &Path) -> Result<Vec<Beside>, Failure> {
    if !options.wants(Part::Beside) {
        return Ok(Vec::new());
    }
    let beside = beside::measure(generator, &options.host, plugins, folder)?;
    println!("{}", beside::table(&beside));
    Ok(beside)
}

fn resting(options: &Options, generator: &Generator, folder: &Path) -> Result<Option<f64>, Failure> {
    if !options.wants(Part::Idle) {
        return Ok(None);
    }
    let each = resting::measure(&options.host, generator, folder)?;
    println!("{} associations that rest: {each:.1} KB each\n", resting::NUMBER);
    Ok(Some(each))
}

fn queries(options: &Options, generator: &Generator, folder: &Path) -> Result<Vec<Asked>, Failure> {
    if !options.wants(Part::Queries) {
        return Ok(Vec::new());
    }
    let asked = queries::measure(options, generator, folder)?;
    println!("{}", queries::table(&asked));
    Ok(asked)
}

fn retrieval(options: &Options, generator: &Generator, folder: &Path) -> Result<Vec<Retrieved>, Failure> {
    if !options.wants(Part::Retrieval) {
        return Ok(Vec::new());
    }
    let retrieved = retrieval::measure(options, generator, folder)?;
    println!("{}", retrieval::table(&retrieved));
    Ok(retrieved)
}

/// The loads, and what the host takes before the first.
fn rows(
    options: &Options,
    generator: Generator,
    plugins: &Path,
    folder: &Path,
) -> Result<(Vec<Row>, Option<u64>), Failure> {
    let mut rows = Vec::new();
    let loads = options.loads();
    if loads.is_empty() {
        return Ok((rows, None));
    }
    let systems = Systems::start(options, generator, plugins, folder)?;
    systems.print();
    for load in loads {
        let row = systems.row(load)?;
        println!("{}", row.table());
        rows.push(row);
    }
    Ok((rows, systems.idle_bytes()))
}

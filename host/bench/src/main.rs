//! `make bench`: how fast the host takes objects in, what that costs, and how near it comes to what the machine
//! can do.
//!
//! Absolute numbers of a shared machine say little, so everything that is compared is measured in one run,
//! minutes apart: the host without and with a chain of filters, Orthanc with Postgres and with SQLite, an
//! append-and-sync of the same bytes, Postgres commits. In each row the host goes first and, in reverse order,
//! last, with Orthanc in between: what drifts, drifts for both. It stands apart from the tests because nothing
//! here may fail for being slow.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

mod calls;
mod chain;
mod cluster;
mod cpu;
mod generate;
mod host;
mod load;
mod options;
mod orthanc;
mod process;
mod report;
mod systems;
mod targets;
mod wire;

use chain::Filter;
use generate::Generator;
use options::Options;
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
    let filters = if options.wants_calls() {
        Filter::all(&plugins)
    } else {
        Vec::new()
    };
    let calls = calls::measure(&generator, &filters, &plugins, folder)?;
    if !calls.is_empty() {
        println!("One filter call, each in a fresh instance");
        calls.iter().for_each(|call| println!("{}", call.line()));
        println!();
    }
    let mut rows = Vec::new();
    let mut idle = None;
    let loads = options.loads();
    if !loads.is_empty() {
        let systems = Systems::start(options, generator, &plugins, folder)?;
        systems.print();
        for load in loads {
            let row = systems.row(load)?;
            println!("{}", row.table());
            rows.push(row);
        }
        idle = systems.idle_bytes();
    }
    let besides = Besides {
        idle_megabytes: idle.map(|bytes| bytes as f64 / 1e6),
        call_microseconds: calls.first().map(|call| call.median_microseconds),
    };
    let targets = targets::judge(&rows, besides);
    if !targets.is_empty() {
        println!("Targets");
    }
    for target in &targets {
        println!("{}", target.line());
    }
    if let Some(file) = &options.json {
        let all = serde_json::json!({ "calls": calls, "rows": rows, "besides": besides, "targets": targets });
        fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    Ok(())
}

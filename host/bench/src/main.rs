//! `make bench`: how fast the host takes objects in, what that costs, and how near it comes to what the machine can do.
//!
//! Absolute numbers of a shared machine say little, so everything that is compared is measured in one run, minutes apart: the host
//! without and with a chain of filters, Orthanc with Postgres and with SQLite, an append-and-sync of the same bytes, Postgres
//! commits. In each row the host goes first and, in reverse order, last, with Orthanc in between: what drifts, drifts for both.
//! It stands apart from the tests because nothing here may fail for being slow.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

mod cluster;
mod cpu;
mod generate;
mod host;
mod load;
mod options;
mod orthanc;
mod process;
mod report;
mod targets;
mod wire;

use cluster::Cluster;
use generate::Generator;
use host::{Chain, Host};
use load::{Load, Outcome, Peer};
use options::Options;
use orthanc::{Orthanc, Store};
use report::{Cost, Kind, Measured, Row};
use targets::Besides;

/// Objects sent to a system before it is measured.
const WARM_UP: u32 = 8;
/// Time given to the reference for commits.
const COMMITS: Duration = Duration::from_secs(3);
/// A system may finish for so long what it deferred; that is charged to it.
const SETTLE: Duration = Duration::from_secs(5);

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
    let systems = Systems::start(options, folder)?;
    systems.print();
    let mut rows = Vec::new();
    for load in options.loads() {
        let row = systems.row(load)?;
        println!("{}", row.table());
        rows.push(row);
    }
    let besides = Besides {
        idle_megabytes: systems.host.as_ref().map(|host| host.idle as f64 / 1e6),
        call_microseconds: None,
    };
    let targets = targets::judge(&rows, besides);
    if !targets.is_empty() {
        println!("Targets");
    }
    for target in &targets {
        println!("{}", target.line());
    }
    if let Some(file) = &options.json {
        let all = serde_json::json!({ "rows": rows, "besides": besides, "targets": targets });
        fs::write(file, serde_json::to_vec_pretty(&all)?)?;
    }
    Ok(())
}

/// Everything that is measured, running side by side: an idle one costs the others nothing.
struct Systems {
    generator: Generator,
    folder: std::path::PathBuf,
    host: Option<Host>,
    chains: Vec<Chain>,
    postgres: Option<Orthanc>,
    sqlite: Option<Orthanc>,
    /// Last, so that it stops after its clients.
    cluster: Option<Cluster>,
}

/// One system that objects are sent to.
struct Target<'a> {
    kind: Kind,
    name: String,
    peer: Peer,
    trees: &'a cpu::Trees,
    /// The process whose memory counts.
    process: u32,
    chain: Option<&'a Chain>,
    outcome: Outcome,
    cost: Cost,
}

impl Systems {
    fn start(options: &Options, folder: &Path) -> Result<Self, Failure> {
        let cluster = Cluster::start(folder)?;
        if cluster.is_none() {
            println!(
                "Without Postgres commits and Orthanc with Postgres: Debian's postgresql is not installed."
            );
        }
        let (mut postgres, mut sqlite) = (None, None);
        if !options.without_orthanc {
            postgres = cluster
                .as_ref()
                .map(|cluster| Orthanc::start(folder, Store::Postgres(cluster)))
                .transpose()?
                .flatten();
            sqlite = Orthanc::start(folder, Store::Sqlite)?;
            if postgres.is_none() || sqlite.is_none() {
                println!(
                    "Without Orthanc: install Debian's orthanc and orthanc-postgresql to compare with it."
                );
            }
        }
        let (mut host, mut chains) = (None, Vec::new());
        if !options.without_host {
            let plugins = options
                .plugins
                .canonicalize()
                .unwrap_or_else(|_| options.plugins.clone());
            chains.push(Chain::none());
            chains.extend(Chain::of_two(&plugins));
            if chains.len() == 1 {
                println!(
                    "Without chains: no filter's component is in {}.",
                    plugins.display()
                );
            }
            host = Some(Host::start(&options.host, &plugins, &chains, folder)?);
        }
        Ok(Self {
            generator: Generator::new(),
            folder: folder.to_owned(),
            host,
            chains,
            postgres,
            sqlite,
            cluster,
        })
    }

    fn print(&self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!(
            "{cores} processors. GB and MB are powers of ten; CPU is that of a system with its Postgres, memory without."
        );
        if let (Some(version), true) = (
            Orthanc::version(),
            self.postgres.is_some() || self.sqlite.is_some(),
        ) {
            println!(
                "Orthanc {version}, TCP_NODELAY set, 8 threads; durable when it answers with Postgres, not with SQLite."
            );
        }
        println!();
    }

    fn row(&self, load: Load) -> Result<Row, Failure> {
        let mut measured = Vec::new();
        self.quiet()?;
        let append = load::append(&self.generator, load, &self.folder)?;
        measured.push(Measured::of(
            Kind::Append,
            "append + fdatasync",
            &append,
            None,
        ));
        if let Some(cluster) = &self.cluster {
            self.quiet()?;
            let commits = cluster.commits(load.lanes, COMMITS)?;
            measured.push(Measured::commits(commits.per_second, commits.mean_latency));
        }
        let mut targets = self.targets();
        let of_host = targets
            .iter()
            .filter(|target| target.chain.is_some())
            .count();
        let order = (0..targets.len()).chain((0..of_host).rev());
        for nth in order {
            if let Some(target) = targets.get_mut(nth) {
                self.send(load, target)?;
            }
        }
        measured.extend(targets.iter().map(|target| {
            Measured::of(
                target.kind,
                &target.name,
                &target.outcome,
                Some(target.cost),
            )
        }));
        let object_bytes = append.bytes / append.objects.max(1);
        Ok(Row {
            size: load.size,
            associations: load.lanes,
            objects: load.objects,
            object_bytes,
            systems: measured,
        })
    }

    /// The host's chains first, then Orthanc.
    fn targets(&self) -> Vec<Target<'_>> {
        let mut targets = Vec::new();
        if let Some(host) = &self.host {
            for chain in &self.chains {
                let kind = if *chain == Chain::none() {
                    Kind::Host
                } else {
                    Kind::HostWithChain
                };
                let name = format!("isocenter, {}", chain.name);
                targets.push(Target::new(
                    kind,
                    name,
                    host.peer(chain),
                    &host.trees,
                    host.id(),
                    Some(chain),
                ));
            }
        }
        let orthancs = [
            (Kind::OrthancPostgres, "Orthanc, Postgres", &self.postgres),
            (Kind::OrthancSqlite, "Orthanc, SQLite", &self.sqlite),
        ];
        for (kind, name, orthanc) in orthancs {
            if let Some(orthanc) = orthanc {
                targets.push(Target::new(
                    kind,
                    name.to_owned(),
                    orthanc.peer.clone(),
                    &orthanc.trees,
                    orthanc.id(),
                    None,
                ));
            }
        }
        targets
    }

    /// Warms a system up, sends it the load, and adds what came of it.
    fn send(&self, load: Load, target: &mut Target<'_>) -> Result<(), Failure> {
        let warm_up = Load {
            lanes: 1,
            objects: WARM_UP,
            ..load
        };
        let warm = load::send(&self.generator, warm_up, &target.peer)
            .map_err(|error| self.explain(target, &error))?;
        if let Some(failure) = &warm.first_failure {
            return Err(self.explain(target, failure));
        }
        self.quiet()?;
        target.trees.settle(SETTLE);
        cpu::forget_peak(target.process);
        let (system, own) = (target.trees.cpu_seconds(), cpu::own_cpu_seconds());
        let outcome = load::send(&self.generator, load, &target.peer)
            .map_err(|error| self.explain(target, &error))?;
        let generator_seconds = cpu::own_cpu_seconds() - own;
        target.trees.settle(SETTLE);
        let system_seconds = target.trees.cpu_seconds() - system;
        target.cost.add(Cost {
            system_seconds,
            generator_seconds,
            peak_bytes: cpu::peak(target.process),
        });
        if let (Some(host), Some(chain)) = (&self.host, target.chain) {
            let found = host.found(chain, &outcome.studies)?;
            if found.is_some_and(|found| found < outcome.objects) {
                let what = format!(
                    "{} objects acknowledged, but {} found",
                    outcome.objects,
                    found.unwrap_or(0)
                );
                return Err(self.explain(target, &what));
            }
        }
        target.outcome.add(outcome);
        Ok(())
    }

    /// Flushes what others wrote and did not sync, so that it does not slow the next one.
    fn quiet(&self) -> Result<(), Failure> {
        Ok(rustix::fs::syncfs(File::open(&self.folder)?)?)
    }

    fn explain(&self, target: &Target<'_>, what: &dyn std::fmt::Display) -> Failure {
        let what = format!("{}: {what}", target.name);
        match &self.host {
            Some(host) if target.chain.is_some() => host.trouble(&what).into(),
            _ => what.into(),
        }
    }
}

impl<'a> Target<'a> {
    fn new(
        kind: Kind,
        name: String,
        peer: Peer,
        trees: &'a cpu::Trees,
        process: u32,
        chain: Option<&'a Chain>,
    ) -> Self {
        Self {
            kind,
            name,
            peer,
            trees,
            process,
            chain,
            outcome: Outcome::default(),
            cost: Cost::default(),
        }
    }
}

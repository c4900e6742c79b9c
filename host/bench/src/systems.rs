//! Everything that objects are sent to, running side by side, and one row of measurements of all of it.
//!
//! Separate from `main.rs` because here is what makes the comparison fair: the order, the warm-up, the flush
//! between two systems, the time in which a system may finish what it deferred, and the check that what was
//! acknowledged can be found.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::chain::{self, Chain};
use crate::cluster::Cluster;
use crate::cpu;
use crate::generate::Generator;
use crate::host::Host;
use crate::load::{self, Load, Outcome, Peer};
use crate::options::Options;
use crate::orthanc::{Orthanc, Store};
use crate::report::{Cost, Kind, Measured, Row};

/// Objects sent to a system before it is measured.
const WARM_UP: u32 = 8;
/// Time given to the reference for commits.
const COMMITS: Duration = Duration::from_secs(3);
/// A system may finish for so long what it deferred; that is charged to it.
const SETTLE: Duration = Duration::from_secs(5);

type Failure = Box<dyn Error>;

/// Everything that is measured, running side by side: an idle one costs the others nothing.
pub(crate) struct Systems {
    generator: Generator,
    folder: PathBuf,
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
    /// Starts all that is installed and wanted.
    ///
    /// # Errors
    /// Something is installed but does not become ready.
    pub(crate) fn start(
        options: &Options,
        generator: Generator,
        plugins: &Path,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let cluster = Cluster::start(folder)?;
        if cluster.is_none() {
            println!("Without Postgres commits and Orthanc with Postgres: Debian's postgresql is not installed.");
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
                println!("Without Orthanc: install Debian's orthanc and orthanc-postgresql to compare with it.");
            }
        }
        let (mut host, mut chains) = (None, Vec::new());
        if !options.without_host {
            chains.push(Chain::none());
            chains.extend(Chain::of_two(plugins));
            chains.extend(Chain::of_five(plugins));
            if chains.len() == 1 {
                println!("Without chains: no filter's component is in {}.", plugins.display());
            }
            let configuration = chain::configuration(plugins, &chains)?;
            host = Some(Host::start(&options.host, &configuration, folder)?);
        }
        Ok(Self {
            generator,
            folder: folder.to_owned(),
            host,
            chains,
            postgres,
            sqlite,
            cluster,
        })
    }

    /// Says what is compared.
    pub(crate) fn print(&self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!(
            "{cores} processors. GB and MB are powers of ten; CPU is that of a system with its Postgres, memory without."
        );
        if let (Some(version), true) = (Orthanc::version(), self.postgres.is_some() || self.sqlite.is_some()) {
            println!(
                "Orthanc {version}, TCP_NODELAY set, 8 threads; durable when it answers with Postgres, not with SQLite."
            );
        }
        println!();
    }

    /// Resident memory of the host before its first object.
    pub(crate) fn idle_bytes(&self) -> Option<u64> {
        self.host.as_ref().map(|host| host.idle)
    }

    /// Measures every system under this load.
    ///
    /// # Errors
    /// A system fails; one that is merely slow, or refuses some objects, is a result.
    pub(crate) fn row(&self, load: Load) -> Result<Row, Failure> {
        let mut measured = Vec::new();
        self.quiet()?;
        let append = load::append(&self.generator, load, &self.folder)?;
        measured.push(Measured::of(Kind::Append, "append + fdatasync", &append, None));
        if let Some(cluster) = &self.cluster {
            self.quiet()?;
            let commits = cluster.commits(load.lanes, COMMITS)?;
            measured.push(Measured::commits(commits.per_second, commits.mean_latency));
        }
        let mut targets = self.targets();
        let of_host = targets.iter().filter(|target| target.chain.is_some()).count();
        let order = (0..targets.len()).chain((0..of_host).rev());
        for nth in order {
            if let Some(target) = targets.get_mut(nth) {
                self.send(load, target)?;
            }
        }
        measured.extend(
            targets
                .iter()
                .map(|target| Measured::of(target.kind, &target.name, &target.outcome, Some(target.cost))),
        );
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
                let kind = match chain.length() {
                    0 => Kind::Host,
                    1..=2 => Kind::HostWithChain,
                    _ => Kind::HostWithFive,
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
        let warm = load::send(&self.generator, warm_up, &target.peer).map_err(|error| self.explain(target, &error))?;
        if let Some(failure) = &warm.first_failure {
            return Err(self.explain(target, failure));
        }
        self.quiet()?;
        target.trees.settle(SETTLE);
        let stored = self.host.as_ref().map_or(Ok(0), Host::stored)?;
        cpu::forget_peak(target.process);
        let (system, own) = (target.trees.cpu_seconds(), cpu::own_cpu_seconds());
        let outcome = load::send(&self.generator, load, &target.peer).map_err(|error| self.explain(target, &error))?;
        let generator_seconds = cpu::own_cpu_seconds() - own;
        target.trees.settle(SETTLE);
        let system_seconds = target.trees.cpu_seconds() - system;
        target.cost.add(Cost {
            system_seconds,
            generator_seconds,
            peak_bytes: cpu::peak(target.process),
        });
        if let (Some(host), Some(chain)) = (&self.host, target.chain) {
            let stored = host.stored()?.saturating_sub(stored);
            let found = host.found(chain, &outcome.studies)?.unwrap_or(stored);
            if stored < outcome.objects || found < outcome.objects {
                let what = format!(
                    "{} objects acknowledged, {stored} stored, {found} found",
                    outcome.objects
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

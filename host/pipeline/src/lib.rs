//! What a PACS does: ingest, route, deliver.
//!
//! It stands between the doors (DIMSE, HTTP), the archive and the plugins, and is the only crate that knows all three
//! ideas at once. Decisions are pure ([`chain`], [`decide`]); effects are performed at the edge ([`ingest`], [`route`],
//! [`deliver`]). It knows no socket that listens and no SQL.

mod analyze;
pub mod arrival;
mod awaited;
pub mod chain;
pub mod commitment;
mod convert;
pub mod decide;
pub mod deliver;
pub mod destination;
#[cfg(test)]
mod documentation;
pub mod door;
pub mod duty;
mod egress;
pub mod fetch;
mod frames;
pub mod held;
pub mod ingest;
mod memory;
mod offer;
pub mod peer;
pub mod permission;
pub mod pledge;
pub mod query;
mod record;
pub mod refusal;
pub mod rehearse;
pub mod retrieve;
mod rewrite;
pub mod route;
mod settle;
mod shadow;
mod sink;
mod spool;
pub mod study;
mod taken;
mod tries;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::index::Source;
use isocenter_archive::{Archive, Recorder};
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::Limits;
use isocenter_role::{Authenticator, Authorizer, Gate, Plugin, Role, Route, Sink};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::destination::Destination;
use crate::ingest::Session;
use crate::memory::HeaderMemory;

/// How long before work that ended is looked at again.
const RESTART: Duration = Duration::from_secs(1);

/// What a reload exchanges: everything that the configuration says about plugins and where objects go. Never changed,
/// only replaced as a whole: an association, a request and a job keep the set that they began with.
#[derive(Default)]
pub struct Set {
    /// In the order in which they are tried.
    pub chains: Vec<Chain>,
    /// By name.
    pub destinations: BTreeMap<String, Destination>,
    /// Every loaded plugin, by name, whether something uses it or not.
    pub plugins: BTreeMap<String, Arc<dyn Plugin>>,
    /// Asked in order who sent a request; none: anyone may.
    pub authenticators: Vec<Arc<dyn Authenticator>>,
    /// Asked what the sender of a request may do; all must agree.
    pub authorizers: Vec<Arc<dyn Authorizer>>,
    /// Asked what a peer may search, have or send on; all must agree.
    pub peer_authorizers: Vec<Arc<dyn Authorizer>>,
    /// Asked whether an association is wanted; all must agree.
    pub gates: Vec<Arc<dyn Gate>>,
    /// Told what happens.
    pub sinks: Vec<SinkSpec>,
    /// Answer HTTP below `/plugins/NAME/`, by name.
    pub routes: BTreeMap<String, Arc<dyn Route>>,
    /// Where plugins run; `None` without plugins. A chain's filters are called in one visit there.
    pub threads: Option<tokio::runtime::Handle>,
}

/// Work that goes on as long as its name is configured.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Labor {
    /// Deliveries to a destination.
    Deliver(String),
    /// Analyses by a plugin.
    Analyze(String),
    /// A plugin's own jobs.
    Work(String),
    /// Events to a sink.
    Feed(String),
}

impl Set {
    fn labors(&self) -> Vec<Labor> {
        let deliveries = self.destinations.keys().cloned().map(Labor::Deliver);
        let analyzers = self.chains.iter().flat_map(|chain| &chain.analyze);
        let analyses = analyzers.map(|analyzer| Labor::Analyze(analyzer.name().to_owned()));
        let workers = self
            .plugins
            .values()
            .filter(|plugin| plugin.roles().contains(&Role::Worker));
        let jobs = workers.map(|plugin| Labor::Work(plugin.name().to_owned()));
        let sinks = self.sinks.iter().map(|spec| Labor::Feed(spec.sink.name().to_owned()));
        deliveries.chain(analyses).chain(jobs).chain(sinks).collect()
    }
}

/// A sink, and what it is told.
#[derive(Clone)]
pub struct SinkSpec {
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Events in one call at most.
    pub batch: u32,
    /// Kinds of events that it is told, as globs; empty: all.
    pub kinds: Vec<String>,
}

/// What of a pipeline stays as long as the host runs.
pub struct Config {
    /// What UIDs are remapped with.
    pub site_key: SiteKey,
    /// Limits of a header.
    pub limits: Limits,
    /// Bytes of a deflated object, as received; such an object is collected whole before it is read.
    pub deflated_bytes: usize,
    /// Bytes that all headers being received may take together, over a small allowance each.
    pub header_memory: usize,
    /// Times a sender is told to come again for one object before it is held for a person.
    pub tries_before_quarantine: u32,
    /// Folder for objects whose filters look at pixels, until those have spoken.
    pub spool: PathBuf,
}

/// The pipeline; cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    archive: Archive,
    config: Config,
    set: watch::Sender<Arc<Set>>,
    memory: HeaderMemory,
    tries: tries::Tries,
    recorder: Recorder,
    doors: door::Doors,
    awaited: awaited::Awaited,
    /// Storage commitments whose bytes are read at a time.
    checks: tokio::sync::Semaphore,
}

impl Pipeline {
    /// A pipeline over an archive. Must be called within a tokio runtime. Nothing runs until an object arrives or [`Pipeline::run_queue`] is polled.
    pub fn new(archive: Archive, config: Config, set: Set) -> Self {
        let memory = HeaderMemory::new(config.header_memory);
        let tries = tries::Tries::new(config.tries_before_quarantine);
        let recorder = Recorder::start(archive.index().clone());
        archive.index().want_events(!set.sinks.is_empty());
        Self {
            shared: Arc::new(Shared {
                recorder,
                archive,
                config,
                set: watch::Sender::new(Arc::new(set)),
                memory,
                tries,
                doors: door::Doors::default(),
                awaited: awaited::Awaited::default(),
                checks: tokio::sync::Semaphore::new(commitment::CHECKS),
            }),
        }
    }

    /// Opens a session: the objects of one association, one STOW-RS request, or one import.
    pub fn session(&self, source: Source) -> Session {
        Session::new(self.clone(), source)
    }

    /// The archive that objects go to.
    pub fn archive(&self) -> &Archive {
        &self.shared.archive
    }

    /// Writes down the outcomes of plugins.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// Writes what was recorded of plugins until now; to be called before the archive is closed.
    pub async fn close(&self) {
        self.shared.recorder.close().await;
    }

    /// The set in force. Whoever does one piece of work asks once and keeps it.
    pub fn set(&self) -> Arc<Set> {
        self.shared.set.borrow().clone()
    }

    /// Puts another set in force, for all work that begins from now on.
    pub fn exchange(&self, set: Set) {
        self.archive().index().want_events(!set.sinks.is_empty());
        self.shared.set.send_replace(Arc::new(set));
    }

    /// Works off the queue and feeds the sinks until `stop` is cancelled; then ends what it has begun, within `grace`, and
    /// returns. What did not end is claimed again when its lease is over.
    pub async fn run_queue(&self, stop: CancellationToken, grace: Duration) {
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(route::run(self.clone(), stop.clone()));
        tasks.spawn(settle::run(self.clone(), stop.clone()));
        tasks.spawn(commitment::run(self.clone(), stop.clone()));
        let mut set = self.shared.set.subscribe();
        // One task for each that is configured; it ends by itself when it is configured no more.
        let mut running: BTreeMap<Labor, tokio::task::AbortHandle> = BTreeMap::new();
        while !stop.is_cancelled() {
            let labors = set.borrow_and_update().labors();
            for labor in labors {
                let runs = running.get(&labor).is_some_and(|task| !task.is_finished());
                if !runs {
                    let task = tasks.spawn(self.clone().labor(labor.clone(), stop.clone()));
                    running.insert(labor, task);
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                changed = set.changed() => if changed.is_err() { break },
                // One that ended because its name was gone for a moment begins again.
                Some(_) = tasks.join_next() => tokio::time::sleep(RESTART).await,
            }
        }
        // Dropping the set aborts whatever is left.
        let _ = tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
    }

    async fn labor(self, labor: Labor, stop: CancellationToken) {
        match labor {
            Labor::Deliver(name) => deliver::run(self, name, stop).await,
            Labor::Analyze(name) => analyze::run(self, name, stop).await,
            Labor::Work(name) => worker::run(self, name, stop).await,
            Labor::Feed(name) => sink::run(self, name, stop).await,
        }
    }

    fn config(&self) -> &Config {
        &self.shared.config
    }
}

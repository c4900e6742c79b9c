//! What a PACS does: ingest, route, deliver.
//!
//! It stands between the doors (DIMSE, HTTP), the archive and the plugins, and is the only crate that knows all three
//! ideas at once. Decisions are pure ([`chain`], [`decide`]); effects are performed at the edge ([`ingest`], [`route`],
//! [`deliver`]). It knows no socket that listens and no SQL.

mod calls;
pub mod chain;
pub mod decide;
pub mod deliver;
pub mod destination;
mod egress;
pub mod ingest;
mod memory;
pub mod refusal;
mod rewrite;
pub mod route;
mod tries;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::Archive;
use isocenter_archive::index::Source;
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::Limits;
use isocenter_plugin::Plugin;
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::destination::Destination;
use crate::ingest::Session;
use crate::memory::HeaderMemory;

/// What a pipeline is made of.
pub struct Config {
    /// In the order in which they are tried.
    pub chains: Vec<Chain>,
    /// By name.
    pub destinations: BTreeMap<String, Destination>,
    /// Every loaded plugin, whether a chain uses it or not; for the page.
    pub plugins: Vec<Arc<Plugin>>,
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
}

/// The pipeline; cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    archive: Archive,
    config: Config,
    memory: HeaderMemory,
    tries: tries::Tries,
}

impl Pipeline {
    /// A pipeline over an archive. Nothing runs until an object arrives or [`Pipeline::run_queue`] is polled.
    pub fn new(archive: Archive, config: Config) -> Self {
        let memory = HeaderMemory::new(config.header_memory);
        let tries = tries::Tries::new(config.tries_before_quarantine);
        Self {
            shared: Arc::new(Shared {
                archive,
                config,
                memory,
                tries,
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

    /// The chains, in order.
    pub fn chains(&self) -> &[Chain] {
        &self.shared.config.chains
    }

    /// The destinations, by name.
    pub fn destinations(&self) -> &BTreeMap<String, Destination> {
        &self.shared.config.destinations
    }

    /// Every loaded plugin.
    pub fn plugins(&self) -> &[Arc<Plugin>] {
        &self.shared.config.plugins
    }

    /// Works off the queue, routing and delivering, until `stop` is cancelled; then ends what it is sending, within
    /// `grace`, and returns. What did not end is claimed again when its lease is over.
    pub async fn run_queue(&self, stop: CancellationToken, grace: Duration) {
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(route::run(self.clone(), stop.clone()));
        for destination in self.destinations().values() {
            tasks.spawn(deliver::run(self.clone(), destination.clone(), stop.clone()));
        }
        stop.cancelled().await;
        // Dropping the set aborts whatever is left.
        let _ = tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
    }

    fn config(&self) -> &Config {
        &self.shared.config
    }
}

//! A loaded plugin: its identity, its roles, and the two calls that the pipeline makes.
//!
//! Separate from loading, which happens once, and from the single call, which knows no roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use isocenter_dicom::header::Header;
use tokio::sync::Semaphore;

use crate::answer::{FilterAnswer, Outcome, Passage, PlannedSend};
use crate::breaker::{Breaker, State};
use crate::call::{self, FilterWork, RouteWork};
use crate::contract::Exports;
use crate::limits::Limits;
use crate::load::Manifest;
use crate::runtime::Core;
use crate::series::{Registry, Series};
use crate::spec::Secret;

/// A plugin that is ready to be called. Calls may come from any tokio runtime; the guest runs on the plugin runtime's
/// own threads. A call whose future is dropped is ended.
pub struct Plugin {
    pub(crate) core: Arc<Core>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) pre: wasmtime::component::InstancePre<call::Call>,
    pub(crate) exports: Exports,
    pub(crate) filter: Gate,
    pub(crate) router: Gate,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) digest: String,
    pub(crate) manifest: Option<Manifest>,
}

/// What every call of one plugin may look at.
pub(crate) struct Facts {
    pub(crate) name: String,
    /// JSON, an object.
    pub(crate) config: String,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) log_values: bool,
    /// Sorted.
    pub(crate) destinations: Vec<String>,
    pub(crate) series: Registry,
}

/// The limits of one role, and the queue for its slots.
pub(crate) struct Gate {
    pub(crate) limits: Limits,
    pub(crate) slots: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Gate {
        Gate {
            limits,
            slots: Arc::new(Semaphore::new(limits.concurrency as usize)),
        }
    }
}

/// The roles that a plugin plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// It filters objects on ingest or egress.
    pub filter: bool,
    /// It names destinations for stored objects.
    pub router: bool,
}

impl Plugin {
    /// The operator's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// BLAKE3 of the component file, 64 hex digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it exports.
    #[must_use]
    pub fn roles(&self) -> Roles {
        Roles {
            filter: self.exports.filter.is_some(),
            router: self.exports.router.is_some(),
        }
    }

    /// Ready, or resting after failures.
    #[must_use]
    pub fn state(&self) -> State {
        self.breaker.state()
    }

    /// What the plugin says of itself, if it does.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Limits of its filter role.
    #[must_use]
    pub fn filter_limits(&self) -> Limits {
        self.filter.limits
    }

    /// Limits of its router role.
    #[must_use]
    pub fn router_limits(&self) -> Limits {
        self.router.limits
    }

    /// What it counted, at most 50 names.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        self.facts.series.all()
    }

    /// Shows an object to the filter. A plugin without that role answers with a failure.
    pub async fn filter(&self, header: Arc<Header>, passage: Passage) -> Outcome<FilterAnswer> {
        call::run(
            self,
            &self.filter,
            FilterWork {
                header,
                passage,
                export: self.exports.filter.clone(),
            },
        )
        .await
    }

    /// Asks the router where an object is to be sent. A plugin without that role answers with a failure.
    pub async fn route(&self, header: Arc<Header>) -> Outcome<Vec<PlannedSend>> {
        call::run(
            self,
            &self.router,
            RouteWork {
                header,
                export: self.exports.router.clone(),
            },
        )
        .await
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.facts.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

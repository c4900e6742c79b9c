//! A loaded plugin: its identity, its roles, and what its calls share.
//!
//! Separate from loading, which happens once, from the single call, which knows no roles, and from the roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use isocenter_role as role;
use isocenter_role::backing::{Backing, OutboundClient};
use isocenter_role::{Limits, Manifest, Role, Series, State};
use tokio::sync::Semaphore;

use crate::account::Account;
use crate::breaker::Breaker;
use crate::call;
use crate::role::Exports;
use crate::runtime::Core;
use crate::series::Registry;
use crate::spec::Grant;

/// A plugin that is ready to be called. Calls may come from any tokio runtime; the guest runs on the plugin runtime's
/// own threads. A call whose future is dropped is ended.
#[derive(Clone)]
pub struct WasmPlugin {
    pub(crate) core: Arc<Core>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) pre: wasmtime::component::InstancePre<call::Call>,
    pub(crate) exports: Exports,
    pub(crate) seats: Arc<BTreeMap<Role, Seat>>,
    pub(crate) manifest: Option<Manifest>,
    /// Whether it imports pixels.
    pub(crate) pixels: bool,
    /// Whether its calls change nothing.
    pub(crate) dry: bool,
}

/// What every call of one plugin may look at.
pub(crate) struct Facts {
    pub(crate) name: String,
    /// BLAKE3 of the component file, 64 hex digits.
    pub(crate) digest: String,
    /// JSON, an object.
    pub(crate) config: String,
    pub(crate) grant: Grant,
    pub(crate) backing: Backing,
    /// Of the grant; `None` without one.
    pub(crate) http: Option<Arc<dyn OutboundClient>>,
    pub(crate) log_values: bool,
    /// Sorted.
    pub(crate) destinations: Vec<String>,
    pub(crate) series: Registry,
}

impl Facts {
    /// Enough of the digest to tell two artefacts apart in a log.
    pub(crate) fn short_digest(&self) -> &str {
        self.digest.get(..12).unwrap_or_default()
    }
}

/// One role of one plugin: its limits, the queue for its slots, its breaker and its account. A role that fails does not
/// stop the others.
pub(crate) struct Seat {
    pub(crate) limits: Limits,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) breaker: Breaker,
    pub(crate) account: Account,
}

impl Seat {
    pub(crate) fn new(plugin: &str, role: Role, limits: Limits, dry: bool) -> Seat {
        Seat {
            limits,
            slots: Arc::new(Semaphore::new(limits.concurrency as usize)),
            breaker: Breaker::default(),
            account: Account::new(plugin, role, dry),
        }
    }
}

impl WasmPlugin {
    /// The role as such, if the plugin plays it.
    fn playing<R: ?Sized>(self: Arc<Self>, role: Role, cast: fn(Arc<Self>) -> Arc<R>) -> Option<Arc<R>> {
        self.exports.has(role).then(|| cast(self))
    }
}

impl role::Part for WasmPlugin {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn digest(&self) -> &str {
        &self.facts.digest
    }

    /// Tripped while any of its roles is.
    fn state(&self) -> State {
        let states = self.seats.values().map(|seat| seat.breaker.state());
        states
            .max_by_key(|state| match state {
                State::Ready => None,
                State::Tripped { retry_after } => Some(*retry_after),
            })
            .unwrap_or(State::Ready)
    }
}

impl role::Plugin for WasmPlugin {
    fn roles(&self) -> Vec<Role> {
        self.seats.keys().copied().collect()
    }

    fn state_of(&self, role: Role) -> State {
        let seat = self.seats.get(&role);
        seat.map_or(State::Ready, |seat| seat.breaker.state())
    }

    fn limits(&self, role: Role) -> Option<Limits> {
        self.seats.get(&role).map(|seat| seat.limits)
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    fn series(&self) -> Vec<Series> {
        self.facts.series.all()
    }

    fn dry(self: Arc<Self>) -> Arc<dyn role::Plugin> {
        let seats = self.seats.iter();
        let seats = seats.map(|(role, seat)| (*role, Seat::new(&self.facts.name, *role, seat.limits, true)));
        Arc::new(WasmPlugin {
            seats: Arc::new(seats.collect()),
            dry: true,
            ..(*self).clone()
        })
    }

    fn as_filter(self: Arc<Self>) -> Option<Arc<dyn role::Filter>> {
        self.playing(Role::Filter, |plugin| plugin)
    }

    fn as_router(self: Arc<Self>) -> Option<Arc<dyn role::Router>> {
        self.playing(Role::Router, |plugin| plugin)
    }

    fn as_study_router(self: Arc<Self>) -> Option<Arc<dyn role::StudyRouter>> {
        self.playing(Role::StudyRouter, |plugin| plugin)
    }

    fn as_analyzer(self: Arc<Self>) -> Option<Arc<dyn role::Analyzer>> {
        self.playing(Role::Analyzer, |plugin| plugin)
    }

    fn as_authenticator(self: Arc<Self>) -> Option<Arc<dyn role::Authenticator>> {
        self.playing(Role::Authenticator, |plugin| plugin)
    }

    fn as_authorizer(self: Arc<Self>) -> Option<Arc<dyn role::Authorizer>> {
        self.playing(Role::Authorizer, |plugin| plugin)
    }

    fn as_gate(self: Arc<Self>) -> Option<Arc<dyn role::Gate>> {
        self.playing(Role::Gate, |plugin| plugin)
    }

    fn as_sink(self: Arc<Self>) -> Option<Arc<dyn role::Sink>> {
        self.playing(Role::Sink, |plugin| plugin)
    }

    fn as_route(self: Arc<Self>) -> Option<Arc<dyn role::Route>> {
        self.playing(Role::Route, |plugin| plugin)
    }

    fn as_worker(self: Arc<Self>) -> Option<Arc<dyn role::Worker>> {
        self.playing(Role::Worker, |plugin| plugin)
    }
}

impl std::fmt::Debug for WasmPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmPlugin")
            .field("name", &self.facts.name)
            .field("digest", &self.facts.digest)
            .finish_non_exhaustive()
    }
}

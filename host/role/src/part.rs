//! What every plugin is, whatever its roles: a name, a digest, a state.

use std::sync::Arc;
use std::time::Duration;

use crate::{Analyzer, Authenticator, Authorizer, Filter, Gate, Limits, Route, Router, Sink, StudyRouter, Worker};

/// A part of the host that may be a plugin.
pub trait Part: Send + Sync {
    /// The operator's name for it.
    fn name(&self) -> &str;

    /// BLAKE3 of the component file, 64 hex digits; empty for a part built into the host.
    fn digest(&self) -> &str;

    /// Whether it is called.
    fn state(&self) -> State;
}

/// Whether a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    Ready,
    /// It failed too often in a row; after this time one call tries it again.
    Tripped {
        /// From now; zero when the next call is the trial.
        retry_after: Duration,
    },
}

/// What a plugin can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks at objects that pass.
    Filter,
    /// Names destinations of objects.
    Router,
    /// Names destinations of quiet studies.
    StudyRouter,
    /// Makes new objects from quiet studies.
    Analyzer,
    /// Says who a caller is.
    Authenticator,
    /// Says what a caller may do.
    Authorizer,
    /// Lets associations in.
    Gate,
    /// Is told what happened.
    Sink,
    /// Answers HTTP below `/plugins/NAME/`.
    Route,
    /// Does the jobs that its plugin enqueued.
    Worker,
}

impl Role {
    /// Every role, in the order in which they are listed.
    pub const ALL: [Role; 10] = [
        Role::Filter,
        Role::Router,
        Role::StudyRouter,
        Role::Analyzer,
        Role::Authenticator,
        Role::Authorizer,
        Role::Gate,
        Role::Sink,
        Role::Route,
        Role::Worker,
    ];

    /// The word for it in configuration, logs, metrics and on the page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Filter => "filter",
            Role::Router => "router",
            Role::StudyRouter => "study-router",
            Role::Analyzer => "analyzer",
            Role::Authenticator => "authenticator",
            Role::Authorizer => "authorizer",
            Role::Gate => "gate",
            Role::Sink => "sink",
            Role::Route => "route",
            Role::Worker => "worker",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a plugin says of itself, in the custom section `isocenter:manifest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Its name; the operator's name for it may be another.
    pub name: String,
    /// Semver.
    pub version: String,
    /// One line.
    pub description: String,
    /// SPDX expression.
    pub license: String,
}

impl Manifest {
    /// A manifest of these four.
    #[must_use]
    pub fn new(name: String, version: String, description: String, license: String) -> Manifest {
        Manifest {
            name,
            version,
            description,
            license,
        }
    }
}

/// One number that a plugin keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// As the plugin calls it: a letter, then letters, digits and `_`.
    pub name: String,
    /// Its value.
    pub measure: Measure,
}

/// A counter or a summary of observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Only grows.
    Counter(u64),
    /// Of all observations since the plugin was loaded.
    Summary {
        /// How many.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The least.
        least: f64,
        /// The greatest.
        greatest: f64,
    },
}

/// A configured plugin as a whole: what it is, and the roles that it plays.
pub trait Plugin: Part {
    /// The roles that it plays, in the order of [`Role::ALL`].
    fn roles(&self) -> Vec<Role>;

    /// Whether it is called in a role that it plays; a role that fails does not stop the others.
    fn state_of(&self, role: Role) -> State;

    /// The limits in force for a role that it plays.
    fn limits(&self, role: Role) -> Option<Limits>;

    /// What it says of itself, if it does.
    fn manifest(&self) -> Option<&Manifest>;

    /// What it counted, at most 50 names.
    fn series(&self) -> Vec<Series>;

    /// The same plugin with nothing to change: what it writes to its state is seen by its own call and then forgotten,
    /// its jobs are not enqueued, and its HTTP is GET and HEAD. Its failures trip no breaker but its own.
    fn dry(self: Arc<Self>) -> Arc<dyn Plugin>;

    /// As a filter, if it is one; and so on for each role.
    fn as_filter(self: Arc<Self>) -> Option<Arc<dyn Filter>>;
    /// As a router.
    fn as_router(self: Arc<Self>) -> Option<Arc<dyn Router>>;
    /// As a study-router.
    fn as_study_router(self: Arc<Self>) -> Option<Arc<dyn StudyRouter>>;
    /// As an analyzer.
    fn as_analyzer(self: Arc<Self>) -> Option<Arc<dyn Analyzer>>;
    /// As an authenticator.
    fn as_authenticator(self: Arc<Self>) -> Option<Arc<dyn Authenticator>>;
    /// As an authorizer.
    fn as_authorizer(self: Arc<Self>) -> Option<Arc<dyn Authorizer>>;
    /// As a gate.
    fn as_gate(self: Arc<Self>) -> Option<Arc<dyn Gate>>;
    /// As a sink.
    fn as_sink(self: Arc<Self>) -> Option<Arc<dyn Sink>>;
    /// As a route.
    fn as_route(self: Arc<Self>) -> Option<Arc<dyn Route>>;
    /// As a worker.
    fn as_worker(self: Arc<Self>) -> Option<Arc<dyn Worker>>;
}

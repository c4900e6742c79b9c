//! The roles: what is called on an instance, and what its answer means.
//!
//! One file per role; each says how the contract's export maps to the trait of `isocenter-role`.

pub(crate) mod analyzer;
pub(crate) mod auth;
mod check;
mod filter;
mod route;
mod routing;
mod sink;
mod worker;

use isocenter_role::{Failure, Role};
use wasmtime::component::Resource;

pub(crate) use check::{CheckWork, Checked};

use crate::bindings::exports::isocenter as exported;

/// The exports that the host calls. At least one role is there.
#[derive(Clone)]
pub(crate) struct Exports {
    pub(crate) lifecycle: exported::plugin::lifecycle::GuestIndices,
    pub(crate) filter: Option<exported::filter::filter::GuestIndices>,
    pub(crate) router: Option<exported::routing::router::GuestIndices>,
    pub(crate) study_router: Option<exported::routing::study_router::GuestIndices>,
    pub(crate) analyzer: Option<exported::inference::analyzer::GuestIndices>,
    pub(crate) authenticator: Option<exported::auth::authenticator::GuestIndices>,
    pub(crate) authorizer: Option<exported::auth::authorizer::GuestIndices>,
    pub(crate) gate: Option<exported::auth::gate::GuestIndices>,
    pub(crate) sink: Option<exported::events::sink::GuestIndices>,
    pub(crate) route: Option<exported::http_ext::route::GuestIndices>,
    pub(crate) worker: Option<exported::jobs::worker::GuestIndices>,
}

impl Exports {
    pub(crate) fn has(&self, role: Role) -> bool {
        match role {
            Role::Filter => self.filter.is_some(),
            Role::Router => self.router.is_some(),
            Role::StudyRouter => self.study_router.is_some(),
            Role::Analyzer => self.analyzer.is_some(),
            Role::Authenticator => self.authenticator.is_some(),
            Role::Authorizer => self.authorizer.is_some(),
            Role::Gate => self.gate.is_some(),
            Role::Sink => self.sink.is_some(),
            Role::Route => self.route.is_some(),
            Role::Worker => self.worker.is_some(),
        }
    }
}

/// Asked in a role that it does not play: a mistake of the host's wiring.
fn absent(role: Role) -> Failure {
    Failure::Never(format!("it is no {role}"))
}

/// The guest borrows; the table keeps.
fn lend<T: 'static>(resource: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(resource.rep())
}

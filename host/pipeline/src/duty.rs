//! What each role of each plugin does now: one answer for the metrics, the page and the API.
//!
//! Separate from the plugin's own state because that knows its breaker, and not whether the configuration asks it
//! anything.

use std::time::Duration;

use isocenter_role::{Part, Plugin, Role, State};

use crate::Set;

/// What a role of a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// It is called.
    Ready,
    /// It failed too often in a row and rests.
    Tripped {
        /// When it is tried again, from now.
        retry_after: Duration,
    },
    /// It has rested; one call tries it, and the others fail until that is over.
    HalfOpen,
    /// It could play the role, and the configuration has no place for it.
    Disabled,
}

impl Duty {
    /// The words for all of them.
    pub const WORDS: [&'static str; 4] = ["ready", "tripped", "half-open", "disabled"];

    /// The word for it, in metrics, on the page and in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Tripped { .. } => "tripped",
            Self::HalfOpen => "half-open",
            Self::Disabled => "disabled",
        }
    }
}

impl From<State> for Duty {
    fn from(state: State) -> Self {
        match state {
            State::Ready => Self::Ready,
            State::Tripped { retry_after } if retry_after.is_zero() => Self::HalfOpen,
            State::Tripped { retry_after } => Self::Tripped { retry_after },
        }
    }
}

impl Set {
    /// What a plugin of this set does in a role.
    pub fn duty(&self, plugin: &dyn Plugin, role: Role) -> Duty {
        if self.asks(plugin.name(), role) {
            plugin.state_of(role).into()
        } else {
            Duty::Disabled
        }
    }

    /// Whether the configuration has a plugin called in a role.
    fn asks(&self, name: &str, role: Role) -> bool {
        let chains = &self.chains;
        match role {
            Role::Filter => {
                let egress = self.destinations.values().flat_map(|destination| &destination.egress);
                named(name, chains.iter().flat_map(|chain| &chain.ingest).chain(egress))
            }
            Role::Router => named(name, chains.iter().flat_map(|chain| &chain.route)),
            Role::StudyRouter => named(name, chains.iter().flat_map(|chain| &chain.study_route)),
            Role::Analyzer => named(name, chains.iter().flat_map(|chain| &chain.analyze)),
            Role::Authenticator => named(name, &self.authenticators),
            Role::Authorizer => named(name, self.authorizers.iter().chain(&self.peer_authorizers)),
            Role::Gate => named(name, &self.gates),
            Role::Sink => named(name, self.sinks.iter().map(|spec| &spec.sink)),
            Role::Route => named(name, self.routes.values()),
            // Whoever can do jobs may have left some.
            Role::Worker => true,
        }
    }
}

fn named<'p, P: Part + ?Sized + 'p>(name: &str, parts: impl IntoIterator<Item = &'p std::sync::Arc<P>>) -> bool {
    parts.into_iter().any(|part| part.name() == name)
}

#[cfg(test)]
mod tests;

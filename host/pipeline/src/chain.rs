//! Chains: which plugins an object passes, in which order, and what their failure means.
//!
//! Pure: a chain is matched against a header and a source, and says nothing about how its plugins run.
//!
//! **The rule for several chains.** Chains are tried in the order of the configuration, each against the object *as it
//! was received*; every chain that matches takes part. Their ingest filters run one after the other in that order, and
//! their routers likewise. A filter that drops, refuses or quarantines ends the passage at once. A later chain's filters
//! are given what the earlier ones made of the object, but which chains those are was settled before any ran.

use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::index::Source;
use isocenter_dicom::header::Header;
use isocenter_role::{Analyzer, Filter, Router, StudyRouter};

mod condition;
mod network;
mod pattern;
mod range;

pub use condition::{Condition, Element};
pub use network::{Network, NetworkError};
pub use pattern::{Expression, ExpressionError, Glob, Pattern};
pub use range::{Quantity, Range, RangeError};

use crate::rewrite::Placed;

/// What happens to an object when one of a chain's ingest filters fails for good (trap, limit, `retry: never`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The original is held, unedited and unrouted, for a person; the sender is answered success.
    #[default]
    Quarantine,
    /// Nothing is stored; the sender is answered a failure.
    Refuse,
}

/// Ordered plugins with a condition, as configured.
#[derive(Clone)]
pub struct Chain {
    /// Its name in logs and on the page.
    pub name: String,
    /// Which objects it is for.
    pub when: Condition,
    /// Filters that an arriving object passes, in order.
    pub ingest: Vec<Arc<dyn Filter>>,
    /// Routers that are asked once the object is stored, in order.
    pub route: Vec<Arc<dyn Router>>,
    /// Study-routers that are asked once the study is quiet, in order.
    pub study_route: Vec<Arc<dyn StudyRouter>>,
    /// Analyzers that are run once the study is quiet; each on its own.
    pub analyze: Vec<Arc<dyn Analyzer>>,
    /// For how long nothing may have arrived for a study to be quiet.
    pub quiet: Duration,
    /// Whether its plugins are run and recorded, and change nothing. Such plugins are dry
    /// ([`isocenter_role::Plugin::dry`]), and what they answer is ignored.
    pub shadow: bool,
    /// What a filter's failure means.
    pub on_failure: OnFailure,
}

impl Chain {
    /// Its ingest filters, each with what its failure means here.
    pub(crate) fn placed(&self) -> impl Iterator<Item = Placed> + use<> {
        let name: Arc<str> = self.name.as_str().into();
        let on_failure = self.on_failure;
        let filters = self.ingest.clone().into_iter();
        filters.map(move |filter| Placed {
            filter,
            chain: Some(Arc::clone(&name)),
            on_failure,
        })
    }
}

/// The chains that an object passes, in order.
pub(crate) fn matching<'a>(chains: &'a [Chain], header: &Header, source: &Source) -> Vec<&'a Chain> {
    chains
        .iter()
        .filter(|chain| chain.when.matches(header, source))
        .collect()
}

#[cfg(test)]
mod tests;

//! Who sent a request, and what they may see of the archive: what a handler holds instead of a name in a header.

use std::sync::Arc;

use isocenter_pipeline::{Pipeline, Set};
use isocenter_role::{Access, Action, Identity};

use super::authorize;
use super::within::Within;
use crate::error::RouteError;

/// The sender of a request that was let in.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// Takes down what authorizers answer.
    pipeline: Pipeline,
    /// With what the request began.
    set: Arc<Set>,
    who: Arc<Identity>,
    within: Within,
    /// Through the operator's socket: nobody is asked.
    operator: bool,
}

impl Visitor {
    pub(super) fn operator(pipeline: Pipeline, set: Arc<Set>) -> Self {
        Self {
            operator: true,
            ..Self::nobody(pipeline, set)
        }
    }

    pub(super) fn nobody(pipeline: Pipeline, set: Arc<Set>) -> Self {
        Self::named(pipeline, set, None)
    }

    pub(super) fn named(pipeline: Pipeline, set: Arc<Set>, who: Option<Arc<Identity>>) -> Self {
        Self {
            pipeline,
            set,
            who: who.unwrap_or_default(),
            within: Within::everything(),
            operator: false,
        }
    }

    /// The same, with the limits of this access.
    pub(super) async fn admitted(mut self, access: Access) -> Result<Self, RouteError> {
        self.within = self.may(access).await?;
        Ok(self)
    }

    /// Within which limits they may do this, too.
    pub(crate) async fn may(&self, access: Access) -> Result<Within, RouteError> {
        if self.operator {
            return Ok(Within::everything());
        }
        let within = authorize::limits(&self.pipeline, &self.set, &self.who, &access).await?;
        within.checked(&access)
    }

    /// The limits of the access that the route is.
    pub(crate) fn within(&self) -> &Within {
        &self.within
    }

    /// What the request began with.
    pub(crate) fn set(&self) -> &Arc<Set> {
        &self.set
    }

    /// Their name, where authenticators gave one.
    pub(crate) fn subject(&self) -> Option<String> {
        Some(self.who.subject.clone()).filter(|subject| !subject.is_empty())
    }

    /// Whether nobody is ever asked for a name or a permission here.
    pub(crate) fn anybody(set: &Set) -> bool {
        set.authenticators.is_empty() && set.authorizers.is_empty()
    }
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// An access that names nothing but what is wanted.
pub(crate) fn plain(action: Action) -> Access {
    Access {
        action,
        study: None,
        attributes: Vec::new(),
    }
}

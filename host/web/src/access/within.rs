//! The limits of an access, as the index keeps them: what is outside is not found.
//!
//! Separate because it is the only place of the web that asks the index for objects: whoever looks for one goes through
//! the limits of its caller. Where they cannot be kept, the access is denied.

use std::sync::Arc;

use isocenter_archive::index::{self, Cursor, Index, IndexError, Located, Query, SearchError};
use isocenter_dicom::{tags, uid::Uid};
use isocenter_pipeline::permission;
use isocenter_role::{Access, Action, Limit};
use serde_json::{Map, Value};

use crate::error::RouteError;

/// Limits that all hold.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    /// As the authorizers said them.
    limits: Arc<[Limit]>,
    /// The same, as the index takes them.
    rows: Arc<index::Within>,
}

impl Within {
    /// No limits.
    pub(super) fn everything() -> Self {
        Self {
            limits: Arc::new([]),
            rows: Arc::new(index::Within::everything()),
        }
    }

    /// Within all of these limits.
    ///
    /// # Errors
    /// [`RouteError::Denied`] if the index cannot keep one of them.
    pub(super) fn limits(limits: Vec<Limit>) -> Result<Self, RouteError> {
        let rows = permission::rows(&limits).map_err(|error| {
            tracing::warn!(%error, "an access is denied: its limits cannot be kept");
            RouteError::Denied
        })?;
        Ok(Self {
            limits: limits.into(),
            rows: Arc::new(rows),
        })
    }

    /// What is within both.
    ///
    /// # Errors
    /// [`RouteError::Denied`] if they are too many together.
    pub(crate) fn and(&self, other: &Within) -> Result<Self, RouteError> {
        Self::limits(self.limits.iter().chain(other.limits.iter()).cloned().collect())
    }

    /// The same, if limits mean anything in such an access.
    ///
    /// # Errors
    /// [`RouteError::Denied`] if they do not.
    pub(super) fn checked(self, access: &Access) -> Result<Self, RouteError> {
        let kept = self.limits.is_empty()
            || match access.action {
                Action::Search | Action::Retrieve | Action::Plugin => true,
                Action::Store => self.limits.iter().all(|limit| names(limit, access.study.as_deref())),
                Action::Delete | Action::Move | Action::Admin => false,
            };
        if kept {
            return Ok(self);
        }
        let action = access.action.as_str();
        tracing::warn!(action, "an access is denied: it cannot be limited");
        Err(RouteError::Denied)
    }

    /// As the index takes them.
    pub(crate) fn rows(&self) -> &index::Within {
        &self.rows
    }

    /// [`Index::search`] within the limits.
    pub(crate) async fn search(&self, index: &Index, query: &Query) -> Result<Vec<Map<String, Value>>, SearchError> {
        index.search(query, &self.rows).await
    }

    /// [`Index::locate`] within the limits.
    pub(crate) async fn locate(
        &self,
        index: &Index,
        study: &Uid,
        series: Option<&Uid>,
        object: Option<&Uid>,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<Located>, IndexError> {
        index.locate(study, series, object, after, limit, &self.rows).await
    }
}

/// Whether an object of this study is within the limit, whatever else is in it.
fn names(limit: &Limit, study: Option<&str>) -> bool {
    limit.tag == tags::STUDY_INSTANCE_UID && study.is_some_and(|study| limit.one_of.iter().any(|value| value == study))
}

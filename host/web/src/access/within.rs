//! The limits of an access, as the index is given them: what is outside is not found.

use std::sync::Arc;

use isocenter_archive::index::{self, Cursor, Index, IndexError, Located, Query, SearchError};
use isocenter_dicom::{tags, uid::Uid};
use isocenter_role::{Access, Action, Limit};
use serde_json::{Map, Value};

use crate::error::RouteError;

/// Limits that all hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Within(Arc<[Limit]>);

impl Within {
    /// These hold too.
    pub(super) fn add(&mut self, limits: Vec<Limit>) {
        if !limits.is_empty() {
            self.0 = self.0.iter().cloned().chain(limits).collect();
        }
    }

    /// Whether there are no limits.
    pub(crate) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// What holds in both.
    pub(crate) fn and(&self, other: &Within) -> Within {
        let mut both = self.clone();
        both.add(other.0.to_vec());
        both
    }

    /// These limits, if they can be kept in such an access.
    ///
    /// # Errors
    /// [`RouteError::Denied`] if they cannot.
    pub(super) fn checked(self, access: &Access) -> Result<Within, RouteError> {
        let kept = self.is_everything()
            || match access.action {
                Action::Search | Action::Retrieve | Action::Plugin => self.0.iter().all(can_limit),
                Action::Store => self.0.iter().all(|limit| names(limit, access.study.as_deref())),
                Action::Delete | Action::Move | Action::Admin => false,
            };
        if kept {
            return Ok(self);
        }
        let action = access.action.as_str();
        let tags: Vec<String> = self.0.iter().map(|limit| limit.tag.to_string()).collect();
        tracing::warn!(
            action,
            limits = tags.join(" "),
            "an access is denied: its limits cannot be kept here"
        );
        Err(RouteError::Denied)
    }

    /// [`Index::search`] within the limits.
    pub(crate) async fn search(&self, index: &Index, query: &Query) -> Result<Vec<Map<String, Value>>, SearchError> {
        if !self.is_everything() {
            return Ok(Vec::new());
        }
        index.search(query, &index::Within::everything()).await
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
        if !self.is_everything() {
            return Ok(Vec::new());
        }
        index
            .locate(study, series, object, after, limit, &index::Within::everything())
            .await
    }
}

/// Whether the index can be searched by the element.
fn can_limit(_limit: &Limit) -> bool {
    false
}

/// Whether an object of this study is within the limit, whatever else is in it.
fn names(limit: &Limit, study: Option<&str>) -> bool {
    limit.tag == tags::STUDY_INSTANCE_UID && study.is_some_and(|study| limit.one_of.iter().any(|value| value == study))
}

//! The objects below a study, a series or one UID, as a stream of places.
//!
//! Retrieval and metadata walk the same list. It comes from the index in pages, each found by where the last one ended,
//! so a study of a hundred thousand objects costs one page of memory.

use std::collections::VecDeque;

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use isocenter_archive::index::{Cursor, Located};

use super::Scope;
use crate::access::Within;
use crate::app::AppState;
use crate::error::RouteError;

/// Places asked of the index at a time.
const PAGE: u32 = 250;

/// The objects of a scope that a caller may see; there is at least one.
pub(super) struct Objects {
    state: AppState,
    scope: Scope,
    within: Within,
    page: VecDeque<Located>,
    /// Where the next page begins; `None` when the last one is there.
    next: Option<Cursor>,
}

impl Objects {
    /// Finds the first page.
    ///
    /// # Errors
    /// [`RouteError::NothingStored`] when it is empty.
    pub(super) async fn find(state: &AppState, scope: Scope, within: &Within) -> Result<Self, RouteError> {
        let mut objects = Self {
            state: state.clone(),
            scope,
            within: within.clone(),
            page: VecDeque::new(),
            next: None,
        };
        objects.turn(None).await?;
        if objects.page.is_empty() {
            return Err(RouteError::NothingStored {
                what: objects.scope.named(),
            });
        }
        Ok(objects)
    }

    /// All of them, when they fit in one page.
    pub(super) fn all(&self) -> Option<impl Iterator<Item = &Located>> {
        self.next.is_none().then(|| self.page.iter())
    }

    /// Every one of them, from the first.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Located, RouteError>> + Send {
        stream::try_unfold(self, |mut objects| async move {
            if objects.page.is_empty()
                && let Some(after) = objects.next.take()
            {
                objects.turn(Some(after)).await?;
            }
            Ok(objects.page.pop_front().map(|at| (at, objects)))
        })
        .into_stream()
    }

    async fn turn(&mut self, after: Option<Cursor>) -> Result<(), RouteError> {
        let Scope { study, series, object } = &self.scope;
        let Some(study) = study else { return Ok(()) };
        let index = self.state.archive().index();
        let found = self
            .within
            .locate(index, study, series.as_ref(), object.as_ref(), after.as_ref(), PAGE)
            .await?;
        let full = found.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.next = if full { found.last().map(Located::cursor) } else { None };
        self.page = found.into();
        Ok(())
    }
}

/// The first object that does not satisfy `good`, in a walk over the whole scope.
pub(super) async fn first_that_is_not(
    state: &AppState,
    scope: &Scope,
    within: &Within,
    good: impl Fn(&Located) -> bool,
) -> Result<Option<Located>, RouteError> {
    let mut objects = std::pin::pin!(Objects::find(state, scope.clone(), within).await?.stream());
    while let Some(at) = objects.next().await {
        let at = at?;
        if !good(&at) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

//! Wakes those who wait for work. Polling is the truth, at most a second apart; this only makes work that this host enqueued
//! begin at once.
//!
//! Not NOTIFY: Postgres lets only one transaction that notifies commit at a time, disk sync included, so it would undo the
//! shared commits of ingest, in which every object may enqueue its routing.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// The longest that work of another host, or work that becomes due, goes unnoticed.
const POLL: Duration = Duration::from_secs(1);
/// Work that comes in quick succession wakes once in this time; and work that came so short a time ago may have been
/// overlooked by who begins to wait now.
const SETTLE: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Work {
    last: Mutex<Option<Instant>>,
    came: Notify,
}

impl Work {
    pub(super) fn arrived(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.came.notify_waiters();
    }

    pub(super) async fn wait(&self, timeout: Duration) {
        let came = self.came.notified();
        tokio::pin!(came);
        came.as_mut().enable();
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() > SETTLE) {
            // Either way the caller looks for work.
            let _ = tokio::time::timeout(timeout.min(POLL), came).await;
        }
        tokio::time::sleep(SETTLE.min(timeout)).await;
    }
}

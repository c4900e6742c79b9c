//! Durable work that a plugin leaves for its own worker.
//!
//! Separate because it is a capability with a grant (`jobs = ["queue"]`). The job outlives the call, a restart and the
//! host that took it.

use serde::Serialize;

use crate::raw::jobs;
use crate::{Error, Result};

/// A job in the making.
#[must_use]
pub struct Job {
    queue: String,
    payload: Vec<u8>,
    key: Option<String>,
    delay_seconds: u32,
}

impl Job {
    /// A job for one of the granted queues. `payload`: at most 64 KiB.
    pub fn new(queue: &str, payload: impl Into<Vec<u8>>) -> Job {
        Job {
            queue: queue.to_owned(),
            payload: payload.into(),
            key: None,
            delay_seconds: 0,
        }
    }

    /// A job whose payload is JSON.
    ///
    /// # Errors
    /// The value has no form in JSON.
    pub fn json<T: Serialize>(queue: &str, payload: &T) -> Result<Job> {
        Ok(Job::new(queue, serde_json::to_vec(payload)?))
    }

    /// At most one job of that key waits in the queue: a second is not enqueued.
    pub fn key(mut self, key: &str) -> Job {
        self.key = Some(key.to_owned());
        self
    }

    /// Not before so many seconds from now.
    pub fn delay_seconds(mut self, delay: u32) -> Job {
        self.delay_seconds = delay;
        self
    }

    /// Enqueues it and answers its number, or that of the waiting job of the same key.
    ///
    /// # Errors
    /// The queue is not granted, the payload is too large or the database does not answer; with the sentence.
    pub fn enqueue(self) -> Result<u64> {
        jobs::enqueue(&self.queue, &self.payload, self.key.as_deref(), self.delay_seconds).map_err(Error::never)
    }
}

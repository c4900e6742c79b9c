//! Durable work that a plugin leaves for its own worker.

use std::time::Duration;

use isocenter_role::backing::Backing;

use crate::bindings::isocenter::host::jobs;
use crate::call::{Call, Missing};
use crate::spec::PluginSpec;

/// The largest payload, in bytes.
pub(crate) const MOST_PAYLOAD: usize = 64 * 1024;
/// The longest key, in bytes.
pub(crate) const LONGEST_KEY: usize = 512;
/// The longest delay, in seconds: 30 days.
pub(crate) const LONGEST_DELAY: u32 = 30 * 86_400;

/// What a grant for it holds, as an operator writes it.
pub(crate) const GRANT: &str = "jobs = [\"QUEUE\"]";

pub(crate) fn validate(spec: &PluginSpec, backing: &Backing) -> Result<(), String> {
    let interface = "isocenter:host/jobs";
    if spec.grant.jobs.is_empty() {
        return Err(super::not_granted(interface, GRANT));
    }
    backing
        .jobs
        .as_ref()
        .map(|_| ())
        .ok_or_else(|| super::not_offered(interface))
}

impl jobs::Host for Call {
    async fn enqueue(
        &mut self,
        queue: String,
        payload: Vec<u8>,
        key: Option<String>,
        delay_seconds: u32,
    ) -> wasmtime::Result<Result<u64, String>> {
        if !self.facts.grant.jobs.contains(&queue) {
            let queue = super::log::line(&queue);
            self.missing
                .get_or_insert_with(|| Missing::new("jobs", &queue, "enqueues into"));
            return Ok(Err(format!("the queue `{queue}` is not granted")));
        }
        if payload.len() > MOST_PAYLOAD {
            return Ok(Err(format!("a payload may have {MOST_PAYLOAD} bytes")));
        }
        if key.as_ref().is_some_and(|key| key.len() > LONGEST_KEY) {
            return Ok(Err(format!("a key may have {LONGEST_KEY} bytes")));
        }
        if self.dry {
            return Ok(Ok(0));
        }
        let Some(jobs) = self.facts.backing.jobs.clone() else {
            return Ok(Err("this host has no jobs".into()));
        };
        let plugin = self.facts.name.clone();
        let delay = Duration::from_secs(u64::from(delay_seconds.min(LONGEST_DELAY)));
        Ok(self.waiting(jobs.enqueue(plugin, queue, payload, key, delay)).await)
    }
}

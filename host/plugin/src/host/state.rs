//! Small durable values: versioned, with a quota, shared by all hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use isocenter_role::backing::{Backing, StateEntry, StateTrouble};

use crate::bindings::isocenter::host::state;
use crate::call::Call;
use crate::spec::PluginSpec;

/// The longest key, in bytes.
pub(crate) const LONGEST_KEY: usize = 512;
/// The largest value, in bytes.
pub(crate) const MOST_VALUE: usize = 64 * 1024;
/// Keys in one answer.
pub(crate) const MOST_KEYS: u32 = 1000;
/// Entries that a dry call may keep.
const MOST_DRY: usize = 1000;

/// What a grant for it holds, as an operator writes it.
pub(crate) const GRANT: &str = "state = \"16 MiB\"";

pub(crate) fn validate(spec: &PluginSpec, backing: &Backing) -> Result<(), String> {
    let interface = "isocenter:host/state";
    if spec.grant.state.is_none() {
        return Err(super::not_granted(interface, GRANT));
    }
    backing
        .state
        .as_ref()
        .map(|_| ())
        .ok_or_else(|| super::not_offered(interface))
}

/// What a dry call has written, for itself alone; `None`: it deleted the key.
#[derive(Debug, Default)]
pub(crate) struct Overlay(BTreeMap<String, Option<StateEntry>>);

/// A version that no stored entry has: the store counts from 1 upwards.
const DRY: u64 = 1 << 62;

fn to_guest(trouble: StateTrouble) -> state::Trouble {
    match trouble {
        StateTrouble::Conflict => state::Trouble::Conflict,
        StateTrouble::OverQuota => state::Trouble::OverQuota,
        StateTrouble::Unavailable(why) => state::Trouble::Unavailable(why),
    }
}

fn gone() -> StateTrouble {
    StateTrouble::Unavailable("this host has no state".into())
}

impl Call {
    async fn read_state(&mut self, key: String) -> Result<Option<StateEntry>, StateTrouble> {
        if self.dry
            && let Some(written) = self.overlay.0.get(&key)
        {
            return Ok(written.clone());
        }
        let store = self.facts.backing.state.clone().ok_or_else(gone)?;
        let plugin = self.facts.name.clone();
        self.waiting(store.get(plugin, key)).await
    }

    async fn write_state(
        &mut self,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        lifetime: Option<Duration>,
    ) -> Result<u64, StateTrouble> {
        if key.is_empty() || key.len() > LONGEST_KEY || value.len() > MOST_VALUE {
            return Err(StateTrouble::OverQuota);
        }
        if self.dry {
            let found = self.read_state(key.clone()).await?;
            if expect.is_some_and(|expect| found.map_or(0, |entry| entry.version) != expect) {
                return Err(StateTrouble::Conflict);
            }
            if self.overlay.0.len() >= MOST_DRY {
                return Err(StateTrouble::OverQuota);
            }
            let version = DRY + self.overlay.0.len() as u64;
            self.overlay.0.insert(key, Some(StateEntry { value, version }));
            return Ok(version);
        }
        let store = self.facts.backing.state.clone().ok_or_else(gone)?;
        let plugin = self.facts.name.clone();
        let quota = self.facts.grant.state.unwrap_or(0);
        self.waiting(store.put(plugin, key, value, expect, lifetime, quota))
            .await
    }

    async fn remove_state(&mut self, key: String) -> Result<(), StateTrouble> {
        if self.dry {
            if self.overlay.0.len() < MOST_DRY {
                self.overlay.0.insert(key, None);
            }
            return Ok(());
        }
        let store = self.facts.backing.state.clone().ok_or_else(gone)?;
        let plugin = self.facts.name.clone();
        self.waiting(store.delete(plugin, key)).await
    }
}

impl state::Host for Call {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<state::Entry>, state::Trouble>> {
        let found = self.read_state(key).await.map_err(to_guest);
        Ok(found.map(|entry| {
            entry.map(|entry| state::Entry {
                value: entry.value,
                version: entry.version,
            })
        }))
    }

    async fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        expect: Option<u64>,
        ttl_seconds: Option<u32>,
    ) -> wasmtime::Result<Result<u64, state::Trouble>> {
        let lifetime = ttl_seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Ok(self.write_state(key, value, expect, lifetime).await.map_err(to_guest))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), state::Trouble>> {
        Ok(self.remove_state(key).await.map_err(to_guest))
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, state::Trouble>> {
        let Some(store) = self.facts.backing.state.clone() else {
            return Ok(Err(to_guest(gone())));
        };
        let plugin = self.facts.name.clone();
        let keys = self
            .waiting(store.keys(plugin, prefix, after, limit.min(MOST_KEYS)))
            .await;
        Ok(keys.map_err(to_guest))
    }
}

//! How much one call may use, and the account of what it did use.
//!
//! Separate because the defaults are a table that operators read, and because the meter must not know what it meters.

use std::time::Duration;

use isocenter_role::{Limits, LimitsOverride, Role};
use wasmtime::ResourceLimiter;

const MIB: u64 = 1024 * 1024;

/// The most memory that any plugin may be given: the size of a slot of the pool, in bytes.
pub(crate) const MOST_MEMORY: u64 = 1024 * MIB;
/// Elements of all tables of an instance together. A Rust guest has one function table of some hundred.
pub(crate) const MOST_TABLE_ELEMENTS: usize = 20_000;
/// One tick of the epoch: how often a guest that computes is looked at.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

/// The defaults of a role.
pub(crate) fn of_role(role: Role) -> Limits {
    let (memory, cpu, wall, concurrency) = match role {
        Role::Filter => (128, 500, 2_000, 16),
        Role::Router => (64, 100, 250, 16),
        Role::StudyRouter => (64, 1_000, 15_000, 4),
        Role::Analyzer => (512, 60_000, 300_000, 2),
        Role::Authenticator | Role::Authorizer | Role::Gate => (64, 100, 500, 32),
        // One at a time: events are told in order.
        Role::Sink => (64, 1_000, 15_000, 1),
        Role::Route => (128, 1_000, 10_000, 8),
        Role::Worker => (128, 1_000, 30_000, 4),
    };
    Limits {
        memory: memory * MIB,
        cpu: Duration::from_millis(cpu),
        wall: Duration::from_millis(wall),
        concurrency,
    }
}

/// `check()`, whatever the roles.
pub(crate) const CHECK: Limits = Limits {
    memory: 128 * MIB,
    cpu: Duration::from_secs(5),
    wall: Duration::from_secs(5),
    concurrency: 1,
};

/// The limits of a role with what the operator set.
///
/// # Errors
/// One sentence naming the limit that is out of its range.
pub(crate) fn in_force(role: Role, set: &LimitsOverride) -> Result<Limits, String> {
    let usual = of_role(role);
    let limits = Limits {
        memory: set.memory.unwrap_or(usual.memory),
        cpu: set.cpu.unwrap_or(usual.cpu),
        wall: set.wall.unwrap_or(usual.wall),
        // A sink is told in order whatever is set.
        concurrency: match role {
            Role::Sink => usual.concurrency,
            _ => set.concurrency.unwrap_or(usual.concurrency),
        },
    };
    if !(MIB..=MOST_MEMORY).contains(&limits.memory) {
        return Err(format!(
            "limits.memory is {} bytes; it must be 1 MiB to 1 GiB",
            limits.memory
        ));
    }
    if !(SLICE..=Duration::from_secs(3600)).contains(&limits.cpu) {
        return Err(format!(
            "limits.cpu is {} ms; it must be 10 ms to 1 h",
            limits.cpu.as_millis()
        ));
    }
    if !(SLICE..=Duration::from_secs(3600)).contains(&limits.wall) {
        return Err(format!(
            "limits.wall is {} ms; it must be 10 ms to 1 h",
            limits.wall.as_millis()
        ));
    }
    if !(1..=crate::engine::POOL).contains(&limits.concurrency) {
        return Err(format!(
            "limits.concurrency is {}; it must be 1 to {}",
            limits.concurrency,
            crate::engine::POOL
        ));
    }
    Ok(limits)
}

/// Watches the growth of one instance.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: u64,
    memory: u64,
    peak: u64,
    tables: usize,
    denied: bool,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Meter {
        Meter {
            limit,
            memory: 0,
            peak: 0,
            tables: 0,
            denied: false,
        }
    }

    /// The largest sum of all memories so far, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Whether memory was asked for and not given. The guest decides what to do then; most abort, which arrives as a
    /// bare trap, and this tells why.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self
            .memory
            .saturating_add((desired as u64).saturating_sub(current as u64));
        if grown > self.limit {
            self.denied = true;
            return Ok(false);
        }
        self.memory = grown;
        self.peak = self.peak.max(grown);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.tables.saturating_add(desired.saturating_sub(current));
        if grown > MOST_TABLE_ELEMENTS {
            self.denied = true;
            return Ok(false);
        }
        self.tables = grown;
        Ok(true)
    }
}

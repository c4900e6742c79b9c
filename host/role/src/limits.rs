//! How much one call may use: as the operator sets it, and as it is in force.

use std::time::Duration;

/// What an operator sets for one plugin. `None`: the default of the role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsOverride {
    /// Linear memory in bytes; at most 1 GiB.
    pub memory: Option<u64>,
    /// CPU time of one call; counted in slices of 10 ms.
    pub cpu: Option<Duration>,
    /// Wall time of one call, and the longest wait for a slot.
    pub wall: Option<Duration>,
    /// Calls at the same time.
    pub concurrency: Option<u32>,
}

/// The limits in force for one role of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes.
    pub memory: u64,
    /// CPU time of one call.
    pub cpu: Duration,
    /// Wall time of one call, and the longest wait for a slot.
    pub wall: Duration,
    /// Calls at the same time.
    pub concurrency: u32,
}

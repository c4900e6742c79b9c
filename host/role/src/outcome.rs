//! What came of one call of a plugin, and what it cost, whatever the role.

use std::time::Duration;

/// What came of one call, and what it cost. There is a cost whatever the result.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The plugin's answer, or why there is none. On a failure nothing of what the plugin did counts.
    pub result: Result<T, Failure>,
    /// What the call used.
    pub cost: Cost,
}

/// What one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How long the call waited for its slot.
    pub queue: Duration,
    /// Making the fresh instance.
    pub instantiate: Duration,
    /// CPU time of the thread that ran the call: instantiation, guest and host functions.
    pub cpu: Duration,
    /// From the moment when the call had its slot to its end.
    pub wall: Duration,
    /// What of `wall` passed while the guest waited for the host: state, HTTP, models, objects.
    pub host_wait: Duration,
    /// The largest sum of the instance's linear memories, in bytes.
    pub peak_memory: u64,
}

/// Which clock ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time the plugin computed.
    Cpu,
    /// Time that passed.
    Wall,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Clock::Cpu => "CPU time",
            Clock::Wall => "wall time",
        })
    }
}

/// Why a call gave no answer. The text is for the operator: a trap may carry the guest's panic message, so it is not
/// to be sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The guest trapped (panicked, overflowed its stack, broke a rule of the contract).
    #[error("the plugin trapped: {0}")]
    Trap(String),
    /// The guest ran longer than its limit.
    #[error("the plugin used more than {} ms of {clock}", limit.as_millis())]
    Deadline {
        /// Which clock ran out.
        clock: Clock,
        /// What was allowed.
        limit: Duration,
    },
    /// The guest asked for more memory than its limit, and ended because of it.
    #[error("the plugin wanted more than {} MiB of memory", limit / (1024 * 1024))]
    Memory {
        /// What was allowed, in bytes.
        limit: u64,
    },
    /// The guest says that it cannot do its work, and that trying again will not help.
    #[error("the plugin could not do its work: {0}")]
    Never(String),
    /// The guest says that it may work later.
    #[error("the plugin asks to be tried again in {seconds} s: {reason}")]
    After {
        /// When, from now.
        seconds: u32,
        /// In the guest's words.
        reason: String,
    },
    /// No slot for the call became free in time.
    #[error("too many calls of the plugin are running")]
    Overloaded,
    /// The plugin failed too often in a row and rests.
    #[error("the plugin failed {failures} times in a row and is tried again in {} s", retry_after.as_secs().max(1))]
    Tripped {
        /// When it is tried again, from now.
        retry_after: Duration,
        /// Failures in a row.
        failures: u32,
    },
}

impl Failure {
    /// A word for it, for metrics and records.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Failure::Trap(_) => "trap",
            Failure::Deadline { .. } => "deadline",
            Failure::Memory { .. } => "memory",
            Failure::Never(_) => "never",
            Failure::After { .. } => "after",
            Failure::Overloaded => "overloaded",
            Failure::Tripped { .. } => "tripped",
        }
    }

    /// When it makes sense to try again; `None` if the same call would fail in the same way.
    #[must_use]
    pub fn retryable(&self) -> Option<Duration> {
        match self {
            Failure::After { seconds, .. } => Some(Duration::from_secs(u64::from(*seconds))),
            Failure::Overloaded => Some(Duration::from_secs(1)),
            Failure::Tripped { retry_after, .. } => Some(*retry_after),
            Failure::Trap(_) | Failure::Deadline { .. } | Failure::Memory { .. } | Failure::Never(_) => None,
        }
    }

    /// Whether the plugin is at fault, rather than the object or the moment. Only faults count towards the breaker:
    /// a filter that says `never` to five bad objects in a row has done its work.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Failure::Trap(_) | Failure::Deadline { .. } | Failure::Memory { .. }
        )
    }
}

//! The index, rebuilt from the packs alone.

/// What was found and indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// Packs walked.
    pub packs: u64,
    /// Objects indexed.
    pub objects: u64,
    /// Quarantined objects indexed.
    pub held: u64,
    /// Entries that were stored already, or lost against a different one by the policy.
    pub duplicates: u64,
    /// Entries that are damaged and were left out.
    pub damaged: u64,
}

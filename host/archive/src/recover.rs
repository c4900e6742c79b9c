//! What a crash left behind, settled at start.

/// What was found and done at start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Packs that were not sealed.
    pub packs: u64,
    /// Whole objects that had no row and got one.
    pub indexed: u64,
    /// Whole quarantined objects that had no row and got one.
    pub held: u64,
    /// Whole objects that were already stored elsewhere, or that differ from what is stored.
    pub duplicates: u64,
    /// Torn tails that were cut off.
    pub torn: u64,
    /// Bytes cut off with them.
    pub torn_bytes: u64,
    /// Entries that are damaged but were not cut off, because the index knows them or they cannot be parsed.
    pub damaged: u64,
}

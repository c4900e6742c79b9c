//! How much there is, cheaply enough for a page.

use super::{Index, IndexError};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Studies.
    pub studies: u64,
    /// Series.
    pub series: u64,
    /// Served objects.
    pub objects: u64,
    /// Bytes of served objects (Part 10 files).
    pub bytes: u64,
    /// Objects in quarantine.
    pub quarantined: u64,
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Whether `series`, `objects` and `bytes` are estimates of the database's statistics: beyond 100,000 objects.
    pub estimated: bool,
}

impl Index {
    /// How much there is.
    pub async fn totals(&self) -> Result<Totals, IndexError> {
        todo!()
    }
}

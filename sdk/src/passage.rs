//! What an object is passing through, and on whose behalf.
//!
//! Separate because a filter that does not look at it behaves alike on ingest and egress.

pub use crate::bindings::imports::isocenter::filter::passage::{Direction, Transport};
use crate::raw::passage;

/// Whence and whither.
pub struct Passage<'a>(pub(crate) &'a passage::Passage);

impl Passage<'_> {
    /// Into the archive or out of it.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.0.direction()
    }

    /// How the object came to the archive.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.transport()
    }

    /// AE title of the sender; DIMSE only.
    #[must_use]
    pub fn calling_ae(&self) -> Option<String> {
        self.0.calling_ae()
    }

    /// AE title that the sender called; DIMSE only.
    #[must_use]
    pub fn called_ae(&self) -> Option<String> {
        self.0.called_ae()
    }

    /// Network address of the sender.
    #[must_use]
    pub fn peer(&self) -> Option<String> {
        self.0.peer()
    }

    /// Who sent it, as the auth plugins named them.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        self.0.subject()
    }

    /// Egress only: the configured destination.
    #[must_use]
    pub fn destination(&self) -> Option<String> {
        self.0.destination()
    }

    /// Times this object, or the one it derives from, has passed through ingest.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.0.hops()
    }
}

//! What an object is passing through, and on whose behalf.
//!
//! Separate because a filter that does not look at it behaves alike on ingest and egress.

use crate::bindings::filter::isocenter::filter::passage;
pub use crate::bindings::filter::isocenter::filter::passage::{Direction, Transport};
#[cfg(not(target_arch = "wasm32"))]
use crate::fake;

/// Whence and whither.
pub struct Passage<'a>(Source<'a>);

enum Source<'a> {
    Host(&'a passage::Passage),
    #[cfg(not(target_arch = "wasm32"))]
    Fake(&'a fake::Passage),
}

macro_rules! ask {
    ($($(#[$doc:meta])* $method:ident -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $method(&self) -> $answer {
                match self.0 {
                    Source::Host(passage) => passage.$method(),
                    #[cfg(not(target_arch = "wasm32"))]
                    Source::Fake(passage) => passage.$method.clone(),
                }
            }
        )*
    };
}

impl<'a> Passage<'a> {
    pub(crate) fn host(passage: &'a passage::Passage) -> Passage<'a> {
        Passage(Source::Host(passage))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn fake(passage: &'a fake::Passage) -> Passage<'a> {
        Passage(Source::Fake(passage))
    }

    ask! {
        /// Into the archive or out of it.
        direction -> Direction;
        /// How the object came to the archive.
        transport -> Transport;
        /// AE title of the sender; DIMSE only.
        calling_ae -> Option<String>;
        /// AE title that the sender called; DIMSE only.
        called_ae -> Option<String>;
        /// Network address of the sender.
        peer -> Option<String>;
        /// Who sent it, as the auth plugins named them.
        subject -> Option<String>;
        /// Egress only: the configured destination.
        destination -> Option<String>;
        /// Times this object, or the one it derives from, has passed through ingest.
        hops -> u32;
    }
}

//! What is durable: packs of objects on disk, and the index of them in Postgres.
//!
//! An object is appended to a pack (a plain tar file), the pack is synced, the index is committed, and only then is the
//! object acknowledged. Syncs and commits are shared by everyone who waits for one ([`group`]). The index is a cache of the
//! packs: [`Archive::reindex`] rebuilds it from them alone.
//!
//! This crate is the only one that speaks SQL and the only one that knows what the data folder looks like:
//!
//! ```text
//! DATA/lock                                          held while a host runs on this folder
//! DATA/packs/<2 hex>/<32 hex>/<pack id>.tar          packs, in a folder per study (hex of BLAKE3 of the study UID)
//! DATA/quarantine/<2 hex>/<32 hex>/<pack id>.tar     objects that a plugin or a failure held back
//! DATA/quarantine/<2 hex>/<32 hex>/resolved.jsonl    what was decided about them
//! DATA/open/<pack id>.<32 hex>.<shelf>               marker of a pack that is not sealed: to be scanned at start
//! DATA/postgres/                                     the private cluster, when no database is configured
//! ```
//!
//! What is absent: no name on disk comes from the network (names are digests and ids made here), and nothing here decides
//! whether an object should be kept. It parses object headers only to rebuild the index after a crash.

pub mod cluster;
pub mod index;

// The objects that tests are made of name this crate as the tests in `tests/` do.
#[cfg(test)]
extern crate self as isocenter_archive;
#[cfg(test)]
#[path = "../tests/common/objects.rs"]
#[expect(dead_code, reason = "what stores them is for the tests in `tests/`")]
mod objects;

mod archive;
mod commitment;
mod error;
mod group;
mod pack;
mod recorder;
mod recover;
mod reindex;
mod resolve;
mod verify;

pub use archive::{Archive, Options, StoredBytes};
pub use commitment::Custody;
pub use error::ArchiveError;
pub use pack::entry::{Entry, NewObjectParts};
pub use pack::together::Together;
pub use pack::writer::{PackWriter, Shelf};
pub use recorder::Recorder;
pub use recover::Recovery;
pub use reindex::Reindexed;
pub use verify::{Checked, Problem, ProblemKind, Verified};

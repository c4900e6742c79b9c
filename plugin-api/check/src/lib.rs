//! Judges a change of the contract between host and plugins: which differences there are, whether each is minor or
//! major by the rules of `plugin-api/README.md`, and whether the version of every package says so.
//!
//! Separate because a plugin that was built for a released contract must run in every later host of its track, and
//! whether it does is not to depend on who reads a diff of WIT.
//!
//! ```text
//! Contract::read(released), Contract::read(current) → compare → Comparison: a report, and whether it fits
//! ```

#![expect(clippy::indexing_slicing, reason = "an id of a `Resolve` is an index into it")]

mod compare;
mod contract;
mod page;
mod reference;
mod report;
mod snippet;
mod version;
mod wording;

pub use compare::compare;
pub use contract::{Contract, Unreadable, latest};
pub use page::{page_says, table};
pub use reference::{Reference, reference};
pub use report::{Comparison, Difference, PackageReport};
pub use snippet::{Snippet, pages, repository, snippets, snippets_of};
pub use version::Change;

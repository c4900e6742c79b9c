//! The released contracts against this host: plugins that were built long ago load, and answer as they did.
//!
//! A binary of its own, because it uses nothing that was built from these sources: the components are in the
//! repository, frozen when their contract was released (`plugin-api/released`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; the exemption for tests does not reach what their modules share"
)]

mod first;
mod frozen;
mod support;

//! The runtime with real components: one binary, so that wasmtime is linked once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; the exemption for tests does not reach what their modules share"
)]

mod anonymize;
mod calls;
mod examples;
mod forged;
mod grants;
mod hostile;
mod loading;
mod memory;
mod rules;
mod support;

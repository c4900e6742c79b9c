//! Engines in C and in Rust, good and bad, built here and run through the host's loader.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod contract;
mod examples;
mod loading;
mod support;

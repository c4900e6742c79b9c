//! The snippets of Rust in the pages that are not made from code elsewhere, compiled as tests of documentation.
//!
//! Separate because it is in no build; `plugin-api/check/tests/snippets.rs` says which pages must be here.

#[doc = include_str!("../../README.md")]
mod repository {}

#[doc = include_str!("../README.md")]
mod sdk {}

#[doc = include_str!("../../plugin-api/coming-from-orthanc.md")]
mod coming_from_orthanc {}

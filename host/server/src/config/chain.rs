//! Chains and sinks, as configured: which plugins run, and for what.
//!
//! Apart from the other types because these are the only ones whose order in the file means something.

use std::time::Duration;

use isocenter_pipeline::chain::Condition;

/// `[[chains]]`: plugins on the hooks of objects that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// As given, else `chain 1`, `chain 2` … by position.
    pub name: String,
    /// Which objects it is for.
    pub when: Condition,
    /// Names of filters for arriving objects, in order.
    pub ingest: Vec<String>,
    /// Names of routers for stored objects, in order.
    pub route: Vec<String>,
    /// Names of study-routers for studies that have become quiet, in order.
    pub study_route: Vec<String>,
    /// Names of analyzers for studies that have become quiet.
    pub analyze: Vec<String>,
    /// How long no object of a study must have arrived until the study counts as quiet.
    pub quiet: Duration,
    /// What a filter's failure means.
    pub on_failure: OnFailure,
    /// Whether its plugins run for the record alone: nothing that they say is done.
    pub shadow: bool,
}

/// `on-failure` of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The original is held for a person, the sender is answered success.
    #[default]
    Quarantine,
    /// Nothing is stored, the sender is answered a failure.
    Refuse,
}

/// `[[sinks]]`: a plugin that is told of events, each at least once and in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// The plugin's name; no other sink has it.
    pub plugin: String,
    /// Events handed over at a time, at most.
    pub batch: u32,
    /// Globs for kinds of events; empty: all.
    pub kinds: Vec<String>,
}

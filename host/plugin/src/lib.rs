//! The plugin runtime: WebAssembly components in a sandbox, each call in a fresh instance.
//!
//! What is here and nowhere else: wasmtime, and the one `unsafe` block of the host (loading compiled code from the
//! private cache). What is deliberately absent: chains, policies on failure and the archive. A plugin is called and
//! answers; what that means for an object is the pipeline's to decide.
//!
//! ```text
//! Runtime::start → Runtime::load(PluginSpec) → Arc<Plugin> → filter(header, passage) / route(header) → Outcome
//! ```

mod answer;
mod bindings;
mod breaker;
mod cache;
mod call;
mod contract;
mod engine;
mod host;
mod limits;
mod load;
mod plugin;
mod runtime;
mod series;
mod spec;
mod trap;

pub use answer::{Clock, Cost, Direction, Failure, FilterAnswer, Outcome, Passage, PlannedSend, Transport, Verdict};
pub use breaker::State;
pub use limits::{Limits, LimitsOverride};
pub use load::{LoadError, Manifest, Reason};
pub use plugin::{Plugin, Roles};
pub use runtime::{Runtime, RuntimeOptions, StartError};
pub use series::{Measure, Series};
pub use spec::{PluginSpec, Secret};

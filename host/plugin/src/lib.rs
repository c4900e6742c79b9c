//! The plugin runtime: WebAssembly components in a sandbox, each call in a fresh instance.
//!
//! What is here and nowhere else: wasmtime, and the one `unsafe` block of the host (loading compiled code from the
//! private cache). What is deliberately absent: chains, policies on failure and the archive. A plugin is called and
//! answers; what that means for an object is the pipeline's to decide.
//!
//! ```text
//! Runtime::start → Runtime::load(PluginSpec) → Arc<WasmPlugin> → as_filter() … → filter(object, passage) → Outcome
//! ```

mod account;
mod bindings;
mod breaker;
mod cache;
mod call;
mod compile;
mod contract;
#[cfg(test)]
mod documentation;
mod engine;
mod host;
mod inspect;
mod limits;
mod load;
mod manifest;
mod plugin;
mod role;
mod runtime;
mod schema;
mod series;
mod spec;
mod trap;
mod trust;

pub use compile::compile_plugin;
pub use engine::Allocation;
pub use inspect::{Inspection, describe};
pub use isocenter_dicom::edit::SiteKey;
pub use load::{LoadError, Reason};
pub use manifest::Described;
pub use plugin::WasmPlugin;
pub use runtime::{Runtime, RuntimeOptions, StartError, Surroundings};
pub use spec::{Grant, PluginSpec, Secret, Trust};
pub use trust::{Pin, SignatureCheck};

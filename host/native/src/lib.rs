//! Native plugins: shared libraries that run inside the host, unconfined, because the operator said so.
//!
//! The one kind today is an inference engine, which runs the models that are configured by name. What is here and
//! nowhere else: loading a shared library, and calling it. What is deliberately absent: configuration, the capability
//! of Wasm plugins that uses this, and any model format.
//!
//! ```text
//! Models::load(engines, models) → Models → run("lung", inputs).await → outputs, or Trouble
//! ```
//!
//! A native plugin can do what the host can do. So it is loaded only when the configuration says `trusted = true` and
//! gives its digest, and what is loaded is a sealed copy in memory that had this digest (`library.rs`). It is called on
//! threads of its own (`calls.rs`), and all that it answers is checked before it is believed (`answer.rs`), as far as
//! it can be: a pointer to too little memory cannot be told from a good one.

mod answer;
mod calls;
mod digest;
mod engine;
mod library;
mod models;
mod port;
mod raw;
mod sealed;
mod tensor;
mod trouble;

pub use calls::{EngineState, Limits};
pub use digest::{BadDigest, Digest};
pub use engine::{Engine, Model};
pub use isocenter_native_api::Element;
pub use library::{Library, LibraryError, Unusable};
pub use models::{EngineSpec, LoadError, ModelSpec, Models};
pub use port::Port;
pub use tensor::{MOST_BYTES, Tensor};
pub use trouble::Trouble;

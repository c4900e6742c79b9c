//! The runtime with real components: one binary, so that wasmtime is linked once.

mod anonymize;
mod calls;
mod hostile;
mod loading;
mod rules;
mod support;

//! An inference engine that runs ONNX models, on the CPU, in Rust alone.
//!
//! The host loads it as a shared library, so that neither its code nor that of [tract](https://github.com/sonos/tract),
//! which does the work, is part of the host. What is here: opening a model with dimensions that are known only when it
//! is run (`model.rs`), and the way between the host's tensors and tract's (`values.rs`). What is deliberately absent:
//! `unsafe`, files, GPUs, and threads (runs go side by side on the host's).

mod model;
mod values;

use isocenter_native_api::{Engine, Error};

pub use model::OnnxModel;

/// The engine. It has no state: every model stands for itself.
#[derive(Clone, Copy, Debug)]
pub struct Onnx;

impl Engine for Onnx {
    const NAME: &'static str = "onnx";
    const VERSION: &'static str = concat!(env!("CARGO_PKG_VERSION"), " (tract 0.23)");
    type Model = OnnxModel;

    fn open(bytes: &[u8]) -> Result<OnnxModel, Error> {
        OnnxModel::open(bytes)
    }
}

isocenter_native_api::inference_engine!(Onnx);

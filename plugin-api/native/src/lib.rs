//! What a native plugin of Isocenter and its host share.
//!
//! `isocenter_native.h` is the contract; [`table`] says the same in Rust, and a test compares the two, field by field.
//! Authors of an engine in Rust need neither: they write an [`Engine`] and a [`Model`] and name the engine in
//! [`inference_engine!`], which makes the table. All `unsafe` of such an engine is in this crate.
//!
//! ```
//! use isocenter_native_api::{Element, Engine, Error, Input, Model, Output, Port, Stop};
//!
//! struct Doubler;
//! struct Double;
//!
//! impl Engine for Doubler {
//!     const NAME: &'static str = "doubler";
//!     const VERSION: &'static str = "1.0";
//!     type Model = Double;
//!
//!     fn open(_bytes: &[u8]) -> Result<Double, Error> {
//!         Ok(Double)
//!     }
//! }
//!
//! impl Model for Double {
//!     fn inputs(&self) -> Vec<Port> {
//!         vec![Port::new("x", Element::UInt8, [-1])]
//!     }
//!
//!     fn outputs(&self) -> Vec<Port> {
//!         vec![Port::new("y", Element::UInt8, [-1])]
//!     }
//!
//!     fn run(&self, inputs: &[Input<'_>], _stop: Stop<'_>) -> Result<Vec<Output>, Error> {
//!         let [x] = inputs else {
//!             return Err(Error::BadInput("one input is wanted: x".into()));
//!         };
//!         let doubled = x.data.iter().map(|value| value.saturating_mul(2)).collect();
//!         Ok(vec![Output::new("y", Element::UInt8, x.shape, doubled)])
//!     }
//! }
//!
//! isocenter_native_api::inference_engine!(Doubler);
//! # fn main() {}
//! ```

mod element;
mod engine;
mod export;
mod guard;
pub mod table;

pub use element::Element;
pub use engine::{Engine, Error, Input, Model, Output, Port, Stop};
#[doc(hidden)]
pub use export::inference;

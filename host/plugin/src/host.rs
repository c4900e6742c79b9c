//! The host's side of the contract: what each import does.
//!
//! Separate because this is the sandbox's whole surface. What is not in these files, a plugin cannot do.
//!
//! Any of these functions may be called by hostile code, any number of times, in any order, with any value. Each is
//! short, bounded, and never waits; an error from here is a trap and ends the call.

pub(crate) mod edits;
mod log;
pub(crate) mod object;
pub(crate) mod passage;
pub(crate) mod plan;
mod system;
mod value;

pub(crate) use log::LogBudget;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Everything;
use crate::call::Call;

/// Everything that the contract offers. Linked once; what an instance gets is what its component imports.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    Everything::add_to_linker::<Call, HasSelf<Call>>(&mut linker, |call| call)?;
    Ok(linker)
}

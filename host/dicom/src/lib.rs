//! DICOM objects as bytes: read a header without its pixels, edit it, show it as JSON.
//!
//! The host must look at every object once, while it arrives, and must otherwise leave the bytes alone. So this crate
//! does not decode a data set into a tree of owned values. It walks the encoding once, notes in a flat table where each
//! element lies, and decodes a value only when somebody asks for it. Edits copy what they do not touch.
//!
//! What is absent: files, sockets, clocks, threads. Everything here is a function of its arguments; the callers bring
//! the bytes. Nothing recurses over input while parsing, every buffer has a limit, and errors name tags, offsets and
//! lengths but never a value, since they are sent to peers and written to logs.
//!
//! Where to start: [`header::HeaderReader`] (bytes to [`Header`]), [`edit::apply`], [`body::Body`] (what follows the
//! header), [`part10`] (files), [`inflate`] (the deflated transfer syntax), [`draft`] (new objects).

pub mod answer;
pub mod body;
#[cfg(test)]
mod corpus;
mod dictionary;
pub mod diff;
pub mod draft;
pub mod edit;
mod error;
pub mod given;
pub mod header;
pub mod inflate;
mod json;
pub mod part10;

mod path;
pub mod recode;
mod structure;
pub mod syntax;
pub mod text;
pub mod uid;
mod value;
mod vr;

pub use dicom_core::{Tag, VR};
pub use dicom_dictionary_std::tags;
pub use error::{ParseError, Problem};
pub use header::{Header, Identity, Limits};
pub use path::{Path, Step};
pub use syntax::TransferSyntax;
pub use uid::Uid;
pub use value::Value;

//! Pixels of stored objects: one frame at a time, as stored or decoded, and a series as a volume.
//!
//! Frame 190,123 of a slide must not cost reading the 190,122 before it. So [`Pixels`] reads the bytes that it needs by
//! their place ([`Ranges`]): for native pixels the place is arithmetic, for fragments it comes from an offset table or
//! from one walk over their headers, kept in the handle.
//!
//! Pixel data comes from the network and decoders are where such data does harm. So what a codestream says about itself
//! is compared with the header before a decoder sees it, sizes are bounded before anything is allocated, a panic becomes
//! an error, and whatever does not add up is an error too: a wrong picture is worse than none.
//!
//! What is absent: files, sockets, threads, async. Reading and decoding block and may take seconds; the caller runs them
//! on a thread that may, with a bound on how many run at once. Errors name lengths, places and tags, never pixels.
//!
//! Where to start: [`Pixels::open`], [`Pixels::decoded`], [`volume::Plan`].

mod colour;
mod decode;
mod encode;
mod error;
mod fragments;
mod frame;
mod jpeg_ls;
mod layout;
mod native;
mod pixels;
mod ranges;
#[cfg(test)]
mod sample;
pub mod volume;

pub use decode::is_decodable;
pub use encode::encodable;
pub use error::{PixelError, Trouble};
pub use frame::Frame;
pub use layout::{Layout, Numbers};
pub use pixels::Pixels;
pub use ranges::{Ranges, inflated};

/// Bytes of one frame at most, stored or decoded.
pub const FRAME_LIMIT: u64 = 256 << 20;

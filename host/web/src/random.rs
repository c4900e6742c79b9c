//! Tokens that nobody can guess, for multipart boundaries.
//!
//! From the keys that the standard library draws from the operating system for its hash maps: enough to keep a boundary
//! out of any content, without a crate. Not for secrets.

use std::hash::{BuildHasher, RandomState};

/// 32 hexadecimal digits, new each time.
pub(crate) fn token() -> String {
    let half = || RandomState::new().hash_one(0u8);
    format!("{:016x}{:016x}", half(), half())
}

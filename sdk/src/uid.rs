//! Unique identifiers (PS3.5 §9): whether a text is one, and new ones.
//!
//! Separate because a UID that is none breaks every system behind, and because making one needs only random bytes.

use crate::host;

/// Whether it is a UID: at most 64 characters, numbers without leading zeros with dots between them.
///
/// ```
/// use isocenter::uid;
///
/// assert!(uid::is_valid("1.2.840.10008.1.2"));
/// assert!(!uid::is_valid("1.02"));
/// assert!(uid::is_valid(&uid::random()));
/// ```
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    text.len() <= 64 && text.contains('.') && text.split('.').all(number)
}

/// A new one: `2.25.` and the number of a random UUID (PS3.5 §B.2, RFC 9562 §5.4).
#[must_use]
pub fn random() -> String {
    let mut bytes = [0; 16];
    for (byte, random) in bytes.iter_mut().zip(host::random(16)) {
        *byte = random;
    }
    of_uuid(bytes)
}

fn of_uuid(bytes: [u8; 16]) -> String {
    // Version 4, variant 1.
    let random = u128::from_be_bytes(bytes) & !(0xF << 76) & !(0x3 << 62);
    let number = random | (0x4 << 76) | (0x2 << 62);
    format!("2.25.{number}")
}

#[cfg(test)]
mod tests;

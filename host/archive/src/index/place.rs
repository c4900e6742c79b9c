//! Where an object is. Separate because the packs and the index meet in these types alone.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use isocenter_dicom::Uid;

/// The name of a pack: 128 bits, made by the host, growing with time. Displays as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId(u128);

impl PackId {
    /// A new name: 48 bits of milliseconds since 1970, then 80 bits that no other pack of any host has by chance.
    pub fn make() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Each RandomState has its own random key, drawn from the system's randomness once per thread.
        let random = {
            use std::hash::{BuildHasher, Hasher};
            let state = std::hash::RandomState::new();
            let half = |salt: u64| {
                let mut hasher = state.build_hasher();
                hasher.write_u64(salt);
                hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
                hasher.write_u128(since.as_nanos());
                hasher.write_u32(std::process::id());
                u128::from(hasher.finish())
            };
            (half(1) << 64 | half(2)) & ((1 << 80) - 1)
        };
        Self((since.as_millis() & ((1 << 48) - 1)) << 80 | random)
    }

    /// A UID of the same bits: of something that is no pack, and that no other host names so.
    pub fn to_uid(self) -> Uid {
        Uid::random(self.to_bytes())
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackId({self})")
    }
}

/// Where the Part 10 file of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The pack that holds it, in the folder of its study.
    pub pack: PackId,
    /// Where the Part 10 file starts in the pack, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// How many of its bytes come before the pixel data element.
    pub header_length: u32,
    /// BLAKE3 of the Part 10 file.
    pub digest: [u8; 32],
}

#[cfg(test)]
mod tests;

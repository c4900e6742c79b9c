//! The digest that a file must have.
//!
//! Separate because it is parsed once, at the edge, and compared where bytes become code or a model.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// `blake3:` or `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digest {
    /// BLAKE3, 256 bits.
    Blake3([u8; 32]),
    /// SHA-256, as `sha256sum` prints it.
    Sha256([u8; 32]),
}

/// The text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is \"blake3:\" or \"sha256:\" and 64 hexadecimal digits")]
pub struct BadDigest;

/// Takes bytes in pieces and computes what digests of them are asked for.
pub(crate) struct Hasher {
    blake3: blake3::Hasher,
    sha256: Option<sha2::Sha256>,
}

/// What a file turned out to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) blake3: [u8; 32],
    sha256: Option<[u8; 32]>,
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Digest, BadDigest> {
        let (algorithm, digits) = text.split_once(':').ok_or(BadDigest)?;
        let digest = bytes(digits).ok_or(BadDigest)?;
        match algorithm {
            "blake3" => Ok(Digest::Blake3(digest)),
            "sha256" => Ok(Digest::Sha256(digest)),
            _ => Err(BadDigest),
        }
    }
}

fn bytes(digits: &str) -> Option<[u8; 32]> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut digest = [0; 32];
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, digest) = match self {
            Digest::Blake3(digest) => ("blake3", digest),
            Digest::Sha256(digest) => ("sha256", digest),
        };
        write!(formatter, "{algorithm}:")?;
        digest.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Hasher {
    /// BLAKE3 always, SHA-256 if that is what will be compared.
    pub(crate) fn toward(expected: Option<&Digest>) -> Hasher {
        Hasher {
            blake3: blake3::Hasher::new(),
            sha256: matches!(expected, Some(Digest::Sha256(_))).then(sha2::Sha256::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Found {
        Found {
            blake3: *self.blake3.finalize().as_bytes(),
            sha256: self.sha256.map(|sha256| sha256.finalize().into()),
        }
    }
}

impl Found {
    /// Compares with what was expected; the error is what was found, by the same algorithm.
    pub(crate) fn compare(&self, expected: &Digest) -> Result<(), Digest> {
        let found = match (expected, self.sha256) {
            (Digest::Sha256(_), Some(sha256)) => Digest::Sha256(sha256),
            _ => Digest::Blake3(self.blake3),
        };
        if found == *expected { Ok(()) } else { Err(found) }
    }
}

#[cfg(test)]
mod tests;

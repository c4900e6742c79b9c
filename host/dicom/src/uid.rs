//! A DICOM unique identifier that has been checked.
//!
//! Separate because every crate keys its tables, folders and locks by UID: whoever holds a [`Uid`] need not check again
//! that it holds digits and dots only (and therefore is harmless in a path, a URL, SQL or a log line).

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A valid UID (PS3.5 §9.1): 1 to 64 digits and dots, no empty component. Cheap to clone.
///
/// Components with leading zeros are accepted: the standard forbids them, and scanners in service write them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(Arc<str>);

/// Why a text is not a UID. Holds no part of the text, which may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUid {
    /// Nothing but padding.
    #[error("a UID must not be empty")]
    Empty,
    /// More than 64 characters.
    #[error("a UID has at most 64 characters, this has {0}")]
    TooLong(usize),
    /// Something other than digits and dots.
    #[error("a UID holds only digits and dots, this holds another character at position {0}")]
    Character(usize),
    /// Two dots in a row, or a dot at either end.
    #[error("a UID has no empty component, this has one at position {0}")]
    EmptyComponent(usize),
}

impl Uid {
    /// Checks `text`, after trailing NUL and space padding has been taken off.
    pub fn parse(text: &str) -> Result<Self, BadUid> {
        let text = text.trim_end_matches(['\0', ' ']);
        if text.is_empty() {
            return Err(BadUid::Empty);
        }
        if text.len() > 64 {
            return Err(BadUid::TooLong(text.len()));
        }
        let mut after_dot = true;
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                b'.' if after_dot => return Err(BadUid::EmptyComponent(position)),
                b'.' => after_dot = true,
                b'0'..=b'9' => after_dot = false,
                _ => return Err(BadUid::Character(position)),
            }
        }
        if after_dot {
            return Err(BadUid::EmptyComponent(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// A new UID: `2.25.` and the number of a random UUID (PS3.5 §B.2; RFC 9562 §5.4) of which these are the 16 bytes.
    pub fn random(mut bytes: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = *version & 0x0F | 0x40;
        *variant = *variant & 0x3F | 0x80;
        Self(format!("2.25.{}", u128::from_be_bytes(bytes)).into())
    }

    /// For texts in this crate's source that are UIDs.
    pub(crate) fn constant(text: &'static str) -> Self {
        debug_assert!(Self::parse(text).is_ok());
        Self(text.into())
    }

    /// The UID without padding.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Uid {
    type Err = BadUid;

    fn from_str(text: &str) -> Result<Self, BadUid> {
        Self::parse(text)
    }
}

impl AsRef<str> for Uid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

// Sound because equality, order and hash of `Uid` are those of its text.
impl Borrow<str> for Uid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Uid {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Uid {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl serde::Serialize for Uid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Uid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

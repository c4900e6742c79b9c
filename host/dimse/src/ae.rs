//! The name of an application entity. Separate because it is the one name that both roles, the configuration and the
//! logs share, and it should be valid wherever it stands.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An application entity title (VR AE, PS3.5 §6.2): 1 to 16 characters of the default repertoire, without backslash and
/// control characters, leading and trailing spaces not significant and not kept. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AeTitle(Arc<str>);

/// Why a text is no AE title.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadAeTitle {
    /// Nothing, or nothing but spaces.
    #[error("an ae title must have 1 to 16 characters, this one is empty")]
    Empty,
    /// More than 16 characters.
    #[error("an ae title must have 1 to 16 characters, {title:?} has {length}")]
    TooLong {
        /// The title, without surrounding spaces.
        title: String,
        /// Its length in characters.
        length: usize,
    },
    /// A backslash, a control character or one beyond ASCII.
    #[error("an ae title is made of printable ascii without backslash, {title:?} holds {character:?}")]
    Character {
        /// The title, without surrounding spaces.
        title: String,
        /// The first character that is not allowed.
        character: char,
    },
}

impl AeTitle {
    /// Reads a title, dropping surrounding spaces.
    ///
    /// # Errors
    /// [`BadAeTitle`] says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, BadAeTitle> {
        let title = text.trim_matches(' ');
        if title.is_empty() {
            return Err(BadAeTitle::Empty);
        }
        let allowed = |c: char| matches!(c, ' '..='~') && c != '\\';
        if let Some(character) = title.chars().find(|&c| !allowed(c)) {
            return Err(BadAeTitle::Character {
                title: title.into(),
                character,
            });
        }
        if title.len() > 16 {
            return Err(BadAeTitle::TooLong {
                title: title.into(),
                length: title.len(),
            });
        }
        Ok(Self(title.into()))
    }

    /// The title without padding.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The field of an A-ASSOCIATE PDU: 16 bytes, padded with spaces.
    pub(crate) fn padded(&self) -> [u8; 16] {
        let mut field = [b' '; 16];
        for (to, from) in field.iter_mut().zip(self.0.bytes()) {
            *to = from;
        }
        field
    }
}

impl FromStr for AeTitle {
    type Err = BadAeTitle;

    fn from_str(text: &str) -> Result<Self, BadAeTitle> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for AeTitle {
    type Error = BadAeTitle;

    fn try_from(text: &str) -> Result<Self, BadAeTitle> {
        Self::parse(text)
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for AeTitle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for AeTitle {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for AeTitle {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests;

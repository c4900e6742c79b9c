//! Fields and items of A-ASSOCIATE PDUs, taken from bytes one after the other. Separate because what an item means is not
//! its concern, only that it does not run over the end.

use crate::error::Violation;

/// A reader of big endian fields that cannot run over the end.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Violation> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Violation::Associate("an item is shorter than its fields"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Violation::Associate("an item is shorter than its fields"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Violation> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Violation> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Violation> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length of two bytes and as many bytes.
    pub(super) fn sized(&mut self) -> Result<&'a [u8], Violation> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// The next item, None at the end.
    pub(super) fn item(&mut self) -> Result<Option<(u8, &'a [u8])>, Violation> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let kind = self.u8()?;
        self.take(1)?;
        Ok(Some((kind, self.sized()?)))
    }
}

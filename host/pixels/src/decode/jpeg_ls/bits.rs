//! Bits of a JPEG-LS scan: behind a byte of all ones, a byte has seven (ITU-T T.87 §A.1).

use crate::PixelError;

/// Reads bits, the highest of each byte first.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, at the top.
    cache: u64,
    valid: u32,
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            cache: 0,
            valid: 0,
            after_ones: false,
        }
    }

    fn fill(&mut self) {
        while self.valid <= 56
            && let Some((&byte, rest)) = self.rest.split_first()
        {
            let count = if self.after_ones { 7 } else { 8 };
            self.cache |= u64::from(byte) << (64 - self.valid - count);
            self.valid += count;
            self.after_ones = byte == 0xFF;
            self.rest = rest;
        }
    }

    /// A number of at most 32 bits.
    pub(super) fn read(&mut self, count: u32) -> Result<u32, PixelError> {
        if count == 0 {
            return Ok(0);
        }
        if self.valid < count {
            self.fill();
        }
        if self.valid < count {
            return Err(cut());
        }
        let number = self.cache >> (64 - count);
        self.skip(count);
        Ok(number as u32)
    }

    /// How many zeros stand before the next one, which is read too; at most `limit`.
    pub(super) fn zeros(&mut self, limit: u32) -> Result<u32, PixelError> {
        let mut count = 0;
        loop {
            self.fill();
            let zeros = self.cache.leading_zeros().min(self.valid);
            count += zeros;
            if count > limit {
                return Err(PixelError::corrupt(
                    "its JPEG-LS codestream holds a code that is too long",
                ));
            }
            if zeros < self.valid {
                self.skip(zeros + 1);
                return Ok(count);
            }
            if self.rest.is_empty() {
                return Err(cut());
            }
            self.skip(zeros);
        }
    }

    fn skip(&mut self, count: u32) {
        self.cache = self.cache.checked_shl(count).unwrap_or(0);
        self.valid -= count;
    }
}

fn cut() -> PixelError {
    PixelError::corrupt("its JPEG-LS codestream is cut off")
}

//! Decimal numbers as they are written, compared exactly.
//!
//! Apart from ranges, and no `f64`: a DS may have 16 digits and a UV 20, which a double does not tell apart.

use std::cmp::Ordering;

/// The longest text that is read; a double in full takes 327 characters.
const LONGEST: usize = 512;
/// The largest power of ten.
const LARGEST_EXPONENT: i64 = 9_999;

/// ±0.d₁d₂d₃… · 10^point, with neither a first nor a last digit of zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    point: i64,
    digits: Vec<u8>,
}

impl Decimal {
    /// As DS and IS are written (PS3.5 §6.2): a sign, digits with a point among them, an exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if text.len() > LONGEST {
            return None;
        }
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let leading = all().take_while(|digit| *digit == b'0').count();
        let mut digits: Vec<u8> = all().skip(leading).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                point: i64::MIN,
                digits,
            });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + exponent;
        Some(Self {
            negative,
            point,
            digits,
        })
    }

    fn magnitude(&self) -> (i64, &[u8]) {
        (self.point, &self.digits)
    }
}

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = text.parse().ok()?;
    (-LARGEST_EXPONENT..=LARGEST_EXPONENT)
        .contains(&exponent)
        .then_some(exponent)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;

//! JPEG, lossless (ISO/IEC 10918-1 Annex H): each sample is predicted by the one on its left, and the difference
//! Huffman-coded, with a table made for the frame.

use super::{numbers, precision};
use crate::layout::Layout;
use crate::{Frame, PixelError};

/// Categories of differences, by their bits: 0 to 16.
const CATEGORIES: usize = 17;
/// Bits of a code at most.
const LONGEST: u32 = 16;

pub(super) fn encode(layout: &Layout, frame: &Frame) -> Result<Vec<u8>, PixelError> {
    let precision = precision(layout, frame)?;
    let differences = differences(frame, precision);
    let mut counts = [0_u64; CATEGORIES];
    for difference in &differences {
        let count = counts.get_mut(category(*difference) as usize);
        count.into_iter().for_each(|count| *count += 1);
    }
    let table = Table::new(&counts);
    let mut bits = Bits {
        out: head(layout, frame, precision, &table),
        cache: 0,
        valid: 0,
    };
    for difference in differences {
        let category = category(difference);
        let (code, length) = table.codes.get(category as usize).copied().unwrap_or_default();
        bits.put(code, length);
        // One of 16 bits is always the same.
        if category < 16 {
            let number = if difference < 0 { difference - 1 } else { difference };
            bits.put(u32::from(number as u16) & ((1 << category) - 1), category);
        }
    }
    let mut out = bits.finish();
    out.extend([0xFF, 0xD9]);
    Ok(out)
}

/// What each sample is more than the one on its left, that of the same component; the first of a row, than the one above;
/// the very first, than half of the range (§H.1.2.1). Modulo 2^16.
fn differences(frame: &Frame, precision: u16) -> Vec<i16> {
    let components = usize::from(frame.samples);
    let numbers = numbers(frame);
    let mut above = vec![1_u16 << (precision - 1); components];
    let mut out = Vec::with_capacity(numbers.len());
    for row in numbers.chunks_exact(frame.columns as usize * components) {
        let left = above.iter().chain(row);
        out.extend(
            row.iter()
                .zip(left)
                .map(|(sample, left)| sample.wrapping_sub(*left) as i16),
        );
        above = row.get(..components).unwrap_or_default().to_vec();
    }
    out
}

/// How many bits a difference has.
fn category(difference: i16) -> u32 {
    u16::BITS - difference.unsigned_abs().leading_zeros()
}

/// What stands before the scan's bits (§B.2).
fn head(layout: &Layout, frame: &Frame, precision: u16, table: &Table) -> Vec<u8> {
    let count = layout.samples as u8;
    let mut out = vec![0xFF, 0xD8];
    if frame.photometric == "RGB" {
        // Readers take three components for YBR unless an Adobe segment says that they are not transformed.
        out.extend(b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0");
    }
    out.extend([0xFF, 0xC3, 0, 8 + 3 * count, precision as u8]);
    out.extend((layout.rows as u16).to_be_bytes());
    out.extend((layout.columns as u16).to_be_bytes());
    out.push(count);
    out.extend((1..=count).flat_map(|component| [component, 0x11, 0]));
    out.extend([0xFF, 0xC4, 0, 19 + table.symbols.len() as u8, 0]);
    out.extend(table.lengths);
    out.extend(&table.symbols);
    out.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
    out.extend((1..=count).flat_map(|component| [component, 0]));
    // Selection value 1; no point transform.
    out.extend([1, 0, 0]);
    out
}

/// A Huffman table (Annex C).
struct Table {
    /// How many codes have each length, from 1.
    lengths: [u8; LONGEST as usize],
    /// The categories, those with the shortest codes first.
    symbols: Vec<u8>,
    /// Code and length of each category.
    codes: [(u32, u32); CATEGORIES],
}

impl Table {
    fn new(counts: &[u64; CATEGORIES]) -> Self {
        let mut used: Vec<(u8, u64)> = (0..).zip(*counts).filter(|(_, count)| *count > 0).collect();
        used.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        // The rarest is none: its code, the last, would be all ones, which no code may be.
        let counts = used.iter().map(|(_, count)| *count).chain([1]).collect();
        let mut table = Self {
            lengths: [0; LONGEST as usize],
            symbols: used.iter().map(|(symbol, _)| *symbol).collect(),
            codes: [(0, 0); CATEGORIES],
        };
        let (mut code, mut before) = (0, 0);
        for (symbol, length) in table.symbols.iter().zip(lengths(counts)) {
            code <<= length - before;
            before = length;
            if let Some(place) = table.codes.get_mut(usize::from(*symbol)) {
                *place = (code, length);
            }
            let count = table.lengths.get_mut(length as usize - 1);
            count.into_iter().for_each(|count| *count += 1);
            code += 1;
        }
        table
    }
}

/// The lengths of the best codes of at most 16 bits for symbols that occur so often, the shortest first. Counts that differ
/// too much for that are brought together.
fn lengths(mut counts: Vec<u64>) -> Vec<u32> {
    loop {
        let lengths = unbounded_lengths(&counts);
        if lengths.last().is_none_or(|longest| *longest <= LONGEST) {
            return lengths;
        }
        counts.iter_mut().for_each(|count| *count = count.div_ceil(2));
    }
}

/// Huffman's: the two rarest are joined until there is one, and get a bit longer each time.
fn unbounded_lengths(counts: &[u64]) -> Vec<u32> {
    let mut groups: Vec<(u64, Vec<u32>)> = counts.iter().map(|count| (*count, vec![0])).collect();
    loop {
        groups.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let Some((one, mut lengths)) = groups.pop() else {
            return Vec::new();
        };
        let Some((other, more)) = groups.pop() else {
            lengths.sort_unstable();
            return lengths;
        };
        lengths.extend(more);
        lengths.iter_mut().for_each(|length| *length += 1);
        groups.push((one + other, lengths));
    }
}

/// Writes bits, the highest of each byte first; behind a byte of all ones stands one of zeros (§F.1.2.3).
struct Bits {
    out: Vec<u8>,
    /// Bits that are no byte yet, at the bottom.
    cache: u64,
    valid: u32,
}

impl Bits {
    /// A number of at most 16 bits.
    fn put(&mut self, number: u32, count: u32) {
        self.cache = self.cache << count | u64::from(number);
        self.valid += count;
        while self.valid >= 8 {
            self.valid -= 8;
            let byte = (self.cache >> self.valid) as u8;
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        if self.valid > 0 {
            let missing = 8 - self.valid;
            self.put((1 << missing) - 1, missing);
        }
        self.out
    }
}

#[cfg(test)]
mod tests;

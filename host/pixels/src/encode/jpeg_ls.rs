//! JPEG-LS (ISO/IEC 14495-1, ITU-T T.87), lossless: the components of a pixel line by line.

use super::{numbers, precision};
use crate::jpeg_ls::{Around, Context, LAST_RUN, Lines, Parameters, Preset, run_logarithm};
use crate::layout::Layout;
use crate::{Frame, PixelError};

pub(super) fn encode(layout: &Layout, frame: &Frame) -> Result<Vec<u8>, PixelError> {
    let precision = precision(layout, frame)?;
    let components = usize::from(frame.samples);
    let columns = frame.columns as usize;
    let mut scan = Scan {
        parameters: Parameters::new(precision, 0, Preset::default())?,
        contexts: Vec::new(),
        runs: Vec::new(),
        bits: Bits::behind(head(layout, precision)),
    };
    scan.contexts = vec![Context::new(&scan.parameters); 365];
    scan.runs = vec![Context::new(&scan.parameters); 2];
    let mut lines: Vec<(Lines, usize)> = (0..components).map(|_| (Lines::new(columns), 0)).collect();
    for row in numbers(frame).chunks_exact(columns * components) {
        for (component, (lines, run)) in lines.iter_mut().enumerate() {
            lines.next();
            let places = lines.current.iter_mut().skip(1);
            let samples = row.iter().skip(component).step_by(components);
            places.zip(samples).for_each(|(to, from)| *to = i32::from(*from));
            scan.line(lines, columns, run)?;
        }
    }
    let mut out = scan.bits.finish();
    out.extend([0xFF, 0xD9]);
    Ok(out)
}

/// What stands before the scan's bits (§C.2).
fn head(layout: &Layout, precision: u16) -> Vec<u8> {
    let count = layout.samples as u8;
    let mut out = vec![0xFF, 0xD8, 0xFF, 0xF7, 0, 8 + 3 * count, precision as u8];
    out.extend((layout.rows as u16).to_be_bytes());
    out.extend((layout.columns as u16).to_be_bytes());
    out.push(count);
    out.extend((1..=count).flat_map(|component| [component, 0x11, 0]));
    out.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
    out.extend((1..=count).flat_map(|component| [component, 0]));
    // No error; interleaved by line, where there is something to interleave; no point transform.
    out.extend([0, u8::from(count > 1), 0]);
    out
}

struct Scan {
    parameters: Parameters,
    contexts: Vec<Context>,
    runs: Vec<Context>,
    bits: Bits,
}

impl Scan {
    /// Writes a line. `run`: how far the length of its runs has grown.
    fn line(&mut self, lines: &Lines, columns: usize, run: &mut usize) -> Result<(), PixelError> {
        let mut at = 1;
        while at <= columns {
            let around = Around::of(lines, at);
            let surroundings = self.parameters.surroundings(around);
            let rest = lines.current.get(at..=columns).unwrap_or_default();
            if surroundings == 0 {
                at += self.run(around, rest, lines, at, run)?;
            } else {
                let sample = rest.first().copied().unwrap_or(0);
                self.regular(around, surroundings, sample)?;
                at += 1;
            }
        }
        Ok(())
    }

    fn regular(&mut self, around: Around, surroundings: i32, sample: i32) -> Result<(), PixelError> {
        let parameters = self.parameters;
        let sign = if surroundings < 0 { -1 } else { 1 };
        let Some(context) = self.contexts.get_mut(surroundings.unsigned_abs() as usize) else {
            return Err(PixelError::unencoded("JPEG-LS has no such context"));
        };
        let prediction = (around.median() + sign * context.correction).clamp(0, parameters.maximum);
        let error = reduced(sign * (sample - prediction), &parameters);
        let golomb = context.golomb(context.magnitude)?;
        let inverted = golomb == 0 && 2 * context.bias <= -i64::from(context.count);
        let mapped = match (error >= 0, inverted) {
            (true, false) => 2 * error,
            (true, true) => 2 * error + 1,
            (false, false) => -2 * error - 1,
            (false, true) => -2 * (error + 1),
        };
        context.learn(error, &parameters);
        self.bits
            .value(mapped as u32, golomb, parameters.limit, parameters.error_bits);
        Ok(())
    }

    /// Writes how often the sample on the left is repeated, and the sample that ends that, where the line does not (§A.7).
    /// Gives how many samples these were.
    fn run(
        &mut self,
        around: Around,
        rest: &[i32],
        lines: &Lines,
        at: usize,
        run: &mut usize,
    ) -> Result<usize, PixelError> {
        let length = rest.iter().take_while(|&&sample| sample == around.a).count();
        let mut left = length;
        while left >= 1 << run_logarithm(*run) {
            left -= 1 << run_logarithm(*run);
            self.bits.put(1, 1);
            *run = (*run + 1).min(LAST_RUN);
        }
        let Some(&sample) = rest.get(length) else {
            if left > 0 {
                self.bits.put(1, 1);
            }
            return Ok(length);
        };
        self.bits.put(0, 1);
        self.bits.put(left as u32, run_logarithm(*run));
        let limit = self.parameters.limit - run_logarithm(*run) - 1;
        self.interruption(Around::of(lines, at + length), sample, limit)?;
        *run = run.saturating_sub(1);
        Ok(length + 1)
    }

    /// The sample that ends a run (§A.7.2).
    fn interruption(&mut self, around: Around, sample: i32, limit: u32) -> Result<(), PixelError> {
        let parameters = self.parameters;
        let Around { a, b, .. } = around;
        let [unlike, like] = self.runs.as_mut_slice() else {
            return Err(PixelError::unencoded("JPEG-LS has two contexts of runs"));
        };
        let (context, kind) = if a == b { (like, 1) } else { (unlike, 0) };
        let error = sample - if kind == 1 { a } else { b };
        let error = reduced(if kind == 0 && a > b { -error } else { error }, &parameters);
        let count = i64::from(context.count);
        let golomb = context.golomb(context.magnitude + if kind == 1 { count >> 1 } else { 0 })?;
        // The sign that is expected less is written as one more.
        let likely_negative = golomb != 0 || 2 * context.bias >= count;
        let map = if error < 0 {
            likely_negative
        } else {
            error > 0 && !likely_negative
        };
        let mapped = 2 * i64::from(error.abs()) - kind - i64::from(map);
        context.learn_of_run(error < 0, (mapped + 1 - kind) >> 1, &parameters);
        self.bits.value(mapped as u32, golomb, limit, parameters.error_bits);
        Ok(())
    }
}

/// The error in the range that is written (§A.4.5).
fn reduced(error: i32, parameters: &Parameters) -> i32 {
    let range = parameters.range;
    let error = if error < 0 { error + range } else { error };
    if error >= (range + 1) / 2 { error - range } else { error }
}

/// Writes bits, the highest of each byte first; behind a byte of all ones, a byte has seven (§A.1).
struct Bits {
    out: Vec<u8>,
    /// Bits that are no byte yet, at the bottom.
    cache: u64,
    valid: u32,
    after_ones: bool,
}

impl Bits {
    fn behind(out: Vec<u8>) -> Self {
        Self {
            out,
            cache: 0,
            valid: 0,
            after_ones: false,
        }
    }

    /// A number of at most 32 bits.
    fn put(&mut self, number: u32, count: u32) {
        self.cache = self.cache << count | u64::from(number);
        self.valid += count;
        loop {
            let whole = if self.after_ones { 7 } else { 8 };
            if self.valid < whole {
                return;
            }
            self.valid -= whole;
            let byte = (self.cache >> self.valid) as u8 & (0xFF >> (8 - whole));
            self.out.push(byte);
            self.after_ones = byte == 0xFF;
        }
    }

    /// A Golomb code of limited length (§A.5.3).
    fn value(&mut self, number: u32, golomb: u32, limit: u32, error_bits: u32) {
        let most = limit.saturating_sub(error_bits + 1);
        let high = number >> golomb;
        let mut zeros = high.min(most);
        while zeros > 31 {
            self.put(0, 31);
            zeros -= 31;
        }
        self.put(1, zeros + 1);
        if high < most {
            self.put(number & ((1 << golomb) - 1), golomb);
        } else {
            self.put(number - 1, error_bits);
        }
    }

    /// Fills the last byte. What it ends with must not look like a marker's beginning.
    fn finish(mut self) -> Vec<u8> {
        if self.valid > 0 {
            let whole = if self.after_ones { 7 } else { 8 };
            self.put(0, whole - self.valid);
        }
        if self.after_ones {
            self.out.push(0);
        }
        self.out
    }
}

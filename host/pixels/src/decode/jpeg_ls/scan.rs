//! One scan of JPEG-LS, read (ITU-T T.87 Annex A). Names and order are the standard's.

use super::bits::Bits;
use crate::PixelError;
use crate::jpeg_ls::{Around, Context, LAST_RUN, Lines, Parameters, run_logarithm};

/// Decodes rows of samples, one after the other.
pub(super) struct Scan {
    parameters: Parameters,
    columns: usize,
    contexts: Vec<Context>,
    runs: [Context; 2],
    /// Components, by the lines that follow one another, and within these by samples that do.
    lines: Vec<Vec<Lines>>,
    /// How far the length of runs has grown, for each line.
    run_index: Vec<usize>,
}

impl Scan {
    /// Of `lines` components interleaved by line, or `samples` components interleaved by sample.
    pub(super) fn new(parameters: Parameters, columns: usize, lines: usize, samples: usize) -> Self {
        let context = Context::new(&parameters);
        let empty = || Lines::new(columns);
        let group = || (0..samples).map(|_| empty()).collect();
        Self {
            parameters,
            columns,
            contexts: vec![context; 365],
            runs: [context; 2],
            lines: (0..lines).map(|_| group()).collect(),
            run_index: vec![0; lines],
        }
    }

    /// The samples of a component in the last row.
    pub(super) fn samples(&self, component: usize) -> impl Iterator<Item = u16> {
        let lines = self.lines.iter().flatten().nth(component);
        let samples = lines.and_then(|lines| lines.current.get(1..=self.columns));
        samples.unwrap_or_default().iter().map(|&sample| sample as u16)
    }

    /// Decodes the next row of every component.
    pub(super) fn row(&mut self, bits: &mut Bits<'_>) -> Result<(), PixelError> {
        for number in 0..self.lines.len() {
            let Some(group) = self.lines.get_mut(number) else {
                continue;
            };
            let mut group = std::mem::take(group);
            let mut run_index = self.run_index.get(number).copied().unwrap_or(0);
            group.iter_mut().for_each(Lines::next);
            let result = self.line(&mut group, &mut run_index, bits);
            self.lines
                .get_mut(number)
                .into_iter()
                .for_each(|place| *place = std::mem::take(&mut group));
            self.run_index
                .get_mut(number)
                .into_iter()
                .for_each(|place| *place = run_index);
            result?;
        }
        Ok(())
    }

    fn line(&mut self, group: &mut [Lines], run_index: &mut usize, bits: &mut Bits<'_>) -> Result<(), PixelError> {
        let mut at = 1;
        while at <= self.columns {
            let around = |lines: &Lines| Around::of(lines, at);
            if group
                .iter()
                .all(|lines| self.parameters.surroundings(around(lines)) == 0)
            {
                at = self.run(group, at, run_index, bits)?;
                continue;
            }
            for lines in group.iter_mut() {
                let around = Around::of(lines, at);
                let sample = self.regular(around, bits)?;
                put(lines, at, sample);
            }
            at += 1;
        }
        Ok(())
    }

    fn regular(&mut self, around: Around, bits: &mut Bits<'_>) -> Result<i32, PixelError> {
        let surroundings = self.parameters.surroundings(around);
        let sign = if surroundings < 0 { -1 } else { 1 };
        let parameters = self.parameters;
        let Some(context) = self.contexts.get_mut(surroundings.unsigned_abs() as usize) else {
            return Err(PixelError::corrupt("its JPEG-LS codestream has a context too many"));
        };
        let prediction = (around.median() + sign * context.correction).clamp(0, parameters.maximum);
        let golomb = context.golomb(context.magnitude)?;
        let mapped = value(bits, golomb, parameters.limit, parameters.error_bits)?;
        let inverted = parameters.near == 0 && golomb == 0 && 2 * context.bias <= -i64::from(context.count);
        let half = (mapped >> 1) as i32;
        let error = match (mapped & 1, inverted) {
            (0, false) => half,
            (0, true) => -half - 1,
            (_, false) => -half - 1,
            (_, true) => half,
        };
        if error.abs() > parameters.range {
            return Err(PixelError::corrupt(
                "its JPEG-LS codestream holds errors that cannot be",
            ));
        }
        context.learn(error, &parameters);
        Ok(parameters.reconstructed(prediction, sign * error))
    }

    /// Samples that repeat those before them, and the one that ends that (§A.7). Gives the place behind them.
    fn run(
        &mut self,
        group: &mut [Lines],
        mut at: usize,
        run_index: &mut usize,
        bits: &mut Bits<'_>,
    ) -> Result<usize, PixelError> {
        let left = |at: usize| self.columns + 1 - at;
        while bits.read(1)? == 1 {
            let whole = 1_usize << run_logarithm(*run_index);
            let length = whole.min(left(at));
            repeat(group, at, length);
            at += length;
            if length == whole {
                *run_index = (*run_index + 1).min(LAST_RUN);
            }
            if left(at) == 0 {
                return Ok(at);
            }
        }
        let length = bits.read(run_logarithm(*run_index))? as usize;
        if length >= left(at) {
            return Err(PixelError::corrupt(
                "its JPEG-LS codestream holds a run beyond the line",
            ));
        }
        repeat(group, at, length);
        at += length;
        let limit = self.parameters.limit - run_logarithm(*run_index) - 1;
        let alone = group.len() == 1;
        for lines in group.iter_mut() {
            let sample = self.interruption(Around::of(lines, at), alone, limit, bits)?;
            put(lines, at, sample);
        }
        *run_index = run_index.saturating_sub(1);
        Ok(at + 1)
    }

    /// The sample that ends a run (§A.7.2).
    fn interruption(
        &mut self,
        around: Around,
        alone: bool,
        limit: u32,
        bits: &mut Bits<'_>,
    ) -> Result<i32, PixelError> {
        let parameters = self.parameters;
        let Around { a, b, .. } = around;
        let like_left = alone && (a - b).abs() <= parameters.near;
        let [unlike, like] = &mut self.runs;
        let (context, kind) = if like_left { (like, 1) } else { (unlike, 0) };
        let count = i64::from(context.count);
        let golomb = context.golomb(context.magnitude + if like_left { count >> 1 } else { 0 })?;
        let mapped = i64::from(value(bits, golomb, limit, parameters.error_bits)?);
        let sum = mapped + kind;
        let odd = sum & 1 == 1;
        let size = (sum + 1) / 2;
        let negative = (golomb != 0 || 2 * context.bias >= count) == odd;
        let error = if negative { -size } else { size };
        if size > i64::from(parameters.range) {
            return Err(PixelError::corrupt(
                "its JPEG-LS codestream holds errors that cannot be",
            ));
        }
        context.learn_of_run(negative && size > 0, (mapped + 1 - kind) >> 1, &parameters);
        let error = error as i32;
        Ok(if like_left {
            parameters.reconstructed(a, error)
        } else {
            parameters.reconstructed(b, if a > b { -error } else { error })
        })
    }
}

fn put(lines: &mut Lines, at: usize, sample: i32) {
    if let Some(place) = lines.current.get_mut(at) {
        *place = sample;
    }
}

fn repeat(group: &mut [Lines], at: usize, length: usize) {
    for Lines { current, .. } in group {
        let sample = current.get(at - 1).copied().unwrap_or(0);
        current.get_mut(at..at + length).unwrap_or_default().fill(sample);
    }
}

/// A Golomb code of limited length (§A.5.3).
fn value(bits: &mut Bits<'_>, golomb: u32, limit: u32, error_bits: u32) -> Result<u32, PixelError> {
    let most = limit.saturating_sub(error_bits + 1);
    let high = bits.zeros(most)?;
    if high < most {
        Ok(high << golomb | bits.read(golomb)?)
    } else {
        Ok(bits.read(error_bits)? + 1)
    }
}

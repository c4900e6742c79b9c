//! One scan of JPEG-LS: contexts, prediction, runs (ITU-T T.87 Annex A). Names and order are the standard's.

use super::Preset;
use super::bits::Bits;
use crate::PixelError;

/// How the length of a run grows (§A.2.1): its logarithms.
const RUNS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// What follows from the headers (§A.2, §C.2.4.1.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters {
    maximum: i32,
    near: i32,
    thresholds: [i32; 3],
    reset: i32,
    range: i32,
    /// Bits of an error that is not Golomb-coded.
    error_bits: u32,
    limit: u32,
}

impl Parameters {
    pub(super) fn new(precision: u16, near: i32, preset: Preset) -> Result<Self, PixelError> {
        let highest = (1 << precision) - 1;
        let maximum = if preset.maximum == 0 { highest } else { preset.maximum };
        let wrong = || PixelError::corrupt("its JPEG-LS coding parameters are not allowed");
        if maximum > highest || near > 255.min(maximum / 2) {
            return Err(wrong());
        }
        let defaults = thresholds(maximum, near);
        let mut chosen = preset.thresholds;
        for (threshold, default) in chosen.iter_mut().zip(defaults) {
            if *threshold == 0 {
                *threshold = default;
            }
        }
        let [one, two, three] = chosen;
        let reset = if preset.reset == 0 { 64 } else { preset.reset };
        let ordered = near < one && one <= two && two <= three && three <= maximum;
        if !ordered || !(3..=255.max(maximum)).contains(&reset) {
            return Err(wrong());
        }
        let range = (maximum + 2 * near) / (2 * near + 1) + 1;
        let bits = bits_for(maximum + 1).max(2);
        Ok(Self {
            maximum,
            near,
            thresholds: chosen,
            reset,
            range,
            error_bits: bits_for(range),
            limit: 2 * (bits + bits.max(8)),
        })
    }

    /// Which of nine regions a gradient is in (§A.3.3).
    fn region(&self, gradient: i32) -> i32 {
        let [one, two, three] = self.thresholds;
        let region = match gradient.abs() {
            small if small <= self.near => 0,
            small if small < one => 1,
            small if small < two => 2,
            small if small < three => 3,
            _ => 4,
        };
        region * gradient.signum()
    }

    /// The sample that an error makes of a prediction (§A.4.5, §A.5).
    fn reconstructed(&self, prediction: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut sample = prediction + error * step;
        if sample < -self.near {
            sample += self.range * step;
        } else if sample > self.maximum + self.near {
            sample -= self.range * step;
        }
        sample.clamp(0, self.maximum)
    }
}

/// The logarithm to the base of 2, rounded up.
fn bits_for(count: i32) -> u32 {
    32 - (count - 1).max(0).leading_zeros()
}

fn thresholds(maximum: i32, near: i32) -> [i32; 3] {
    let clamp = |wanted: i32, least: i32| {
        if (least..=maximum).contains(&wanted) {
            wanted
        } else {
            least
        }
    };
    let wanted = if maximum >= 128 {
        let factor = (maximum.min(4095) + 128) / 256;
        [
            factor + 2 + 3 * near,
            4 * factor + 3 + 5 * near,
            17 * factor + 4 + 7 * near,
        ]
    } else {
        let factor = 256 / (maximum + 1);
        [
            (3 / factor + 3 * near).max(2),
            (7 / factor + 5 * near).max(3),
            (21 / factor + 7 * near).max(4),
        ]
    };
    let [one, two, three] = wanted;
    let one = clamp(one, near + 1);
    let two = clamp(two, one);
    [one, two, clamp(three, two)]
}

/// What has been learned of samples in similar surroundings.
#[derive(Debug, Clone, Copy)]
struct Context {
    /// Sum of errors, without sign.
    magnitude: i64,
    /// Sum of errors; of runs, how many were negative.
    bias: i64,
    correction: i32,
    count: i32,
}

impl Context {
    /// How many low bits of an error are written as they are, where `magnitude` is its expected sum (§A.5.1).
    fn golomb(&self, magnitude: i64) -> Result<u32, PixelError> {
        (0..24)
            .find(|bits| i64::from(self.count) << bits >= magnitude)
            .ok_or_else(|| PixelError::corrupt("its JPEG-LS codestream holds errors that cannot be"))
    }
}

/// The lines of one component.
struct Lines {
    /// The line above, with a sample more on either side.
    above: Vec<i32>,
    current: Vec<i32>,
}

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
        let context = Context {
            magnitude: i64::from(((parameters.range + 32) / 64).max(2)),
            bias: 0,
            correction: 0,
            count: 1,
        };
        let empty = || Lines {
            above: vec![0; columns + 2],
            current: vec![0; columns + 2],
        };
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
            for Lines { above, current } in &mut group {
                std::mem::swap(above, current);
                // Beyond the ends stand the samples above them (§A.2.1).
                if let [.., last, beyond] = above.as_mut_slice() {
                    *beyond = *last;
                }
                if let ([_, first, ..], [before, ..]) = (above.as_slice(), current.as_mut_slice()) {
                    *before = *first;
                }
            }
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
            if group.iter().all(|lines| self.surroundings(around(lines)) == 0) {
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

    /// The context of a sample, with its sign (§A.3.4).
    fn surroundings(&self, around: Around) -> i32 {
        let Around { a, b, c, d } = around;
        let region = |gradient| self.parameters.region(gradient);
        81 * region(d - b) + 9 * region(b - c) + region(c - a)
    }

    fn regular(&mut self, around: Around, bits: &mut Bits<'_>) -> Result<i32, PixelError> {
        let surroundings = self.surroundings(around);
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
        let logarithm = |index: usize| RUNS.get(index).copied().unwrap_or(15);
        let left = |at: usize| self.columns + 1 - at;
        while bits.read(1)? == 1 {
            let whole = 1_usize << logarithm(*run_index);
            let length = whole.min(left(at));
            repeat(group, at, length);
            at += length;
            if length == whole {
                *run_index = (*run_index + 1).min(RUNS.len() - 1);
            }
            if left(at) == 0 {
                return Ok(at);
            }
        }
        let length = bits.read(logarithm(*run_index))? as usize;
        if length >= left(at) {
            return Err(PixelError::corrupt(
                "its JPEG-LS codestream holds a run beyond the line",
            ));
        }
        repeat(group, at, length);
        at += length;
        let limit = self.parameters.limit - logarithm(*run_index) - 1;
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

impl Context {
    /// §A.6.
    fn learn(&mut self, error: i32, parameters: &Parameters) {
        self.bias += i64::from(error * (2 * parameters.near + 1));
        self.magnitude += i64::from(error.abs());
        if self.count == parameters.reset {
            self.magnitude >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        let count = i64::from(self.count);
        if self.bias <= -count {
            self.bias = (self.bias + count).max(1 - count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }

    /// §A.7.2.
    fn learn_of_run(&mut self, negative: bool, magnitude: i64, parameters: &Parameters) {
        self.bias += i64::from(negative);
        self.magnitude += magnitude;
        if self.count == parameters.reset {
            self.magnitude >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
    }
}

/// The samples around one: left, above, above to the left and to the right.
#[derive(Clone, Copy)]
struct Around {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

impl Around {
    fn of(lines: &Lines, at: usize) -> Self {
        let [c, b, d] = *lines
            .above
            .get(at - 1..at + 2)
            .and_then(<[i32]>::first_chunk)
            .unwrap_or(&[0; 3]);
        let a = lines.current.get(at - 1).copied().unwrap_or(0);
        Self { a, b, c, d }
    }

    /// What is expected where there may be an edge (§A.4.1).
    fn median(self) -> i32 {
        let Self { a, b, c, .. } = self;
        if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        }
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

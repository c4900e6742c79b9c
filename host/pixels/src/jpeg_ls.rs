//! What reading and writing JPEG-LS share: parameters, contexts, prediction (ITU-T T.87 Annex A). Names and order are the
//! standard's.
//!
//! Separate because both must learn the same from the same samples, to the last bit.

use crate::PixelError;

/// How the length of a run grows (§A.2.1): its logarithms.
const RUNS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// The last step of that growth.
pub(crate) const LAST_RUN: usize = RUNS.len() - 1;

/// The logarithm of a run's length at that step.
pub(crate) fn run_logarithm(step: usize) -> u32 {
    RUNS.get(step).copied().unwrap_or(15)
}

/// Preset coding parameters, as an LSE segment states them; 0 is the default (§C.2.4.1.1).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preset {
    pub(crate) maximum: i32,
    pub(crate) thresholds: [i32; 3],
    pub(crate) reset: i32,
}

/// What follows from the headers (§A.2, §C.2.4.1.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    pub(crate) maximum: i32,
    pub(crate) near: i32,
    thresholds: [i32; 3],
    reset: i32,
    pub(crate) range: i32,
    /// Bits of an error that is not Golomb-coded.
    pub(crate) error_bits: u32,
    pub(crate) limit: u32,
}

impl Parameters {
    pub(crate) fn new(precision: u16, near: i32, preset: Preset) -> Result<Self, PixelError> {
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

    /// The context of a sample, with its sign (§A.3.4).
    pub(crate) fn surroundings(&self, around: Around) -> i32 {
        let Around { a, b, c, d } = around;
        let region = |gradient| self.region(gradient);
        81 * region(d - b) + 9 * region(b - c) + region(c - a)
    }

    /// The sample that an error makes of a prediction (§A.4.5, §A.5).
    pub(crate) fn reconstructed(&self, prediction: i32, error: i32) -> i32 {
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
pub(crate) struct Context {
    /// Sum of errors, without sign.
    pub(crate) magnitude: i64,
    /// Sum of errors; of runs, how many were negative.
    pub(crate) bias: i64,
    pub(crate) correction: i32,
    pub(crate) count: i32,
}

impl Context {
    /// Nothing yet (§A.2.1).
    pub(crate) fn new(parameters: &Parameters) -> Self {
        Self {
            magnitude: i64::from(((parameters.range + 32) / 64).max(2)),
            bias: 0,
            correction: 0,
            count: 1,
        }
    }

    /// How many low bits of an error are written as they are, where `magnitude` is its expected sum (§A.5.1).
    pub(crate) fn golomb(&self, magnitude: i64) -> Result<u32, PixelError> {
        (0..24)
            .find(|bits| i64::from(self.count) << bits >= magnitude)
            .ok_or_else(|| PixelError::corrupt("its JPEG-LS codestream holds errors that cannot be"))
    }

    /// §A.6.
    pub(crate) fn learn(&mut self, error: i32, parameters: &Parameters) {
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
    pub(crate) fn learn_of_run(&mut self, negative: bool, magnitude: i64, parameters: &Parameters) {
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

/// The lines of one component.
pub(crate) struct Lines {
    /// The line above, with a sample more on either side.
    pub(crate) above: Vec<i32>,
    pub(crate) current: Vec<i32>,
}

impl Lines {
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            above: vec![0; columns + 2],
            current: vec![0; columns + 2],
        }
    }

    /// Goes on to the next line. Beyond the ends stand the samples above them (§A.2.1).
    pub(crate) fn next(&mut self) {
        let Self { above, current } = self;
        std::mem::swap(above, current);
        if let [.., last, beyond] = above.as_mut_slice() {
            *beyond = *last;
        }
        if let ([_, first, ..], [before, ..]) = (above.as_slice(), current.as_mut_slice()) {
            *before = *first;
        }
    }
}

/// The samples around one: left, above, above to the left and to the right.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    pub(crate) a: i32,
    pub(crate) b: i32,
    c: i32,
    d: i32,
}

impl Around {
    pub(crate) fn of(lines: &Lines, at: usize) -> Self {
        let [c, b, d] = *lines
            .above
            .get(at - 1..at + 2)
            .and_then(<[i32]>::first_chunk)
            .unwrap_or(&[0; 3]);
        let a = lines.current.get(at - 1).copied().unwrap_or(0);
        Self { a, b, c, d }
    }

    /// What is expected where there may be an edge (§A.4.1).
    pub(crate) fn median(self) -> i32 {
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

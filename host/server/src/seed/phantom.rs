//! Phantoms: pixels that look enough like a body to judge a viewer by.
//!
//! Coordinates run from -1 to 1 over the image, x to the right (the patient's left), y down (posterior); `z` runs from
//! 0 (first slice) to 1. Later shapes are painted over earlier ones. All is a function of position, so the same pixel
//! has the same value in every run; digests and deduplication rely on that.

/// An ellipse with a value.
#[derive(Clone, Copy)]
struct Shape {
    x: f64,
    y: f64,
    rx: f64,
    ry: f64,
    value: f64,
}

const fn shape(x: f64, y: f64, rx: f64, ry: f64, value: f64) -> Shape {
    Shape { x, y, rx, ry, value }
}

impl Shape {
    /// Squared distance from the centre in units of the radius: below 1 is inside.
    fn distance(&self, x: f64, y: f64) -> f64 {
        let (dx, dy) = ((x - self.x) / self.rx, (y - self.y) / self.ry);
        dx * dx + dy * dy
    }
}

/// The value of the last shape that holds the point, with an edge as wide as about one pixel.
fn painted(shapes: &[Shape], x: f64, y: f64, background: f64) -> f64 {
    shapes.iter().fold(background, |under, shape| {
        let distance = shape.distance(x, y);
        if distance >= 1.0 {
            return under;
        }
        let inside = (1.0 - distance.sqrt()) * shape.rx.min(shape.ry) * 128.0;
        let share = inside.min(1.0);
        under + (shape.value - under) * share
    })
}

/// A number between -1 and 1 that looks random and depends on nothing but its arguments.
fn noise(x: usize, y: usize, z: usize) -> f64 {
    let mut hash = (x as u64) | (y as u64) << 20 | (z as u64) << 40;
    hash = (hash ^ hash >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ hash >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash ^= hash >> 32;
    (hash & 0xFFFF) as f64 / 32_768.0 - 1.0
}

/// 0 below `from`, 1 above `to`, smooth between.
fn step(from: f64, to: f64, value: f64) -> f64 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Each pixel of an image of `width` by `height`, by its position and its unit coordinates.
fn each(width: usize, height: usize, mut pixel: impl FnMut(usize, usize, f64, f64)) {
    for row in 0..height {
        for column in 0..width {
            let x = (column as f64 + 0.5) / width as f64 * 2.0 - 1.0;
            let y = (row as f64 + 0.5) / height as f64 * 2.0 - 1.0;
            pixel(column, row, x, y);
        }
    }
}

/// Little-endian 16-bit pixels, each value clamped to 0–4095.
fn image16(width: usize, height: usize, mut value: impl FnMut(usize, usize, f64, f64) -> f64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(width * height * 2);
    each(width, height, |column, row, x, y| {
        let stored = value(column, row, x, y).round().clamp(0.0, 4095.0) as u16;
        bytes.extend(stored.to_le_bytes());
    });
    bytes
}

/// A slice of a thorax with contrast medium, in Hounsfield units + 1024.
pub(super) fn chest_ct(size: usize, slice: usize, slices: usize) -> Vec<u8> {
    let z = slice as f64 / slices.max(2).saturating_sub(1) as f64;
    let mut shapes = vec![
        shape(0.0, 0.0, 0.86, 0.60, -100.0), // fat under the skin
        shape(0.0, 0.0, 0.82, 0.56, 45.0),   // muscle
    ];
    for rib in 0..9 {
        let angle = f64::from(rib) * 0.35 + z * 2.1;
        for side in [-1.0, 1.0] {
            let (x, y) = (side * 0.755 * angle.sin().abs(), -0.50 * angle.cos());
            shapes.push(shape(x, y, 0.05, 0.035, 420.0));
        }
    }
    let apex = step(-0.15, 0.45, z);
    let (width, height) = (0.13 + 0.19 * apex, 0.16 + 0.26 * apex);
    for side in [-1.0, 1.0] {
        shapes.push(shape(side * 0.38, -0.02, width, height, -860.0));
        for vessel in 0..7 {
            let turn = f64::from(vessel) * 0.9 + side;
            let reach = 0.07 + 0.028 * f64::from(vessel);
            let (x, y) = (turn + z * 4.0).sin_cos();
            shapes.push(shape(side * 0.36 + x * reach, y * reach * 1.5, 0.016, 0.016, 20.0));
        }
    }
    // Mediastinum, heart, great vessels, airways.
    shapes.push(shape(0.0, 0.0, 0.15, 0.36, 40.0));
    let heart = step(0.35, 0.6, z);
    shapes.push(shape(0.09, -0.16, 0.12 + 0.17 * heart, 0.10 + 0.13 * heart, 60.0));
    shapes.push(shape(0.05, -0.20, 0.10 * heart + 0.001, 0.09 * heart + 0.001, 210.0));
    shapes.push(shape(0.19, -0.11, 0.09 * heart + 0.001, 0.11 * heart + 0.001, 230.0));
    shapes.push(shape(0.11, 0.26, 0.055, 0.055, 220.0));
    if z < 0.4 {
        shapes.push(shape(0.0, 0.03, 0.048, 0.055, -1000.0));
    } else if z < 0.6 {
        for side in [-1.0, 1.0] {
            shapes.push(shape(side * (z - 0.35), 0.05, 0.04, 0.04, -1000.0));
        }
    }
    // A nodule, so that there is something to find.
    let from_nodule = (z - 0.55) / 0.07;
    if from_nodule.abs() < 1.0 {
        let radius = 0.055 * (1.0 - from_nodule * from_nodule).sqrt();
        shapes.push(shape(-0.47, 0.10, radius, radius, 35.0));
    }
    // The dome of the diaphragm with the liver under it.
    let dome = step(0.72, 1.0, z);
    if dome > 0.0 {
        shapes.push(shape(-0.37, 0.0, 0.30 * dome + 0.01, 0.38 * dome + 0.01, 95.0));
    }
    // Spine: cortical bone, marrow, canal, spinous process.
    shapes.push(shape(0.0, 0.38, 0.125, 0.105, 520.0));
    shapes.push(shape(0.0, 0.38, 0.105, 0.085, 190.0));
    shapes.push(shape(0.0, 0.51, 0.10, 0.03, 450.0));
    shapes.push(shape(0.0, 0.49, 0.045, 0.035, 30.0));
    shapes.push(shape(0.0, 0.545, 0.02, 0.04, 480.0));
    image16(size, size, |column, row, x, y| {
        let table = if (0.70..0.73).contains(&(y + 0.12 * x * x)) {
            -350.0
        } else {
            -1000.0
        };
        let units = painted(&shapes, x, y, table);
        units + 14.0 * noise(column, row, slice) + 1024.0
    })
}

/// How tissues of the head look in a sequence.
#[derive(Clone, Copy)]
pub(super) struct Weighting {
    fat: f64,
    fluid: f64,
    grey: f64,
    white: f64,
}

/// Fluid is dark, white matter bright.
pub(super) const T1: Weighting = Weighting {
    fat: 1150.0,
    fluid: 150.0,
    grey: 520.0,
    white: 760.0,
};

/// Fluid suppressed; lesions would be bright.
pub(super) const FLAIR: Weighting = Weighting {
    fat: 620.0,
    fluid: 60.0,
    grey: 640.0,
    white: 480.0,
};

/// An axial slice of a head.
pub(super) fn brain_mr(size: usize, slice: usize, slices: usize, look: Weighting) -> Vec<u8> {
    let z = slice as f64 / slices.max(2).saturating_sub(1) as f64;
    let round = (1.0 - (z * 1.5 - 0.6).powi(2)).max(0.12).sqrt();
    let (rx, ry) = (0.66 * round, 0.84 * round);
    let outer = [
        shape(0.0, 0.0, rx, ry, look.fat),
        shape(0.0, 0.0, rx * 0.94, ry * 0.95, 35.0),
        shape(0.0, 0.0, rx * 0.87, ry * 0.89, look.fluid),
    ];
    let cortex = shape(0.0, 0.0, rx * 0.84, ry * 0.865, 0.0);
    let core = shape(0.0, 0.0, rx * 0.68, ry * 0.73, 0.0);
    let mut inner = Vec::new();
    let open = step(0.2, 0.4, z) * (1.0 - step(0.65, 0.85, z));
    for side in [-1.0, 1.0] {
        if open > 0.05 {
            inner.push(shape(side * 0.10, -0.14, 0.05 * open, 0.20 * open, look.fluid));
            inner.push(shape(side * 0.15, 0.16, 0.05 * open, 0.15 * open, look.fluid));
            inner.push(shape(side * 0.20, 0.0, 0.07 * open, 0.13 * open, look.grey));
        }
    }
    // A lesion: dark in one sequence, bright in the other.
    let from_lesion = (z - 0.6) / 0.12;
    if from_lesion.abs() < 1.0 {
        let radius = 0.07 * (1.0 - from_lesion * from_lesion).sqrt();
        inner.push(shape(0.28, -0.25, radius, radius * 0.8, 1250.0 - look.white));
    }
    image16(size, size, |column, row, x, y| {
        let mut value = painted(&outer, x, y, 8.0);
        let angle = y.atan2(x);
        let fold = 0.07 * (angle * 19.0 + z * 9.0).sin() + 0.05 * (angle * 31.0 - z * 14.0).sin();
        if cortex.distance(x, y) < 1.0 + fold {
            value = look.grey;
        }
        if core.distance(x, y) < 1.0 + 2.2 * fold {
            value = look.white;
        }
        if x.abs() < 0.012 && cortex.distance(x, y) < 1.0 {
            value = look.fluid;
        }
        value = painted(&inner, x, y, value);
        // A slow brightening towards the coil.
        value * (1.0 + 0.12 * y) + 18.0 * noise(column, row, slice + 1000).abs()
    })
}

/// A frame of an echocardiogram: a fan of speckle, two chambers that beat, and flow in colour.
pub(super) fn heart_us(width: usize, height: usize, frame: usize, frames: usize) -> Vec<u8> {
    let phase = frame as f64 / frames.max(1) as f64 * std::f64::consts::TAU;
    let beat = 0.5 - 0.5 * phase.cos();
    let chamber = shape(-0.10, 0.02, 0.20 - 0.05 * beat, 0.34 - 0.09 * beat, 0.0);
    let other = shape(0.22, 0.10, 0.13 - 0.02 * beat, 0.26 - 0.05 * beat, 0.0);
    let mut bytes = Vec::with_capacity(width * height * 3);
    each(width, height, |column, row, x, y| {
        // The probe is at the top; the fan opens 80 degrees.
        let (across, depth) = (x * 1.05, y + 1.05);
        let range = across.hypot(depth);
        if !(0.12..=1.95).contains(&range) || across.atan2(depth).abs() > 0.70 {
            bytes.extend([0, 0, 0]);
            return;
        }
        let speckle = 0.55 + 0.45 * noise(column / 2, row, frame);
        let edge = |wall: &Shape| (-((wall.distance(x, y).sqrt() - 1.08) / 0.09).powi(2)).exp();
        let inside = chamber.distance(x, y) < 1.0 || other.distance(x, y) < 1.0;
        let tissue = if inside { 0.05 } else { 0.34 * (1.0 - range / 2.6) };
        let grey = 255.0 * (tissue + 0.5 * edge(&chamber).max(edge(&other))) * speckle;
        let jet = (-((x + 0.10) / 0.07).powi(2) - ((y - 0.02) / 0.26).powi(2)).exp();
        let flow = if inside { jet * phase.sin() } else { 0.0 };
        let colour = if flow.abs() > 0.25 {
            let strength = 255.0 * flow.abs() * speckle;
            if flow > 0.0 {
                [strength, strength * 0.35, 20.0]
            } else {
                [20.0, strength * 0.45, strength]
            }
        } else {
            [grey, grey, grey]
        };
        bytes.extend(colour.map(|level| level.clamp(0.0, 255.0) as u8));
    });
    bytes
}

/// A projection of a thorax from the front or from the side; bright is dense.
pub(super) fn chest_dx(size: usize, lateral: bool) -> Vec<u8> {
    // Half the length of the way through an ellipsoid, by where it is entered.
    let through = |shape: &Shape, x: f64, y: f64| (1.0 - shape.distance(x, y)).max(0.0).sqrt() * shape.value;
    let solids: &[Shape] = if lateral {
        &[
            shape(0.0, 0.35, 0.62, 1.35, 1500.0),
            shape(-0.05, -0.10, 0.42, 0.62, -1150.0),
            shape(-0.16, 0.22, 0.24, 0.30, 800.0),
            shape(0.0, 0.78, 0.56, 0.42, 900.0),
        ]
    } else {
        &[
            shape(0.0, 0.35, 0.88, 1.40, 1400.0),
            shape(-0.38, -0.08, 0.29, 0.66, -1000.0),
            shape(0.40, -0.10, 0.27, 0.62, -1000.0),
            shape(0.12, 0.22, 0.30, 0.30, 800.0),
            shape(-0.36, 0.80, 0.46, 0.36, 800.0),
            shape(0.36, 0.88, 0.42, 0.34, 700.0),
            shape(0.0, -0.55, 0.055, 0.40, -300.0),
        ]
    };
    image16(size, size, |column, row, x, y| {
        let mut dense = 320.0 + solids.iter().map(|solid| through(solid, x, y)).sum::<f64>();
        let spine = if lateral { x - 0.33 - 0.10 * (y * 2.0).sin() } else { x };
        if spine.abs() < 0.085 {
            dense += 320.0 + 140.0 * (y * 40.0).sin().max(0.0);
        }
        let chest = if lateral { 0.52 } else { 0.76 };
        if x.abs() < chest && y.abs() < 0.85 {
            for rib in 0..9 {
                let level = -0.80 + f64::from(rib) * 0.165;
                let arch = if lateral {
                    0.35 * (x + 0.5)
                } else {
                    0.26 * x.abs() - 0.42 * x * x
                };
                let off = (y - level - arch) / 0.024;
                dense += 230.0 * (-off * off).exp();
            }
        }
        if !lateral {
            // Clavicles.
            let off = (y + 0.80 + 0.12 * (x.abs() - 0.35)) / 0.028;
            if (0.06..0.62).contains(&x.abs()) {
                dense += 330.0 * (-off * off).exp();
            }
        }
        dense + 900.0 + 16.0 * noise(column, row, usize::from(lateral))
    })
}

/// A hand from above: palm, five fingers, their bones.
pub(super) fn hand_cr(width: usize, height: usize) -> Vec<u8> {
    // Root and tip of each finger.
    let fingers: [(f64, f64, f64, f64, f64); 5] = [
        (-0.42, 0.22, -0.86, -0.16, 0.105),
        (-0.30, -0.12, -0.46, -0.76, 0.095),
        (-0.06, -0.16, -0.08, -0.90, 0.10),
        (0.18, -0.14, 0.30, -0.80, 0.095),
        (0.38, -0.04, 0.64, -0.52, 0.08),
    ];
    image16(width, height, |column, row, x, y| {
        let palm = shape(0.02, 0.24, 0.50, 0.44, 0.0).distance(x, y);
        let mut soft = if palm < 1.0 { (1.0 - palm).sqrt() * 900.0 } else { 0.0 };
        if y > 0.5 && x.abs() < 0.30 {
            soft = soft.max((1.0 - (x / 0.30).powi(2)).max(0.0).sqrt() * 850.0);
        }
        let mut bone: f64 = 0.0;
        for (root_x, root_y, tip_x, tip_y, thick) in fingers {
            // From the wrist's end of the metacarpal to the tip, by share of the way.
            let (from_x, from_y) = (root_x * 0.45, root_y + 0.52);
            let (along_x, along_y) = (tip_x - from_x, tip_y - from_y);
            let length = along_x.hypot(along_y);
            let share = ((x - from_x) * along_x + (y - from_y) * along_y) / (length * length);
            let aside = ((x - from_x) * along_y - (y - from_y) * along_x).abs() / length;
            if !(0.0..=1.03).contains(&share) {
                continue;
            }
            if share > 0.35 && aside < thick {
                soft = soft.max((1.0 - (aside / thick).powi(2)).sqrt() * 750.0);
            }
            // Four bones, each with thick ends and a gap after it.
            for (start, end) in [(0.0, 0.42), (0.45, 0.68), (0.705, 0.85), (0.875, 0.99)] {
                let within = (share - start) / (end - start);
                if (0.0..=1.0).contains(&within) {
                    let waist = thick * (0.30 + 0.26 * (2.0 * within - 1.0).powi(4));
                    if aside < waist {
                        bone = bone.max(900.0 + 500.0 * (aside / waist).powi(2));
                    }
                }
            }
        }
        for (index, (centre_x, centre_y)) in [(-0.14, 0.60), (0.0, 0.56), (0.14, 0.60), (-0.07, 0.70), (0.09, 0.70)]
            .into_iter()
            .enumerate()
        {
            let radius = 0.07 + 0.008 * index as f64;
            if shape(centre_x, centre_y, radius, radius * 0.8, 0.0).distance(x, y) < 1.0 {
                bone = bone.max(1050.0);
            }
        }
        for (centre, half) in [(-0.10, 0.11), (0.13, 0.07)] {
            let off: f64 = (x - centre) / half;
            if y > 0.78 && off.abs() < 1.0 {
                bone = bone.max(900.0 + 450.0 * off * off);
            }
        }
        soft + bone + 250.0 + 14.0 * noise(column, row, 77)
    })
}

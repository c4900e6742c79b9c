//! Where slices are, and whether they make a grid (PS3.3 §C.7.6.2.1, §C.7.6.16.2).

use super::{Source, VolumeError};
use isocenter_dicom::{Header, Path, Step, Tag, Value, tags};

/// How far direction cosines of slices may be apart, and their lengths from 1.
const COSINE: f64 = 1e-3;

/// Distances, in mm, that are taken for none.
const NOTHING: f64 = 1e-3;

/// How far distances between slices may be apart: a share of the largest, and what rounding makes of small ones, in mm.
const UNEQUAL: (f64, f64) = (0.05, 0.02);

type Vector = [f64; 3];

/// Where a volume is in the patient's coordinates, in mm.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// The centre of the first voxel.
    pub origin: [f64; 3],
    /// The direction in which columns ascend, along a row.
    pub row: [f64; 3],
    /// The direction in which rows ascend, down a column.
    pub column: [f64; 3],
    /// From slice to slice, from row to row, from column to column; a single slice is its thickness, or 0, away.
    pub spacing: [f64; 3],
}

/// One slice, by its header.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) source: Source,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    position: Option<Vector>,
    orientation: Option<[f64; 6]>,
    /// From row to row and from column to column.
    spacing: Option<[f64; 2]>,
    thickness: Option<f64>,
    number: Option<i64>,
}

struct Attribute {
    /// The functional group that holds it in a multi-frame object.
    group: Tag,
    tag: Tag,
    name: &'static str,
}

const POSITION: Attribute = Attribute {
    group: tags::PLANE_POSITION_SEQUENCE,
    tag: tags::IMAGE_POSITION_PATIENT,
    name: "Image Position (Patient)",
};
const ORIENTATION: Attribute = Attribute {
    group: tags::PLANE_ORIENTATION_SEQUENCE,
    tag: tags::IMAGE_ORIENTATION_PATIENT,
    name: "Image Orientation (Patient)",
};
const SPACING: Attribute = Attribute {
    group: tags::PIXEL_MEASURES_SEQUENCE,
    tag: tags::PIXEL_SPACING,
    name: "Pixel Spacing",
};
const THICKNESS: Attribute = Attribute {
    group: tags::PIXEL_MEASURES_SEQUENCE,
    tag: tags::SLICE_THICKNESS,
    name: "Slice Thickness",
};
const SLOPE: Attribute = Attribute {
    group: tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tag: tags::RESCALE_SLOPE,
    name: "Rescale Slope",
};
const INTERCEPT: Attribute = Attribute {
    group: tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tag: tags::RESCALE_INTERCEPT,
    name: "Rescale Intercept",
};

impl Attribute {
    fn unusable(&self, reason: &'static str) -> VolumeError {
        let (tag, name) = (self.tag, self.name);
        VolumeError::Unusable { tag, name, reason }
    }

    fn missing(&self) -> VolumeError {
        let (tag, name) = (self.tag, self.name);
        VolumeError::Missing { tag, name }
    }

    fn differs(&self) -> VolumeError {
        let (tag, name) = (self.tag, self.name);
        VolumeError::Differs { tag, name }
    }

    /// The numbers of one frame: in its own functional group, in the shared one, or at the top; `None` when absent or
    /// empty everywhere.
    fn numbers<const N: usize>(&self, header: &Header, frame: u32) -> Result<Option<[f64; N]>, VolumeError> {
        let inside = |sequence: Tag, item: u32| {
            let group = self.group;
            vec![
                Step { sequence, item },
                Step {
                    sequence: group,
                    item: 0,
                },
            ]
        };
        let ways = [
            inside(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame),
            inside(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0),
            Vec::new(),
        ];
        let tag = self.tag;
        let values = ways.into_iter().map(|within| header.value(&Path { within, tag }));
        let texts = values.flatten().find_map(|value| match value {
            Value::Text(texts) if !texts.is_empty() => Some(texts),
            _ => None,
        });
        let Some(texts) = texts else { return Ok(None) };
        let numbers: Option<Vec<f64>> = texts.iter().map(|text| text.trim().parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.iter().all(|number: &f64| number.is_finite()));
        let numbers = numbers.ok_or_else(|| self.unusable("it is not a number"))?;
        let numbers = numbers.try_into();
        numbers
            .map(Some)
            .map_err(|_| self.unusable("it has another number of values"))
    }
}

impl Slice {
    pub(super) fn of(header: &Header, source: Source) -> Result<Self, VolumeError> {
        let frame = source.frame;
        let slope = SLOPE.numbers(header, frame)?.map_or(1.0, |[slope]| slope);
        if slope == 0.0 {
            return Err(SLOPE.unusable("it is 0"));
        }
        let spacing: Option<[f64; 2]> = SPACING.numbers(header, frame)?;
        if spacing.is_some_and(|spacing| spacing.iter().any(|&distance| distance <= 0.0)) {
            return Err(SPACING.unusable("it is not positive"));
        }
        let number = header.first(tags::INSTANCE_NUMBER);
        Ok(Self {
            source,
            slope,
            intercept: INTERCEPT.numbers(header, frame)?.map_or(0.0, |[intercept]| intercept),
            position: POSITION.numbers(header, frame)?,
            orientation: ORIENTATION.numbers(header, frame)?,
            spacing,
            thickness: THICKNESS.numbers(header, frame)?.map(|[thickness]| thickness),
            number: number.and_then(|number| number.trim().parse().ok()),
        })
    }
}

/// Slices as a grid.
pub(super) struct Grid;

impl Grid {
    /// Puts slices in order; gives where they are, when they say it.
    pub(super) fn sort(slices: &mut [Slice]) -> Result<Option<Placement>, VolumeError> {
        let spacing = slices.first().and_then(|first| first.spacing);
        if !slices.iter().all(|slice| alike(slice.spacing, spacing, NOTHING)) {
            return Err(SPACING.differs());
        }
        if slices.iter().all(|slice| slice.position.is_none()) {
            by_number(slices)?;
            return Ok(None);
        }
        if slices.iter().any(|slice| slice.position.is_none()) {
            return Err(POSITION.missing());
        }
        let orientation = slices.first().and_then(|first| first.orientation);
        let Some(orientation) = orientation.filter(|_| slices.iter().all(|slice| slice.orientation.is_some())) else {
            return Err(ORIENTATION.missing());
        };
        if !slices
            .iter()
            .all(|slice| alike(slice.orientation, Some(orientation), COSINE))
        {
            return Err(ORIENTATION.differs());
        }
        let [a, b, c, d, e, f] = orientation;
        let (row, column) = ([a, b, c], [d, e, f]);
        let unit = |vector: Vector| (dot(vector, vector).sqrt() - 1.0).abs() < 10.0 * COSINE;
        if !unit(row) || !unit(column) || dot(row, column).abs() > 10.0 * COSINE {
            return Err(ORIENTATION.unusable("it is not two directions at right angles"));
        }
        let normal = cross(row, column);
        let along = |slice: &Slice| slice.position.map_or(0.0, |position| dot(position, normal));
        slices.sort_by(|one, other| along(one).total_cmp(&along(other)));
        let distance = distance(slices, along)?;
        let origin = slices.first().and_then(|first| first.position).unwrap_or_default();
        // Half a pixel, over the whole height of the volume.
        let limit = spacing.map_or(0.5, |[rows, columns]| rows.min(columns) / 2.0);
        let shifted = |slice: &Slice| {
            let from = slice.position.map_or([0.0; 3], |position| less(position, origin));
            let up = dot(from, normal);
            let aside = less(from, normal.map(|part| part * up));
            dot(aside, aside).sqrt() > limit
        };
        if slices.iter().any(shifted) {
            return Err(VolumeError::Shifted);
        }
        let thickness = slices.first().and_then(|first| first.thickness);
        let [rows, columns] = spacing.unwrap_or([1.0; 2]);
        Ok(Some(Placement {
            origin,
            row,
            column,
            spacing: [distance.or(thickness).unwrap_or(0.0), rows, columns],
        }))
    }
}

/// Without positions: by Instance Number, then frame.
fn by_number(slices: &mut [Slice]) -> Result<(), VolumeError> {
    let one_object = slices.iter().all(|slice| slice.source.member == 0);
    if !one_object && slices.iter().any(|slice| slice.number.is_none()) {
        return Err(VolumeError::NoOrder("some have no Instance Number (0020,0013) either"));
    }
    let key = |slice: &Slice| (slice.number, slice.source.frame);
    slices.sort_by_key(key);
    let twice = slices
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if key(one) == key(other)));
    if twice {
        return Err(VolumeError::NoOrder("some have the same Instance Number (0020,0013)"));
    }
    Ok(())
}

/// The distance from slice to slice; `None` of a single one.
fn distance(slices: &[Slice], along: impl Fn(&Slice) -> f64) -> Result<Option<f64>, VolumeError> {
    let gaps = slices.iter().zip(slices.iter().skip(1));
    let gaps: Vec<f64> = gaps.map(|(one, next)| along(next) - along(one)).collect();
    let Some(least) = gaps.iter().copied().reduce(f64::min) else {
        return Ok(None);
    };
    let most = gaps.iter().copied().fold(least, f64::max);
    if least < NOTHING {
        return Err(VolumeError::SamePlace);
    }
    if most - least > UNEQUAL.0 * most + UNEQUAL.1 {
        let [least, most] = [least, most].map(|distance| format!("{distance:.2}"));
        return Err(VolumeError::Spacing { least, most });
    }
    Ok(Some(gaps.iter().sum::<f64>() / gaps.len() as f64))
}

fn alike<const N: usize>(one: Option<[f64; N]>, other: Option<[f64; N]>, tolerance: f64) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.iter().zip(other).all(|(a, b)| (a - b).abs() <= tolerance),
        (None, None) => true,
        _ => false,
    }
}

fn dot(one: Vector, other: Vector) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn less(one: Vector, other: Vector) -> Vector {
    let ([a, b, c], [d, e, f]) = (one, other);
    [a - d, b - e, c - f]
}

fn cross(one: Vector, other: Vector) -> Vector {
    let ([a, b, c], [d, e, f]) = (one, other);
    [b * f - c * e, c * d - a * f, a * e - b * d]
}

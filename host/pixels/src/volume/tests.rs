//! Which series are volumes, in which order, and of what numbers.

use super::*;
use crate::sample::Sample;
use isocenter_dicom::VR;
use proptest::prelude::*;

/// A slice of 2 x 3 pixels at this height, whose bytes are all `value`.
fn slice(height: &str, value: u8) -> Sample {
    let sample = Sample::new().native(tags::PIXEL_DATA, VR::OW, 6, &[value; 6]);
    let sample = text(sample, tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0");
    let sample = text(sample, tags::PIXEL_SPACING, "0.5\\0.7");
    text(sample, tags::IMAGE_POSITION_PATIENT, &format!("-10\\5\\{height}"))
}

fn text(sample: Sample, tag: Tag, text: &str) -> Sample {
    let mut value = text.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(b' ');
    }
    sample.element(tag, VR::DS, &value)
}

fn plan(samples: &[Sample]) -> Result<Plan, VolumeError> {
    let headers: Vec<Header> = samples.iter().map(Sample::header).collect();
    Plan::new(&headers.iter().collect::<Vec<_>>())
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Pixels(#[from] PixelError),
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

fn fill(samples: &[Sample]) -> Result<Vec<f32>, Trouble> {
    plan(samples)?.fill(|source| Ok(samples[source.member].open()?.decoded(source.frame)?))
}

#[test]
fn slices_are_sorted_and_rescaled() {
    let scaled = |sample: Sample, slope: &str, intercept: &str| {
        text(
            text(sample, tags::RESCALE_SLOPE, slope),
            tags::RESCALE_INTERCEPT,
            intercept,
        )
    };
    let samples = [
        scaled(slice("2.5", 3), "2", "-1024"),
        scaled(slice("-2.5", 1), "0.5", "1"),
        slice("0", 2),
    ];
    let plan = plan(&samples).unwrap();
    assert_eq!(plan.shape(), [3, 2, 3]);
    assert_eq!(
        plan.sources().map(|source| source.member).collect::<Vec<_>>(),
        [1, 2, 0]
    );
    let placement = plan.placement().unwrap();
    assert_eq!(
        (placement.origin, placement.spacing),
        ([-10.0, 5.0, -2.5], [2.5, 0.5, 0.7])
    );
    assert_eq!(fill(&samples).unwrap(), [[1.5; 6], [2.0; 6], [-1018.0; 6]].concat());
}

#[test]
fn numbers_of_every_kind() {
    let one = |sample: Sample, tag: Tag, vr: VR, value: &[u8]| {
        let sample = sample.size(1, 1).native(tag, vr, value.len(), value);
        fill(&[sample]).map_err(|error| error.to_string())
    };
    let signed = |bits: u16| {
        Sample::new()
            .bits(bits, bits, bits - 1)
            .number(tags::PIXEL_REPRESENTATION, 1)
    };
    let words = tags::PIXEL_DATA;
    assert_eq!(one(signed(8), words, VR::OB, &[0xFE, 0]), Ok(vec![-2.0]));
    assert_eq!(one(signed(16), words, VR::OW, &[0xFE, 0xFF]), Ok(vec![-2.0]));
    assert_eq!(
        one(signed(32), words, VR::OW, &[0xFE, 0xFF, 0xFF, 0xFF]),
        Ok(vec![-2.0])
    );
    assert_eq!(
        one(Sample::new().bits(16, 12, 11), words, VR::OW, &[0xFF, 0xFF]),
        Ok(vec![4095.0])
    );
    let float = Sample::new().bits(32, 32, 31);
    assert_eq!(
        one(float, tags::FLOAT_PIXEL_DATA, VR::OF, &0.25_f32.to_le_bytes()),
        Ok(vec![0.25])
    );
    let double = Sample::new().bits(64, 64, 63);
    assert_eq!(
        one(double, tags::DOUBLE_FLOAT_PIXEL_DATA, VR::OD, &0.25_f64.to_le_bytes()),
        Ok(vec![0.25])
    );
    assert_eq!(one(Sample::new().bits(1, 1, 0), words, VR::OB, &[1, 0]), Ok(vec![1.0]));
}

/// Items, each of one sequence of one item with one DS: the functional groups.
fn groups(items: &[&[(Tag, Tag, &str)]]) -> Vec<u8> {
    let head = |tag: Tag, rest: &[u8]| [&tag.group().to_le_bytes(), &tag.element().to_le_bytes(), rest].concat();
    let item = |content: Vec<u8>| {
        let length = (content.len() as u32).to_le_bytes();
        [head(Tag(0xFFFE, 0xE000), &length), content].concat()
    };
    let group = |(sequence, tag, text): &(Tag, Tag, &str)| {
        let text = format!("{text:<width$}", width = text.len().next_multiple_of(2));
        let length = (text.len() as u16).to_le_bytes();
        let value = item([head(*tag, b"DS"), length.to_vec(), text.into_bytes()].concat());
        let length = (value.len() as u32).to_le_bytes();
        [head(*sequence, b"SQ\0\0"), length.to_vec(), value].concat()
    };
    items
        .iter()
        .flat_map(|groups| item(groups.iter().flat_map(group).collect()))
        .collect()
}

#[test]
fn frames_of_one_object_have_their_own_places() {
    let position = (tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);
    let transformation = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
    let shared = groups(&[&[
        (
            tags::PLANE_ORIENTATION_SEQUENCE,
            tags::IMAGE_ORIENTATION_PATIENT,
            "0\\1\\0\\0\\0\\-1",
        ),
        (tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING, "1\\1"),
        (transformation, tags::RESCALE_SLOPE, "10"),
    ]]);
    let own = groups(&[
        &[(position.0, position.1, "7\\0\\0")],
        &[
            (position.0, position.1, "6\\0\\0"),
            (transformation, tags::RESCALE_SLOPE, "100"),
        ],
        &[(position.0, position.1, "8\\0\\0")],
    ]);
    let sample = Sample::new()
        .size(1, 2)
        .frames("3 ")
        .element(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, VR::SQ, &shared)
        .element(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, VR::SQ, &own)
        .native(tags::PIXEL_DATA, VR::OW, 6, &[1, 1, 2, 2, 3, 3]);
    let samples = [sample];
    // The normal points to the patient's right: what is most on the left comes first.
    let sources: Vec<_> = plan(&samples).unwrap().sources().map(|source| source.frame).collect();
    assert_eq!(sources, [2, 0, 1]);
    assert_eq!(fill(&samples).unwrap(), [30.0, 30.0, 10.0, 10.0, 200.0, 200.0]);
    let placement = plan(&samples).unwrap().placement().unwrap().clone();
    assert_eq!(
        (placement.origin, placement.spacing),
        ([8.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    );
}

#[test]
fn without_positions_numbers_count() {
    let numbered = |number: &str, value: u8| {
        let sample = Sample::new()
            .native(tags::PIXEL_DATA, VR::OW, 12, &[value; 12])
            .frames("2 ");
        text(sample, tags::INSTANCE_NUMBER, number)
    };
    let samples = [numbered("10", 2), numbered("9", 1)];
    let plan = plan(&samples).unwrap();
    assert_eq!(plan.placement(), None);
    let sources: Vec<_> = plan.sources().map(|source| (source.member, source.frame)).collect();
    assert_eq!(sources, [(1, 0), (1, 1), (0, 0), (0, 1)]);
    assert_eq!(fill(&samples).unwrap(), [[1.0; 12], [2.0; 12]].concat());
}

#[test]
fn what_is_no_volume() {
    let up = |heights: &[&str]| heights.iter().map(|height| slice(height, 1)).collect::<Vec<_>>();
    let with = |change: &dyn Fn(Sample) -> Sample| vec![slice("0", 1), change(slice("1", 1))];
    let cases: Vec<(Vec<Sample>, &str)> = vec![
        (vec![], "the series has no objects"),
        (
            with(&|sample| sample.without(tags::ROWS)),
            "object 1 of the series is no image that can be read: Rows (0028,0010) is missing, so that the pixel data cannot be read",
        ),
        (
            with(&|sample| sample.photometric("RGB", 3)),
            "object 1 of the series is no image that can be read: it is not of grey values",
        ),
        (
            with(&|sample| sample.size(3, 3)),
            "the slices are not of one kind: Rows (0028,0010) differs",
        ),
        (
            with(&|sample| text(sample, tags::IMAGE_ORIENTATION_PATIENT, "0\\1\\0\\0\\0\\1")),
            "the slices are not of one kind: Image Orientation (Patient) (0020,0037) differs",
        ),
        (
            with(&|sample| text(sample, tags::PIXEL_SPACING, "0.5\\0.6")),
            "the slices are not of one kind: Pixel Spacing (0028,0030) differs",
        ),
        (
            with(&|sample| sample.element(tags::FRAME_OF_REFERENCE_UID, VR::UI, b"1.2.3\0")),
            "the slices are not of one kind: Frame of Reference UID (0020,0052) differs",
        ),
        (
            with(&|sample| sample.without(tags::IMAGE_POSITION_PATIENT)),
            "some slices have no Image Position (Patient) (0020,0032)",
        ),
        (
            with(&|sample| sample.without(tags::IMAGE_ORIENTATION_PATIENT)),
            "some slices have no Image Orientation (Patient) (0020,0037)",
        ),
        (
            with(&|sample| text(sample, tags::IMAGE_POSITION_PATIENT, "0\\x\\1")),
            "Image Position (Patient) (0020,0032) of a slice cannot be used: it is not a number",
        ),
        (
            with(&|sample| text(sample, tags::IMAGE_POSITION_PATIENT, "0\\1")),
            "Image Position (Patient) (0020,0032) of a slice cannot be used: it has another number of values",
        ),
        (
            with(&|sample| text(sample, tags::IMAGE_POSITION_PATIENT, "0\\1\\nan")),
            "Image Position (Patient) (0020,0032) of a slice cannot be used: it is not a number",
        ),
        (
            vec![text(slice("0", 1), tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\1\\0\\0")],
            "Image Orientation (Patient) (0020,0037) of a slice cannot be used: it is not two directions at right angles",
        ),
        (
            with(&|sample| text(sample, tags::RESCALE_SLOPE, "0")),
            "Rescale Slope (0028,1053) of a slice cannot be used: it is 0",
        ),
        (
            up(&["0", "1", "1"]),
            "there are several slices at one place: the series has more than one pass over the body",
        ),
        (
            up(&["0", "1", "3", "4"]),
            "slices are not equally spaced: their distances go from 1.00 to 2.00 mm",
        ),
        (
            with(&|sample| text(sample, tags::IMAGE_POSITION_PATIENT, "-9\\5\\1")),
            "slices are shifted against each other, as by a tilted gantry",
        ),
        (
            vec![Sample::new(), Sample::new()],
            "slices have no position, and some have no Instance Number (0020,0013) either",
        ),
        (
            vec![
                text(Sample::new(), tags::INSTANCE_NUMBER, "1"),
                text(Sample::new(), tags::INSTANCE_NUMBER, "1"),
            ],
            "slices have no position, and some have the same Instance Number (0020,0013)",
        ),
        (
            vec![Sample::new().size(16_000, 16_000), Sample::new().size(16_000, 16_000)],
            "the volume of 2048000000 bytes is larger than the limit of 1073741824 bytes",
        ),
        (
            vec![Sample::new().frames("2147483647")],
            "the volume of 51539607528 bytes is larger than the limit of 1073741824 bytes",
        ),
    ];
    for (samples, sentence) in cases {
        let error = plan(&samples).expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
    }
    // A header that promises more than there is.
    let error = fill(&[slice("0", 1).native(tags::PIXEL_DATA, VR::OW, 2, &[1, 1])]).unwrap_err();
    assert!(matches!(error, Trouble::Pixels(_)), "{error}");
}

#[test]
fn a_frame_of_another_size_is_not_put_in() {
    let plan = plan(&[slice("0", 1)]).unwrap();
    let other = slice("0", 1).size(3, 2).native(tags::PIXEL_DATA, VR::OW, 6, &[1; 6]);
    let error = plan
        .fill(|source| Ok::<_, Trouble>(other.open()?.decoded(source.frame)?))
        .unwrap_err();
    assert_eq!(error.to_string(), "frame 0 of object 0 is not what its header says");
}

proptest! {
    #[test]
    fn order_does_not_matter(heights in prop::collection::vec(-50i32..50, 1..6), rotate in 0usize..6) {
        let mut samples: Vec<Sample> = heights.iter().map(|height| slice(&height.to_string(), (height + 50) as u8)).collect();
        let one = fill(&samples).map_err(|error| error.to_string());
        samples.rotate_left(rotate % heights.len());
        prop_assert_eq!(&one, &fill(&samples).map_err(|error| error.to_string()));
        if let Ok(values) = one {
            prop_assert!(values.is_sorted());
        }
    }
}

//! The pixel data of a draft: what it is, and that it has the length which the elements say.

use super::kind::Kind;
use super::script::Script;
use super::{DraftError, Work, number};
use crate::header::Header;
use crate::{Tag, VR, tags};
use bytes::Bytes;

/// Fills in what follows from what the author set.
pub(super) fn write(work: &Work<'_>, script: &mut Script) {
    if !work.kind.is_image() {
        return;
    }
    let allocated = match (work.number(tags::BITS_ALLOCATED), work.kind) {
        (Some(allocated), _) => allocated,
        (None, Kind::Segmentation) if work.text(tags::SEGMENTATION_TYPE).as_deref() == Some("BINARY") => 1,
        (None, Kind::ParametricMap) => 32,
        (None, _) => 8,
    };
    let samples = match work.text(tags::PHOTOMETRIC_INTERPRETATION).as_deref() {
        Some("RGB" | "YBR_FULL") => 3,
        _ => 1,
    };
    let photometric = if samples == 1 { "MONOCHROME2" } else { "RGB" };
    if !work.has_value(tags::PHOTOMETRIC_INTERPRETATION) {
        script.text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
    }
    let stored = work.number(tags::BITS_STORED).unwrap_or(allocated);
    let integer = pixel_tag(work.kind, allocated) == tags::PIXEL_DATA;
    let colour = samples > 1 || work.number(tags::SAMPLES_PER_PIXEL).is_some_and(|samples| samples > 1);
    for (tag, number, belongs) in [
        (tags::SAMPLES_PER_PIXEL, samples, true),
        (tags::BITS_ALLOCATED, allocated, true),
        (tags::BITS_STORED, stored, integer),
        (tags::HIGH_BIT, stored.saturating_sub(1), integer),
        (tags::PIXEL_REPRESENTATION, 0, integer),
        (tags::PLANAR_CONFIGURATION, 0, colour),
    ] {
        if belongs && !work.has_value(tag) {
            script.number(tag, number);
        }
    }
}

/// Where the pixels of a kind stand: a parametric map may hold floating point numbers (PS3.3 §A.75).
fn pixel_tag(kind: Kind, allocated: u64) -> Tag {
    match (kind, allocated) {
        (Kind::ParametricMap, 32) => tags::FLOAT_PIXEL_DATA,
        (Kind::ParametricMap, 64) => tags::DOUBLE_FLOAT_PIXEL_DATA,
        _ => tags::PIXEL_DATA,
    }
}

/// The pixel data element.
pub(super) fn body(kind: Kind, header: &Header, pixels: &Bytes) -> Result<Vec<Bytes>, DraftError> {
    if !kind.is_image() {
        let document = kind == Kind::EncapsulatedPdf;
        return if document || pixels.is_empty() {
            Ok(Vec::new())
        } else {
            Err(DraftError::NoPixels(kind))
        };
    }
    let one = |tag: Tag| number(header, tag).unwrap_or(1);
    let allocated = one(tags::BITS_ALLOCATED);
    let tag = pixel_tag(kind, allocated);
    check_bits(kind, header, allocated)?;
    let bits = [
        tags::ROWS,
        tags::COLUMNS,
        tags::SAMPLES_PER_PIXEL,
        tags::NUMBER_OF_FRAMES,
    ]
    .into_iter()
    .fold(allocated, |bits, tag| bits.saturating_mul(one(tag)));
    let (have, need) = (pixels.len() as u64, bits.div_ceil(8));
    if have != need {
        let why = "Rows x Columns x Samples per Pixel x Number of Frames x Bits Allocated";
        return Err(DraftError::PixelLength { have, need, why });
    }
    let length = u32::try_from(have).ok().filter(|length| *length < u32::MAX - 1);
    let Some(length) = length else {
        let limit = u64::from(u32::MAX);
        return Err(DraftError::TooLarge {
            what: "bytes of pixel data",
            limit,
        });
    };
    let vr = match tag {
        tags::FLOAT_PIXEL_DATA => VR::OF,
        tags::DOUBLE_FLOAT_PIXEL_DATA => VR::OD,
        _ if allocated > 8 => VR::OW,
        _ => VR::OB,
    };
    let mut head = Vec::with_capacity(12);
    head.extend(tag.group().to_le_bytes());
    head.extend(tag.element().to_le_bytes());
    head.extend(vr.to_bytes());
    head.extend([0, 0]);
    head.extend(length.next_multiple_of(2).to_le_bytes());
    let mut body = vec![Bytes::from(head), pixels.clone()];
    if length % 2 == 1 {
        body.push(Bytes::from_static(&[0]));
    }
    Ok(body)
}

/// What Bits Allocated and its companions may be.
fn check_bits(kind: Kind, header: &Header, allocated: u64) -> Result<(), DraftError> {
    let wrong = |tag: Tag, wanted: &'static str| {
        Err(DraftError::Wrong {
            kind,
            tag,
            keyword: crate::dictionary::keyword(tag),
            wanted,
        })
    };
    let binary = header.first(tags::SEGMENTATION_TYPE).as_deref() == Some("BINARY");
    let (fits, wanted) = match kind {
        Kind::Segmentation if binary => (allocated == 1, "1 when it is BINARY"),
        Kind::Segmentation => (allocated == 8, "8 when it is FRACTIONAL"),
        Kind::ParametricMap => (
            matches!(allocated, 16 | 32 | 64),
            "16 (integers), 32 or 64 (floating point)",
        ),
        _ => (matches!(allocated, 8 | 16), "8 or 16"),
    };
    if !fits {
        return wrong(tags::BITS_ALLOCATED, wanted);
    }
    if pixel_tag(kind, allocated) != tags::PIXEL_DATA {
        return Ok(());
    }
    let stored = number(header, tags::BITS_STORED);
    if !stored.is_some_and(|stored| (1..=allocated).contains(&stored)) {
        return wrong(tags::BITS_STORED, "between 1 and Bits Allocated");
    }
    if number(header, tags::HIGH_BIT) != stored.map(|stored| stored - 1) {
        return wrong(tags::HIGH_BIT, "one less than Bits Stored");
    }
    Ok(())
}

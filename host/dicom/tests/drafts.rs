//! A draft of each kind, complete, as others read it: `dicom-object`, and the tools dcmdump, dcmj2pnm or dcm2img and
//! dciodvfy where they are installed.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use bytes::Bytes;
use isocenter_dicom::draft::{Draft, Issue, Kind, Maker};
use isocenter_dicom::{Header, Limits, Path, Step, Tag, TransferSyntax, Uid, VR, Value, part10, tags};
use std::path::Path as File;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// Explicit VR little endian by hand: a CT image, as far as its header.
fn source(number: u8) -> Arc<Header> {
    let mut bytes = Vec::new();
    let instance = format!("1.2.826.0.1.3680043.10.1.{number}");
    let position = format!("0\\0\\{number}");
    let elements: &[(Tag, VR, &str)] = &[
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2"),
        (tags::SOP_INSTANCE_UID, VR::UI, &instance),
        (tags::STUDY_DATE, VR::DA, "20261120"),
        (tags::STUDY_TIME, VR::TM, "101500"),
        (tags::ACCESSION_NUMBER, VR::SH, "A1"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Roe^Jane"),
        (tags::PATIENT_NAME, VR::PN, "Müller^Jörg"),
        (tags::PATIENT_ID, VR::LO, "007"),
        (tags::PATIENT_BIRTH_DATE, VR::DA, "19700101"),
        (tags::PATIENT_SEX, VR::CS, "O"),
        (tags::PATIENT_AGE, VR::AS, "056Y"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.10.1"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.10.2"),
        (tags::STUDY_ID, VR::SH, "S1"),
        (tags::IMAGE_POSITION_PATIENT, VR::DS, &position),
        (tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0"),
        (tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.826.0.1.3680043.10.3"),
        (tags::ROWS, VR::US, "\u{10}\0"),
        (tags::COLUMNS, VR::US, "\u{10}\0"),
    ];
    for (tag, vr, value) in elements {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if *vr == VR::UI { 0 } else { b' ' });
        }
        bytes.extend(tag.group().to_le_bytes());
        bytes.extend(tag.element().to_le_bytes());
        bytes.extend(vr.to_bytes());
        bytes.extend((value.len() as u16).to_le_bytes());
        bytes.extend(value);
    }
    let (header, _) = Header::parse(TransferSyntax::explicit_le(), &bytes, Limits::default()).unwrap();
    Arc::new(header)
}

fn issue() -> Issue {
    Issue {
        instance: Uid::random([1; 16]),
        series: Uid::random([2; 16]),
        seed: [3; 16],
        number: 1,
        created: UNIX_EPOCH + Duration::from_secs(1_795_303_800),
        maker: Maker {
            host_version: "0.1.0".into(),
            plugin: "lung".into(),
            plugin_version: "2.0".into(),
            digest: "blake3:0123456789abcdef0123456789abcdef".into(),
        },
    }
}

/// Elements, by the way to them.
#[derive(Default)]
struct Elements(Vec<(Path, Value)>);

impl Elements {
    fn set(&mut self, steps: &[(Tag, u32)], tag: Tag, value: Value) -> &mut Self {
        let within = steps.iter().map(|&(sequence, item)| Step { sequence, item }).collect();
        self.0.push((Path { within, tag }, value));
        self
    }

    fn text(&mut self, steps: &[(Tag, u32)], tag: Tag, text: &str) -> &mut Self {
        let values = text.split('\\').map(str::to_owned).collect();
        self.set(steps, tag, Value::Text(values))
    }

    fn number(&mut self, steps: &[(Tag, u32)], tag: Tag, number: u64) -> &mut Self {
        self.set(steps, tag, Value::Unsigned(vec![number]))
    }

    /// A sequence of one code.
    fn code(&mut self, steps: &[(Tag, u32)], sequence: Tag, code: [&str; 3]) -> &mut Self {
        let inside = [steps, &[(sequence, 0)]].concat();
        self.text(&inside, tags::CODE_VALUE, code[0])
            .text(&inside, tags::CODING_SCHEME_DESIGNATOR, code[1])
            .text(&inside, tags::CODE_MEANING, code[2])
    }
}

fn secondary_capture() -> (Elements, Bytes) {
    let mut elements = Elements::default();
    elements
        .number(&[], tags::ROWS, 16)
        .number(&[], tags::COLUMNS, 16)
        .text(&[], tags::PHOTOMETRIC_INTERPRETATION, "RGB")
        .text(&[], tags::SERIES_DESCRIPTION, "Findings");
    (elements, vec![100; 16 * 16 * 3].into())
}

fn structured_report() -> (Elements, Bytes) {
    let mut elements = Elements::default();
    let finding = [(tags::CONTENT_SEQUENCE, 0)];
    elements
        .code(
            &[],
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            ["126000", "DCM", "Imaging Measurement Report"],
        )
        .text(&finding, tags::RELATIONSHIP_TYPE, "CONTAINS")
        .text(&finding, tags::VALUE_TYPE, "TEXT")
        .code(&finding, tags::CONCEPT_NAME_CODE_SEQUENCE, ["121071", "DCM", "Finding"])
        .text(&finding, tags::TEXT_VALUE, "A nodule of 7 mm");
    (elements, Bytes::new())
}

/// What segmentations and parametric maps of two frames have in common.
fn frames(elements: &mut Elements) {
    const SHARED: (Tag, u32) = (tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
    elements
        .number(&[], tags::ROWS, 16)
        .number(&[], tags::COLUMNS, 16)
        .text(&[], tags::NUMBER_OF_FRAMES, "2")
        .set(
            &[(tags::DIMENSION_INDEX_SEQUENCE, 0)],
            tags::DIMENSION_INDEX_POINTER,
            Value::Tags(vec![tags::IMAGE_POSITION_PATIENT]),
        )
        .set(
            &[(tags::DIMENSION_INDEX_SEQUENCE, 0)],
            tags::FUNCTIONAL_GROUP_POINTER,
            Value::Tags(vec![tags::PLANE_POSITION_SEQUENCE]),
        )
        .text(
            &[SHARED, (tags::PIXEL_MEASURES_SEQUENCE, 0)],
            tags::SLICE_THICKNESS,
            "1",
        )
        .text(
            &[SHARED, (tags::PIXEL_MEASURES_SEQUENCE, 0)],
            tags::PIXEL_SPACING,
            "1\\1",
        )
        .text(
            &[SHARED, (tags::PLANE_ORIENTATION_SEQUENCE, 0)],
            tags::IMAGE_ORIENTATION_PATIENT,
            "1\\0\\0\\0\\1\\0",
        );
    for frame in 0..2 {
        let group = (tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame);
        elements
            .number(
                &[group, (tags::FRAME_CONTENT_SEQUENCE, 0)],
                tags::DIMENSION_INDEX_VALUES,
                u64::from(frame) + 1,
            )
            .text(
                &[group, (tags::PLANE_POSITION_SEQUENCE, 0)],
                tags::IMAGE_POSITION_PATIENT,
                &format!("0\\0\\{}", frame + 1),
            );
    }
}

fn segmentation() -> (Elements, Bytes) {
    let mut elements = Elements::default();
    let segment = [(tags::SEGMENT_SEQUENCE, 0)];
    elements
        .text(&[], tags::SEGMENTATION_TYPE, "BINARY")
        .text(&[], tags::CONTENT_LABEL, "NODULES")
        .number(&segment, tags::SEGMENT_NUMBER, 1)
        .text(&segment, tags::SEGMENT_LABEL, "Nodule")
        .text(&segment, tags::SEGMENT_ALGORITHM_TYPE, "AUTOMATIC")
        .text(&segment, tags::SEGMENT_ALGORITHM_NAME, "lung")
        .code(
            &segment,
            tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            ["49755003", "SCT", "Morphologically Altered Structure"],
        )
        .code(
            &segment,
            tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
            ["27925004", "SCT", "Nodule"],
        );
    frames(&mut elements);
    for frame in 0..2 {
        let group = (tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame);
        let derivation = [group, (tags::DERIVATION_IMAGE_SEQUENCE, 0)];
        let image = [derivation[0], derivation[1], (tags::SOURCE_IMAGE_SEQUENCE, 0)];
        elements
            .number(
                &[group, (tags::SEGMENT_IDENTIFICATION_SEQUENCE, 0)],
                tags::REFERENCED_SEGMENT_NUMBER,
                1,
            )
            .code(
                &derivation,
                tags::DERIVATION_CODE_SEQUENCE,
                ["113076", "DCM", "Segmentation"],
            )
            .text(&image, tags::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2")
            .text(
                &image,
                tags::REFERENCED_SOP_INSTANCE_UID,
                &format!("1.2.826.0.1.3680043.10.1.{}", frame + 1),
            )
            .code(
                &image,
                tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
                ["121322", "DCM", "Source image for image processing operation"],
            );
    }
    (elements, vec![0x0F; 2 * 16 * 16 / 8].into())
}

fn parametric_map() -> (Elements, Bytes) {
    const SHARED: (Tag, u32) = (tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0);
    let mut elements = Elements::default();
    frames(&mut elements);
    let mapping = [SHARED, (tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE, 0)];
    elements
        .text(
            &[SHARED, (tags::PARAMETRIC_MAP_FRAME_TYPE_SEQUENCE, 0)],
            tags::FRAME_TYPE,
            "DERIVED\\PRIMARY\\VOLUME\\NONE",
        )
        .set(
            &mapping,
            tags::DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
            Value::Real(vec![0.0]),
        )
        .set(
            &mapping,
            tags::DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED,
            Value::Real(vec![1.0]),
        )
        .set(&mapping, tags::REAL_WORLD_VALUE_INTERCEPT, Value::Real(vec![0.0]))
        .set(&mapping, tags::REAL_WORLD_VALUE_SLOPE, Value::Real(vec![1.0]))
        .text(&mapping, tags::LUT_EXPLANATION, "Probability")
        .text(&mapping, tags::LUT_LABEL, "PROBABILITY")
        .code(
            &mapping,
            tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
            ["1", "UCUM", "no units"],
        )
        .set(
            &[SHARED, (tags::FRAME_VOILUT_SEQUENCE, 0)],
            tags::WINDOW_CENTER,
            Value::Real(vec![0.5]),
        )
        .set(
            &[SHARED, (tags::FRAME_VOILUT_SEQUENCE, 0)],
            tags::WINDOW_WIDTH,
            Value::Real(vec![1.0]),
        )
        .set(
            &[SHARED, (tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, 0)],
            tags::RESCALE_INTERCEPT,
            Value::Real(vec![0.0]),
        )
        .set(
            &[SHARED, (tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, 0)],
            tags::RESCALE_SLOPE,
            Value::Real(vec![1.0]),
        )
        .text(
            &[SHARED, (tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, 0)],
            tags::RESCALE_TYPE,
            "US",
        )
        .text(
            &[SHARED, (tags::FRAME_ANATOMY_SEQUENCE, 0)],
            tags::FRAME_LATERALITY,
            "U",
        )
        .code(
            &[SHARED, (tags::FRAME_ANATOMY_SEQUENCE, 0)],
            tags::ANATOMIC_REGION_SEQUENCE,
            ["39607008", "SCT", "Lung"],
        );
    let pixels: Vec<u8> = (0..2 * 16 * 16)
        .flat_map(|pixel| (pixel as f32 / 512.0).to_le_bytes())
        .collect();
    (elements, pixels.into())
}

fn presentation_state() -> (Elements, Bytes) {
    let mut elements = Elements::default();
    let layer = [(tags::GRAPHIC_LAYER_SEQUENCE, 0)];
    let annotation = [(tags::GRAPHIC_ANNOTATION_SEQUENCE, 0)];
    let graphic = [annotation[0], (tags::GRAPHIC_OBJECT_SEQUENCE, 0)];
    elements
        .text(&[], tags::CONTENT_LABEL, "NODULES")
        .text(&layer, tags::GRAPHIC_LAYER, "FINDINGS")
        .text(&layer, tags::GRAPHIC_LAYER_ORDER, "1")
        .text(&annotation, tags::GRAPHIC_LAYER, "FINDINGS")
        .text(&graphic, tags::GRAPHIC_ANNOTATION_UNITS, "PIXEL")
        .number(&graphic, tags::GRAPHIC_DIMENSIONS, 2)
        .number(&graphic, tags::NUMBER_OF_GRAPHIC_POINTS, 2)
        .set(&graphic, tags::GRAPHIC_DATA, Value::Real(vec![2.0, 2.0, 8.0, 8.0]))
        .text(&graphic, tags::GRAPHIC_TYPE, "CIRCLE")
        .text(&graphic, tags::GRAPHIC_FILLED, "N");
    (elements, Bytes::new())
}

fn encapsulated_pdf() -> (Elements, Bytes) {
    let mut elements = Elements::default();
    elements.text(&[], tags::DOCUMENT_TITLE, "Befund");
    (elements, Bytes::from_static(b"%PDF-1.4\n%%EOF\n"))
}

/// Runs a tool; `None` when it is not installed.
fn run(tool: &str, arguments: &[&str], file: &File) -> Option<(bool, String)> {
    let output = Command::new(tool).args(arguments).arg(file).output().ok()?;
    let both = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&both).into_owned()))
}

#[test]
fn each_kind_is_what_others_take_it_for() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        (Kind::SecondaryCapture, secondary_capture()),
        (Kind::StructuredReport, structured_report()),
        (Kind::Segmentation, segmentation()),
        (Kind::ParametricMap, parametric_map()),
        (Kind::PresentationState, presentation_state()),
        (Kind::EncapsulatedPdf, encapsulated_pdf()),
    ];
    for (kind, (elements, pixels)) in kinds {
        let draft = Draft {
            kind,
            sources: vec![source(1), source(2)],
            elements: elements.0,
            pixels,
        };
        let built = draft.build(&issue()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let syntax = TransferSyntax::explicit_le();
        let mut bytes = part10::preface(&built.identity, &syntax).to_vec();
        built.pieces().for_each(|piece| bytes.extend(piece));
        let file = folder.path().join(format!("{kind:?}.dcm"));
        std::fs::write(&file, &bytes).unwrap();

        let read = dicom_object::open_file(&file).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let name = read.element(tags::PATIENT_NAME).unwrap().to_str().unwrap();
        assert_eq!(name, "Müller^Jörg", "{kind}");
        assert_eq!(read.meta().media_storage_sop_class_uid(), kind.sop_class());

        if let Some((fine, said)) = run("dcmdump", &["+E"], &file) {
            assert!(fine && !said.contains("W:") && !said.contains("E:"), "{kind}: {said}");
        }
        if kind == Kind::SecondaryCapture {
            let picture = run("dcm2img", &["--quiet"], &file).or_else(|| run("dcmj2pnm", &["--quiet"], &file));
            assert!(picture.as_ref().is_none_or(|(fine, _)| *fine), "{picture:?}");
        }
        if let Some((_, said)) = run("dciodvfy", &[], &file) {
            let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("Error")).collect();
            assert!(errors.is_empty(), "{kind}: {}", errors.join("\n"));
        }
    }
}

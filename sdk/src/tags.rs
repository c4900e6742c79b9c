//! Tags that plugins use often.
//!
//! Separate because it is a list. Others: `Tag(0xggggeeee)`, or [`dictionary`](crate::dictionary) by keyword.

use crate::Tag;

/// Specific Character Set.
pub const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008_0005);
/// Image Type.
pub const IMAGE_TYPE: Tag = Tag(0x0008_0008);
/// SOP Class UID.
pub const SOP_CLASS_UID: Tag = Tag(0x0008_0016);
/// SOP Instance UID.
pub const SOP_INSTANCE_UID: Tag = Tag(0x0008_0018);
/// Study Date.
pub const STUDY_DATE: Tag = Tag(0x0008_0020);
/// Series Date.
pub const SERIES_DATE: Tag = Tag(0x0008_0021);
/// Acquisition Date.
pub const ACQUISITION_DATE: Tag = Tag(0x0008_0022);
/// Content Date.
pub const CONTENT_DATE: Tag = Tag(0x0008_0023);
/// Study Time.
pub const STUDY_TIME: Tag = Tag(0x0008_0030);
/// Series Time.
pub const SERIES_TIME: Tag = Tag(0x0008_0031);
/// Accession Number.
pub const ACCESSION_NUMBER: Tag = Tag(0x0008_0050);
/// Modality.
pub const MODALITY: Tag = Tag(0x0008_0060);
/// Modalities in Study.
pub const MODALITIES_IN_STUDY: Tag = Tag(0x0008_0061);
/// Manufacturer.
pub const MANUFACTURER: Tag = Tag(0x0008_0070);
/// Institution Name.
pub const INSTITUTION_NAME: Tag = Tag(0x0008_0080);
/// Institution Address.
pub const INSTITUTION_ADDRESS: Tag = Tag(0x0008_0081);
/// Referring Physician's Name.
pub const REFERRING_PHYSICIAN_NAME: Tag = Tag(0x0008_0090);
/// Code Value.
pub const CODE_VALUE: Tag = Tag(0x0008_0100);
/// Coding Scheme Designator.
pub const CODING_SCHEME_DESIGNATOR: Tag = Tag(0x0008_0102);
/// Code Meaning.
pub const CODE_MEANING: Tag = Tag(0x0008_0104);
/// Timezone Offset From UTC.
pub const TIMEZONE_OFFSET_FROM_UTC: Tag = Tag(0x0008_0201);
/// Station Name.
pub const STATION_NAME: Tag = Tag(0x0008_1010);
/// Study Description.
pub const STUDY_DESCRIPTION: Tag = Tag(0x0008_1030);
/// Series Description.
pub const SERIES_DESCRIPTION: Tag = Tag(0x0008_103E);
/// Institutional Department Name.
pub const INSTITUTIONAL_DEPARTMENT_NAME: Tag = Tag(0x0008_1040);
/// Performing Physician's Name.
pub const PERFORMING_PHYSICIAN_NAME: Tag = Tag(0x0008_1050);
/// Operators' Name.
pub const OPERATORS_NAME: Tag = Tag(0x0008_1070);
/// Manufacturer's Model Name.
pub const MANUFACTURER_MODEL_NAME: Tag = Tag(0x0008_1090);
/// Referenced Study Sequence.
pub const REFERENCED_STUDY_SEQUENCE: Tag = Tag(0x0008_1110);
/// Referenced Series Sequence.
pub const REFERENCED_SERIES_SEQUENCE: Tag = Tag(0x0008_1115);
/// Referenced Image Sequence.
pub const REFERENCED_IMAGE_SEQUENCE: Tag = Tag(0x0008_1140);
/// Referenced SOP Class UID.
pub const REFERENCED_SOP_CLASS_UID: Tag = Tag(0x0008_1150);
/// Referenced SOP Instance UID.
pub const REFERENCED_SOP_INSTANCE_UID: Tag = Tag(0x0008_1155);
/// Source Image Sequence.
pub const SOURCE_IMAGE_SEQUENCE: Tag = Tag(0x0008_2112);
/// Patient's Name.
pub const PATIENT_NAME: Tag = Tag(0x0010_0010);
/// Patient ID.
pub const PATIENT_ID: Tag = Tag(0x0010_0020);
/// Issuer of Patient ID.
pub const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010_0021);
/// Patient's Birth Date.
pub const PATIENT_BIRTH_DATE: Tag = Tag(0x0010_0030);
/// Patient's Sex.
pub const PATIENT_SEX: Tag = Tag(0x0010_0040);
/// Other Patient IDs.
pub const OTHER_PATIENT_IDS: Tag = Tag(0x0010_1000);
/// Other Patient IDs Sequence.
pub const OTHER_PATIENT_IDS_SEQUENCE: Tag = Tag(0x0010_1002);
/// Patient's Age.
pub const PATIENT_AGE: Tag = Tag(0x0010_1010);
/// Patient's Size.
pub const PATIENT_SIZE: Tag = Tag(0x0010_1020);
/// Patient's Weight.
pub const PATIENT_WEIGHT: Tag = Tag(0x0010_1030);
/// Ethnic Group.
pub const ETHNIC_GROUP: Tag = Tag(0x0010_2160);
/// Patient Comments.
pub const PATIENT_COMMENTS: Tag = Tag(0x0010_4000);
/// Patient Identity Removed.
pub const PATIENT_IDENTITY_REMOVED: Tag = Tag(0x0012_0062);
/// De-identification Method.
pub const DEIDENTIFICATION_METHOD: Tag = Tag(0x0012_0063);
/// De-identification Method Code Sequence.
pub const DEIDENTIFICATION_METHOD_CODE_SEQUENCE: Tag = Tag(0x0012_0064);
/// Body Part Examined.
pub const BODY_PART_EXAMINED: Tag = Tag(0x0018_0015);
/// Slice Thickness.
pub const SLICE_THICKNESS: Tag = Tag(0x0018_0050);
/// KVP.
pub const KVP: Tag = Tag(0x0018_0060);
/// Device Serial Number.
pub const DEVICE_SERIAL_NUMBER: Tag = Tag(0x0018_1000);
/// Software Versions.
pub const SOFTWARE_VERSIONS: Tag = Tag(0x0018_1020);
/// Protocol Name.
pub const PROTOCOL_NAME: Tag = Tag(0x0018_1030);
/// Study Instance UID.
pub const STUDY_INSTANCE_UID: Tag = Tag(0x0020_000D);
/// Series Instance UID.
pub const SERIES_INSTANCE_UID: Tag = Tag(0x0020_000E);
/// Number of Series Related Instances.
pub const NUMBER_OF_SERIES_RELATED_INSTANCES: Tag = Tag(0x0020_1209);
/// Study ID.
pub const STUDY_ID: Tag = Tag(0x0020_0010);
/// Series Number.
pub const SERIES_NUMBER: Tag = Tag(0x0020_0011);
/// Acquisition Number.
pub const ACQUISITION_NUMBER: Tag = Tag(0x0020_0012);
/// Instance Number.
pub const INSTANCE_NUMBER: Tag = Tag(0x0020_0013);
/// Image Position (Patient).
pub const IMAGE_POSITION_PATIENT: Tag = Tag(0x0020_0032);
/// Image Orientation (Patient).
pub const IMAGE_ORIENTATION_PATIENT: Tag = Tag(0x0020_0037);
/// Frame of Reference UID.
pub const FRAME_OF_REFERENCE_UID: Tag = Tag(0x0020_0052);
/// Laterality.
pub const LATERALITY: Tag = Tag(0x0020_0060);
/// Image Comments.
pub const IMAGE_COMMENTS: Tag = Tag(0x0020_4000);
/// Samples per Pixel.
pub const SAMPLES_PER_PIXEL: Tag = Tag(0x0028_0002);
/// Photometric Interpretation.
pub const PHOTOMETRIC_INTERPRETATION: Tag = Tag(0x0028_0004);
/// Number of Frames.
pub const NUMBER_OF_FRAMES: Tag = Tag(0x0028_0008);
/// Rows.
pub const ROWS: Tag = Tag(0x0028_0010);
/// Columns.
pub const COLUMNS: Tag = Tag(0x0028_0011);
/// Pixel Spacing.
pub const PIXEL_SPACING: Tag = Tag(0x0028_0030);
/// Bits Allocated.
pub const BITS_ALLOCATED: Tag = Tag(0x0028_0100);
/// Bits Stored.
pub const BITS_STORED: Tag = Tag(0x0028_0101);
/// High Bit.
pub const HIGH_BIT: Tag = Tag(0x0028_0102);
/// Pixel Representation.
pub const PIXEL_REPRESENTATION: Tag = Tag(0x0028_0103);
/// Burned In Annotation.
pub const BURNED_IN_ANNOTATION: Tag = Tag(0x0028_0301);
/// Longitudinal Temporal Information Modified.
pub const LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED: Tag = Tag(0x0028_0303);
/// Requesting Service.
pub const REQUESTING_SERVICE: Tag = Tag(0x0032_1033);
/// Requested Procedure Description.
pub const REQUESTED_PROCEDURE_DESCRIPTION: Tag = Tag(0x0032_1060);
/// Scheduled Procedure Step ID.
pub const SCHEDULED_PROCEDURE_STEP_ID: Tag = Tag(0x0040_0009);
/// Performed Procedure Step Description.
pub const PERFORMED_PROCEDURE_STEP_DESCRIPTION: Tag = Tag(0x0040_0254);
/// Request Attributes Sequence.
pub const REQUEST_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0040_0275);
/// Requested Procedure ID.
pub const REQUESTED_PROCEDURE_ID: Tag = Tag(0x0040_1001);
/// Relationship Type.
pub const RELATIONSHIP_TYPE: Tag = Tag(0x0040_A010);
/// Value Type.
pub const VALUE_TYPE: Tag = Tag(0x0040_A040);
/// Concept Name Code Sequence.
pub const CONCEPT_NAME_CODE_SEQUENCE: Tag = Tag(0x0040_A043);
/// Text Value.
pub const TEXT_VALUE: Tag = Tag(0x0040_A160);
/// Content Sequence.
pub const CONTENT_SEQUENCE: Tag = Tag(0x0040_A730);
/// Modified Attributes Sequence.
pub const MODIFIED_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0400_0550);
/// Original Attributes Sequence.
pub const ORIGINAL_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0400_0561);
/// Attribute Modification DateTime.
pub const ATTRIBUTE_MODIFICATION_DATE_TIME: Tag = Tag(0x0400_0562);
/// Modifying System.
pub const MODIFYING_SYSTEM: Tag = Tag(0x0400_0563);
/// Source of Previous Values.
pub const SOURCE_OF_PREVIOUS_VALUES: Tag = Tag(0x0400_0564);
/// Reason for the Attribute Modification.
pub const REASON_FOR_THE_ATTRIBUTE_MODIFICATION: Tag = Tag(0x0400_0565);
/// Pixel Data.
pub const PIXEL_DATA: Tag = Tag(0x7FE0_0010);
/// Digital Signatures Sequence.
pub const DIGITAL_SIGNATURES_SEQUENCE: Tag = Tag(0xFFFA_FFFA);
/// Data Set Trailing Padding.
pub const DATA_SET_TRAILING_PADDING: Tag = Tag(0xFFFC_FFFC);

//! What a draft takes over from its source: whose it is.
//!
//! Separate because this must not go wrong. The attributes are those of the modules Patient, Clinical Trial Subject,
//! General Study, Patient Study and Clinical Trial Study, that is all of the patient and study entities (PS3.3 §A.1.2),
//! retired ones that are in service included. They are copied as they are encoded, turned to little endian and UTF-8.
//!
//! It recurses, once per nested sequence: at most 129 times, because a header has been through the walker's depth limit.

use super::DraftError;
use crate::header::{Entry, Header};
use crate::path::{Path, Step};
use crate::text::CharacterSet;
use crate::vr::{self, Form};
use crate::{Tag, VR, tags, value};
use std::collections::BTreeMap;
use std::ops::Range;

/// The attributes of patient and study.
const IDENTITY: [Tag; 106] = [
    // Patient (PS3.3 table C.7-1), and what it once had.
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::TYPE_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::SOURCE_PATIENT_GROUP_IDENTIFICATION_SEQUENCE,
    tags::GROUP_OF_PATIENTS_IDENTIFICATION_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_BIRTH_DATE_IN_ALTERNATIVE_CALENDAR,
    tags::PATIENT_DEATH_DATE_IN_ALTERNATIVE_CALENDAR,
    tags::PATIENT_ALTERNATIVE_CALENDAR,
    tags::PATIENT_SEX,
    tags::QUALITY_CONTROL_SUBJECT,
    tags::STRAIN_DESCRIPTION,
    tags::STRAIN_NOMENCLATURE,
    tags::STRAIN_STOCK_SEQUENCE,
    tags::STRAIN_ADDITIONAL_INFORMATION,
    tags::STRAIN_CODE_SEQUENCE,
    tags::GENETIC_MODIFICATIONS_SEQUENCE,
    Tag(0x0010, 0x1000),
    tags::OTHER_PATIENT_NAMES,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::PATIENT_BIRTH_NAME,
    tags::PATIENT_MOTHER_BIRTH_NAME,
    tags::PATIENT_ADDRESS,
    tags::PATIENT_TELEPHONE_NUMBERS,
    tags::REFERENCED_PATIENT_PHOTO_SEQUENCE,
    Tag(0x0010, 0x2160),
    tags::ETHNIC_GROUP_CODE_SEQUENCE,
    tags::PATIENT_SPECIES_DESCRIPTION,
    tags::PATIENT_SPECIES_CODE_SEQUENCE,
    tags::PATIENT_BREED_DESCRIPTION,
    tags::PATIENT_BREED_CODE_SEQUENCE,
    tags::BREED_REGISTRATION_SEQUENCE,
    tags::RESPONSIBLE_PERSON,
    tags::RESPONSIBLE_PERSON_ROLE,
    tags::RESPONSIBLE_ORGANIZATION,
    tags::PATIENT_COMMENTS,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    // Clinical Trial Subject (table C.7-2b).
    tags::CLINICAL_TRIAL_SPONSOR_NAME,
    tags::CLINICAL_TRIAL_PROTOCOL_ID,
    tags::CLINICAL_TRIAL_PROTOCOL_NAME,
    tags::ISSUER_OF_CLINICAL_TRIAL_PROTOCOL_ID,
    tags::OTHER_CLINICAL_TRIAL_PROTOCOL_I_DS_SEQUENCE,
    tags::CLINICAL_TRIAL_SITE_ID,
    tags::CLINICAL_TRIAL_SITE_NAME,
    tags::ISSUER_OF_CLINICAL_TRIAL_SITE_ID,
    tags::CLINICAL_TRIAL_SUBJECT_ID,
    tags::ISSUER_OF_CLINICAL_TRIAL_SUBJECT_ID,
    tags::CLINICAL_TRIAL_SUBJECT_READING_ID,
    tags::ISSUER_OF_CLINICAL_TRIAL_SUBJECT_READING_ID,
    tags::CLINICAL_TRIAL_PROTOCOL_ETHICS_COMMITTEE_NAME,
    tags::CLINICAL_TRIAL_PROTOCOL_ETHICS_COMMITTEE_APPROVAL_NUMBER,
    // General Study (table C.7-3).
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::REFERRING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::CONSULTING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
    tags::STUDY_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::PHYSICIANS_OF_RECORD_IDENTIFICATION_SEQUENCE,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::PHYSICIANS_READING_STUDY_IDENTIFICATION_SEQUENCE,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::STUDY_ID,
    tags::REQUESTING_SERVICE,
    tags::REQUESTING_SERVICE_CODE_SEQUENCE,
    tags::REASON_FOR_PERFORMED_PROCEDURE_CODE_SEQUENCE,
    // Patient Study (table C.7-4a).
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_SIZE_CODE_SEQUENCE,
    tags::PATIENT_BODY_MASS_INDEX,
    tags::MEASURED_AP_DIMENSION,
    tags::MEASURED_LATERAL_DIMENSION,
    tags::PATIENT_WEIGHT,
    tags::MEDICAL_ALERTS,
    tags::ALLERGIES,
    tags::OCCUPATION,
    tags::SMOKING_STATUS,
    tags::ADDITIONAL_PATIENT_HISTORY,
    tags::PREGNANCY_STATUS,
    tags::LAST_MENSTRUAL_DATE,
    tags::PATIENT_SEX_NEUTERED,
    tags::REASON_FOR_VISIT,
    tags::REASON_FOR_VISIT_CODE_SEQUENCE,
    tags::ADMISSION_ID,
    tags::ISSUER_OF_ADMISSION_ID_SEQUENCE,
    tags::SERVICE_EPISODE_ID,
    tags::SERVICE_EPISODE_DESCRIPTION,
    tags::ISSUER_OF_SERVICE_EPISODE_ID_SEQUENCE,
    tags::PATIENT_STATE,
    // Clinical Trial Study (table C.7-4b).
    tags::CLINICAL_TRIAL_TIME_POINT_ID,
    tags::CLINICAL_TRIAL_TIME_POINT_DESCRIPTION,
    // The zone of all of their dates and times (SOP Common, table C.12-1).
    tags::TIMEZONE_OFFSET_FROM_UTC,
];

/// Whether patient or study are known by this attribute.
pub(super) fn is_identity(tag: Tag) -> bool {
    IDENTITY.contains(&tag)
}

/// The beginning of a draft: what it takes over, and that it is in UTF-8. Attributes that every object must have, though
/// empty, are there (type 2 of Patient and General Study).
pub(super) fn begin(source: &Header) -> Result<Vec<u8>, DraftError> {
    let mut elements: BTreeMap<Tag, Vec<u8>> = BTreeMap::new();
    for tag in [
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::STUDY_ID,
    ] {
        let vr = crate::dictionary::lookup(tag).map_or(VR::UN, |known| known.vr);
        elements.insert(tag, written(tag, vr, &[]));
    }
    elements.insert(
        tags::SPECIFIC_CHARACTER_SET,
        written(tags::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 192"),
    );
    let set = source.character_set_of(source.top()).unwrap_or_default();
    for tag in IDENTITY {
        if let Some((row, entry)) = source.find(source.top(), tag) {
            elements.insert(tag, element(source, row, entry, &set, &[])?);
        }
    }
    Ok(elements.into_values().flatten().collect())
}

/// The elements of one item, but for private ones and those that speak of the encoding.
fn level(source: &Header, rows: Range<usize>, parent: &CharacterSet, within: &[Step]) -> Result<Vec<u8>, DraftError> {
    let own = source.character_set_of(rows.clone());
    let set = own.as_ref().unwrap_or(parent);
    let mut out = Vec::new();
    let mut last = None;
    for (row, entry) in source.level(rows) {
        let private = entry.tag.group() % 2 == 1;
        let encoding = entry.tag.element() == 0 || entry.tag == tags::SPECIFIC_CHARACTER_SET;
        if !private && !encoding && last < Some(entry.tag) {
            last = Some(entry.tag);
            out.extend(element(source, row, entry, set, within)?);
        }
    }
    Ok(out)
}

fn element(
    source: &Header,
    row: usize,
    entry: &Entry,
    set: &CharacterSet,
    within: &[Step],
) -> Result<Vec<u8>, DraftError> {
    let raw = source.raw(entry);
    if entry.has_items() {
        let mut items = Vec::new();
        for (number, (row, item)) in (0..).zip(source.level(row + 1..entry.next as usize)) {
            let step = Step {
                sequence: entry.tag,
                item: number,
            };
            let way: Vec<Step> = within.iter().copied().chain([step]).collect();
            let elements = level(source, row + 1..item.next as usize, set, &way)?;
            items.extend([0xFE, 0xFF, 0x00, 0xE0]);
            items.extend((elements.len() as u32).to_le_bytes());
            items.extend(elements);
        }
        return Ok(written(entry.tag, VR::SQ, &items));
    }
    // Fragments (an icon) are not identity.
    if entry.is_undefined() {
        return Ok(Vec::new());
    }
    if vr::uses_character_set(entry.vr) && (!raw.is_ascii() || raw.contains(&0x1B)) {
        let text = set.decode(raw, value::delimiters(entry.vr));
        if text.contains('\u{FFFD}') {
            let (within, tag) = (within.to_vec(), entry.tag);
            return Err(DraftError::SourceText(Path { within, tag }));
        }
        return Ok(written(entry.tag, entry.vr, text.as_bytes()));
    }
    let width = match vr::form(entry.vr) {
        Form::Signed(width) | Form::Unsigned(width) | Form::Real(width) | Form::Binary(width) => width,
        Form::Tags => 2,
        Form::Values | Form::Whole | Form::Items => 1,
    };
    let bytes = source.bytes().slice_ref(raw);
    let little = value::little_endian(bytes, width, entry.value_is_big_endian());
    Ok(written(entry.tag, entry.vr, &little))
}

/// An element in explicit VR little endian, padded.
pub(super) fn written(tag: Tag, vr: VR, value: &[u8]) -> Vec<u8> {
    let length = value.len().next_multiple_of(2);
    // What no longer fits its VR's short length (text that grew in UTF-8) is written as UN, which readers look up.
    let vr = if !vr::has_long_header(vr) && length > usize::from(u16::MAX) {
        VR::UN
    } else {
        vr
    };
    let mut out = Vec::with_capacity(length + 12);
    out.extend(tag.group().to_le_bytes());
    out.extend(tag.element().to_le_bytes());
    out.extend(vr.to_bytes());
    if vr::has_long_header(vr) {
        out.extend([0, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    if value.len() % 2 == 1 {
        let text = matches!(vr::form(vr), Form::Values | Form::Whole) && vr != VR::UI;
        out.push(if text { b' ' } else { 0 });
    }
    out
}

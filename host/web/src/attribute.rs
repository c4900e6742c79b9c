//! Attributes as DICOMweb names them: by keyword or by eight hexadecimal digits (PS3.18 §8.3.4).
//!
//! Separate from the query because search parameters and `includefield` share it, and because a wrong keyword deserves
//! the nearest right one in its answer. The dictionary of DICOM decides what is known.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use isocenter_dicom::Tag;

/// A name that is neither a keyword nor a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no attribute: write a keyword such as {nearest}, or eight hexadecimal digits such as {digits}")]
pub(crate) struct UnknownAttribute {
    /// As it was written, shortened.
    name: String,
    /// The keyword that resembles it most.
    nearest: &'static str,
    /// That attribute's tag.
    digits: String,
}

/// Reads an attribute's name. Of a path into a sequence (`A.B`) the first step is read: the sequence.
///
/// # Errors
/// [`UnknownAttribute`], which names the nearest keyword.
pub(crate) fn parse(name: &str) -> Result<Path, UnknownAttribute> {
    let mut steps = name.split('.');
    let first = steps.next().unwrap_or_default();
    let tag = tag(first).ok_or_else(|| unknown(first))?;
    let mut inside = Vec::new();
    for step in steps {
        inside.push(self::tag(step).ok_or_else(|| unknown(step))?);
    }
    Ok(Path { tag, inside })
}

/// Where an attribute is: at the top, or inside sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The attribute at the top: the one meant, or the outermost sequence.
    pub(crate) tag: Tag,
    /// Further steps inwards; empty for an attribute at the top.
    pub(crate) inside: Vec<Tag>,
}

/// The eight digits of a tag, as DICOM JSON writes them.
pub(crate) fn digits(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// A tag's keyword, or its digits when the dictionary has none.
pub(crate) fn keyword(tag: Tag) -> String {
    StandardDataDictionary
        .by_tag(tag)
        .map_or_else(|| digits(tag), |entry| entry.alias().to_owned())
}

/// The value representation of an attribute, as DICOM JSON writes it; `UN` when the dictionary has none.
pub(crate) fn vr(tag: Tag) -> &'static str {
    StandardDataDictionary
        .by_tag(tag)
        .map_or("UN", |entry| entry.vr().relaxed().to_string())
}

fn tag(name: &str) -> Option<Tag> {
    if name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let number = u32::from_str_radix(name, 16).ok()?;
        let [a, b, c, d] = number.to_be_bytes();
        return Some(Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
    }
    StandardDataDictionary.by_name(name).map(DataDictionaryEntry::tag)
}

fn unknown(name: &str) -> UnknownAttribute {
    let name: String = name.chars().take(64).collect();
    let folded = name.to_lowercase();
    let nearest = COMMON
        .iter()
        .copied()
        .min_by_key(|known| strsim::damerau_levenshtein(&known.to_lowercase(), &folded))
        .unwrap_or("PatientID");
    UnknownAttribute {
        digits: tag(nearest).map(digits).unwrap_or_default(),
        name,
        nearest,
    }
}

/// What people search for: the candidates when a name is mistyped. The whole dictionary would suggest attributes that
/// nobody means.
const COMMON: [&str; 64] = [
    "AccessionNumber",
    "AcquisitionDate",
    "AcquisitionNumber",
    "AcquisitionTime",
    "BitsAllocated",
    "BodyPartExamined",
    "Columns",
    "ContentDate",
    "ContentTime",
    "DeviceSerialNumber",
    "FrameOfReferenceUID",
    "ImageComments",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "InstanceNumber",
    "InstitutionName",
    "InstitutionalDepartmentName",
    "IssuerOfPatientID",
    "Laterality",
    "Manufacturer",
    "ManufacturerModelName",
    "ModalitiesInStudy",
    "Modality",
    "NameOfPhysiciansReadingStudy",
    "NumberOfFrames",
    "NumberOfSeriesRelatedInstances",
    "NumberOfStudyRelatedInstances",
    "NumberOfStudyRelatedSeries",
    "OperatorsName",
    "OtherPatientIDs",
    "PatientAge",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientComments",
    "PatientID",
    "PatientName",
    "PatientSex",
    "PatientSize",
    "PatientWeight",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformingPhysicianName",
    "ProtocolName",
    "ReferringPhysicianName",
    "RequestAttributesSequence",
    "RequestedProcedureID",
    "RequestingPhysician",
    "Rows",
    "SOPClassUID",
    "SOPClassesInStudy",
    "SOPInstanceUID",
    "ScheduledProcedureStepID",
    "SeriesDate",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesTime",
    "SliceThickness",
    "StationName",
    "StudyDate",
    "StudyDescription",
    "StudyInstanceUID",
    "StudyTime",
];

#[cfg(test)]
mod tests;

//! SOP classes: which can be stored, and what they are called. Separate because negotiation, refusals and logs ask it
//! and it is a table.

mod table;

use table::{PREFIX, STORAGE};

/// Verification (C-ECHO).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Storage Commitment Push Model.
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The well-known SOP instance of storage commitment.
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
/// Modality Worklist Information Model - FIND.
pub const WORKLIST_FIND: &str = "1.2.840.10008.5.1.4.31";
/// Modality Performed Procedure Step.
pub const PERFORMED_STEP: &str = "1.2.840.10008.3.1.2.3.3";
/// Modality Performed Procedure Step Retrieve.
pub const PERFORMED_STEP_RETRIEVE: &str = "1.2.840.10008.3.1.2.3.4";
/// Patient Root Query/Retrieve Information Model - FIND.
pub const PATIENT_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
/// Patient Root Query/Retrieve Information Model - MOVE.
pub const PATIENT_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
/// Patient Root Query/Retrieve Information Model - GET.
pub const PATIENT_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";
/// Study Root Query/Retrieve Information Model - FIND.
pub const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Study Root Query/Retrieve Information Model - MOVE.
pub const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Study Root Query/Retrieve Information Model - GET.
pub const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Patient/Study Only Query/Retrieve Information Model - FIND (retired).
pub const PATIENT_STUDY_ONLY_FIND: &str = "1.2.840.10008.5.1.4.1.2.3.1";
/// Patient/Study Only Query/Retrieve Information Model - MOVE (retired).
pub const PATIENT_STUDY_ONLY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.3.2";
/// Patient/Study Only Query/Retrieve Information Model - GET (retired).
pub const PATIENT_STUDY_ONLY_GET: &str = "1.2.840.10008.5.1.4.1.2.3.3";
/// CT Image Storage.
pub const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Secondary Capture Image Storage.
pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// The names of those that are no storage classes (PS3.6 table A-1).
const SERVICES: &[(&str, &str)] = &[
    (VERIFICATION, "Verification"),
    (STORAGE_COMMITMENT, "Storage Commitment Push Model"),
    (WORKLIST_FIND, "Modality Worklist Information Model - FIND"),
    (PERFORMED_STEP, "Modality Performed Procedure Step"),
    (PERFORMED_STEP_RETRIEVE, "Modality Performed Procedure Step Retrieve"),
    (
        PATIENT_ROOT_FIND,
        "Patient Root Query/Retrieve Information Model - FIND",
    ),
    (
        PATIENT_ROOT_MOVE,
        "Patient Root Query/Retrieve Information Model - MOVE",
    ),
    (PATIENT_ROOT_GET, "Patient Root Query/Retrieve Information Model - GET"),
    (STUDY_ROOT_FIND, "Study Root Query/Retrieve Information Model - FIND"),
    (STUDY_ROOT_MOVE, "Study Root Query/Retrieve Information Model - MOVE"),
    (STUDY_ROOT_GET, "Study Root Query/Retrieve Information Model - GET"),
    (
        PATIENT_STUDY_ONLY_FIND,
        "Patient/Study Only Query/Retrieve Information Model - FIND (retired)",
    ),
    (
        PATIENT_STUDY_ONLY_MOVE,
        "Patient/Study Only Query/Retrieve Information Model - MOVE (retired)",
    ),
    (
        PATIENT_STUDY_ONLY_GET,
        "Patient/Study Only Query/Retrieve Information Model - GET (retired)",
    ),
];

/// Everything that the standard gives a meaning begins so; what does not is private.
const STANDARD: &str = "1.2.840.10008.";

/// Whether objects of this class can be stored: every storage class of the standard, retired ones included, and every
/// private class, for a UID outside the root of DICOM names nothing that this side could know to be a service. Never
/// query and retrieve, worklist, storage commitment, printing or the media storage directory. A class of the
/// standard that is newer than the table is not accepted, as nobody here knows whether it is one of storage.
pub fn is_storage(uid: &str) -> bool {
    storage_name(uid).is_some() || (is_uid(uid) && !uid.starts_with(STANDARD))
}

/// The name of a standard storage class, or of one of the services above, as PS3.6 has it.
pub fn name(uid: &str) -> Option<&'static str> {
    let service = SERVICES.iter().find(|(known, _)| *known == uid);
    service.map(|(_, name)| *name).or_else(|| storage_name(uid))
}

/// Every standard storage class as UID and name, for those who propose contexts.
pub fn storage_classes() -> impl Iterator<Item = (String, &'static str)> {
    STORAGE.iter().map(|(uid, name)| (format!("{PREFIX}{uid}"), *name))
}

fn storage_name(uid: &str) -> Option<&'static str> {
    let rest = uid.strip_prefix(PREFIX)?;
    let at = STORAGE.binary_search_by_key(&rest, |(uid, _)| uid).ok()?;
    STORAGE.get(at).map(|(_, name)| *name)
}

fn is_uid(uid: &str) -> bool {
    (3..=64).contains(&uid.len())
        && uid.split('.').count() > 1
        && uid
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;

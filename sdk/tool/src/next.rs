//! What to do next about an error of the crates that read and run cases, which say what is wrong and know nothing of the
//! command line.
//!
//! Separate because the same words stand in `plugin-api/errors.md`. A new kind of error does not compile until it has some.

use isocenter_harness::{CaseError, HarnessError, ObjectError};

/// The sentence and what to do, where the sentence does not say it.
pub(crate) fn with(said: &impl std::fmt::Display, next: Option<&str>) -> String {
    next.map_or_else(|| said.to_string(), |next| format!("{said}; {next}"))
}

pub(crate) fn of_case(error: &CaseError) -> Option<&'static str> {
    match error {
        CaseError::File { .. } => Some("look at the path and its rights"),
        CaseError::Toml { .. } => Some("see \"A case\" in sdk/README.md"),
        CaseError::Role { .. } | CaseError::Chance { .. } => None,
        CaseError::Objects(_) => Some("make the study smaller: a case is small"),
        CaseError::Object(error) => of_object(error),
    }
}

pub(crate) fn of_harness(error: &HarnessError) -> Option<&'static str> {
    match error {
        HarnessError::Role { .. } | HarnessError::Start(_) | HarnessError::Load(_) => None,
        HarnessError::Needs { .. } => Some("put it into the folder of the case"),
        HarnessError::Input(_) => Some("see the first case of the role, as `isocenter plugin new` makes it"),
        HarnessError::Object(error) => of_object(error),
    }
}

pub(crate) fn of_object(error: &ObjectError) -> Option<&'static str> {
    Some(match error {
        ObjectError::File { .. } => "look at the path and its rights",
        ObjectError::Content { .. } => "give a Part 10 file, or elements in DICOM JSON (PS3.18 Annex F) in *.json",
    })
}

//! Values and paths between the contract and `isocenter-dicom`.
//!
//! Separate because both the object and the edits need them.

use isocenter_dicom::{Path, Step, Tag, Value};

use crate::bindings::isocenter::dicom::types as wit;

pub(crate) fn tag(packed: u32) -> Tag {
    Tag((packed >> 16) as u16, (packed & 0xFFFF) as u16)
}

pub(crate) fn packed(tag: Tag) -> u32 {
    (u32::from(tag.0) << 16) | u32::from(tag.1)
}

pub(crate) fn steps(within: Vec<wit::Step>) -> Vec<Step> {
    within
        .into_iter()
        .map(|step| Step {
            sequence: tag(step.sequence),
            item: step.item,
        })
        .collect()
}

pub(crate) fn path(at: wit::Path) -> Path {
    Path {
        within: steps(at.within),
        tag: tag(at.tag),
    }
}

pub(crate) fn to_guest(value: Value) -> wit::Value {
    match value {
        Value::Text(values) => wit::Value::Text(values),
        Value::Signed(values) => wit::Value::Signed(values),
        Value::Unsigned(values) => wit::Value::Unsigned(values),
        Value::Real(values) => wit::Value::Real(values),
        Value::Tags(values) => wit::Value::Tags(values.into_iter().map(packed).collect()),
        Value::Bytes(bytes) => wit::Value::Bytes(bytes.to_vec()),
    }
}

pub(crate) fn from_guest(value: wit::Value) -> Value {
    match value {
        wit::Value::Text(values) => Value::Text(values),
        wit::Value::Signed(values) => Value::Signed(values),
        wit::Value::Unsigned(values) => Value::Unsigned(values),
        wit::Value::Real(values) => Value::Real(values),
        wit::Value::Tags(values) => Value::Tags(values.into_iter().map(tag).collect()),
        wit::Value::Bytes(bytes) => Value::Bytes(bytes.into()),
    }
}

/// What a value costs the host to keep, in bytes.
pub(crate) fn size(value: &wit::Value) -> usize {
    match value {
        wit::Value::Text(values) => values.iter().map(|text| text.len() + size_of::<String>()).sum(),
        wit::Value::Signed(values) => size_of_val(values.as_slice()),
        wit::Value::Unsigned(values) => size_of_val(values.as_slice()),
        wit::Value::Real(values) => size_of_val(values.as_slice()),
        wit::Value::Tags(values) => size_of_val(values.as_slice()),
        wit::Value::Bytes(bytes) => bytes.len(),
    }
}

//! The UIDs by which an object is filed.
//!
//! Separate because this is the one place where a header is judged: without these an object cannot be stored, and two
//! values for one of them would let an object be found under one name and routed under another.

use super::Header;
use crate::uid::{BadUid, Uid};
use crate::{Tag, tags};

/// The four UIDs by which an object is filed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// SOP Class UID (0008,0016).
    pub sop_class: Uid,
    /// SOP Instance UID (0008,0018).
    pub sop_instance: Uid,
    /// Series Instance UID (0020,000E).
    pub series: Uid,
    /// Study Instance UID (0020,000D).
    pub study: Uid,
}

/// A UID that an object is filed by is missing, invalid or ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {tag} {flaw}")]
pub struct MissingIdentity {
    /// The element.
    pub tag: Tag,
    name: &'static str,
    flaw: Flaw,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("is missing")]
    Absent,
    #[error("is empty")]
    Empty,
    #[error("is not a UID: {0}")]
    Bad(BadUid),
    #[error("is not text")]
    NotText,
    #[error("has {0} values where one belongs")]
    Several(usize),
    #[error("stands twice, with different values")]
    Twice,
}

pub(super) fn of(header: &Header) -> Result<Identity, MissingIdentity> {
    Ok(Identity {
        sop_class: uid(header, tags::SOP_CLASS_UID, "SOP Class UID")?,
        sop_instance: uid(header, tags::SOP_INSTANCE_UID, "SOP Instance UID")?,
        series: uid(header, tags::SERIES_INSTANCE_UID, "Series Instance UID")?,
        study: uid(header, tags::STUDY_INSTANCE_UID, "Study Instance UID")?,
    })
}

fn uid(header: &Header, tag: Tag, name: &'static str) -> Result<Uid, MissingIdentity> {
    let flawed = |flaw| MissingIdentity { tag, name, flaw };
    let mut all = header.find_all(tag);
    let (_, entry) = all.next().ok_or_else(|| flawed(Flaw::Absent))?;
    let text = std::str::from_utf8(header.raw(entry)).map_err(|_| flawed(Flaw::NotText))?;
    if !all.all(|(_, other)| padless(header.raw(other)) == padless(text.as_bytes())) {
        return Err(flawed(Flaw::Twice));
    }
    Uid::parse(text.trim_start_matches(' ')).map_err(|bad| match bad {
        BadUid::Empty => flawed(Flaw::Empty),
        _ if text.contains('\\') => flawed(Flaw::Several(text.split('\\').count())),
        bad => flawed(Flaw::Bad(bad)),
    })
}

fn padless(mut value: &[u8]) -> &[u8] {
    while let [before @ .., 0 | b' '] = value {
        value = before;
    }
    value
}

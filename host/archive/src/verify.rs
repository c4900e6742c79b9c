//! Compares packs, digests and index.

use isocenter_dicom::uid::Uid;

use crate::index::PackId;

/// How far verification is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Packs walked.
    pub packs: u64,
    /// Objects whose digest was compared.
    pub objects: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Problems so far.
    pub problems: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// How much was looked at.
    pub checked: Checked,
    /// The first 10,000 problems; `checked.problems` counts them all.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The pack.
    pub pack: PackId,
    /// The object, where it is known.
    pub object: Option<Uid>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A row names a pack that is not there.
    MissingPack,
}

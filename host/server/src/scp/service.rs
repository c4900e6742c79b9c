//! The services of this host, each with its SOP classes. One table, so that what is accepted when an association begins
//! and what is performed on it cannot differ.

use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{CommandField, sop};

use super::identifier::Root;
use crate::config;

/// A service that is provided here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// C-ECHO (PS3.4 Annex A).
    Verification,
    /// C-STORE (PS3.4 Annex B).
    Storage,
    /// Storage commitment: N-ACTION of who asks, and N-EVENT-REPORT of who was asked (PS3.4 Annex J).
    Commitment,
    /// C-FIND (PS3.4 §C.4.1).
    Find(Root),
    /// C-FIND of the modality worklist (PS3.4 Annex K).
    Worklist,
    /// N-CREATE and N-SET of performed procedure steps (PS3.4 §F.7).
    Performed,
    /// N-GET of performed procedure steps (PS3.4 §F.8).
    PerformedRetrieve,
    /// C-GET (PS3.4 §C.4.3).
    Get(Root),
    /// C-MOVE (PS3.4 §C.4.2).
    Move(Root),
}

/// The SOP classes that are a service's by name. Those of storage are many, and `isocenter_dimse::sop` knows them.
pub(super) const NAMED: &[(&str, Service)] = &[
    (sop::VERIFICATION, Service::Verification),
    (sop::STORAGE_COMMITMENT, Service::Commitment),
    (sop::PATIENT_ROOT_FIND, Service::Find(Root::Patient)),
    (sop::STUDY_ROOT_FIND, Service::Find(Root::Study)),
    (sop::PATIENT_STUDY_ONLY_FIND, Service::Find(Root::PatientStudyOnly)),
    (sop::WORKLIST_FIND, Service::Worklist),
    (sop::PERFORMED_STEP, Service::Performed),
    (sop::PERFORMED_STEP_RETRIEVE, Service::PerformedRetrieve),
    (sop::PATIENT_ROOT_GET, Service::Get(Root::Patient)),
    (sop::STUDY_ROOT_GET, Service::Get(Root::Study)),
    (sop::PATIENT_STUDY_ONLY_GET, Service::Get(Root::PatientStudyOnly)),
    (sop::PATIENT_ROOT_MOVE, Service::Move(Root::Patient)),
    (sop::STUDY_ROOT_MOVE, Service::Move(Root::Study)),
    (sop::PATIENT_STUDY_ONLY_MOVE, Service::Move(Root::PatientStudyOnly)),
];

impl Service {
    /// Whose SOP class it is; `None`: nobody's here.
    pub(super) fn of(sop_class: &str) -> Option<Self> {
        let named = NAMED.iter().find(|(uid, _)| *uid == sop_class);
        named
            .map(|(_, service)| *service)
            .or_else(|| sop::is_storage(sop_class).then_some(Self::Storage))
    }

    /// Whether its data sets may come in a transfer syntax. Objects are stored in any; other services know only the two
    /// that everybody knows.
    pub(super) fn takes(self, syntax: &TransferSyntax) -> bool {
        let plain = !syntax.is_big_endian() && !syntax.is_deflated() && !syntax.is_encapsulated();
        plain || matches!(self, Self::Storage)
    }

    /// What of the list of callers allows it; `None`: it is always allowed.
    pub(super) fn needs(self) -> Option<config::Service> {
        match self {
            Self::Verification => None,
            // Who may store may also ask whether what it stored is kept.
            Self::Storage | Self::Commitment => Some(config::Service::Store),
            Self::Find(_) => Some(config::Service::Query),
            Self::Worklist | Self::Performed | Self::PerformedRetrieve => Some(config::Service::Worklist),
            Self::Get(_) | Self::Move(_) => Some(config::Service::Retrieve),
        }
    }

    /// Whether it shows what headers or orders say, as they are: what the filters of a destination would have changed.
    pub(super) fn shows(self) -> bool {
        matches!(self, Self::Find(_) | Self::Worklist | Self::PerformedRetrieve)
    }

    /// What asks for it.
    pub(super) fn requests(self) -> &'static [CommandField] {
        match self {
            Self::Verification => &[CommandField::C_ECHO_RQ],
            Self::Storage => &[CommandField::C_STORE_RQ],
            Self::Commitment => &[CommandField::N_ACTION_RQ, CommandField::N_EVENT_REPORT_RQ],
            Self::Find(_) | Self::Worklist => &[CommandField::C_FIND_RQ],
            Self::Performed => &[CommandField::N_CREATE_RQ, CommandField::N_SET_RQ],
            Self::PerformedRetrieve => &[CommandField::N_GET_RQ],
            Self::Get(_) => &[CommandField::C_GET_RQ],
            Self::Move(_) => &[CommandField::C_MOVE_RQ],
        }
    }
}

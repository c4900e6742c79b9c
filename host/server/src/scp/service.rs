//! The services of this host, each with its SOP classes. One table, so that what is accepted when an association begins
//! and what is performed on it cannot differ.

use isocenter_dimse::{CommandField, sop};

/// A service that is provided here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// C-ECHO (PS3.4 Annex A).
    Verification,
    /// C-STORE (PS3.4 Annex B).
    Storage,
}

/// The SOP classes that are a service's by name. Those of storage are many, and `isocenter_dimse::sop` knows them.
const NAMED: &[(&str, Service)] = &[(sop::VERIFICATION, Service::Verification)];

impl Service {
    /// Whose SOP class it is; `None`: nobody's here.
    pub(super) fn of(sop_class: &str) -> Option<Self> {
        let named = NAMED.iter().find(|(uid, _)| *uid == sop_class);
        named
            .map(|(_, service)| *service)
            .or_else(|| sop::is_storage(sop_class).then_some(Self::Storage))
    }

    /// What asks for it.
    pub(super) fn request(self) -> CommandField {
        match self {
            Self::Verification => CommandField::C_ECHO_RQ,
            Self::Storage => CommandField::C_STORE_RQ,
        }
    }
}

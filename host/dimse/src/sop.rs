//! SOP classes.

/// Verification (C-ECHO).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";

/// Whether objects of this class can be stored.
pub fn is_storage(_uid: &str) -> bool {
    todo!()
}

/// The name of a standard class.
pub fn name(_uid: &str) -> Option<&'static str> {
    todo!()
}

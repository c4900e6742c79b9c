//! How a plugin says that it could not do its work.
//!
//! Separate because `?` must work on it from any error, and because it holds a rule: an error's text reaches the
//! operator's log, so it carries no patient data.

use crate::bindings::imports::isocenter::host::failure::{Failure, Retry};

/// Why a call gives no answer. The object is then never stored or sent unedited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    after_seconds: Option<u32>,
    reason: String,
}

/// What calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Trying again will not help.
    #[must_use]
    pub fn never(reason: impl Into<String>) -> Error {
        Error {
            after_seconds: None,
            reason: reason.into(),
        }
    }

    /// It may work after so many seconds.
    #[must_use]
    pub fn after(seconds: u32, reason: impl Into<String>) -> Error {
        Error {
            after_seconds: Some(seconds),
            reason: reason.into(),
        }
    }

    /// When it may work; `None`: never.
    #[must_use]
    pub fn after_seconds(&self) -> Option<u32> {
        self.after_seconds
    }

    /// One sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Error {
        Error::never(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let retry = error.after_seconds.map_or(Retry::Never, Retry::AfterSeconds);
        Failure {
            retry,
            reason: error.reason,
        }
    }
}

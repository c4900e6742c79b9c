//! How a plugin says that it could not do its work.
//!
//! Separate because `?` must work on it from any error, and because it holds a rule: an error's text reaches the
//! operator's log, so it carries no patient data.

use std::time::Duration;

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

    /// The same error, which may go well after a pause, in whole seconds, rounded up. What it said of that before does
    /// not count.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Error {
        let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0));
        Error {
            after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
            reason: self.reason,
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

/// Says of an error, whatever its type, that another try may go well.
///
/// ```
/// use std::time::Duration;
///
/// use isocenter::{Result, RetryAfter as _};
///
/// fn beds(answer: &str) -> Result<u32> {
///     // A server that is being restarted answers with a page of HTML.
///     Ok(answer.parse::<u32>().retry_after(Duration::from_secs(30))?)
/// }
///
/// assert_eq!(beds("12").unwrap(), 12);
/// assert_eq!(beds("<html>").unwrap_err().after_seconds(), Some(30));
/// ```
pub trait RetryAfter<T> {
    /// The value; or the error as one that may go well after a pause, in whole seconds, rounded up.
    ///
    /// # Errors
    /// Where this is one.
    fn retry_after(self, pause: Duration) -> Result<T>;
}

impl<T, E: Into<Error>> RetryAfter<T> for std::result::Result<T, E> {
    fn retry_after(self, pause: Duration) -> Result<T> {
        self.map_err(|error| error.into().retry_after(pause))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_may_be_tried_again_later() {
        let later = |pause| "x".parse::<u32>().retry_after(pause).unwrap_err();
        for (pause, seconds) in [
            (Duration::from_secs(30), 30),
            (Duration::from_millis(1), 1),
            (Duration::from_millis(2_001), 3),
            (Duration::ZERO, 0),
            (Duration::MAX, u32::MAX),
        ] {
            assert_eq!(later(pause).after_seconds(), Some(seconds));
        }
        assert_eq!(later(Duration::ZERO).reason(), "invalid digit found in string");
        // An error of this crate as well, whatever it said before.
        let never: Result<()> = Err(Error::never("no bed is free"));
        assert_eq!(
            never.retry_after(Duration::from_secs(5)),
            Err(Error::after(5, "no bed is free"))
        );
    }
}

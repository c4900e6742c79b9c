//! How a plugin says that it could not do its work, in the host's words.

use isocenter_role::Failure;

use crate::bindings::isocenter::host::failure;
use crate::call::{Call, reason};

impl failure::Host for Call {}

impl From<failure::Failure> for Failure {
    fn from(stated: failure::Failure) -> Failure {
        match stated.retry {
            failure::Retry::Never => Failure::Never(reason(&stated.reason)),
            failure::Retry::AfterSeconds(seconds) => Failure::After {
                seconds,
                reason: reason(&stated.reason),
            },
        }
    }
}

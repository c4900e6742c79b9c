//! The plan that a router fills.
//!
//! Separate because destinations are names in the operator's configuration, and a router can reach no other.

use crate::raw::{Exclusive, plan};
use crate::{Error, Result};

/// What is to be sent where. Empty at first.
pub struct Plan<'a>(pub(crate) Exclusive<'a, plan::Plan>);

impl Plan<'_> {
    /// Names in the operator's configuration, sorted.
    #[must_use]
    pub fn destinations(&self) -> Vec<String> {
        self.0.destinations()
    }

    /// Plans a delivery. Twice the same is once.
    ///
    /// # Errors
    /// No destination of that name.
    pub fn send_to(&mut self, destination: &str) -> Result<()> {
        self.0
            .send_to(destination)
            .map_err(|()| Error::never(format!("no destination `{destination}`")))
    }

    /// Not before so many seconds from now.
    ///
    /// # Errors
    /// Not sent there by this plan.
    pub fn delay_seconds(&mut self, destination: &str, delay: u32) -> Result<()> {
        self.0
            .delay_seconds(destination, delay)
            .map_err(|()| not_planned(destination))
    }

    /// 0 is the most urgent, 255 the least; 100 unless set.
    ///
    /// # Errors
    /// Not sent there by this plan.
    pub fn priority(&mut self, destination: &str, priority: u8) -> Result<()> {
        self.0
            .priority(destination, priority)
            .map_err(|()| not_planned(destination))
    }
}

fn not_planned(destination: &str) -> Error {
    Error::never(format!("nothing is planned for `{destination}`"))
}

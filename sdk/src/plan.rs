//! The plan that a router fills.
//!
//! Separate because destinations are names in the operator's configuration, and a router can reach no other.

use crate::bindings::router::isocenter::routing::plan;
#[cfg(not(target_arch = "wasm32"))]
use crate::fake;
use crate::{Error, Result};

/// What is to be sent where. Empty at first.
pub struct Plan<'a>(Target<'a>);

enum Target<'a> {
    Host(&'a plan::Plan),
    #[cfg(not(target_arch = "wasm32"))]
    Fake(&'a mut fake::Plan),
}

macro_rules! ask {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match &mut $self.0 {
            Target::Host(plan) => plan.$method($($argument),*),
            #[cfg(not(target_arch = "wasm32"))]
            Target::Fake(plan) => plan.$method($($argument),*),
        }
    };
}

impl<'a> Plan<'a> {
    pub(crate) fn host(plan: &'a plan::Plan) -> Plan<'a> {
        Plan(Target::Host(plan))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn fake(plan: &'a mut fake::Plan) -> Plan<'a> {
        Plan(Target::Fake(plan))
    }

    /// Names in the operator's configuration, sorted.
    #[must_use]
    pub fn destinations(&mut self) -> Vec<String> {
        ask!(self.destinations())
    }

    /// Plans a delivery. Twice the same is once.
    ///
    /// # Errors
    /// No destination of that name.
    pub fn send_to(&mut self, destination: &str) -> Result<()> {
        ask!(self.send_to(destination)).map_err(|()| Error::never(format!("no destination `{destination}`")))
    }

    /// Not before so many seconds from now.
    ///
    /// # Errors
    /// Not sent there by this plan.
    pub fn delay_seconds(&mut self, destination: &str, delay: u32) -> Result<()> {
        ask!(self.delay_seconds(destination, delay)).map_err(|()| not_planned(destination))
    }

    /// 0 is the most urgent, 255 the least; 100 unless set.
    ///
    /// # Errors
    /// Not sent there by this plan.
    pub fn priority(&mut self, destination: &str, priority: u8) -> Result<()> {
        ask!(self.priority(destination, priority)).map_err(|()| not_planned(destination))
    }
}

fn not_planned(destination: &str) -> Error {
    Error::never(format!("nothing is planned for `{destination}`"))
}

//! The plan that a router fills.
//!
//! Separate because it holds the rule that a plugin sends nowhere that the operator did not name. It cannot grow
//! beyond the configured destinations.

use std::collections::BTreeMap;
use std::time::Duration;

use isocenter_role::PlannedSend;
use wasmtime::component::Resource;

use crate::bindings::isocenter::routing::plan;
use crate::call::Call;

/// The longest delay a router may ask for.
pub(crate) const LONGEST_DELAY: u32 = 30 * 24 * 3600;
const PRIORITY: u8 = 100;

/// Behind the handle `plan`.
#[derive(Default)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Plan {
    sends: BTreeMap<String, (u32, u8)>,
}

impl Plan {
    pub(crate) fn into_sends(self) -> Vec<PlannedSend> {
        let sends = self.sends.into_iter();
        sends
            .map(|(destination, (delay, priority))| PlannedSend {
                destination,
                delay: Duration::from_secs(u64::from(delay)),
                priority,
            })
            .collect()
    }
}

impl plan::Host for Call {
    fn destinations(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.facts.destinations.clone())
    }
}

impl plan::HostPlan for Call {
    fn destinations(&mut self, this: Resource<Plan>) -> wasmtime::Result<Vec<String>> {
        self.table.get(&this)?;
        Ok(self.facts.destinations.clone())
    }

    fn send_to(&mut self, this: Resource<Plan>, destination: String) -> wasmtime::Result<Result<(), ()>> {
        let plan = self.table.get_mut(&this)?;
        if self.facts.destinations.binary_search(&destination).is_err() {
            return Ok(Err(()));
        }
        plan.sends.entry(destination).or_insert((0, PRIORITY));
        Ok(Ok(()))
    }

    fn delay_seconds(
        &mut self,
        this: Resource<Plan>,
        destination: String,
        delay: u32,
    ) -> wasmtime::Result<Result<(), ()>> {
        let send = self.table.get_mut(&this)?.sends.get_mut(&destination);
        Ok(send.map(|send| send.0 = delay.min(LONGEST_DELAY)).ok_or(()))
    }

    fn priority(
        &mut self,
        this: Resource<Plan>,
        destination: String,
        priority: u8,
    ) -> wasmtime::Result<Result<(), ()>> {
        let send = self.table.get_mut(&this)?.sends.get_mut(&destination);
        Ok(send.map(|send| send.1 = priority).ok_or(()))
    }

    fn drop(&mut self, this: Resource<Plan>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

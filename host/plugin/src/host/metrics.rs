//! Numbers that a plugin counts: names and count bounded by its registry.

use crate::bindings::isocenter::host::metrics;
use crate::call::Call;

impl metrics::Host for Call {
    fn count(&mut self, name: String, by: u64) -> wasmtime::Result<()> {
        if let Some(listener) = &self.facts.backing.listener {
            listener.counted(&name, by);
        }
        self.facts.series.count(&name, by);
        Ok(())
    }

    fn observe(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        if let Some(listener) = &self.facts.backing.listener {
            listener.observed(&name, value);
        }
        self.facts.series.observe(&name, value);
        Ok(())
    }
}

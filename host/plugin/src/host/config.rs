//! The plugin's own part of the operator's configuration.

use crate::bindings::isocenter::host::config;
use crate::call::Call;

impl config::Host for Call {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.config.clone())
    }
}

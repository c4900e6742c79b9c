//! Time: the system's, unless the host was given another.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::bindings::isocenter::host::clock;
use crate::call::Call;

impl clock::Host for Call {
    fn unix_millis(&mut self) -> wasmtime::Result<u64> {
        if let Some(time) = &self.facts.backing.time {
            return Ok(time.unix_millis());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_nanos(&mut self) -> wasmtime::Result<u64> {
        if let Some(time) = &self.facts.backing.time {
            return Ok(time.monotonic_nanos());
        }
        // The origin is arbitrary, but one for all calls of a process.
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let since = ORIGIN.get_or_init(Instant::now).elapsed();
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

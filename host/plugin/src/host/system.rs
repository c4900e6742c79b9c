//! The small capabilities: failure, configuration, metrics, clock, random, secrets.
//!
//! Together because each is a few lines over something the host has anyway.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::bindings::isocenter::host::{clock, config, failure, metrics, random, secrets};
use crate::call::Call;

/// Random bytes in one call of the function.
const MOST_RANDOM: u32 = 64 * 1024;

impl failure::Host for Call {}

impl config::Host for Call {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.config.clone())
    }
}

impl metrics::Host for Call {
    fn count(&mut self, name: String, by: u64) -> wasmtime::Result<()> {
        self.facts.series.count(&name, by);
        Ok(())
    }

    fn observe(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.facts.series.observe(&name, value);
        Ok(())
    }
}

impl clock::Host for Call {
    fn unix_millis(&mut self) -> wasmtime::Result<u64> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_nanos(&mut self) -> wasmtime::Result<u64> {
        // The origin is arbitrary, but one for all calls of a process.
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let since = ORIGIN.get_or_init(Instant::now).elapsed();
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl random::Host for Call {
    fn bytes(&mut self, len: u32) -> wasmtime::Result<Vec<u8>> {
        if len > MOST_RANDOM {
            return Err(wasmtime::Error::msg(format!(
                "{len} random bytes asked for, at most {MOST_RANDOM} are given"
            )));
        }
        let mut bytes = vec![0; len as usize];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
        }
        Ok(bytes)
    }
}

impl secrets::Host for Call {
    fn hmac_sha256(&mut self, secret: String, message: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let Some(key) = self.facts.secrets.get(&secret) else {
            let name = crate::host::log::line(&secret);
            self.missing_secret.get_or_insert(secret);
            return Ok(Err(format!("the secret `{name}` is not granted")));
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes())?;
        mac.update(&message);
        Ok(Ok(mac.finalize().into_bytes().to_vec()))
    }
}

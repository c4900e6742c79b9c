//! Randomness: the operating system's, unless the host was given another.

use crate::bindings::isocenter::host::random;
use crate::call::Call;

/// Random bytes in one call of the function.
pub(crate) const MOST_RANDOM: u32 = 64 * 1024;

impl random::Host for Call {
    fn bytes(&mut self, len: u32) -> wasmtime::Result<Vec<u8>> {
        if len > MOST_RANDOM {
            return Err(wasmtime::Error::msg(format!(
                "{len} random bytes asked for, at most {MOST_RANDOM} are given"
            )));
        }
        let mut bytes = vec![0; len as usize];
        if let Some(random) = &self.facts.backing.random {
            random.fill(&mut bytes);
            return Ok(bytes);
        }
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
        }
        Ok(bytes)
    }
}

//! The host's small capabilities: log, metrics, clock, random, secrets.
//!
//! Separate because each is an import: calling one makes the plugin ask for it. Natively they are those of
//! [`fake::Host`](crate::fake::Host).

pub use crate::bindings::imports::isocenter::host::log::Level;
use crate::raw;
use crate::{Error, Result};

/// The plugin's configuration as the operator wrote it, as JSON.
#[must_use]
pub fn config_json() -> String {
    raw::config::get()
}

/// Whether a line of this level would be kept.
#[must_use]
pub fn log_enabled(level: Level) -> bool {
    raw::log::enabled(level)
}

/// Writes a line to the host's log. The message is printed as it is, so it holds no patient data; what may identify
/// a patient goes into a field, whose value is printed only where the operator allowed it.
pub fn log(level: Level, message: &str, fields: &[(String, String)]) {
    raw::log::write(level, message, fields);
}

/// Adds to a counter on the host's metrics page.
pub fn count(name: &str, by: u64) {
    raw::metrics::count(name, by);
}

/// Adds an observation to a summary on the host's metrics page.
pub fn observe(name: &str, value: f64) {
    raw::metrics::observe(name, value);
}

/// Milliseconds since 1970-01-01 00:00 UTC.
#[must_use]
pub fn unix_millis() -> u64 {
    raw::clock::unix_millis()
}

/// Nanoseconds since an arbitrary moment.
#[must_use]
pub fn monotonic_nanos() -> u64 {
    raw::clock::monotonic_nanos()
}

/// Random bytes from the operating system, at most 64 KiB. Natively the same stream in every run, from a seed that
/// [`fake::Host::set_seed`](crate::fake::Host::set_seed) changes.
#[must_use]
pub fn random(len: u32) -> Vec<u8> {
    raw::random::bytes(len)
}

/// HMAC-SHA-256 of a message under a secret that the operator granted: 32 bytes.
///
/// # Errors
/// No secret of that name was granted.
pub fn hmac_sha256(secret: &str, message: &[u8]) -> Result<Vec<u8>> {
    raw::secrets::hmac_sha256(secret, message).map_err(Error::never)
}

/// Makes a panic say what and where, before it becomes a bare trap.
#[cfg(target_arch = "wasm32")]
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let message = info.payload_as_str().unwrap_or("no message");
        log(Level::Error, &format!("panicked{place}: {message}"), &[]);
    }));
}

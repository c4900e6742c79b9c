//! The host's small capabilities: log, metrics, clock, random, secrets.
//!
//! Separate because each is an import: calling one makes the plugin ask for it. Natively they do what a test wants:
//! log to standard error, count nothing, and use the key that [`fake::KEY`](crate::fake::KEY) names.

#[cfg(target_arch = "wasm32")]
use crate::bindings::filter::isocenter::host;
pub use crate::bindings::filter::isocenter::host::log::Level;

/// The plugin's configuration as the operator wrote it, as JSON.
#[must_use]
pub fn config_json() -> String {
    #[cfg(target_arch = "wasm32")]
    return host::config::get();
    #[cfg(not(target_arch = "wasm32"))]
    return "{}".into();
}

/// Writes a line to the host's log. The message is printed as it is, so it holds no patient data; what may identify
/// a patient goes into a field, whose value is printed only where the operator allowed it.
pub fn log(level: Level, message: &str, fields: &[(String, String)]) {
    #[cfg(target_arch = "wasm32")]
    host::log::write(level, message, fields);
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = fields;
        eprintln!("{level:?}: {message}");
    }
}

/// Adds to a counter on the host's metrics page.
pub fn count(name: &str, by: u64) {
    #[cfg(target_arch = "wasm32")]
    host::metrics::count(name, by);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (name, by);
}

/// Adds an observation to a summary on the host's metrics page.
pub fn observe(name: &str, value: f64) {
    #[cfg(target_arch = "wasm32")]
    host::metrics::observe(name, value);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (name, value);
}

/// Milliseconds since 1970-01-01 00:00 UTC.
#[must_use]
pub fn unix_millis() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return host::clock::unix_millis();
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}

/// Nanoseconds since an arbitrary moment.
#[must_use]
pub fn monotonic_nanos() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return host::clock::monotonic_nanos();
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}

/// Random bytes from the operating system, at most 64 KiB. Natively zeros.
#[must_use]
pub fn random(len: u32) -> Vec<u8> {
    #[cfg(target_arch = "wasm32")]
    return host::random::bytes(len);
    #[cfg(not(target_arch = "wasm32"))]
    return vec![0; len as usize];
}

/// HMAC-SHA-256 of a message under a secret that the operator granted: 32 bytes.
///
/// # Errors
/// No secret of that name was granted.
pub fn hmac_sha256(secret: &str, message: &[u8]) -> crate::Result<Vec<u8>> {
    #[cfg(target_arch = "wasm32")]
    return host::secrets::hmac_sha256(secret, message).map_err(crate::Error::never);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::fake::hmac_sha256(secret, message);
}

/// Makes a panic say what and where, before it becomes a bare trap.
pub(crate) fn log_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let message = info.payload_as_str().unwrap_or("no message");
        host::log::write(Level::Error, &format!("panicked{place}: {message}"), &[]);
    }));
}

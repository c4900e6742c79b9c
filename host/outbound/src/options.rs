//! What an operator may tune about outbound requests. Separate so that every bound stands in one place.

use std::path::PathBuf;
use std::time::Duration;

/// The longest URL, in bytes.
pub(crate) const MOST_URL: usize = 16 * 1024;
/// The most headers of a request that a plugin may set, and the most of an answer.
pub(crate) const MOST_HEADERS: usize = 100;
/// Names and values of all headers of a request, or the whole head of an answer, in bytes.
pub(crate) const MOST_HEADER_BYTES: usize = 64 * 1024;
/// The longest that a plugin may wait for one request, whatever it asks for.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// Bounds of every request, and whom to trust. There is no way to switch off the verification of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// From sending to the last byte of the answer, redirects included, unless the request says otherwise. Default 10 s.
    pub timeout: Duration,
    /// The largest body of an answer, in bytes. Default 16 MiB.
    pub response_bytes: u64,
    /// The largest body of a request, in bytes. Default 16 MiB.
    pub request_bytes: u64,
    /// Connections of one plugin at the same time. Default 8.
    pub connections_per_plugin: usize,
    /// Connections of all plugins together. Default 64.
    pub connections: usize,
    /// A PEM file of certificates that are trusted beside the bundled roots and the system's (`[outbound] ca = "FILE"`).
    pub ca: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            response_bytes: 16 << 20,
            request_bytes: 16 << 20,
            connections_per_plugin: 8,
            connections: 64,
            ca: None,
        }
    }
}

/// Why outbound requests cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file of certificates cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a PEM file of certificates: {problem}", path.display())]
    NotCertificates {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        problem: String,
    },
    /// A bound is out of its range.
    #[error("{0}")]
    Bound(String),
    /// The TLS library does not start.
    #[error("TLS does not start: {0}")]
    Tls(String),
}

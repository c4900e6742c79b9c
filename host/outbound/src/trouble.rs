//! Why a request brought no answer. Separate because plugins see it: no text here may carry what a request carried.

/// Why a request brought no answer. A text names the origin (scheme, host, port) at most: a path or a query may identify
/// a patient, and the value of a header may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The grant does not allow it. The same request will be denied again.
    #[error("denied: {0}")]
    Denied(String),
    /// There was no complete answer in time.
    #[error("there was no complete answer in time")]
    Timeout,
    /// The request or the answer is larger than the bounds allow.
    #[error("the request or its answer is too large")]
    TooLarge,
    /// The host could not be found, reached or trusted.
    #[error("no connection: {0}")]
    Connect(String),
    /// The request is not valid, or what came back is not an HTTP answer.
    #[error("{0}")]
    Protocol(String),
}

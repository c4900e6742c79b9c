//! A plugin as it travels: one component with its signatures, as an OCI artifact in the layout that the CNCF's Wasm
//! working group describes (a config of `application/vnd.wasm.config.v0+json`, one layer of `application/wasm`), so that
//! any OCI registry keeps it and any tool for them copies it.
//!
//! It is in a registry, in a folder (an OCI image layout, as `oras` and `skopeo` read it), or in one file: the same
//! layout as a tar archive, to be carried over an air gap. [`Reference`] says which, [`Packed`] is what is in there.
//!
//! The signatures are annotations of the layer. A manifest of their own that points to the artifact, as OCI 1.1 has it,
//! would be left behind by most tools that copy; these go wherever the artifact goes. They are of the component alone,
//! which is what the host verifies, so it does not matter by which way a plugin came.
//!
//! What arrives is judged here by digest and size and is otherwise not believed: who signed it is for the caller to ask.

mod digest;
mod layout;
mod manifest;
mod packed;
mod reference;
mod registry;

use std::path::PathBuf;

pub use digest::Digest;
pub use packed::{About, Packed};
pub use reference::{Image, Reference, ReferenceError};
pub use registry::{Credentials, CredentialsError, credentials};

/// The largest component, in bytes: what the host loads at most.
pub const MOST_COMPONENT: u64 = 64 << 20;

/// Why a plugin was not packed, sent or fetched. Each says what to do next, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file or folder.
    #[error("{}: {error}; look at the path and its rights", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file or folder that is something else.
    #[error(
        "{} is no packed plugin: {problem}; name a file that `isocenter plugin pack` wrote, or a folder that holds packed \
         plugins or nothing",
        path.display()
    )]
    NotPacked {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An artifact that is something else.
    #[error("{from} is no plugin: {problem}; look at the name and the tag: something else is kept there")]
    NotAPlugin {
        /// The reference.
        from: String,
        /// What is wrong.
        problem: String,
    },
    /// Bytes that are not those that were asked for.
    #[error(
        "{from} gives {found} where {wanted} was asked for: it was damaged or exchanged on the way. Nothing of it is kept; \
         fetch it again, and if that does not help, ask who runs the place"
    )]
    Digest {
        /// The reference.
        from: String,
        /// What was asked for.
        wanted: Digest,
        /// What came.
        found: Digest,
    },
    /// Larger than anything that would be loaded.
    #[error("{from} holds {what} of more than {most} bytes, which no host loads; look at the name and the tag")]
    TooLarge {
        /// The reference.
        from: String,
        /// Which part of it.
        what: &'static str,
        /// How large it may be.
        most: u64,
    },
    /// Nothing there by that name.
    #[error(
        "there is no {name} in {from}{}; name one that is there, or push it first",
        among(known)
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// Where.
        from: String,
        /// What is there, as far as it is known.
        known: Vec<String>,
    },
    /// Several things there, and none was named.
    #[error("{from} holds {}; say which: {from}#NAME:TAG", known.join(", "))]
    Which {
        /// Where.
        from: String,
        /// What is there.
        known: Vec<String>,
    },
    /// A reference that this cannot be done with.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The registry.
    #[error(
        "the registry {host} cannot be reached: {why}. Check its name and port{}; a proxy is taken from HTTPS_PROXY, and a \
         certificate authority of your own from SSL_CERT_FILE",
        if *plain { "" } else { " (one without TLS needs --plain-http)" }
    )]
    Unreachable {
        /// Its host and port.
        host: String,
        /// Why.
        why: String,
        /// Whether it was asked without TLS.
        plain: bool,
    },
    /// The registry wants to know who asks.
    #[error(
        "the registry {host} does not let {who} {what} {repository}: {} ISOCENTER_REGISTRY_USER and \
         ISOCENTER_REGISTRY_PASSWORD, or `docker login {host}`, say who asks",
        if *known { "its rights or the password are not enough;" } else { "it wants a name and a password;" }
    )]
    Unauthorized {
        /// Its host and port.
        host: String,
        /// The user, or `nobody in particular`.
        who: String,
        /// `pull` or `push to`.
        what: &'static str,
        /// The repository.
        repository: String,
        /// Whether a name and a password were sent.
        known: bool,
    },
    /// The registry answered with something else.
    #[error("the registry {host} answers {status}{why}; these are its own words: ask who runs it")]
    Status {
        /// Its host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it says about it.
        why: String,
    },
    /// The registry does not speak the protocol as it should.
    #[error(
        "the registry {host} does not follow the distribution protocol: {problem}; look whether a registry listens there"
    )]
    Protocol {
        /// Its host and port.
        host: String,
        /// What it did.
        problem: String,
    },
    /// Where credentials are read from.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

fn among(known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    format!("; there is {}", known.join(", "))
}

/// The file in an error.
fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> PackError {
    let path = path.into();
    move |error| PackError::File { path, error }
}

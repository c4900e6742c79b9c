//! HTTP: DICOMweb (PS3.18), health and metrics, a small API, and the page at `/`.
//!
//! It translates between HTTP and the other crates and decides nothing about objects: storing is the pipeline's,
//! finding the index's, reading the archive's. It holds no state of its own but the permits for requests in progress and the callers
//! who were named a moment ago.
//!
//! ```text
//! serve (sockets) → guard (permit, span, metrics, headers) → access (who, may they) → routes → dicomweb | health | api | page | plugin
//! ```
//!
//! What is absent: rendering and frames, and any buffer that grows with an object, a study or a request body. Without
//! authenticators anybody may do anything, and the binary refuses to listen beyond loopback without being told to.

mod accept;
mod access;
mod api;
mod app;
mod attribute;
mod base_url;
mod dicomweb;
mod error;
mod guard;
mod health;
mod media;
mod multipart;
mod page;
mod plugin;
mod pulled;
mod random;
mod routes;
mod serve;
mod time;
mod warning;

pub use app::{About, App, Limits, Reload, RenderMetrics};
pub use routes::router;
pub use serve::{Connections, OperatorSocket, serve, serve_within};

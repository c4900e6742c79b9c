//! HTTP: DICOMweb (PS3.18), health and metrics, a small API, and the page at `/`.
//!
//! It translates between HTTP and the other crates and decides nothing about objects: storing is the pipeline's,
//! finding the index's, reading the archive's. It holds no state of its own but the permits for requests in progress.
//!
//! ```text
//! serve (sockets) → guard (permit, span, metrics, headers) → routes → dicomweb | health | api | page
//! ```
//!
//! What is absent: authentication (the binary refuses to listen beyond loopback without being told to), rendering and
//! frames, and any buffer that grows with an object, a study or a request body.

mod accept;
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
mod random;
mod routes;
mod serve;
mod time;
mod warning;

pub use app::{About, App, Limits, RenderMetrics};
pub use routes::router;
pub use serve::{Connections, serve, serve_within};

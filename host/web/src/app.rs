//! What the routes are given: the archive, the pipeline, what runs, and what one client may cost.
//!
//! Built once by the binary and passed to every route; there are no globals.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use isocenter_archive::Archive;
use isocenter_pipeline::Pipeline;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::access::{Known, Needs};

/// Renders the metrics in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Reads the configuration again and puts it in force; a sentence, or one for each thing that is wrong.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<String, Vec<String>>> + Send + Sync>;

/// Everything that the routes need.
#[derive(Clone)]
pub struct App {
    /// Where STOW-RS sends objects, and what the page describes.
    pub pipeline: Pipeline,
    /// Where objects are found and read.
    pub archive: Archive,
    /// The text of `/metrics`.
    pub metrics: RenderMetrics,
    /// What the page and `/api/about` say of this host.
    pub about: About,
    /// What one client, and all of them together, may cost.
    pub limits: Limits,
    /// The data folder; `/readyz` proves that it can be written.
    pub data: PathBuf,
    /// What `POST /api/reload` does; `None`: it is not offered.
    pub reload: Option<Reload>,
    /// Cancelled when the host begins to drain: `/readyz` then answers 503, so that no new work is sent here.
    pub draining: CancellationToken,
}

/// What this host is, for people.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The host's version.
    pub version: String,
    /// Its AE title.
    pub ae_title: String,
    /// Where it listens for DICOM, e.g. `127.0.0.1:11112`.
    pub dicom_listen: String,
    /// Where it listens for HTTP, e.g. `127.0.0.1:8080`; also the base of URLs when a request names no host.
    pub http_listen: String,
    /// One line on the database, without credentials.
    pub database: String,
    /// The URL by which clients reach this host, when a proxy stands before it (`https://pacs.example.org/x`);
    /// `None` takes it from each request (`X-Forwarded-Proto`, `X-Forwarded-Host`, `X-Forwarded-Prefix`, `Host`).
    pub public_url: Option<String>,
}

/// Bounds on what HTTP clients may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests in progress, answers still being sent included; one more is answered 503.
    pub requests: usize,
    /// A request body must bring a byte within this time.
    pub body_idle: Duration,
    /// Bytes of one request body.
    pub body_bytes: u64,
    /// Parts of one STOW-RS request.
    pub parts: u32,
    /// Bytes of one part's header lines.
    pub part_header_bytes: usize,
    /// Results of one search; more are announced by a `Warning` header and reached by `offset`.
    pub search_results: u64,
    /// Objects that a search reads headers of, to fill in what `includefield` asks and the index does not hold.
    pub search_header_reads: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 512,
            body_idle: Duration::from_secs(30),
            body_bytes: 64 << 30,
            parts: 100_000,
            part_header_bytes: 16 << 10,
            search_results: 5_000,
            search_header_reads: 500,
        }
    }
}

/// The application with what the routes share beside it.
pub(crate) struct Shared {
    pub(crate) app: App,
    /// What each route needs.
    pub(crate) needs: Needs,
    /// Callers who were named a moment ago.
    pub(crate) known: Known,
    /// One rehearsal at a time.
    pub(crate) rehearsals: Semaphore,
    /// One permit for each request in progress.
    pub(crate) requests: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(app: App, needs: Needs) -> Arc<Self> {
        let requests = Arc::new(Semaphore::new(app.limits.requests));
        Arc::new(Self {
            app,
            needs,
            known: Known::new(),
            rehearsals: Semaphore::new(1),
            requests,
        })
    }

    pub(crate) fn archive(&self) -> &Archive {
        &self.app.archive
    }
}

/// What handlers take by `State`.
pub(crate) type AppState = Arc<Shared>;

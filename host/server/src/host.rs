//! The host: every part put together, started in order and ended in order.
//!
//! Start: archive (data folder locked, database up, crash settled) → plugins → ports. End: ports → associations and
//! requests → queue → archive. Nothing is global: what a part needs it is given here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::index::Duplicates;
use isocenter_archive::{Archive, Recovery};
use isocenter_dicom::edit::SiteKey;
use isocenter_dicom::header::Limits;
use isocenter_pipeline::Pipeline;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::assembly::Assembly;
use crate::backing;
use crate::config::{self, Config, Environment};
use crate::reload::Reloader;
use crate::scp::Callers;
use crate::shutdown::Shutdown;
use crate::site_key;
use crate::{gauges, hl7, operator, scp};

/// Bytes that all headers being received may take together, over 256 KiB for each.
const HEADER_MEMORY: usize = 64 * 1024 * 1024;
/// The largest deflated object, as received: it is collected whole.
const DEFLATED: usize = 16 * 1024 * 1024;
/// How often expired state, old outcomes and passed events are deleted.
const HOUSEKEEPING: Duration = Duration::from_secs(300);
/// How long outcomes of plugins are kept: a year and a month.
const KEEP_OUTCOMES: Duration = Duration::from_secs(396 * 86_400);
/// Times a sender is told to come again for one object before it is held.
const TRIES: u32 = 3;

/// Why the host does not run: one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The data folder or the database.
    #[error("the archive does not open: {}", chained(.0))]
    Archive(#[from] isocenter_archive::ArchiveError),
    /// The plugin engine.
    #[error(transparent)]
    Engine(#[from] isocenter_plugin::StartError),
    /// Plugins that cannot be loaded, a sentence each.
    #[error("{}", .0.join("\n"))]
    Plugins(Vec<String>),
    /// The files of [dicom.tls].
    #[error("[dicom.tls]: {0}")]
    Tls(isocenter_dimse::TlsError),
    /// The site key.
    #[error("the site key: {0}")]
    SiteKey(std::io::Error),
    /// A port that cannot be bound.
    #[error("cannot listen on {address} for {what}: {source}")]
    Port {
        /// DICOM or HTTP.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Signals, or metrics.
    #[error("cannot start: {0}")]
    System(String),
}

/// Runs the host until a signal, then drains.
///
/// # Errors
/// Whatever keeps it from starting; nothing listens then.
pub async fn serve(config: &Config, file: Option<&Path>, environment: &Environment) -> Result<(), HostError> {
    let shutdown = Shutdown::on_signals().map_err(|error| HostError::System(error.to_string()))?;
    let metrics = gauges::install().map_err(HostError::System)?;

    // Ports first: a second host on this machine learns at once that it is one.
    let dicom = scp::Ports {
        plain: bind("DICOM", config.dicom.listen).await?,
        tls: match &config.dicom.tls {
            Some(tls) => Some(bind("DICOM over TLS", tls.listen).await?),
            None => None,
        },
    };
    let http = bind("HTTP", config.http.listen).await?;
    let hl7 = match &config.hl7 {
        Some(hl7) => Some(bind("HL7", hl7.listen).await?),
        None => None,
    };

    let archive = open(config).await?;
    let outcome = run(config, file, environment, &archive, dicom, http, hl7, metrics, shutdown).await;
    archive.close().await;
    tracing::info!("ended in order");
    outcome
}

#[expect(clippy::too_many_arguments, reason = "called once, with everything that was opened")]
async fn run(
    config: &Config,
    file: Option<&Path>,
    environment: &Environment,
    archive: &Archive,
    dicom: scp::Ports,
    http: TcpListener,
    hl7: Option<TcpListener>,
    metrics: gauges::Metrics,
    shutdown: Shutdown,
) -> Result<(), HostError> {
    let key = site_key::load_or_make(&config.storage.data).map_err(HostError::SiteKey)?;
    let backing = backing::of(config, archive).map_err(HostError::System)?;
    let assembly = Assembly::start(&config.storage.data, environment, key, backing)?;
    let set = assembly.build(config).await.map_err(HostError::Plugins)?;
    let callers = Callers::of(config, None).map_err(HostError::Tls)?;
    let (callers, told) = watch::channel(Arc::new(callers));
    let plugins = set.plugins.len();
    let pipeline = Pipeline::new(archive.clone(), pipeline(config, SiteKey::new(key)), set);
    let reloader = Reloader::new(
        file.map(Path::to_owned),
        environment.clone(),
        assembly,
        pipeline.clone(),
        callers,
        config.clone(),
    );
    reloader
        .on_signal(shutdown.drain.clone())
        .map_err(|error| HostError::System(error.to_string()))?;

    let dicom_address = dicom.plain.local_addr().unwrap_or(config.dicom.listen);
    let tls_address = dicom.tls.as_ref().and_then(|listener| listener.local_addr().ok());
    let http_address = http.local_addr().unwrap_or(config.http.listen);
    let app = isocenter_web::App {
        pipeline: pipeline.clone(),
        archive: archive.clone(),
        metrics: metrics.renderer(pipeline.clone()),
        about: about(config, dicom_address, http_address),
        limits: isocenter_web::Limits::default(),
        data: config.storage.data.clone(),
        reload: Some(Arc::new(move || {
            let reloader = reloader.clone();
            Box::pin(async move { reloader.reload().await })
        })),
        draining: shutdown.drain.clone(),
    };
    tracing::info!(
        ae_title = %config.dicom.ae_title,
        dicom = %dicom_address,
        dicom_tls = tls_address.map(tracing::field::display),
        http = %http_address,
        data = %config.storage.data.display(),
        plugins,
        "ready"
    );

    let queue = tokio::spawn({
        let (pipeline, stop, grace) = (pipeline.clone(), shutdown.drain.clone(), config.drain);
        async move { pipeline.run_queue(stop, grace).await }
    });
    let housekeeping = tokio::spawn(housekeeping(
        archive.clone(),
        config.worklist.keep,
        shutdown.drain.clone(),
    ));
    let gauges = tokio::spawn(gauges::watch(pipeline.clone(), metrics, shutdown.drain.clone()));
    let provider = tokio::spawn(scp::serve(
        dicom,
        provider(config),
        told,
        pipeline.clone(),
        shutdown.drain.clone(),
    ));
    let orders = hl7::serve(config, hl7, archive.clone(), shutdown.drain.clone());
    let router = isocenter_web::router(app);
    let bounds = isocenter_web::Connections {
        drain: config.drain,
        ..isocenter_web::Connections::default()
    };
    let operator = operator_socket(&config.storage.data).map(|socket| {
        let (router, stop, bounds) = (router.clone(), shutdown.drain.clone(), bounds.clone());
        tokio::spawn(async move { socket.serve(router, stop.cancelled(), bounds).await })
    });
    let web = tokio::spawn({
        let stop = shutdown.drain.clone();
        async move { isocenter_web::serve_within(http, router, stop.cancelled(), bounds).await }
    });

    shutdown.drain.cancelled().await;
    let ended = async {
        let _ = tokio::join!(queue, housekeeping, gauges, provider, orders, web);
        if let Some(operator) = operator {
            let _ = operator.await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = shutdown.now.cancelled() => {}
    }
    pipeline.close().await;
    Ok(())
}

/// Deletes from time to time what plugins left in the database, and what was to be done long ago.
async fn housekeeping(archive: Archive, keep_worklist: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
        if let Err(error) = archive.index().upkeep(KEEP_OUTCOMES).await {
            tracing::debug!(%error, "no housekeeping now");
        }
        match archive.index().prune_scheduled(keep_worklist).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "old entries left the worklist"),
            Err(error) => tracing::debug!(%error, "the worklist is not pruned now"),
        }
    }
}

/// The socket of the operator's commands. Without it the host runs all the same, for objects do not come that way.
fn operator_socket(data: &Path) -> Option<isocenter_web::OperatorSocket> {
    let path = data.join(operator::SOCKET);
    match isocenter_web::OperatorSocket::bind(&path) {
        Ok(socket) => Some(socket),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "no operator's socket: commands such as `reload` cannot reach this host");
            None
        }
    }
}

/// Loads everything that `serve` would, binds nothing and starts no database. Says what it found, a line each.
///
/// # Errors
/// A plugin that cannot be loaded.
pub async fn check(config: &Config, environment: &Environment) -> Result<Vec<String>, HostError> {
    // A key of its own: `check` writes nothing into the data folder.
    let key = [0; 32];
    let cache = std::env::temp_dir().join(format!("isocenter-check-{}", std::process::id()));
    let backing = backing::of_nothing(config).map_err(HostError::System)?;
    let loaded = match Assembly::start(&cache, environment, key, backing) {
        Ok(assembly) => assembly.build(config).await.map_err(HostError::Plugins),
        Err(error) => Err(error.into()),
    };
    // The cache of a check is worth nothing afterwards; what cannot be removed is left to the system.
    let _ = std::fs::remove_dir_all(&cache);
    Callers::of(config, None).map_err(HostError::Tls)?;
    let mut lines = Vec::new();
    for plugin in loaded?.plugins.values() {
        let roles: Vec<&str> = plugin.roles().iter().map(|role| role.as_str()).collect();
        lines.push(format!(
            "plugin {}: {} ({})",
            plugin.name(),
            roles.join(", "),
            plugin.digest()
        ));
    }
    Ok(lines)
}

/// Opens the archive, and says what a crash left behind.
///
/// # Errors
/// [`HostError::Archive`].
pub async fn open(config: &Config) -> Result<Archive, HostError> {
    let (archive, recovery) = Archive::open(isocenter_archive::Options {
        data: config.storage.data.clone(),
        database: config.database.url.clone(),
        postgres_binaries: config.database.postgres_binaries.clone(),
        max_connections: config.database.max_connections,
        duplicates: match config.storage.duplicates {
            config::Duplicates::KeepFirst => Duplicates::KeepFirst,
            config::Duplicates::Replace => Duplicates::Replace,
            config::Duplicates::KeepBoth => Duplicates::KeepBoth,
        },
    })
    .await?;
    report(&recovery);
    Ok(archive)
}

fn report(recovery: &Recovery) {
    if recovery.packs > 0 {
        tracing::info!(?recovery, "the host had not ended in order; what it left is settled");
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| HostError::Port { what, address, source })
}

/// What of the pipeline no reload changes.
fn pipeline(config: &Config, key: SiteKey) -> isocenter_pipeline::Config {
    isocenter_pipeline::Config {
        site_key: key,
        limits: Limits {
            header_bytes: usize::try_from(config.storage.max_header.bytes()).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        deflated_bytes: DEFLATED,
        header_memory: HEADER_MEMORY,
        tries_before_quarantine: TRIES,
        spool: config.storage.data.join("spool"),
    }
}

fn provider(config: &Config) -> scp::Options {
    scp::Options {
        ae_title: config.dicom.ae_title.clone(),
        any_called_ae: config.dicom.accept_called_ae_any,
        associations: usize::try_from(config.dicom.max_associations).unwrap_or(usize::MAX),
        find_limit: u64::from(config.dicom.find_limit),
        report_within: config.dicom.report_within,
        association_time: config.dicom.association_time,
        grace: config.drain,
        wire: isocenter_dimse::Options {
            max_pdu: config.dicom.max_pdu,
            artim: config.dicom.artim,
            pdu_time: config.dicom.pdu_time,
            idle: config.dicom.idle,
            ..isocenter_dimse::Options::default()
        },
    }
}

fn about(config: &Config, dicom: SocketAddr, http: SocketAddr) -> isocenter_web::About {
    let database = match config.database.url {
        Some(_) => "the configured Postgres",
        None => "a private Postgres in the data folder",
    };
    isocenter_web::About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ae_title: config.dicom.ae_title.to_string(),
        dicom_listen: dicom.to_string(),
        http_listen: http.to_string(),
        database: database.to_owned(),
        public_url: config.http.public_url.as_ref().map(|url| url.as_str().to_owned()),
    }
}

/// An error with its sources, in one line.
fn chained(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

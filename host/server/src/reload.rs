//! Reload: the configuration is read again, the new set is built beside the one that runs, and the two are exchanged; or
//! the old one stays and the answer says why.
//!
//! Separate from the host because it outlives its start. What began with the old set ends with it; ports, the data folder
//! and the database are the process's, and stay.

use std::path::PathBuf;
use std::sync::Arc;

use isocenter_pipeline::Pipeline;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::assembly::Assembly;
use crate::config::{Config, Environment, UnknownCallers};
use crate::scp::Callers;

/// Reloads on request, one at a time. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    shared: Arc<Shared>,
}

struct Shared {
    /// The file; `None`: there is none, and the environment alone is read again.
    file: Option<PathBuf>,
    environment: Environment,
    assembly: Assembly,
    pipeline: Pipeline,
    callers: watch::Sender<Arc<Callers>>,
    /// What runs, and the turn of whoever reloads.
    running: Mutex<Config>,
}

impl Reloader {
    /// For a host that runs `config`, which was read from `file`.
    pub fn new(
        file: Option<PathBuf>,
        environment: Environment,
        assembly: Assembly,
        pipeline: Pipeline,
        callers: watch::Sender<Arc<Callers>>,
        config: Config,
    ) -> Reloader {
        Reloader {
            shared: Arc::new(Shared {
                file,
                environment,
                assembly,
                pipeline,
                callers,
                running: Mutex::new(config),
            }),
        }
    }

    /// Reads the configuration again and puts it in force. Answers one sentence.
    ///
    /// # Errors
    /// A sentence for each thing that is wrong; nothing has changed then.
    pub async fn reload(&self) -> Result<String, Vec<String>> {
        let mut running = self.shared.running.lock().await;
        match self.exchange(&running).await {
            Ok((config, said)) => {
                *running = config;
                metrics::counter!("isocenter_reloads_total", "outcome" => "done").increment(1);
                tracing::info!("reloaded: {said}");
                Ok(said)
            }
            Err(problems) => {
                metrics::counter!("isocenter_reloads_total", "outcome" => "refused").increment(1);
                for problem in &problems {
                    tracing::error!("not reloaded, what ran goes on: {problem}");
                }
                Err(problems)
            }
        }
    }

    async fn exchange(&self, running: &Config) -> Result<(Config, String), Vec<String>> {
        let shared = &self.shared;
        let config = Config::load(shared.file.as_deref(), &shared.environment);
        let config = config.map_err(|error| vec![error.to_string()])?;
        let fixed = fixed(running, &config);
        if !fixed.is_empty() {
            return Err(vec![format!(
                "{} changed, which a reload cannot do; restart the host",
                fixed.join(", ")
            )]);
        }
        let before = shared.callers.borrow().clone();
        let callers = Callers::of(&config, Some(&before)).map_err(|error| vec![format!("[dicom.tls]: {error}")])?;
        let set = shared.assembly.build(&config).await?;
        let said = format!(
            "{} plugins, {} chains, {} destinations",
            set.plugins.len(),
            set.chains.len(),
            set.destinations.len()
        );
        shared.pipeline.exchange(set);
        shared.callers.send_replace(Arc::new(callers));
        for sink in &running.sinks {
            if config.sinks.iter().any(|other| other.plugin == sink.plugin) {
                continue;
            }
            // An event that nobody waits for goes after 30 days in any case.
            if let Err(error) = shared.pipeline.archive().index().forget_sink(&sink.plugin).await {
                tracing::warn!(sink = sink.plugin, %error, "a sink that is gone is not forgotten yet");
            }
        }
        Ok((config, said))
    }

    /// Reloads on each SIGHUP until `stop`.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub fn on_signal(&self, stop: CancellationToken) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let reloader = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    received = hangup.recv() => if received.is_none() { return },
                }
                // What is wrong was logged.
                let _ = reloader.reload().await;
            }
        });
        Ok(())
    }
}

/// The tables that differ and that belong to the process.
fn fixed(running: &Config, next: &Config) -> Vec<&'static str> {
    // Who is let in is exchanged; the ports stay.
    let ports = |config: &Config| {
        let mut dicom = config.dicom.clone();
        dicom.gate.clear();
        dicom.callers.clear();
        dicom.unknown_callers = UnknownCallers::default();
        (dicom.tls.take().map(|tls| tls.listen), dicom)
    };
    let http = |config: &Config| (config.http.listen, config.http.public_url.clone());
    let process = |config: &Config| (config.allow_anonymous, config.drain);
    let differs = [
        ("[dicom]", ports(running) != ports(next)),
        ("`listen` or `public-url` of [http]", http(running) != http(next)),
        ("[hl7]", running.hl7 != next.hl7),
        ("[worklist]", running.worklist != next.worklist),
        ("[storage]", running.storage != next.storage),
        ("[database]", running.database != next.database),
        ("[telemetry]", running.telemetry != next.telemetry),
        ("[outbound]", running.outbound != next.outbound),
        ("`allow-anonymous` or `drain`", process(running) != process(next)),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| name).collect()
}

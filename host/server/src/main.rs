//! The binary `isocenter`: command line, configuration, wiring.
//!
//! `main` reads the command line and the configuration, starts logging and calls what answers the command. Everything
//! that goes wrong ends here, as text on standard error and a status: 0 done, 1 not done, 2 not understood.

#![expect(
    unreachable_pub,
    reason = "nothing in a binary is reachable from outside; `pub` marks what the modules offer each other"
)]

mod assembly;
mod author;
mod backing;
mod cli;
mod config;
mod gate;
mod gauges;
mod hl7;
mod host;
mod import;
mod log;
mod operator;
mod reload;
mod scp;
mod seed;
mod send;
mod shutdown;
mod site_key;
mod telemetry;
mod upkeep;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use isocenter_dimse::AeTitle;
use tracing::Level;

use crate::cli::{Author, Cli, Command, Peer};
use crate::config::{Config, Environment, PeerAddress};
use crate::operator::Operator;
use crate::send::Receiver;

/// Plugins, the network and the index hand buffers from thread to thread, and glibc's allocator spends a quarter of the CPU
/// time of an ingest on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::CompilePlugin) {
        return ExitCode::from(isocenter_plugin::compile_plugin());
    }
    // A command prints its answer; a host has nothing but its log.
    let least = match cli.command {
        Command::Serve => Level::INFO,
        _ => Level::WARN,
    };
    let log = match log::Settings::from_environment(least) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("isocenter: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&cli, log) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("isocenter: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `false`: what was asked was done, and the answer is no.
fn run(cli: &Cli, log: log::Settings) -> Result<bool, Box<dyn Error>> {
    match &cli.command {
        Command::Version => {
            println!("isocenter {}", env!("CARGO_PKG_VERSION"));
            return Ok(true);
        }
        Command::Seed {
            folder: Some(folder), ..
        } => {
            let written = seed::write(folder)?;
            println!("{written} objects written below {}", folder.display());
            return Ok(true);
        }
        // An author has no configuration; `dev` reads the host's when it needs it.
        Command::Plugin { ask } => {
            if let Some(answer) = author::answer(ask)? {
                return Ok(answer);
            }
        }
        _ => {}
    }
    let environment = config::environment();
    let config = Config::load(cli.config.as_deref(), &environment)?;
    let traces = config
        .telemetry
        .as_ref()
        .filter(|_| matches!(cli.command, Command::Serve));
    let (tracing, exporter) = traces.map(telemetry::prepare).unzip();
    log.start(tracing)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let exporting = exporter.map(telemetry::Exporter::start);
        let answer = answer(cli, &config, &environment).await;
        if let Some(exporting) = exporting {
            exporting.end().await;
        }
        answer
    })
}

async fn answer(cli: &Cli, config: &Config, environment: &Environment) -> Result<bool, Box<dyn Error>> {
    match &cli.command {
        Command::Serve => host::serve(config, cli.config.as_deref(), environment)
            .await
            .map(|()| true)
            .map_err(Into::into),
        Command::Check => check(config, environment).await,
        Command::Seed { peer, .. } => seed(&receiver(peer, config)?).await,
        Command::Import { peer, from } => import(from, &receiver(peer, config)?).await,
        Command::Verify => Ok(upkeep::verify(config).await?),
        Command::Reindex => Ok(upkeep::reindex(config).await?),
        Command::Reload => Ok(operator(config).reload().await?),
        Command::Plugin {
            ask: Author::Dev(project),
        } => Ok(author::dev(&project.project, &operator(config)).await?),
        Command::Try { chain, files } => Ok(operator(config).attempt(chain, files).await?),
        Command::Quarantine { ask } => Ok(operator(config).held(ask).await?),
        Command::DeadLetters { ask } => Ok(operator(config).waiting("dead-letters", ask).await?),
        Command::Query(of) => Ok(operator(config).query(of).await?),
        Command::Retrieve(of) => Ok(operator(config).retrieve(of).await?),
        Command::Parked { ask } => Ok(operator(config).waiting("parked", ask).await?),
        Command::Worklist { ask } => Ok(operator(config).worklist(ask).await?),
        Command::Mpps { ask } => Ok(operator(config).performed(ask).await?),
        Command::Outcomes(of) => Ok(operator(config).outcomes(of).await?),
        Command::Version | Command::CompilePlugin | Command::Plugin { .. } => Ok(true),
    }
}

/// Who asks the host that runs on the data folder of the configuration.
fn operator(config: &Config) -> Operator {
    Operator::of(&config.storage.data)
}

async fn check(config: &Config, environment: &Environment) -> Result<bool, Box<dyn Error>> {
    for line in config
        .outline()
        .into_iter()
        .chain(host::check(config, environment).await?)
    {
        println!("{line}");
    }
    Ok(true)
}

async fn seed(receiver: &Receiver) -> Result<bool, Box<dyn Error>> {
    let mut refused = 0;
    let stored = seed::send(receiver, |label, reason| {
        refused += 1;
        eprintln!("refused {label}: {reason}");
    })
    .await?;
    println!(
        "{stored} objects stored by {} at {}, {refused} refused",
        receiver.called, receiver.address
    );
    Ok(refused == 0)
}

async fn import(from: &Path, receiver: &Receiver) -> Result<bool, Box<dyn Error>> {
    let summary = import::import(from, receiver, |path, reason| eprintln!("refused {path}: {reason}")).await?;
    println!("{summary}");
    Ok(summary.refused == 0)
}

/// What was said on the command line, or else the host of the configuration.
fn receiver(peer: &Peer, config: &Config) -> Result<Receiver, Box<dyn Error>> {
    let address = match &peer.to {
        Some(address) => address.clone(),
        None => PeerAddress::reaching(config.dicom.listen)
            .ok_or("the configuration has the host listen on any free port; say which with --to HOST:PORT")?,
    };
    Ok(Receiver {
        address,
        called: peer.called.clone().unwrap_or_else(|| config.dicom.ae_title.clone()),
        calling: match &peer.calling {
            Some(calling) => calling.clone(),
            None => AeTitle::parse("ISOCENTER-SEND")?,
        },
    })
}

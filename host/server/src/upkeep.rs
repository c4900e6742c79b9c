//! `verify` and `reindex`: the archive looked after while no host runs on it.
//!
//! Apart from the host because no port is bound and no plugin is loaded; the data folder's lock keeps a host and these
//! apart.

use std::time::{Duration, Instant};

use isocenter_archive::{Archive, ArchiveError};

use crate::config::Config;
use crate::host::{self, HostError};
use crate::shutdown::Shutdown;

/// How often progress is told.
const EVERY: Duration = Duration::from_secs(5);

/// Compares packs, digests and index; prints what is wrong. `true` when nothing is.
///
/// # Errors
/// The archive does not open, or is not readable, or a signal came before the end.
pub async fn verify(config: &Config) -> Result<bool, HostError> {
    with_archive(config, async |archive| {
        let mut told = Instant::now();
        let found = archive
            .verify(|checked| {
                if told.elapsed() >= EVERY {
                    told = Instant::now();
                    tracing::info!(
                        objects = checked.objects,
                        packs = checked.packs,
                        problems = checked.problems,
                        "verifying"
                    );
                }
            })
            .await?;
        for problem in &found.problems {
            match &problem.object {
                Some(object) => {
                    println!("pack {}, object {object}: {}", problem.pack, problem.kind)
                }
                None => println!("pack {}: {}", problem.pack, problem.kind),
            }
        }
        let checked = &found.checked;
        println!(
            "{} objects ({} bytes) and {} entries in {} packs, {} problems",
            checked.objects, checked.bytes, checked.entries, checked.packs, checked.problems
        );
        Ok(checked.problems == 0)
    })
    .await
}

/// Rebuilds the index from the packs; prints what was found. `true` when no entry was damaged.
///
/// # Errors
/// As [`verify`]'s.
pub async fn reindex(config: &Config) -> Result<bool, HostError> {
    with_archive(config, async |archive| {
        let found = archive.reindex().await?;
        println!(
            "{} objects, {} held and {} duplicates in {} packs, {} damaged",
            found.objects, found.held, found.duplicates, found.packs, found.damaged
        );
        Ok(found.damaged == 0)
    })
    .await
}

/// Opens the archive, does one thing, and closes it in order whatever came of it; a signal ends the thing.
async fn with_archive(
    config: &Config,
    work: impl AsyncFnOnce(&Archive) -> Result<bool, ArchiveError>,
) -> Result<bool, HostError> {
    let shutdown = Shutdown::on_signals().map_err(|error| HostError::System(error.to_string()))?;
    let archive = host::open(config).await?;
    let outcome = tokio::select! {
        outcome = work(&archive) => outcome.map_err(HostError::from),
        () = shutdown.drain.cancelled() => Err(HostError::System("a signal came before the end".to_owned())),
    };
    archive.close().await;
    outcome
}

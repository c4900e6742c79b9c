//! A batch of work from the queue, as every worker takes it: what waits at once, else a nap that new work ends.
//!
//! Separate because five workers take different jobs in the same way, and all must end when they are told to.

use std::time::Duration;

use isocenter_archive::index::{Index, IndexError};
use tokio_util::sync::CancellationToken;

/// How long to sleep where nothing waits and nobody wakes us, and where the index is away.
const NAP: Duration = Duration::from_secs(2);

/// The jobs that were claimed. Nothing after a nap, where there were none or the index did not answer, of which `away` is
/// told; nothing at once when `stop` says so.
pub(crate) async fn taken<J>(
    index: &Index,
    claimed: Result<Vec<J>, IndexError>,
    stop: &CancellationToken,
    away: impl FnOnce(IndexError),
) -> Vec<J> {
    match claimed {
        Ok(jobs) if jobs.is_empty() => {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = index.wait_for_work(NAP) => {}
            }
            jobs
        }
        Ok(jobs) => jobs,
        Err(error) => {
            away(error);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(NAP) => {}
            }
            Vec::new()
        }
    }
}

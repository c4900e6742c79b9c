//! Jobs that plugins left for themselves, handed back to their workers.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use isocenter_archive::index::PluginJob;
use isocenter_role::{Role, Worker};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::Pipeline;
use crate::destination::Retry;
use crate::record::{self, About, Called};
use crate::taken::taken;

/// Jobs claimed at a time.
const BATCH: u32 = 16;
/// Longer than any job may take.
const LEASE: Duration = Duration::from_secs(2 * 3600);
/// A worker that asks to come again.
pub(crate) const RETRY: Retry = Retry {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(600),
    attempts: 50,
};

/// Works off the jobs of one plugin until `stop`, or until it is configured no more.
pub(crate) async fn run(pipeline: Pipeline, name: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // For each batch anew: a reload may have exchanged it.
        let plugin = pipeline.set().plugins.get(&name).cloned();
        let Some(worker) = plugin.and_then(|plugin| plugin.as_worker()) else {
            return;
        };
        let index = pipeline.archive().index();
        let claimed = index.claim_plugin_jobs(&name, BATCH, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(plugin = name, %error, "jobs of a plugin wait for the index"),
        )
        .await;
        // How many really run at once is the plugin's concurrency.
        futures::stream::iter(jobs)
            .for_each_concurrent(None, |job| {
                let span = tracing::info_span!("work", queue = job.queue);
                settle(&pipeline, &worker, job).instrument(span)
            })
            .await;
    }
}

async fn settle(pipeline: &Pipeline, worker: &Arc<dyn Worker>, job: PluginJob) {
    let outcome = Arc::clone(worker).run(job.queue.clone(), job.payload.clone()).await;
    let called = Called::new(&**worker, Role::Worker, &outcome, |()| ("done", None));
    record::write(pipeline, called, &About::default()).await;
    let index = pipeline.archive().index();
    let recorded = match outcome.result {
        Ok(()) => index.finish(&[job.id], &[]).await,
        Err(failure) => {
            let reason = failure.to_string();
            match (failure.retryable(), RETRY.pause(job.attempts)) {
                (Some(least), Some(pause)) => index.retry(&[job.id], pause.max(least), &reason).await,
                _ => {
                    tracing::error!(
                        plugin = job.plugin,
                        queue = job.queue,
                        reason,
                        "a job failed for good: dead letter"
                    );
                    index.bury(&[job.id], &reason).await
                }
            }
        }
    };
    if let Err(error) = recorded {
        tracing::warn!(%error, "a plugin's job stays claimed until its lease ends");
    }
}

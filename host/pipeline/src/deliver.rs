//! Deliveries: objects on their way to a destination, by C-STORE or into a folder.
//!
//! One task per destination, so that a peer that is down delays nothing else. A batch is the waiting objects of one
//! study; it travels on one association, which the next batch takes over where it can. What became of each object is recorded
//! on its own: one refused object does not hold up the others.

mod dicom;
mod folder;
mod line;

use std::time::Duration;

use isocenter_archive::index::{Job, Located};
use tokio_util::sync::CancellationToken;

use self::line::Line;
use crate::Pipeline;
use crate::destination::{Destination, Target};
use crate::egress::{self, NotSent};
use crate::route::find;
use crate::taken::taken;

/// Objects of one batch.
const BATCH: u32 = 64;
/// A claimed delivery that is not ended within this time is claimed by another: it bounds how long a batch may take.
const LEASE: Duration = Duration::from_secs(1_800);

/// What became of one delivery.
#[derive(Debug)]
enum Delivered {
    /// The destination has it, or a filter said that it is not wanted there.
    Done,
    /// Try again after a pause.
    Later(String),
    /// Not by itself again.
    Dead(String),
}

/// Works off the deliveries to one destination until `stop`, or until it is configured no more.
pub(crate) async fn run(pipeline: Pipeline, name: String, stop: CancellationToken) {
    let mut line = Line::default();
    while !stop.is_cancelled() {
        // For each batch anew: a reload may have changed it.
        let Some(destination) = pipeline.set().destinations.get(&name).cloned() else {
            break;
        };
        let index = pipeline.archive().index();
        let claimed = index.claim_deliveries(&name, BATCH, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(destination = name, %error, "deliveries wait for the index"),
        )
        .await;
        if jobs.is_empty() {
            line.rest().await;
        } else {
            batch(&pipeline, &destination, &mut line, jobs).await;
        }
    }
    line.close().await;
}

async fn batch(pipeline: &Pipeline, destination: &Destination, line: &mut Line, jobs: Vec<Job>) {
    let mut found = Vec::with_capacity(jobs.len());
    for job in jobs {
        match find(pipeline, &job).await {
            Ok(Some(located)) => found.push((job, located)),
            Ok(None) => settle(pipeline, destination, &job, Delivered::Done).await,
            Err(reason) => settle(pipeline, destination, &job, Delivered::Later(reason)).await,
        }
    }
    match &destination.target {
        Target::Dicom(peer) => dicom::send(pipeline, destination, peer, line, found).await,
        Target::Folder(folder) => {
            for (job, located) in found {
                let delivered = match egress::prepare(pipeline, destination, &located).await {
                    Ok(outgoing) => folder::put(folder, outgoing).await,
                    Err(not) => not_sent(not),
                };
                settle(pipeline, destination, &job, delivered).await;
            }
        }
    }
}

fn not_sent(not: NotSent) -> Delivered {
    match not {
        NotSent::Dropped(reason) => {
            tracing::info!(reason, "not sent: dropped by a filter");
            Delivered::Done
        }
        NotSent::Later(reason) => Delivered::Later(reason),
        NotSent::Dead(reason) => Delivered::Dead(reason),
    }
}

/// Records what became of a delivery. A failure to record leaves the job to its lease: it is sent again, which every
/// destination takes as the same object.
async fn settle(pipeline: &Pipeline, destination: &Destination, job: &Job, delivered: Delivered) {
    let index = pipeline.archive().index();
    let name = destination.name.as_str();
    let (outcome, recorded) = match delivered {
        Delivered::Done => ("done", index.finish(&[job.id], &[]).await),
        Delivered::Later(reason) => match destination.retry.pause(job.attempts) {
            Some(pause) => {
                tracing::info!(
                    destination = name,
                    attempts = job.attempts,
                    reason,
                    "delivery failed; it is tried again"
                );
                ("retried", index.retry(&[job.id], pause, &reason).await)
            }
            None => {
                tracing::error!(destination = name, object = %job.object, reason, "delivery given up: dead letter");
                ("dead", index.bury(&[job.id], &reason).await)
            }
        },
        Delivered::Dead(reason) => {
            tracing::error!(destination = name, object = %job.object, reason, "delivery failed for good: dead letter");
            ("dead", index.bury(&[job.id], &reason).await)
        }
    };
    metrics::counter!("isocenter_deliveries_total", "destination" => destination.name.clone(), "outcome" => outcome)
        .increment(1);
    if let Err(error) = recorded {
        tracing::warn!(destination = name, %error, "a delivery stays claimed until its lease ends");
    }
}

/// Objects of a batch with where they are.
type Found = Vec<(Job, Located)>;

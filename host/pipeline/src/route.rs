//! Routing: stored objects whose chains have routers are asked where they should go.
//!
//! A routing job was enqueued in the transaction that indexed its object; the deliveries that the routers name are
//! enqueued in the transaction that ends the job. Either may be repeated after a crash: both are idempotent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use isocenter_archive::index::{Job, Located, NewJob, Within};
use isocenter_role::{OpenObject, PlannedSend, Role};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::Pipeline;
use crate::chain::matching;
use crate::destination::Retry;
use crate::record::{self, About, Called};
use crate::taken::taken;

/// Jobs claimed at a time.
const BATCH: u32 = 64;
/// Jobs asked at a time; a router runs for milliseconds.
const AT_ONCE: usize = 4;
/// A claimed job that is not ended within this time is claimed by another.
const LEASE: Duration = Duration::from_secs(120);
/// A router that asks to come again, and an archive that cannot be read now.
pub(crate) const RETRY: Retry = Retry {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(300),
    attempts: 50,
};

/// Destinations by name; where routers disagree, the sooner and the more urgent win.
pub(crate) type Plan = BTreeMap<String, (Duration, u8)>;

/// What became of one routing job.
enum Routed {
    /// Done: send it there, not before the delay and with the priority.
    To(Plan),
    /// Try again.
    Later(String),
    /// A person must look at it; the object stays stored.
    Dead(String),
}

/// Works off routing jobs until `stop`.
pub(crate) async fn run(pipeline: Pipeline, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let index = pipeline.archive().index();
        let claimed = index.claim_routes(BATCH, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(%error, "routing waits for the index"),
        )
        .await;
        futures::stream::iter(jobs)
            .for_each_concurrent(AT_ONCE, |job| {
                let span = tracing::info_span!("route", uid = %job.object);
                settle(&pipeline, job).instrument(span)
            })
            .await;
    }
}

/// Routes one object and records what became of it. A failure to record leaves the job to its lease.
async fn settle(pipeline: &Pipeline, job: Job) {
    let routed = route(pipeline, &job).await;
    let index = pipeline.archive().index();
    let recorded = match routed {
        Routed::To(destinations) => {
            let deliveries: Vec<_> = destinations
                .into_iter()
                .map(|(destination, (delay, priority))| {
                    let delivery = NewJob::Deliver {
                        destination,
                        delay,
                        priority,
                    };
                    delivery.of_object(job.study.clone(), job.object.clone())
                })
                .collect();
            index.finish(&[job.id], &deliveries).await
        }
        Routed::Later(reason) => match RETRY.pause(job.attempts) {
            Some(pause) => index.retry(&[job.id], pause, &reason).await,
            None => index.bury(&[job.id], &reason).await,
        },
        Routed::Dead(reason) => {
            tracing::error!(object = %job.object, reason, "routing failed for good; the object is stored");
            index.bury(&[job.id], &reason).await
        }
    };
    if let Err(error) = recorded {
        tracing::warn!(%error, "a routing job stays claimed until its lease ends");
    }
}

async fn route(pipeline: &Pipeline, job: &Job) -> Routed {
    let located = match find(pipeline, job).await {
        Ok(Some(located)) => located,
        Ok(None) => return Routed::To(Plan::new()),
        Err(reason) => return Routed::Later(reason),
    };
    let header = match pipeline.archive().read_header(&located).await {
        Ok(header) => Arc::new(header),
        Err(error) => return Routed::Later(error.to_string()),
    };
    let set = pipeline.set();
    let mut plan = Plan::new();
    for chain in matching(&set.chains, &header, &located.source) {
        let about = About {
            chain: Some(chain.name.as_str().into()),
            shadow: chain.shadow,
            study: Some(job.study.clone()),
            object: Some(job.object.clone()),
        };
        for router in &chain.route {
            let object = OpenObject::header(Arc::clone(&header));
            let outcome = Arc::clone(router).route(object).await;
            let called = Called::new(&**router, Role::Router, &outcome, |sends| ("routed", places(sends)));
            record::write(pipeline, called, &about).await;
            match outcome.result {
                _ if chain.shadow => {}
                Ok(sends) => merge(&mut plan, sends),
                Err(failure) => {
                    let reason = format!("{}: {failure}", router.name());
                    return match failure.retryable() {
                        Some(_) => Routed::Later(reason),
                        None => Routed::Dead(reason),
                    };
                }
            }
        }
    }
    Routed::To(plan)
}

/// Adds a router's plan to that of those before it.
pub(crate) fn merge(plan: &mut Plan, sends: Vec<PlannedSend>) {
    for send in sends {
        plan.entry(send.destination)
            .and_modify(|(delay, priority)| {
                *delay = send.delay.min(*delay);
                *priority = send.priority.min(*priority);
            })
            .or_insert((send.delay, send.priority));
    }
}

/// The destinations of a plan, for the record.
pub(crate) fn places(sends: &[PlannedSend]) -> Option<String> {
    let names: Vec<&str> = sends.iter().map(|send| send.destination.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Where the object of a job is; `None` when it is not stored any more.
pub(crate) async fn find(pipeline: &Pipeline, job: &Job) -> Result<Option<Located>, String> {
    let found = pipeline
        .archive()
        .index()
        .locate(&job.study, None, Some(&job.object), None, 1, &Within::everything())
        .await;
    match found {
        Ok(found) => Ok(found.into_iter().next()),
        Err(error) => Err(error.to_string()),
    }
}

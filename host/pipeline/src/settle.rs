//! Quiet studies: when nothing has arrived for a study for the quiet time of a chain, its study-routers are asked and its
//! analyzers are set to work.
//!
//! A settling job was enqueued in the transaction that indexed an object of the study, once for each study and chain. What
//! follows is enqueued in the transaction that ends it. An object that arrives meanwhile makes it due again.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use isocenter_archive::index::{Follow, NewEvent, NewJob, Settling, Within};
use isocenter_role::{self as role, Role};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::chain::Chain;
use crate::destination::Retry;
use crate::record::{self, About, Called};
use crate::route::{Plan, merge, places};
use crate::study::Study;
use crate::taken::taken;
use crate::{Pipeline, Set};

/// Jobs claimed at a time, and worked on at a time.
const BATCH: u32 = 16;
const AT_ONCE: usize = 2;
/// A claimed job that is not ended within this time is claimed by another.
const LEASE: Duration = Duration::from_secs(300);
/// A study-router that asks to come again, and an archive that cannot be read now.
pub(crate) const RETRY: Retry = Retry {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(300),
    attempts: 50,
};

/// Why nothing came of it.
enum Trouble {
    Later(String),
    Dead(String),
}

/// Works off settling jobs until `stop`.
pub(crate) async fn run(pipeline: Pipeline, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let index = pipeline.archive().index();
        let claimed = index.claim_settles(BATCH, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(%error, "quiet studies wait for the index"),
        )
        .await;
        futures::stream::iter(jobs)
            .for_each_concurrent(AT_ONCE, |job| {
                let span = tracing::info_span!("settle", study = %job.study, chain = job.chain);
                settle(&pipeline, job).instrument(span)
            })
            .await;
    }
}

/// Sees to one study. A failure to record leaves the job to its lease.
async fn settle(pipeline: &Pipeline, job: Settling) {
    let index = pipeline.archive().index();
    let set = pipeline.set();
    let Some(chain) = set.chains.iter().find(|chain| chain.name == job.chain) else {
        // Configured no more.
        warn_unrecorded(index.finish_settle(&job, &[]).await.map(|_| ()));
        return;
    };
    match index.is_quiet(&job, chain.quiet).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return warn_unrecorded::<()>(Err(error)),
    }
    let recorded = match follow(pipeline, &set, chain, &job).await {
        Ok(follow) => index.finish_settle(&job, &follow).await.map(|_| ()),
        Err(Trouble::Later(reason)) => match RETRY.pause(job.attempts) {
            Some(pause) => index.retry(&[job.id], pause, &reason).await,
            None => index.bury(&[job.id], &reason).await,
        },
        Err(Trouble::Dead(reason)) => {
            tracing::error!(study = %job.study, chain = job.chain, reason, "a quiet study is not seen to: dead letter");
            index.bury(&[job.id], &reason).await
        }
    };
    warn_unrecorded(recorded);
}

fn warn_unrecorded<T>(recorded: Result<T, isocenter_archive::index::IndexError>) {
    if let Err(error) = recorded {
        tracing::warn!(%error, "a settling job stays claimed until its lease ends");
    }
}

/// What follows from a quiet study: deliveries of its members, and analyses.
async fn follow(pipeline: &Pipeline, set: &Set, chain: &Chain, job: &Settling) -> Result<Vec<Follow>, Trouble> {
    let later = |error: isocenter_archive::index::IndexError| Trouble::Later(error.to_string());
    let Some(study) = Study::open(pipeline, &job.study, &Within::everything())
        .await
        .map_err(later)?
    else {
        return Ok(Vec::new());
    };
    let plan = plan(pipeline, chain, job, &study).await?;
    let mut follow = Vec::new();
    for (destination, (delay, priority)) in plan {
        for located in study.located() {
            let delivery = NewJob::Deliver {
                destination: destination.clone(),
                delay,
                priority,
            };
            follow.push(delivery.of_object(job.study.clone(), located.identity.sop_instance.clone()));
        }
    }
    for analyzer in &chain.analyze {
        let analysis = NewJob::Analyze {
            plugin: analyzer.name().to_owned(),
            chain: chain.name.clone(),
            token: None,
            delay: Duration::ZERO,
        };
        follow.push(analysis.of_study(job.study.clone()));
    }
    if !set.sinks.is_empty() {
        let event = NewEvent::quiet(&job.study, &chain.name, study.located().len());
        pipeline.archive().index().emit(&[event]).await.map_err(later)?;
    }
    Ok(follow)
}

/// Where the study-routers of the chain want the study; a shadow's plan is recorded and empty.
async fn plan(pipeline: &Pipeline, chain: &Chain, job: &Settling, study: &Arc<Study>) -> Result<Plan, Trouble> {
    let about = About {
        chain: Some(chain.name.as_str().into()),
        shadow: chain.shadow,
        study: Some(job.study.clone()),
        object: None,
    };
    let mut plan = Plan::new();
    for router in &chain.study_route {
        let shown: Arc<dyn role::Study> = study.clone();
        let outcome = Arc::clone(router).route_study(shown).await;
        let called = Called::new(&**router, Role::StudyRouter, &outcome, |sends| {
            ("routed", places(sends))
        });
        record::write(pipeline, called, &about).await;
        match outcome.result {
            _ if chain.shadow => {}
            Ok(sends) => merge(&mut plan, sends),
            Err(failure) => {
                let reason = format!("{}: {failure}", router.name());
                return Err(match failure.retryable() {
                    Some(_) => Trouble::Later(reason),
                    None => Trouble::Dead(reason),
                });
            }
        }
    }
    Ok(plan)
}

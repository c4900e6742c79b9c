//! Sinks: fed with events in order, at least once, by one host at a time.
//!
//! A batch that fails for good is halved until the one event that the sink cannot take stands alone; that one is parked
//! in sight of the operator, and the others go on. A sink that asks to come again keeps its place.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures::future::BoxFuture;
use isocenter_archive::index::{self, IndexError};
use isocenter_role::{Event, Failure, Role};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::destination::Retry;
use crate::record::{self, About, Called};
use crate::{Pipeline, SinkSpec};

/// How long a host feeds a sink without a sign of life before another takes over.
const LEASE: Duration = Duration::from_secs(120);
/// How long to sleep where nothing has happened and nobody wakes us.
const NAP: Duration = Duration::from_secs(2);
/// How long a sink rests that fails and will not say for how long. Never given up: its cursor stays.
pub(crate) const RETRY: Retry = Retry {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    attempts: u32::MAX,
};

/// Why a sink is not fed on now.
enum Halt {
    /// It asks to come again; when, in its own words.
    Rest(Option<Duration>),
    /// It is another host's now.
    Lost,
    /// The index does not answer.
    Index(IndexError),
}

impl From<IndexError> for Halt {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

/// Feeds one sink until `stop`, or until it is configured no more.
pub(crate) async fn run(pipeline: Pipeline, name: String, stop: CancellationToken) {
    let holder = uuid::Uuid::new_v4().to_string();
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        // For each batch anew: a reload may have exchanged it.
        let set = pipeline.set();
        let Some(spec) = set.sinks.iter().find(|spec| spec.sink.name() == name).cloned() else {
            break;
        };
        drop(set);
        let pause = match feed(&pipeline, &spec, &holder).await {
            Ok(0) => {
                failures = 0;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = pipeline.archive().index().wait_for_events(NAP) => {}
                }
                continue;
            }
            Ok(_) => {
                failures = 0;
                continue;
            }
            Err(Halt::Lost) => NAP,
            Err(Halt::Rest(least)) => {
                failures = failures.saturating_add(1);
                let pause = RETRY.pause(failures).unwrap_or(RETRY.longest);
                pause.max(least.unwrap_or_default()).min(Duration::from_secs(3600))
            }
            Err(Halt::Index(error)) => {
                tracing::warn!(sink = name, %error, "a sink waits for the index");
                NAP
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    // What cannot be given back now ends with its lease.
    let _ = pipeline.archive().index().release_sink(&name, &holder).await;
}

/// One batch. Says how far it came, in events.
async fn feed(pipeline: &Pipeline, spec: &SinkSpec, holder: &str) -> Result<usize, Halt> {
    let index = pipeline.archive().index();
    let name = spec.sink.name();
    let Some(cursor) = index.claim_sink(name, holder, LEASE).await? else {
        return Err(Halt::Lost);
    };
    again(pipeline, spec).await?;
    let page = index.events_after(cursor, &spec.kinds, spec.batch).await?;
    if page.through == cursor {
        return Ok(0);
    }
    let count = page.events.len();
    let events: Vec<Event> = page.events.into_iter().map(told).collect();
    deliver(pipeline, spec, events, holder).await?;
    if !index.advance(name, holder, page.through).await? {
        return Err(Halt::Lost);
    }
    metrics::counter!("isocenter_sink_events_total", "sink" => name.to_owned()).increment(count as u64);
    Ok(count.max(1))
}

/// Delivers once more what a person let go again.
async fn again(pipeline: &Pipeline, spec: &SinkSpec) -> Result<(), Halt> {
    let index = pipeline.archive().index();
    for parked in index.unparked(spec.sink.name(), 100).await? {
        let cursor = parked.event.cursor;
        match call(pipeline, spec, vec![told(parked.event)]).await {
            Ok(()) => {
                index.discard_parked(parked.id).await?;
            }
            Err(failure) if failure.retryable().is_some() => return Err(Halt::Rest(failure.retryable())),
            Err(failure) => {
                index.park(spec.sink.name(), cursor, &failure.to_string()).await?;
            }
        }
    }
    Ok(())
}

/// Delivers events in their order; halves what fails for good until one event stands alone, and parks that.
fn deliver<'a>(
    pipeline: &'a Pipeline,
    spec: &'a SinkSpec,
    mut events: Vec<Event>,
    holder: &'a str,
) -> BoxFuture<'a, Result<(), Halt>> {
    Box::pin(async move {
        let (Some(last), count) = (events.last().map(|event| event.cursor), events.len()) else {
            return Ok(());
        };
        let index = pipeline.archive().index();
        let name = spec.sink.name();
        match call(pipeline, spec, events.clone()).await {
            Ok(()) => {
                // What was taken is not told again, whatever becomes of the rest; the lease begins anew.
                if !index.advance(name, holder, last).await? || index.claim_sink(name, holder, LEASE).await?.is_none() {
                    return Err(Halt::Lost);
                }
                Ok(())
            }
            Err(failure) if failure.retryable().is_some() => Err(Halt::Rest(failure.retryable())),
            Err(failure) if count == 1 => {
                tracing::error!(sink = name, cursor = last, %failure, "an event is parked: the sink cannot take it");
                metrics::counter!("isocenter_sink_parked_total", "sink" => name.to_owned()).increment(1);
                index.park(name, last, &failure.to_string()).await?;
                if !index.advance(name, holder, last).await? {
                    return Err(Halt::Lost);
                }
                Ok(())
            }
            Err(_) => {
                let second = events.split_off(count / 2);
                deliver(pipeline, spec, events, holder).await?;
                deliver(pipeline, spec, second, holder).await
            }
        }
    })
}

async fn call(pipeline: &Pipeline, spec: &SinkSpec, events: Vec<Event>) -> Result<(), Failure> {
    let span = tracing::info_span!("feed", events = events.len());
    let outcome = Arc::clone(&spec.sink).deliver(Arc::new(events)).instrument(span).await;
    let called = Called::new(&*spec.sink, Role::Sink, &outcome, |()| ("delivered", None));
    record::write(pipeline, called, &About::default()).await;
    outcome.result
}

fn told(event: index::Event) -> Event {
    let since = event.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Event {
        cursor: event.cursor,
        unix_millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        kind: event.kind,
        data: event.data,
    }
}

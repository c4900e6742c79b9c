//! Analyses: an analyzer is started on a quiet study, resumed as often as it waits, and what it made enters ingest, all
//! of it or nothing.
//!
//! Between two steps only the job is there, with the analyzer's token. Drafts pass the chains like any other object, with
//! one hop more than what they derive from.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use isocenter_archive::index::{Analysis as Job, Source, Transport, Within};
use isocenter_dicom::draft::{Built, Draft, Issue, Kind, Maker};
use isocenter_dicom::uid::Uid;
use isocenter_role::{self as role, Analyzer, DraftKind, Failure, Next, PlannedDraft, Role};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::Pipeline;
use crate::destination::Retry;
use crate::ingest::Announced;
use crate::record::{self, About, Called};
use crate::study::Study;
use crate::taken::taken;

/// Studies that one analyzer looks at at the same time are bounded by its concurrency; so many are claimed.
const BATCH: u32 = 4;
/// Longer than any step may take.
const LEASE: Duration = Duration::from_secs(2 * 3600);
/// An analyzer that asks to come again, and an archive that cannot be read now.
pub(crate) const RETRY: Retry = Retry {
    first: Duration::from_secs(2),
    longest: Duration::from_secs(600),
    attempts: 50,
};

/// Why a step came to nothing.
enum Trouble {
    Later(Duration, String),
    Dead(String),
}

/// Works off the analyses of one plugin until `stop`, or until no chain names it any more.
pub(crate) async fn run(pipeline: Pipeline, name: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if !names(&pipeline, &name) {
            return;
        }
        let index = pipeline.archive().index();
        let claimed = index.claim_analyses(&name, BATCH, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(plugin = name, %error, "analyses wait for the index"),
        )
        .await;
        futures::stream::iter(jobs)
            .for_each_concurrent(None, |job| {
                let span = tracing::info_span!("analyze", study = %job.study, chain = job.chain);
                settle(&pipeline, job).instrument(span)
            })
            .await;
    }
}

/// Whether a chain names the analyzer.
fn names(pipeline: &Pipeline, name: &str) -> bool {
    let set = pipeline.set();
    let mut named = set.chains.iter().flat_map(|chain| &chain.analyze);
    named.any(|analyzer| analyzer.name() == name)
}

/// One step of one analysis, and what became of it. A failure to record leaves the job to its lease.
async fn settle(pipeline: &Pipeline, job: Job) {
    let index = pipeline.archive().index();
    let recorded = match step(pipeline, &job).await {
        Ok(Next::Done) => index.finish(&[job.id], &[]).await,
        Ok(Next::Wait(token, pause)) => index.wait_for_analysis(&job, &token, pause).await.map(|_| ()),
        Err(Trouble::Later(least, reason)) => match RETRY.pause(job.attempts) {
            Some(pause) => index.retry(&[job.id], pause.max(least), &reason).await,
            None => index.bury(&[job.id], &reason).await,
        },
        Err(Trouble::Dead(reason)) => {
            tracing::error!(study = %job.study, plugin = job.plugin, reason, "an analysis failed for good: dead letter");
            index.bury(&[job.id], &reason).await
        }
    };
    if let Err(error) = recorded {
        tracing::warn!(%error, "an analysis stays claimed until its lease ends");
    }
}

async fn step(pipeline: &Pipeline, job: &Job) -> Result<Next, Trouble> {
    let set = pipeline.set();
    let chain = set.chains.iter().find(|chain| chain.name == job.chain);
    let Some((chain, analyzer)) = chain.and_then(|chain| {
        let mut all = chain.analyze.iter();
        Some((chain, all.find(|analyzer| analyzer.name() == job.plugin)?))
    }) else {
        // Configured no more.
        return Ok(Next::Done);
    };
    let opened = Study::open(pipeline, &job.study, &Within::everything()).await;
    let Some(study) = opened.map_err(|error| Trouble::Later(Duration::ZERO, error.to_string()))? else {
        return Ok(Next::Done);
    };
    let shown: Arc<dyn role::Study> = study.clone();
    let outcome = match &job.token {
        None => Arc::clone(analyzer).start(shown).await,
        Some(token) => Arc::clone(analyzer).resume(token.clone(), shown).await,
    };
    let about = About {
        chain: Some(chain.name.as_str().into()),
        shadow: chain.shadow,
        study: Some(job.study.clone()),
        object: None,
    };
    let mut called = Called::new(&**analyzer, Role::Analyzer, &outcome, |analysis| {
        let word = match analysis.next {
            Next::Done => "done",
            Next::Wait(..) => "wait",
        };
        let progress = analysis.progress.as_ref();
        (word, progress.map(|(percent, note)| format!("{percent} %: {note}")))
    });
    let stored = match outcome.result {
        Ok(analysis) if chain.shadow => Ok(analysis.next),
        Ok(analysis) => match store(pipeline, analyzer, &study, analysis.drafts).await {
            Ok(()) => Ok(analysis.next),
            Err(trouble) => {
                let (Trouble::Later(_, reason) | Trouble::Dead(reason)) = &trouble;
                called.word = "not-stored";
                called.failed = true;
                called.reason = Some(reason.clone());
                Err(trouble)
            }
        },
        Err(failure) => Err(of_failure(&failure)),
    };
    record::write(pipeline, called, &about).await;
    stored
}

fn of_failure(failure: &Failure) -> Trouble {
    match failure.retryable() {
        Some(least) => Trouble::Later(least, failure.to_string()),
        None => Trouble::Dead(failure.to_string()),
    }
}

/// Makes objects of drafts and brings them into the archive through the front door of ingest, all together.
async fn store(
    pipeline: &Pipeline,
    analyzer: &Arc<dyn Analyzer>,
    study: &Study,
    drafts: Vec<PlannedDraft>,
) -> Result<(), Trouble> {
    if drafts.is_empty() {
        return Ok(());
    }
    let mut built = Vec::with_capacity(drafts.len());
    let series = uid()?;
    for (number, draft) in (1..).zip(drafts) {
        built.push(build(pipeline, analyzer, draft, &series, number)?);
    }
    let hops = study.located().iter().map(|located| located.source.hops).max();
    let source = Source {
        calling_ae: None,
        called_ae: None,
        peer: None,
        transport: Transport::Derived,
        subject: Some(format!("plugin:{}", analyzer.name())),
        hops: hops.unwrap_or(0).saturating_add(1),
    };
    let mut session = pipeline.session(source);
    let stored = session.store_all(
        built
            .into_iter()
            .map(|built| (announced(&built), pieces(&built)))
            .collect(),
    );
    let stored = stored.await;
    session.close().await;
    stored.map_err(|refusal| {
        let reason = format!("an object that it made is refused: {}", refusal.reason);
        if refusal.kind.is_passing() {
            Trouble::Later(Duration::ZERO, reason)
        } else {
            Trouble::Dead(reason)
        }
    })
}

fn build(
    pipeline: &Pipeline,
    analyzer: &Arc<dyn Analyzer>,
    draft: PlannedDraft,
    series: &Uid,
    number: u32,
) -> Result<Built, Trouble> {
    let plugin = pipeline.set().plugins.get(analyzer.name()).cloned();
    let version = plugin
        .as_ref()
        .and_then(|plugin| plugin.manifest())
        .map(|manifest| manifest.version.clone());
    let instance = Uid::parse(&draft.uid).map_err(|error| Trouble::Dead(error.to_string()))?;
    let issue = Issue {
        instance,
        series: series.clone(),
        seed: *uuid::Uuid::new_v4().as_bytes(),
        number,
        created: SystemTime::now(),
        maker: Maker {
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            plugin: analyzer.name().to_owned(),
            plugin_version: version.unwrap_or_default(),
            digest: analyzer.digest().to_owned(),
        },
    };
    let draft = Draft {
        kind: match draft.kind {
            DraftKind::SecondaryCapture => Kind::SecondaryCapture,
            DraftKind::StructuredReport => Kind::StructuredReport,
            DraftKind::Segmentation => Kind::Segmentation,
            DraftKind::ParametricMap => Kind::ParametricMap,
            DraftKind::PresentationState => Kind::PresentationState,
            DraftKind::EncapsulatedPdf => Kind::EncapsulatedPdf,
        },
        sources: draft.sources,
        elements: draft.elements,
        pixels: draft.pixels.into(),
    };
    draft
        .build(&issue)
        .map_err(|error| Trouble::Dead(format!("a draft cannot be made into an object: {error}")))
}

fn uid() -> Result<Uid, Trouble> {
    let text = format!("2.25.{}", uuid::Uuid::new_v4().as_u128());
    Uid::parse(&text).map_err(|error| Trouble::Dead(error.to_string()))
}

fn announced(built: &Built) -> Announced {
    Announced {
        syntax: built.header.syntax().clone(),
        sop_class: None,
        sop_instance: None,
        study: None,
    }
}

fn pieces(built: &Built) -> Vec<bytes::Bytes> {
    built.pieces().cloned().collect()
}

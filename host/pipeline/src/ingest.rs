//! The way in: one object from its first byte to the answer for its sender.
//!
//! A [`Session`] is what one association, STOW-RS request or import shares (its open packs); a [`Receiving`] is one
//! object. The header is parsed while it arrives; when the pixel data begins the filters have spoken, and from then on
//! bytes stream to the pack's end. Success is answered only for what is durable and indexed.

mod together;

use std::sync::Arc;

use bytes::Bytes;
use isocenter_archive::index::{Attributes, Held, Indexed, NewJob, Source, Transport};
use isocenter_archive::{ArchiveError, Entry, NewObjectParts, PackWriter, Shelf};
use isocenter_dicom::ParseError;
use isocenter_dicom::header::{Header, HeaderReader, Identity, Progress};
use isocenter_dicom::part10;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_role::{Direction, OpenObject, Passage};
use tracing::Instrument as _;

use self::together::{Company, Slot, Written};
use crate::awaited::Awaited;
use crate::chain::{Chain, matching};
use crate::decide::Next;
use crate::memory::Share;
use crate::record::{self, About};
use crate::refusal::{Refusal, RefusalKind};
use crate::rewrite::{self, Bodies, Passed, Placed, Way};
use crate::spool::Spool;
use crate::{Pipeline, Set};
use crate::{frames, shadow};

/// An object that plugins made from what plugins made so many times over is a loop.
const MOST_HOPS: u8 = 4;

/// What a sender says of an object before its data set.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The syntax of the data set that follows.
    pub syntax: TransferSyntax,
    /// The SOP class, where the sender names one; the data set must agree.
    pub sop_class: Option<String>,
    /// The SOP Instance UID, where the sender names one; the data set must agree.
    pub sop_instance: Option<String>,
    /// The study that the request is for, where it names one (STOW-RS); the data set must agree.
    pub study: Option<String>,
}

/// What became of an object that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored and indexed.
    New,
    /// The same content was stored already.
    Identical,
    /// Stored in the place of other content under the same UID, by the policy of the archive.
    Replaced,
    /// A filter said that it is not wanted: nothing is stored.
    Dropped,
    /// Held, unedited and unrouted, for a person.
    Quarantined,
}

impl Outcome {
    /// A word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Identical => "identical",
            Self::Replaced => "replaced",
            Self::Dropped => "dropped",
            Self::Quarantined => "quarantined",
        }
    }
}

/// An object that was taken; what its outcome promises is durable.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// As stored: a filter may have changed it.
    pub identity: Identity,
    /// What became of it.
    pub outcome: Outcome,
}

/// The objects of one association, request or import.
pub struct Session {
    pipeline: Pipeline,
    /// What the session began with: a reload does not change it.
    set: Arc<Set>,
    source: Source,
    writer: PackWriter,
    /// Whether a person let its objects past the filters: then nothing follows from them either.
    past_filters: bool,
}

impl Session {
    /// Who waits for objects that others send.
    pub(crate) fn awaited(&self) -> &Awaited {
        &self.pipeline.shared.awaited
    }

    pub(crate) fn new(pipeline: Pipeline, source: Source) -> Self {
        let writer = pipeline.archive().writer();
        Self {
            set: pipeline.set(),
            pipeline,
            source,
            writer,
            past_filters: false,
        }
    }

    /// The same, with its objects stored as they come and nothing done for them: for what a person released.
    pub(crate) fn past_filters(mut self) -> Self {
        self.past_filters = true;
        self
    }

    /// Begins one object.
    pub fn begin(&mut self, announced: Announced) -> Receiving<'_> {
        let limits = self.pipeline.config().limits;
        let phase = if announced.syntax.is_deflated() {
            Phase::Deflated(Vec::new())
        } else {
            Phase::Header(Box::new(HeaderReader::new(announced.syntax.clone(), limits)))
        };
        Receiving {
            session: self,
            announced,
            company: Company::Alone,
            phase,
            share: Share::default(),
            pushed: 0,
        }
    }

    /// Ends the session: its packs are sealed.
    pub async fn close(self) {
        self.writer.seal().await;
    }

    fn passage(&self) -> Arc<Passage> {
        Arc::new(Passage {
            direction: Direction::Ingest,
            transport: match self.source.transport {
                Transport::Dimse => isocenter_role::Transport::Dimse,
                Transport::Stow => isocenter_role::Transport::Stow,
                Transport::File => isocenter_role::Transport::File,
                Transport::Derived => isocenter_role::Transport::Derived,
            },
            calling_ae: self.source.calling_ae.clone(),
            called_ae: self.source.called_ae.clone(),
            peer: self.source.peer.clone(),
            subject: self.source.subject.clone(),
            destination: None,
            hops: u32::from(self.source.hops),
        })
    }
}

/// One object being received. Dropping it, or an error, leaves nothing of it behind.
pub struct Receiving<'s> {
    session: &'s mut Session,
    announced: Announced,
    company: Company,
    phase: Phase,
    share: Share,
    pushed: usize,
}

enum Phase {
    Header(Box<HeaderReader>),
    /// A deflated data set is collected whole: where its pixel data begins is known only by inflating it.
    Deflated(Vec<u8>),
    Body(Box<Storing>),
    /// Collected on disk before its filters are asked, because one of them looks at pixels.
    Spool(Box<Spooled>),
    /// A filter dropped it; the rest is read and thrown away.
    Dropped(Identity),
    /// Taken by `finish`, or failed.
    Over,
}

/// An object on disk with the filters that are to see it.
struct Spooled {
    spool: Spool,
    filters: Vec<Placed>,
    identity: Identity,
}

/// An object of its own that is written whole, and not committed.
struct Whole {
    entry: Entry,
    parts: NewObjectParts,
}

struct Storing {
    slot: Slot,
    bodies: Bodies,
    parts: NewObjectParts,
}

impl Receiving<'_> {
    /// Takes the next bytes of the data set.
    ///
    /// # Errors
    /// A [`Refusal`]; the object is over then, and the rest of its bytes need not be pushed.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        match &mut self.phase {
            Phase::Header(reader) => {
                self.pushed += bytes.len();
                self.share
                    .cover(&self.session.pipeline.shared.memory, self.pushed)
                    .await?;
                match reader.push_bytes(bytes).map_err(unreadable)? {
                    Progress::More => Ok(()),
                    Progress::PixelDataReached => self.header_is_there().await,
                }
            }
            Phase::Deflated(raw) => {
                let limit = self.session.pipeline.config().deflated_bytes;
                if raw.len() + bytes.len() > limit {
                    self.phase = Phase::Over;
                    return Err(Refusal::new(
                        RefusalKind::TooLarge,
                        format!("a deflated object may take {limit} bytes here; send it with another transfer syntax"),
                    ));
                }
                self.share
                    .cover(&self.session.pipeline.shared.memory, raw.len() + bytes.len())
                    .await?;
                raw.extend_from_slice(&bytes);
                Ok(())
            }
            Phase::Body(storing) => storing.push(bytes).await,
            Phase::Spool(spooled) => spooled.spool.write(bytes).await.map_err(no_spool),
            Phase::Dropped(_) => Ok(()),
            Phase::Over => Err(ended()),
        }
    }

    /// The data set is complete. Returns when what the outcome promises is durable.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing of the object is stored.
    pub async fn finish(mut self) -> Result<Accepted, Refusal> {
        let result = self.end().await;
        match &result {
            Ok(accepted) => taken(accepted.outcome),
            Err(refusal) => count(refusal),
        }
        result
    }

    async fn end(&mut self) -> Result<Accepted, Refusal> {
        self.ripen().await?;
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Body(storing) => match storing.complete().await? {
                Written::Alone(whole) => whole.store().await,
                // Those are not ended one by one; dropping it takes them back.
                Written::Together(_) => Err(ended()),
            },
            Phase::Dropped(identity) => Ok(Accepted {
                identity,
                outcome: Outcome::Dropped,
            }),
            _ => Err(ended()),
        }
    }

    /// Asks the filters of what is complete only now: a header without pixels, a deflated object, a spooled one.
    async fn ripen(&mut self) -> Result<(), Refusal> {
        match &mut self.phase {
            Phase::Header(_) => self.header_is_there().await?,
            Phase::Deflated(raw) => {
                let raw = std::mem::take(raw);
                self.deflated_is_there(raw).await?;
            }
            _ => {}
        }
        if matches!(self.phase, Phase::Spool(_))
            && let Phase::Spool(spooled) = std::mem::replace(&mut self.phase, Phase::Over)
        {
            self.spool_is_there(*spooled).await?;
        }
        Ok(())
    }

    /// The header is complete: parse what is left to parse, ask the filters, begin to store.
    async fn header_is_there(&mut self) -> Result<(), Refusal> {
        let Phase::Header(reader) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return Ok(());
        };
        let (header, behind) = reader.finish().map_err(unreadable)?;
        let identity = self.identified(&header)?;
        let header = Arc::new(header);
        let filters = self.filters(&header);
        if filters.iter().any(|placed| placed.filter.wants_pixels()) {
            let mut spool = Spool::new(header, &self.session.pipeline.config().spool).map_err(no_spool)?;
            spool.write(behind).await.map_err(no_spool)?;
            self.phase = Phase::Spool(Box::new(Spooled {
                spool,
                filters,
                identity,
            }));
            return Ok(());
        }
        let judged = self.judge(OpenObject::header(header), filters, &identity).await?;
        let Some(judged) = judged else {
            self.phase = Phase::Dropped(identity);
            return Ok(());
        };
        let mut storing = self.begin_storing(judged).await?;
        if !behind.is_empty() {
            storing.push(behind).await?;
        }
        self.phase = Phase::Body(Box::new(storing));
        // The header is written: what it took is free for others, however long the pixels take.
        self.share = Share::default();
        Ok(())
    }

    /// All of it is spooled: now its filters may look at the pixels, and then it streams on from the spool.
    async fn spool_is_there(&mut self, spooled: Spooled) -> Result<(), Refusal> {
        let Spooled {
            spool,
            filters,
            identity,
        } = spooled;
        let object = OpenObject {
            header: Arc::clone(spool.header()),
            frames: Some(spool.frames()),
        };
        let Some(judged) = self.judge(object, filters, &identity).await? else {
            self.phase = Phase::Dropped(identity);
            return Ok(());
        };
        let mut storing = self.begin_storing(judged).await?;
        let mut pieces = spool.read();
        while let Some(piece) = pieces.next().await.map_err(no_spool)? {
            storing.push(piece).await?;
        }
        self.phase = Phase::Body(Box::new(storing));
        Ok(())
    }

    async fn deflated_is_there(&mut self, raw: Vec<u8>) -> Result<(), Refusal> {
        let config = self.session.pipeline.config();
        let (limits, whole) = (config.limits, rewrite::deflated_limit(config.deflated_bytes));
        let header = rewrite::inflated_header(&raw, limits).map_err(unreadable)?;
        rewrite::inflates_whole(&raw, whole).map_err(unreadable)?;
        let identity = self.identified(&header)?;
        let header = Arc::new(header);
        let filters = self.filters(&header);
        let mut object = OpenObject::header(Arc::clone(&header));
        if filters.iter().any(|placed| placed.filter.wants_pixels()) {
            let plain = isocenter_pixels::inflated(&Bytes::from(raw.clone()))
                .map_err(|error| Refusal::new(RefusalKind::CannotUnderstand, error.to_string()))?;
            object.frames = Some(frames::of(&header, move || Ok(Arc::new(plain.clone()))));
        }
        let Some(judged) = self.judge(object, filters, &identity).await? else {
            self.phase = Phase::Dropped(identity);
            return Ok(());
        };
        let pieces = if judged.passed.edited() {
            rewrite::redeflate(&raw, &judged.passed, limits, whole).map_err(unreadable)?
        } else {
            vec![Bytes::from(raw)]
        };
        let mut storing = self.begin_storing(judged).await?;
        for piece in pieces {
            storing.slot.write(piece).await?;
        }
        // The header of a deflated object is wherever inflating finds it: all of it counts.
        storing.slot.header_done();
        storing.bodies = Bodies::nothing();
        self.phase = Phase::Body(Box::new(storing));
        Ok(())
    }

    /// Who the object is, provided that it agrees with what was announced.
    fn identified(&self, header: &Header) -> Result<Identity, Refusal> {
        let identity = header
            .identity()
            .map_err(|missing| Refusal::new(RefusalKind::CannotUnderstand, missing.to_string()))?;
        for (what, announced, found) in [
            ("SOP Class UID", &self.announced.sop_class, &identity.sop_class),
            ("SOP Instance UID", &self.announced.sop_instance, &identity.sop_instance),
            ("Study Instance UID", &self.announced.study, &identity.study),
        ] {
            if announced
                .as_deref()
                .is_some_and(|announced| announced != found.as_str())
            {
                let reason = format!("the {what} of the data set is not the one announced");
                return Err(Refusal::new(RefusalKind::Mismatch, reason).of(&identity));
            }
        }
        Ok(identity)
    }

    /// The filters of every chain that is for the object, in order. Shadows are not among them.
    fn filters(&self, header: &Header) -> Vec<Placed> {
        if self.session.past_filters {
            return Vec::new();
        }
        matching(&self.session.set.chains, header, &self.session.source)
            .into_iter()
            .filter(|chain| !chain.shadow)
            .flat_map(Chain::placed)
            .collect()
    }

    /// Sends the object through its filters. `None`: it is not wanted.
    async fn judge(
        &self,
        object: OpenObject,
        filters: Vec<Placed>,
        identity: &Identity,
    ) -> Result<Option<Judged>, Refusal> {
        let pipeline = &self.session.pipeline;
        let (shared, set) = (&pipeline.shared, &self.session.set);
        let original = Arc::clone(&object.header);
        if self.session.source.hops > MOST_HOPS && !self.session.past_filters {
            let reason = format!("it was made by plugins from what plugins made, more than {MOST_HOPS} times over");
            return Ok(Some(Judged::held(original, identity, None, reason)));
        }
        let chains = match self.session.past_filters {
            true => Vec::new(),
            false => matching(&set.chains, &original, &self.session.source),
        };
        let jobs = jobs(&chains);
        let passage = self.session.passage();
        shadow::filters(pipeline, set, &chains, &original, &passage, identity);
        let way = Way::In {
            tries: shared.tries.of(&identity.sop_instance),
            most: shared.config.tries_before_quarantine,
        };
        let site_key = &shared.config.site_key;
        let mut passed = rewrite::pass(set.threads.as_ref(), object, filters, passage, site_key, way).await;
        let stored = passed.header.identity();
        let about = About {
            chain: None,
            shadow: false,
            study: Some(identity.study.clone()),
            object: Some(identity.sop_instance.clone()),
        };
        for step in passed.steps.drain(..) {
            let about = About {
                chain: step.chain,
                ..about.clone()
            };
            record::write(pipeline, step.called, &about).await;
        }

        let Some((ended, plugin)) = passed.ended.take() else {
            shared.tries.forget(&identity.sop_instance);
            let stored = stored.map_err(|missing| {
                Refusal::new(RefusalKind::RefusedByPlugin, format!("after its filters: {missing}")).of(identity)
            })?;
            return Ok(Some(Judged {
                identity: stored,
                passed,
                held: None,
                jobs,
            }));
        };
        match ended {
            Next::Drop(reason) => {
                tracing::info!(plugin, reason, "dropped");
                Ok(None)
            }
            Next::Refuse(reason) => {
                Err(Refusal::new(RefusalKind::RefusedByPlugin, format!("{plugin}: {reason}")).of(identity))
            }
            Next::TryLater(_, reason) => {
                shared.tries.another(&identity.sop_instance);
                Err(Refusal::new(RefusalKind::TryLater, format!("{plugin}: {reason}")).of(identity))
            }
            Next::Hold(reason) => {
                tracing::warn!(plugin, reason, object = %identity.sop_instance, "held in quarantine");
                Ok(Some(Judged::held(original, identity, Some(plugin), reason)))
            }
            // `pass` records no end for an object that goes on.
            Next::GoOn => Ok(None),
        }
    }

    /// Finds a place and writes everything up to the pixel data there.
    async fn begin_storing(&mut self, judged: Judged) -> Result<Storing, Refusal> {
        let Judged {
            identity,
            passed,
            held,
            jobs,
        } = judged;
        let shelf = held.map_or(Shelf::Archive, Shelf::Quarantine);
        let mut slot = self.slot(&identity, shelf).await?;
        let syntax = &self.announced.syntax;
        slot.write(part10::preface(&identity, syntax)).await?;
        if !syntax.is_deflated() {
            slot.write(passed.header.bytes().clone()).await?;
            slot.header_done();
        }
        Ok(Storing {
            slot,
            bodies: passed.body(syntax),
            parts: NewObjectParts {
                attributes: Attributes::of(&passed.header),
                identity,
                syntax: syntax.uid().clone(),
                jobs,
            },
        })
    }
}

/// An object that its filters let through, or that is to be held.
struct Judged {
    identity: Identity,
    passed: Passed,
    held: Option<Held>,
    /// What follows once it is stored.
    jobs: Vec<NewJob>,
}

impl Judged {
    /// The original, unedited; nothing follows.
    fn held(original: Arc<Header>, identity: &Identity, plugin: Option<String>, reason: String) -> Judged {
        Judged {
            identity: identity.clone(),
            passed: Passed {
                header: original,
                tails: Vec::new(),
                ended: None,
                steps: Vec::new(),
            },
            held: Some(Held { plugin, reason }),
            jobs: Vec::new(),
        }
    }
}

/// What is to be done for an object of these chains once it is stored.
fn jobs(chains: &[&Chain]) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    if chains.iter().any(|chain| !chain.route.is_empty()) {
        jobs.push(NewJob::Route);
    }
    for chain in chains {
        if !chain.study_route.is_empty() || !chain.analyze.is_empty() {
            jobs.push(NewJob::Settle {
                chain: chain.name.clone(),
                quiet: chain.quiet,
            });
        }
    }
    jobs
}

impl Storing {
    async fn push(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        for piece in self.bodies.push(bytes).map_err(unreadable)? {
            self.slot.write(piece).await?;
        }
        Ok(())
    }

    /// Writes what is left; nothing is committed.
    async fn complete(self: Box<Self>) -> Result<Written, Refusal> {
        let Storing {
            mut slot,
            bodies,
            parts,
        } = *self;
        for piece in bodies.finish().map_err(unreadable)? {
            slot.write(piece).await?;
        }
        slot.end(parts).await
    }
}

impl Whole {
    /// Makes the object durable and indexes it.
    async fn store(self) -> Result<Accepted, Refusal> {
        let Whole { entry, parts } = self;
        let identity = parts.identity.clone();
        let committed = entry.commit(parts).instrument(tracing::info_span!("commit"));
        match outcome(committed.await.map_err(unstorable)?) {
            Some(outcome) => Ok(Accepted { identity, outcome }),
            None => {
                let reason = "an object with this SOP Instance UID and other content is stored already";
                Err(Refusal::new(RefusalKind::Duplicate, reason).of(&identity))
            }
        }
    }
}

/// What the index's answer is to a sender; `None` where other content is in the way.
fn outcome(indexed: Indexed) -> Option<Outcome> {
    match indexed {
        Indexed::New => Some(Outcome::New),
        Indexed::Identical => Some(Outcome::Identical),
        Indexed::Replaced => Some(Outcome::Replaced),
        Indexed::Held => Some(Outcome::Quarantined),
        Indexed::Conflict => None,
    }
}

/// Counts an object that was taken.
fn taken(outcome: Outcome) {
    metrics::counter!("isocenter_objects_total", "outcome" => outcome.as_str()).increment(1);
}

fn ended() -> Refusal {
    Refusal::new(RefusalKind::CannotUnderstand, "the object has ended already")
}

fn unreadable(error: ParseError) -> Refusal {
    Refusal::new(RefusalKind::CannotUnderstand, error.to_string())
}

/// The disk under the spool: the same as a disk under the packs.
fn no_spool(error: std::io::Error) -> Refusal {
    tracing::error!(%error, "an object could not be spooled");
    Refusal::new(RefusalKind::OutOfResources, "the storage failed; try again later")
}

/// The log says what failed; the sender learns no paths.
fn unstorable(error: ArchiveError) -> Refusal {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "an object could not be stored"
    );
    let reason = match error {
        ArchiveError::Full(_) => "the storage is full",
        ArchiveError::Index(_) | ArchiveError::Unconfirmed { .. } => "the index is not available",
        _ => "the storage failed",
    };
    Refusal::new(RefusalKind::OutOfResources, format!("{reason}; try again later"))
}

/// Counts a refusal, wherever it was made.
pub fn count(refusal: &Refusal) {
    metrics::counter!("isocenter_refusals_total", "kind" => refusal.kind.as_str()).increment(1);
}

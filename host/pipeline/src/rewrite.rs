//! One object on its way through filters: the header changes, the pixels stream past.
//!
//! Shared by ingest and egress, so that an edit means the same on both ways. Nothing here stores or sends.

use std::sync::Arc;

use bytes::Bytes;
use isocenter_dicom::ParseError;
use isocenter_dicom::body::Body;
use isocenter_dicom::edit::{self, SiteKey, TailEdits};
use isocenter_dicom::header::{Header, HeaderReader, Limits, Progress};
use isocenter_dicom::inflate::{Deflater, Inflater};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_role::{Failure, Filter, FilterAnswer, OpenObject, Passage, Role, Verdict};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::chain::OnFailure;
use crate::decide::{self, Next};
use crate::record::Called;

/// A deflated object may hold this many times its size (PS3.5 §A.5 sets no limit; real ones stay under 20).
const DEFLATE_RATIO: u32 = 200;
/// How much is inflated at a time.
const INFLATE_STEP: usize = 64 * 1024;

/// Where an object stands after its filters.
pub(crate) struct Passed {
    /// The header with every edit applied.
    pub(crate) header: Arc<Header>,
    /// What the filters that edited leave of the elements behind the pixels; empty when nothing was edited.
    pub(crate) tails: Vec<TailEdits>,
    /// Why the passage ended early, and at which plugin.
    pub(crate) ended: Option<(Next, String)>,
    /// The calls that were made, in their order.
    pub(crate) steps: Vec<Step>,
}

/// One filter that was asked.
pub(crate) struct Step {
    /// What it answered, and what it cost.
    pub(crate) called: Called,
    /// Its chain, on ingest.
    pub(crate) chain: Option<Arc<str>>,
    /// The header as it left it, where it edited.
    pub(crate) after: Option<Arc<Header>>,
}

/// A filter in its place: whose chain it is of, and what its failure means there.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) filter: Arc<dyn Filter>,
    pub(crate) chain: Option<Arc<str>>,
    pub(crate) on_failure: OnFailure,
}

/// What an outcome means depends on the way that the object takes.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// How often its sender was told to come again, and how often that may be.
    In {
        tries: u32,
        most: u32,
    },
    Out,
}

impl Way {
    fn judge(self, result: &Result<FilterAnswer, Failure>, on_failure: OnFailure) -> Next {
        match self {
            Way::In { tries, most } => decide::ingest(result, on_failure, tries, most),
            Way::Out => decide::egress(result),
        }
    }
}

impl Passed {
    pub(crate) fn edited(&self) -> bool {
        !self.tails.is_empty()
    }

    /// What the bytes behind the header pass on their way.
    pub(crate) fn body(&self, syntax: &TransferSyntax) -> Bodies {
        Bodies(if self.edited() {
            self.tails
                .iter()
                .map(|tail| Body::edited(syntax, tail.clone()))
                .collect()
        } else {
            vec![Body::verbatim(syntax)]
        })
    }
}

/// The bytes behind a header, as each editing filter leaves them.
pub(crate) struct Bodies(Vec<Body>);

impl Bodies {
    /// For what is complete already.
    pub(crate) fn nothing() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, bytes: Bytes) -> Result<Vec<Bytes>, ParseError> {
        let mut pieces = vec![bytes];
        for body in &mut self.0 {
            let mut out = Vec::with_capacity(pieces.len());
            for piece in pieces {
                body.push(piece, &mut out)?;
            }
            pieces = out;
        }
        Ok(pieces)
    }

    pub(crate) fn finish(self) -> Result<Vec<Bytes>, ParseError> {
        let mut pieces = Vec::new();
        for mut body in self.0 {
            let mut out = Vec::new();
            for piece in pieces {
                body.push(piece, &mut out)?;
            }
            body.finish(&mut out)?;
            pieces = out;
        }
        Ok(pieces)
    }
}

/// Sends an object through filters until one ends its passage: in one visit to the threads of plugins, where there are
/// such, because a change of threads costs as much as a small filter.
pub(crate) async fn pass(
    threads: Option<&Handle>,
    object: OpenObject,
    filters: Vec<Placed>,
    passage: Arc<Passage>,
    site_key: &SiteKey,
    way: Way,
) -> Passed {
    let header = Arc::clone(&object.header);
    let work = visit(object, filters, passage, site_key.clone(), way);
    let Some(threads) = threads else {
        return work.await;
    };
    // Dropped with the caller: then the visit ends.
    let visit = AbortOnDropHandle::new(threads.spawn(work.in_current_span()));
    visit.await.unwrap_or_else(|error| Passed {
        header,
        tails: Vec::new(),
        // A panic of the host or its end: not passed, so not stored and not sent.
        ended: Some((Next::Hold(format!("the filters were lost: {error}")), String::new())),
        steps: Vec::new(),
    })
}

async fn visit(
    mut object: OpenObject,
    filters: Vec<Placed>,
    passage: Arc<Passage>,
    site_key: SiteKey,
    way: Way,
) -> Passed {
    let mut tails = Vec::new();
    let mut steps = Vec::with_capacity(filters.len());
    let mut ended = None;
    for placed in filters {
        let filter = placed.filter;
        let outcome = Arc::clone(&filter).filter(object.clone(), Arc::clone(&passage)).await;
        let mut called = Called::new(&*filter, Role::Filter, &outcome, answered);
        let mut next = way.judge(&outcome.result, placed.on_failure);
        let mut after = None;
        if let (Next::GoOn, Ok(answer)) = (&next, outcome.result)
            && !answer.edits.is_empty()
        {
            match edit::apply(&object.header, &answer.edits, &site_key) {
                Ok(edited) => {
                    object.header = Arc::new(edited.header);
                    after = Some(Arc::clone(&object.header));
                    tails.push(edited.tail);
                }
                Err(error) => {
                    // An edit that cannot be made is a failure of the filter: never stored, never sent without it.
                    let failure = Failure::Never(format!("an edit cannot be applied: {error}"));
                    called.word = failure.word();
                    called.failed = true;
                    called.reason = Some(failure.to_string());
                    next = way.judge(&Err(failure), placed.on_failure);
                }
            }
            called.edits = answer.edits;
        }
        steps.push(Step {
            called,
            chain: placed.chain,
            after,
        });
        if next != Next::GoOn {
            ended = Some((next, filter.name().to_owned()));
            break;
        }
    }
    Passed {
        header: object.header,
        tails,
        ended,
        steps,
    }
}

/// What a filter answered, in a word, and why.
fn answered(answer: &FilterAnswer) -> (&'static str, Option<String>) {
    let why = match &answer.verdict {
        Verdict::Keep => None,
        Verdict::Drop(why) | Verdict::Refuse(why) | Verdict::Quarantine(why) => Some(why.clone()),
    };
    (answer.verdict.word(), why)
}

/// How far a deflated object of at most this many bytes may inflate.
pub(crate) fn deflated_limit(bytes: usize) -> u64 {
    (bytes as u64).saturating_mul(64)
}

/// Reads the header of a deflated data set (PS3.5 §A.5), inflating no further than to its pixel data.
pub(crate) fn inflated_header(raw: &[u8], limits: Limits) -> Result<Header, ParseError> {
    let mut inflater = Inflater::new(limits.header_bytes as u64 + INFLATE_STEP as u64, DEFLATE_RATIO);
    let mut reader = HeaderReader::new(TransferSyntax::explicit_le(), limits);
    let mut plain = Vec::new();
    for piece in raw.chunks(INFLATE_STEP) {
        plain.clear();
        inflater.push(piece, &mut plain)?;
        if matches!(reader.push(&plain)?, Progress::PixelDataReached) {
            break;
        }
    }
    Ok(reader.finish()?.0)
}

/// Walks a deflated data set to its end, so that a broken or hostile one is known before it is stored.
pub(crate) fn inflates_whole(raw: &[u8], limit: u64) -> Result<(), ParseError> {
    let mut inflater = Inflater::new(limit, DEFLATE_RATIO);
    let mut plain = Vec::new();
    for piece in raw.chunks(INFLATE_STEP) {
        plain.clear();
        inflater.push(piece, &mut plain)?;
    }
    inflater.finish()
}

/// Rewrites a deflated data set with an edited header; hands out the new deflated bytes piece by piece.
pub(crate) fn redeflate(raw: &[u8], passed: &Passed, limits: Limits, limit: u64) -> Result<Vec<Bytes>, ParseError> {
    // Inflated, it is explicit VR little endian (PS3.5 §A.5).
    let syntax = TransferSyntax::explicit_le();
    let mut inflater = Inflater::new(limit, DEFLATE_RATIO);
    let mut reader = Some(HeaderReader::new(syntax.clone(), limits));
    let mut bodies = passed.body(&syntax);
    let mut deflater = Deflater::new();
    let mut out = Vec::new();
    let mut plain = Vec::new();
    deflater.push(passed.header.bytes(), &mut out);
    for piece in raw.chunks(INFLATE_STEP) {
        plain.clear();
        inflater.push(piece, &mut plain)?;
        let behind = match reader.as_mut() {
            None => Bytes::copy_from_slice(&plain),
            Some(open) => match open.push(&plain)? {
                Progress::More => continue,
                Progress::PixelDataReached => match reader.take() {
                    Some(open) => open.finish()?.1,
                    None => continue,
                },
            },
        };
        for piece in bodies.push(behind)? {
            deflater.push(&piece, &mut out);
        }
    }
    inflater.finish()?;
    for piece in bodies.finish()? {
        deflater.push(&piece, &mut out);
    }
    deflater.finish(&mut out);
    Ok(vec![Bytes::from(out)])
}

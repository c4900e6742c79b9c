//! The way out: one stored object on its way to a destination, through that destination's filters.
//!
//! The stored original is only read. Its pixels stream from the pack to the peer and are never held.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;
use isocenter_dicom::header::Identity;
use isocenter_dicom::part10::MetaReader;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_role::{Direction, OpenObject, Passage, Transport};
use tracing::Instrument as _;

use crate::Pipeline;
use crate::chain::OnFailure;
use crate::convert::{self, Decoding};
use crate::decide::Next;
use crate::destination::Destination;
use crate::frames;
use crate::record::{self, About};
use crate::rewrite::{self, Passed, Placed, Way};

/// An object ready to be sent.
pub struct Outgoing {
    /// As it leaves: a filter may have changed it.
    pub identity: Identity,
    /// The syntax of `data`.
    pub syntax: TransferSyntax,
    /// The data set.
    pub data: BoxStream<'static, io::Result<Bytes>>,
}

/// Why an object is not sent.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// A filter said that it is not wanted there: the delivery is done.
    Dropped(String),
    /// Try again.
    Later(String),
    /// A person must look at it.
    Dead(String),
}

/// An object that has passed the filters of a destination.
pub(crate) struct Ready {
    /// As it leaves: a filter may have changed it.
    pub(crate) identity: Identity,
    /// The syntax that it is stored in.
    pub(crate) syntax: TransferSyntax,
    passed: Passed,
    located: Located,
}

/// Reads a stored object's header, sends it through the destination's filters, and opens the stream of its data set.
pub(crate) async fn prepare(
    pipeline: &Pipeline,
    destination: &Destination,
    located: &Located,
) -> Result<Outgoing, NotSent> {
    pass(pipeline, destination, located).await?.open(pipeline).await
}

/// A stored object that goes to who asked for it, as it is.
pub(crate) async fn unfiltered(pipeline: &Pipeline, located: &Located) -> Result<Ready, NotSent> {
    let later = |error: isocenter_archive::ArchiveError| NotSent::Later(error.to_string());
    let header = pipeline.archive().read_header(located).await.map_err(later)?;
    Ok(Ready {
        identity: located.identity.clone(),
        syntax: stored_syntax(located)?,
        passed: Passed {
            header: Arc::new(header),
            tails: Vec::new(),
            ended: None,
            steps: Vec::new(),
        },
        located: located.clone(),
    })
}

/// The same in the syntax that it is stored in, for which its header need not be read.
pub(crate) fn as_stored(pipeline: &Pipeline, located: &Located) -> Result<Outgoing, NotSent> {
    Ok(Outgoing {
        identity: located.identity.clone(),
        syntax: stored_syntax(located)?,
        data: data_set(pipeline, located).boxed(),
    })
}

/// Not the header's: a deflated object's header is read inflated, in another syntax than it is stored and sent in.
pub(crate) fn stored_syntax(located: &Located) -> Result<TransferSyntax, NotSent> {
    TransferSyntax::lookup(located.syntax.as_str())
        .ok_or_else(|| NotSent::Dead(format!("the stored transfer syntax {} is not known", located.syntax)))
}

/// Reads a stored object's header and sends it through the destination's filters.
pub(crate) async fn pass(pipeline: &Pipeline, destination: &Destination, located: &Located) -> Result<Ready, NotSent> {
    let header = pipeline
        .archive()
        .read_header(located)
        .await
        .map_err(|error| NotSent::Later(error.to_string()))?;
    let passage = Arc::new(Passage {
        direction: Direction::Egress,
        transport: Transport::Derived,
        calling_ae: None,
        called_ae: None,
        peer: None,
        subject: located.source.subject.clone(),
        destination: Some(destination.name.clone()),
        hops: u32::from(located.source.hops),
    });
    let header = Arc::new(header);
    let filters: Vec<Placed> = destination
        .egress
        .iter()
        .map(|filter| Placed {
            filter: Arc::clone(filter),
            chain: None,
            on_failure: OnFailure::default(),
        })
        .collect();
    let mut object = OpenObject::header(Arc::clone(&header));
    if filters.iter().any(|placed| placed.filter.wants_pixels()) {
        object.frames = Some(frames::stored(pipeline.archive(), located, &header));
    }
    let (set, site_key) = (pipeline.set(), &pipeline.config().site_key);
    let span = tracing::info_span!(
        "egress",
        uid = %located.identity.sop_instance,
        destination = destination.name,
    );
    let mut passed = rewrite::pass(set.threads.as_ref(), object, filters, passage, site_key, Way::Out)
        .instrument(span)
        .await;
    let about = About {
        study: Some(located.identity.study.clone()),
        object: Some(located.identity.sop_instance.clone()),
        ..About::default()
    };
    for step in passed.steps.drain(..) {
        record::write(pipeline, step.called, &about).await;
    }
    if let Some((next, plugin)) = passed.ended.take() {
        return Err(match next {
            Next::Drop(reason) => NotSent::Dropped(format!("{plugin}: {reason}")),
            Next::TryLater(_, reason) => NotSent::Later(format!("{plugin}: {reason}")),
            Next::Hold(reason) | Next::Refuse(reason) => NotSent::Dead(format!("{plugin}: {reason}")),
            Next::GoOn => NotSent::Dead(format!("{plugin}: the filter gave no answer")),
        });
    }
    let identity = passed
        .header
        .identity()
        .map_err(|missing| NotSent::Dead(format!("after its filters: {missing}")))?;
    Ok(Ready {
        identity,
        syntax: stored_syntax(located)?,
        passed,
        located: located.clone(),
    })
}

impl Ready {
    /// The stream of the data set, in the syntax that it is stored in.
    pub(crate) async fn open(self, pipeline: &Pipeline) -> Result<Outgoing, NotSent> {
        let Self {
            identity,
            syntax,
            passed,
            located,
        } = self;
        let data = if !passed.edited() {
            data_set(pipeline, &located).boxed()
        } else if syntax.is_deflated() {
            deflated(pipeline, &located, passed).await?
        } else {
            edited(pipeline, &located, passed)
        };
        Ok(Outgoing { identity, syntax, data })
    }

    /// The stream of the data set in explicit or implicit VR little endian, whatever it is stored in: nothing is lost.
    pub(crate) async fn convert(self, pipeline: &Pipeline, to: &TransferSyntax) -> Result<Outgoing, NotSent> {
        let behind = self.behind(pipeline).await?;
        let data = if self.syntax.is_encapsulated() {
            convert::decoded(pipeline, self.decoding(pipeline).await?, behind, to).await?
        } else {
            convert::plain(&self.passed.header, behind, to)?
        };
        Ok(Outgoing {
            identity: self.identity,
            syntax: to.clone(),
            data,
        })
    }

    /// The stream of the data set in the first of these compressed transfer syntaxes that can hold it without loss.
    pub(crate) async fn compress(self, pipeline: &Pipeline, among: Vec<TransferSyntax>) -> Result<Outgoing, NotSent> {
        let behind = self.behind(pipeline).await?;
        let (syntax, data) = convert::compressed(pipeline, self.decoding(pipeline).await?, behind, among).await?;
        Ok(Outgoing {
            identity: self.identity,
            syntax,
            data,
        })
    }

    async fn decoding(&self, pipeline: &Pipeline) -> Result<Decoding, NotSent> {
        let stored = pipeline.archive().read_header(&self.located).await;
        Ok(Decoding {
            stored: stored.map_err(|error| NotSent::Later(error.to_string()))?,
            leaving: Arc::clone(&self.passed.header),
            located: self.located.clone(),
        })
    }

    /// What follows the header as the edits leave it, inflated.
    async fn behind(&self, pipeline: &Pipeline) -> Result<BoxStream<'static, io::Result<Bytes>>, NotSent> {
        if !self.syntax.is_deflated() {
            return Ok(edited_behind(pipeline, &self.located, &self.passed));
        }
        if self.passed.edited() {
            return Err(NotSent::Dead("an edited deflated data set is not converted".to_owned()));
        }
        convert::inflated(pipeline, &self.located, self.passed.header.bytes().len()).await
    }
}

/// The data set of a stored object, byte for byte.
fn data_set(pipeline: &Pipeline, located: &Located) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + use<> {
    let mut meta = Some(MetaReader::new());
    pipeline.archive().read(located).try_filter_map(move |piece| {
        let behind = match meta.as_mut() {
            None => Ok(Some(piece)),
            Some(reader) => match reader.push(&piece) {
                Ok(Some((_, behind))) => {
                    meta = None;
                    Ok(Some(behind))
                }
                Ok(None) => Ok(None),
                Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            },
        };
        futures::future::ready(behind)
    })
}

/// The edited header, then the stored bytes behind the header as the edits leave them.
fn edited(pipeline: &Pipeline, located: &Located, passed: Passed) -> BoxStream<'static, io::Result<Bytes>> {
    let header = passed.header.bytes().clone();
    futures::stream::once(futures::future::ready(Ok(header)))
        .chain(edited_behind(pipeline, located, &passed))
        .boxed()
}

/// The stored bytes behind the header as the edits leave them.
fn edited_behind(pipeline: &Pipeline, located: &Located, passed: &Passed) -> BoxStream<'static, io::Result<Bytes>> {
    let bodies = passed.body(passed.header.syntax());
    let skipped = u64::from(located.place.header_length);
    let stored = pipeline.archive().read(located);
    let behind = futures::stream::try_unfold(
        (stored, skipped, Some(bodies)),
        |(mut stored, mut skipped, bodies)| async move {
            let Some(mut bodies) = bodies else {
                return Ok::<_, io::Error>(None);
            };
            loop {
                let Some(piece) = stored.next().await else {
                    let last = bodies.finish().map_err(invalid)?;
                    return Ok(Some((last, (stored, skipped, None))));
                };
                let piece = past(piece?, &mut skipped);
                if !piece.is_empty() {
                    let pieces = bodies.push(piece).map_err(invalid)?;
                    return Ok(Some((pieces, (stored, skipped, Some(bodies)))));
                }
            }
        },
    );
    behind
        .map_ok(|pieces: Vec<Bytes>| futures::stream::iter(pieces.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// A deflated object is small by the limits of ingest: it is inflated, edited and deflated in memory.
async fn deflated(
    pipeline: &Pipeline,
    located: &Located,
    passed: Passed,
) -> Result<BoxStream<'static, io::Result<Bytes>>, NotSent> {
    let config = pipeline.config();
    let limit = config.deflated_bytes;
    let mut raw = BytesMut::new();
    let mut data = std::pin::pin!(data_set(pipeline, located));
    while let Some(piece) = data.next().await {
        raw.extend_from_slice(&piece.map_err(|error| NotSent::Later(error.to_string()))?);
        if raw.len() > limit {
            return Err(NotSent::Dead(format!(
                "a deflated object over {limit} bytes cannot be edited"
            )));
        }
    }
    let pieces = rewrite::redeflate(&raw, &passed, config.limits, rewrite::deflated_limit(limit))
        .map_err(|error| NotSent::Dead(error.to_string()))?;
    Ok(futures::stream::iter(pieces.into_iter().map(Ok)).boxed())
}

/// What of `piece` lies past the bytes still to skip.
fn past(mut piece: Bytes, skipped: &mut u64) -> Bytes {
    let over = usize::try_from(*skipped).unwrap_or(usize::MAX).min(piece.len());
    *skipped -= over as u64;
    piece.split_off(over)
}

fn invalid(error: isocenter_dicom::ParseError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

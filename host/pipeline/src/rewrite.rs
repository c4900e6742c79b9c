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
use isocenter_role::{Failure, Filter, FilterAnswer, OpenObject, Passage};

use crate::decide::Next;

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

/// Sends a header through filters until one ends its passage.
///
/// `judge` says what each outcome means; it is given the filter's position, so that the policy of its chain applies.
pub(crate) async fn pass(
    header: Arc<Header>,
    filters: &[Arc<dyn Filter>],
    passage: &Arc<Passage>,
    site_key: &SiteKey,
    judge: impl Fn(usize, &Result<FilterAnswer, Failure>) -> Next,
) -> Passed {
    let mut passed = Passed {
        header,
        tails: Vec::new(),
        ended: None,
    };
    for (position, filter) in filters.iter().enumerate() {
        let object = OpenObject::header(Arc::clone(&passed.header));
        let outcome = Arc::clone(filter).filter(object, Arc::clone(passage)).await;
        let next = judge(position, &outcome.result);
        if next != Next::GoOn {
            passed.ended = Some((next, filter.name().to_owned()));
            return passed;
        }
        let Ok(answer) = outcome.result else {
            // `judge` goes on only from an answer; should it ever not, the object stops here all the same.
            passed.ended = Some((
                Next::Hold("the filter gave no answer".to_owned()),
                filter.name().to_owned(),
            ));
            return passed;
        };
        if answer.edits.is_empty() {
            continue;
        }
        match edit::apply(&passed.header, &answer.edits, site_key) {
            Ok(edited) => {
                passed.header = Arc::new(edited.header);
                passed.tails.push(edited.tail);
            }
            Err(error) => {
                // An edit that cannot be made is a failure of the filter: never stored, never sent without it.
                let failure = Err(Failure::Never(format!("an edit cannot be applied: {error}")));
                passed.ended = Some((judge(position, &failure), filter.name().to_owned()));
                return passed;
            }
        }
    }
    passed
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

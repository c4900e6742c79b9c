//! Several objects that are taken all together or not at all: what an analyzer made.
//!
//! Separate because only where they are written differs: each passes ingest like one that arrives. One that a filter drops
//! is left out, one that is to be held goes to quarantine, and the others are stored in one transaction.

use bytes::Bytes;
use isocenter_archive::index::StoredTogether;
use isocenter_archive::{Entry, NewObjectParts, Shelf, Together};
use isocenter_dicom::header::Identity;
use tracing::Instrument as _;

use super::{Announced, Phase, Receiving, Session, Whole, ended, outcome, taken, unstorable};
use crate::refusal::{Refusal, RefusalKind};

/// Objects for quarantine that are kept back until it is known whether the others are taken: each needs a pack of its own
/// meanwhile, and a session has eight.
const MOST_OPEN: usize = 4;

/// With whom an object is stored.
pub(super) enum Company {
    /// By itself.
    Alone,
    /// With those that were written before it, if there are any.
    Others(Option<Together>),
}

/// Where an object is written.
pub(super) enum Slot {
    /// An entry of its own.
    Alone(Box<Entry>),
    /// Behind those that it is stored with.
    Together(Together),
}

/// An object that is written whole, and not committed.
pub(super) enum Written {
    Alone(Box<Whole>),
    /// With those before it.
    Together(Together),
}

impl Session {
    /// Takes several objects of a study, all of them or none: data sets that are complete already, at most
    /// [`Together::MOST`].
    ///
    /// # Errors
    /// The [`Refusal`] of the first that is not taken; nothing is stored then.
    pub async fn store_all(&mut self, objects: Vec<(Announced, Vec<Bytes>)>) -> Result<(), Refusal> {
        if objects.len() > Together::MOST {
            let reason = format!("at most {} objects can be stored together", Together::MOST);
            return Err(Refusal::new(RefusalKind::TooLarge, reason));
        }
        let (mut together, mut held) = (None, Vec::new());
        for (announced, pieces) in objects {
            let mut receiving = self.begin(announced);
            receiving.company = Company::Others(together);
            for piece in pieces {
                receiving.push(piece).await?;
            }
            let (others, alone) = receiving.written().await?;
            together = others;
            held.extend(alone.map(|whole| *whole));
            if held.len() == MOST_OPEN {
                hold(&mut held).await?;
            }
        }
        // First: when the others are served, nothing of them is left that could fail.
        hold(&mut held).await?;
        match together {
            Some(together) => commit(together).await,
            None => Ok(()),
        }
    }
}

impl Receiving<'_> {
    /// Where the object is written, once it is known who it is and that it is wanted.
    pub(super) async fn slot(&mut self, identity: &Identity, shelf: Shelf) -> Result<Slot, Refusal> {
        let Session { writer, source, .. } = &mut *self.session;
        if let (Company::Others(others), Shelf::Archive) = (&mut self.company, &shelf) {
            let mut together = match others.take() {
                Some(others) => others,
                None => writer
                    .begin_together(&identity.study, source)
                    .await
                    .map_err(unstorable)?,
            };
            if *together.study() != identity.study {
                let reason = "it is of another study than what it is to be stored with";
                return Err(Refusal::new(RefusalKind::Mismatch, reason).of(identity));
            }
            together.begin(&identity.sop_instance).map_err(unstorable)?;
            return Ok(Slot::Together(together));
        }
        let begun = writer.begin(&identity.study, &identity.sop_instance, source, shelf);
        let entry = begun.await.map_err(unstorable)?;
        Ok(Slot::Alone(Box::new(entry)))
    }

    /// The data set is complete: those that are stored together so far, and the object itself where it is none of them.
    async fn written(mut self) -> Result<(Option<Together>, Option<Box<Whole>>), Refusal> {
        self.ripen().await?;
        let written = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Body(storing) => Some(storing.complete().await?),
            Phase::Dropped(_) => None,
            _ => return Err(ended()),
        };
        let others = match self.company {
            Company::Others(others) => others,
            Company::Alone => None,
        };
        Ok(match written {
            Some(Written::Together(together)) => (Some(together), None),
            Some(Written::Alone(whole)) => (others, Some(whole)),
            None => (others, None),
        })
    }
}

impl Slot {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        let written = match self {
            Self::Alone(entry) => entry.write(bytes).await,
            Self::Together(together) => together.write(bytes).await,
        };
        written.map_err(unstorable)
    }

    pub(super) fn header_done(&mut self) {
        match self {
            Self::Alone(entry) => entry.header_done(),
            Self::Together(together) => together.header_done(),
        }
    }

    /// All of the object is written.
    pub(super) async fn end(self, parts: NewObjectParts) -> Result<Written, Refusal> {
        match self {
            Self::Alone(entry) => Ok(Written::Alone(Box::new(Whole { entry: *entry, parts }))),
            Self::Together(mut together) => {
                together.end(parts).await.map_err(unstorable)?;
                Ok(Written::Together(together))
            }
        }
    }
}

/// Brings objects into quarantine.
async fn hold(objects: &mut Vec<Whole>) -> Result<(), Refusal> {
    for whole in objects.drain(..) {
        taken(whole.store().await?.outcome);
    }
    Ok(())
}

async fn commit(together: Together) -> Result<(), Refusal> {
    let committed = together.commit().instrument(tracing::info_span!("commit"));
    match committed.await.map_err(unstorable)? {
        StoredTogether::All(indexed) => {
            indexed.into_iter().filter_map(outcome).for_each(taken);
            Ok(())
        }
        StoredTogether::Conflict(objects) => {
            let objects: Vec<&str> = objects.iter().map(|object| object.as_str()).collect();
            let reason = format!("other content is stored already under {}", objects.join(", "));
            Err(Refusal::new(RefusalKind::Duplicate, reason))
        }
    }
}

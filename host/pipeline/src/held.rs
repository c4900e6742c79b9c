//! What a person decides about an object in quarantine: retry, release, discard.
//!
//! *Retry*: it passes the chains as if it arrived now. *Release*: it is stored as it came, past the filters, and nothing
//! follows: it is not routed, because its filters did not speak. *Discard*: it is gone. What was decided, by whom and why
//! is kept.

use futures::StreamExt;
use isocenter_archive::index::{IndexError, Quarantined, Within};
use isocenter_archive::{Archive, ArchiveError};
use isocenter_dicom::ParseError;
use isocenter_dicom::part10::MetaReader;

use crate::Pipeline;
use crate::ingest::{Accepted, Announced, Outcome};
use crate::refusal::Refusal;

/// What became of an object that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It is stored.
    Stored,
    /// Its filters do not want it: it is gone.
    Dropped,
    /// A filter held it again.
    HeldAgain,
    /// It is gone.
    Discarded,
}

impl Resolved {
    /// A sentence for the operator.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Dropped => "dropped by its filters",
            Self::HeldAgain => "held again",
            Self::Discarded => "discarded",
        }
    }
}

/// Why nothing was decided; the object is still held.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// There is none of that number.
    #[error("there is no object {0} in quarantine")]
    NoSuch(i64),
    /// It was not taken.
    #[error("it cannot be stored: {0}")]
    Refused(Refusal),
    /// Its file does not read.
    #[error("its file cannot be read: {0}")]
    Unreadable(String),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Who decided, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// Why, in their words; empty where they did not say.
    pub reason: String,
}

impl Decided {
    /// What was done, with the reason that was given.
    fn because(&self, done: &str) -> String {
        match self.reason.as_str() {
            "" => done.to_owned(),
            reason => format!("{done}: {reason}"),
        }
    }
}

impl Pipeline {
    /// Sends a held object through the chains again.
    ///
    /// # Errors
    /// [`HeldError`]; the object is still held.
    pub async fn retry_held(&self, id: i64, decided: &Decided) -> Result<Resolved, HeldError> {
        self.again(id, decided, false).await
    }

    /// Stores a held object as it came.
    ///
    /// # Errors
    /// [`HeldError`]; the object is still held.
    pub async fn release_held(&self, id: i64, decided: &Decided) -> Result<Resolved, HeldError> {
        self.again(id, decided, true).await
    }

    /// Gives a held object up.
    ///
    /// # Errors
    /// [`HeldError`].
    pub async fn discard_held(&self, id: i64, decided: &Decided) -> Result<Resolved, HeldError> {
        let reason = decided.because("discarded");
        match self.archive().discard_held(id, &decided.by, &reason).await? {
            Some(_) => Ok(Resolved::Discarded),
            None => Err(HeldError::NoSuch(id)),
        }
    }

    async fn again(&self, id: i64, decided: &Decided, past_filters: bool) -> Result<Resolved, HeldError> {
        let archive = self.archive();
        let held = archive.index().held(id).await?.ok_or(HeldError::NoSuch(id))?;
        let accepted = self.take(archive, &held, past_filters).await?;
        if accepted.outcome == Outcome::Dropped {
            let reason = decided.because("retried, and dropped by its filters");
            archive.discard_held(id, &decided.by, &reason).await?;
            return Ok(Resolved::Dropped);
        }
        // Held again, it is the same row; stored, it is found.
        let identity = &accepted.identity;
        let found = archive
            .index()
            .locate(
                &identity.study,
                None,
                Some(&identity.sop_instance),
                None,
                1,
                &Within::everything(),
            )
            .await?;
        if accepted.outcome == Outcome::Quarantined || found.is_empty() {
            return Ok(Resolved::HeldAgain);
        }
        let why = if past_filters { "released" } else { "retried" };
        archive.release_held(id, &decided.by, &decided.because(why)).await?;
        Ok(Resolved::Stored)
    }

    /// Brings the object through ingest, from its file in quarantine.
    async fn take(&self, archive: &Archive, held: &Quarantined, past_filters: bool) -> Result<Accepted, HeldError> {
        let unreadable = |error: ParseError| HeldError::Unreadable(error.to_string());
        let mut file = archive.read_held(held);
        let mut meta = MetaReader::new();
        let (found, behind) = loop {
            let Some(piece) = file.next().await else {
                break meta.finish().map_err(unreadable)?;
            };
            let piece = piece.map_err(|error| HeldError::Unreadable(error.to_string()))?;
            if let Some(found) = meta.push(&piece).map_err(unreadable)? {
                break found;
            }
        };
        let mut session = self.session(held.source.clone());
        if past_filters {
            session = session.past_filters();
        }
        let mut receiving = session.begin(Announced {
            syntax: found.syntax,
            sop_class: None,
            sop_instance: None,
            study: None,
        });
        receiving.push(behind).await.map_err(HeldError::Refused)?;
        while let Some(piece) = file.next().await {
            let piece = piece.map_err(|error| HeldError::Unreadable(error.to_string()))?;
            receiving.push(piece).await.map_err(HeldError::Refused)?;
        }
        let accepted = receiving.finish().await.map_err(HeldError::Refused);
        session.close().await;
        accepted
    }
}

//! Sending: objects to a host by C-STORE, as any modality would.
//!
//! `seed` and `import` share it. It goes through the front door on purpose: what they send passes the same chain, gets
//! the same checks and the same durability as everything else.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use isocenter_dimse::{AeTitle, Association, AssociationError, Options, Proposal, dial};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::net::TcpStream;

use crate::config::PeerAddress;

/// Presentation contexts of one association (PS3.8 §9.3.2.2: odd numbers in a byte).
const MOST_CONTEXTS: usize = 128;

/// Objects of one association: enough that negotiation costs nothing, few enough to be held as a list.
const MOST_OBJECTS: usize = 2000;

/// How long the connection may take.
const DIAL: Duration = Duration::from_secs(10);

/// Bytes read from a file at once.
const PORTION: usize = 128 * 1024;

/// Whom to send to, and as whom.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its DICOM port.
    pub address: PeerAddress,
    /// The AE title to call.
    pub called: AeTitle,
    /// The AE title to call from.
    pub calling: AeTitle,
}

/// An object to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// For messages: a label or a path.
    pub name: String,
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// UID of the transfer syntax that the data set is in; it is sent in no other.
    pub syntax: String,
    /// The data set.
    pub data: Data,
}

/// Where a data set is.
#[derive(Clone, Debug)]
pub enum Data {
    /// In memory.
    Memory(Bytes),
    /// In a file, after so many bytes of preamble and file meta information.
    File {
        /// Which file.
        path: PathBuf,
        /// Where the data set begins.
        offset: u64,
    },
}

/// Why nothing more can be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The host is not there, or turns the association away.
    #[error("no association with {called} at {address}: {cause}")]
    Association {
        /// Whom it was to be with.
        called: AeTitle,
        /// Where.
        address: PeerAddress,
        /// What happened.
        cause: AssociationError,
    },
}

/// Objects that fit into one association.
#[derive(Debug, Default)]
pub struct Batch {
    objects: Vec<Outgoing>,
    contexts: BTreeSet<(String, String)>,
}

impl Batch {
    /// Whether the association has room for this one too.
    pub fn fits(&self, object: &Outgoing) -> bool {
        self.objects.len() < MOST_OBJECTS
            && (self.contexts.len() < MOST_CONTEXTS || self.contexts.contains(&context(object)))
    }

    /// Takes an object. One that does not fit is told as refused when its turn comes.
    pub fn add(&mut self, object: Outgoing) {
        self.contexts.insert(context(&object));
        self.objects.push(object);
    }

    /// Sends all, and tells the fate of each: `Ok` when the host has it, else why not. An association that breaks costs
    /// the object that was under way; the rest goes on a new one.
    ///
    /// # Errors
    /// No association comes about; objects whose fate was not told were not sent.
    pub async fn send(
        self,
        receiver: &Receiver,
        mut told: impl FnMut(&Outgoing, Result<(), String>),
    ) -> Result<(), SendError> {
        let mut left = self.objects.as_slice();
        while !left.is_empty() {
            let mut association = associate(receiver, &self.contexts).await?;
            loop {
                let Some((object, rest)) = left.split_first() else {
                    // The objects have arrived; how the association ends changes nothing for them.
                    if let Err(error) = association.release().await {
                        tracing::debug!(%error, "release");
                    }
                    return Ok(());
                };
                left = rest;
                match store(&mut association, object).await {
                    Ok(fate) => told(object, fate),
                    Err(error) => {
                        told(object, Err(error.to_string()));
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What an association has to agree on for an object.
fn context(object: &Outgoing) -> (String, String) {
    (object.sop_class.clone(), object.syntax.clone())
}

async fn associate(
    receiver: &Receiver,
    contexts: &BTreeSet<(String, String)>,
) -> Result<Association<TcpStream>, SendError> {
    let failed = |cause| SendError::Association {
        called: receiver.called.clone(),
        address: receiver.address.clone(),
        cause,
    };
    let mut proposal = Proposal::new(receiver.calling.clone(), receiver.called.clone());
    for (sop_class, syntax) in contexts {
        // A UID that cannot be proposed is not: its objects are refused one by one, with that reason.
        if let Err(error) = proposal.add_context(sop_class, &[syntax]) {
            tracing::debug!(%error, "not proposed");
        }
    }
    let address = (receiver.address.host(), receiver.address.port());
    let stream = dial(address, DIAL).await.map_err(failed)?;
    isocenter_dimse::connect(stream, &Options::default(), &proposal)
        .await
        .map_err(failed)
}

/// The inner result is the object's fate, the outer one the association's.
async fn store(
    association: &mut Association<TcpStream>,
    object: &Outgoing,
) -> Result<Result<(), String>, AssociationError> {
    let Some(context) = association.context_for(&object.sop_class, &object.syntax) else {
        let reason = format!(
            "the host takes no SOP class {} in transfer syntax {}",
            object.sop_class, object.syntax
        );
        return Ok(Err(reason));
    };
    let data = match object.data.open().await {
        Ok(data) => data,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let answer = association
        .store(context, &object.sop_class, &object.sop_instance, data)
        .await?;
    if answer.status.is_performed() {
        return Ok(Ok(()));
    }
    Ok(Err(match answer.comment {
        Some(comment) => format!("{}: {comment}", answer.status),
        None => answer.status.to_string(),
    }))
}

impl Data {
    async fn open(&self) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        match self {
            Self::Memory(bytes) => {
                let bytes = bytes.clone();
                Ok(stream::iter([Ok(bytes)]).boxed())
            }
            Self::File { path, offset } => {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(io::SeekFrom::Start(*offset)).await?;
                let portions = stream::try_unfold(file, |mut file| async move {
                    let mut portion = Vec::with_capacity(PORTION);
                    let read = (&mut file).take(PORTION as u64).read_to_end(&mut portion).await?;
                    Ok((read > 0).then(|| (Bytes::from(portion), file)))
                });
                Ok(portions.boxed())
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Objects that somebody asks for by C-GET or C-MOVE: each in a transfer syntax that the peer has accepted, on the way that
//! is configured for that peer.
//!
//! Who is a configured destination gets what goes to that destination: its filters are passed, whoever asks and however.
//! Everybody else gets the objects as they are stored, as by WADO-RS; whether they may ask was decided when they associated.

use std::time::Duration;

use isocenter_archive::index::Located;
use isocenter_dimse::{
    AeTitle, Association, AssociationError, Command, MoveOriginator, Proposal, Status, Stream, status,
};

use crate::destination::{Destination, Target};
use crate::egress::NotSent;
pub use crate::egress::Outgoing;
pub use crate::offer::{Kinds, convertible, is_made};
use crate::peer::{self, Peer};
use crate::{Pipeline, Set, offer};

/// Associations that are tried for one retrieval, should one break.
const MOST_ASSOCIATIONS: u32 = 3;

/// How long a destination may take to answer.
const ANSWERS: Duration = Duration::from_secs(120);

/// Several destinations have the AE title, so that it does not say whose filters are to be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("several destinations have this AE title")]
pub struct Ambiguous;

/// The DICOM destination with that AE title.
///
/// # Errors
/// [`Ambiguous`].
pub fn destination(set: &Set, ae_title: &AeTitle) -> Result<Option<Destination>, Ambiguous> {
    let mut named = set
        .destinations
        .values()
        .filter(|destination| match &destination.target {
            Target::Dicom(peer) => peer.ae_title == *ae_title,
            Target::Folder(_) => false,
        });
    match (named.next(), named.next()) {
        (_, Some(_)) => Err(Ambiguous),
        (found, None) => Ok(found.cloned()),
    }
}

/// An object for a peer, in the first of these that `takes` says yes to: the syntax that it is stored in, explicit and
/// implicit VR little endian, a compressed syntax that it can be encoded in without loss. `to`: whose filters it passes.
///
/// # Errors
/// Why it cannot be sent, without a value of its header.
pub async fn prepare(
    pipeline: &Pipeline,
    to: Option<&Destination>,
    located: &Located,
    takes: impl Fn(&str, &str) -> bool + Send,
) -> Result<Outgoing, String> {
    offer::prepare(pipeline, to, located, takes).await.map_err(reason)
}

fn reason(not: NotSent) -> String {
    match not {
        NotSent::Dropped(reason) | NotSent::Later(reason) | NotSent::Dead(reason) => reason,
    }
}

/// Takes objects to a destination for a C-MOVE, over an association of its own.
pub struct Courier {
    pipeline: Pipeline,
    destination: Destination,
    originator: MoveOriginator,
    proposal: Proposal,
    association: Option<Association<Stream>>,
    /// How many associations may still be opened.
    left: u32,
}

impl Courier {
    /// Associates with a DICOM destination for objects of these kinds.
    ///
    /// # Errors
    /// Why there is no association.
    pub async fn open(
        pipeline: &Pipeline,
        destination: Destination,
        kinds: &Kinds,
        originator: MoveOriginator,
    ) -> Result<Self, String> {
        let peer = Peer::of(&destination).map_err(|error| error.to_string())?;
        let proposal = peer
            .proposal_of(offer::contexts(kinds))
            .map_err(|error| error.to_string())?;
        let mut courier = Self {
            pipeline: pipeline.clone(),
            originator,
            proposal,
            association: None,
            left: MOST_ASSOCIATIONS,
            destination,
        };
        courier.associate().await?;
        Ok(courier)
    }

    async fn associate(&mut self) -> Result<(), String> {
        if self.left == 0 {
            return Err("the destination broke too many associations".to_owned());
        }
        self.left -= 1;
        let associated = async { Peer::of(&self.destination)?.associate(&self.proposal, ANSWERS).await };
        self.association = Some(associated.await.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Sends an object: the status that the destination answered.
    ///
    /// # Errors
    /// Why it was not sent or not answered, without a value of its header.
    pub async fn send(&mut self, located: &Located) -> Result<Status, String> {
        if self.association.is_none() {
            self.associate().await?;
        }
        let Some(association) = self.association.as_mut() else {
            return Err("there is no association".to_owned());
        };
        let takes = peer::takes(association.contexts());
        let outgoing = prepare(&self.pipeline, Some(&self.destination), located, takes).await?;
        match store(association, outgoing, &self.originator).await {
            Ok(status) => Ok(status),
            Err(error) => {
                self.association = None;
                Err(error.to_string())
            }
        }
    }

    /// Releases the association.
    pub async fn close(self) {
        if let Some(association) = self.association {
            peer::release(association).await;
        }
    }
}

async fn store(
    association: &mut Association<Stream>,
    outgoing: Outgoing,
    originator: &MoveOriginator,
) -> Result<Status, AssociationError> {
    let identity = &outgoing.identity;
    let (class, syntax) = (identity.sop_class.as_str(), outgoing.syntax.uid().as_str());
    let context = association
        .context_for(class, syntax)
        .ok_or(AssociationError::NoContext(0))?;
    let id = association.next_message_id();
    let command = Command::store_rq(id, class, identity.sop_instance.as_str()).with_move_originator(originator);
    association.send_stream(context, &command, outgoing.data).await?;
    let response = association.response(id).await?;
    Ok(response.status().unwrap_or(status::PROCESSING_FAILURE))
}

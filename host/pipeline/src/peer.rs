//! An association with a peer: by deliveries, C-MOVE and reports alike, and by queries and retrievals of this host.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{ParseError, syntax};
use isocenter_dimse::{
    AcceptedContext, AeTitle, Association, AssociationError, ClientTls, Options, Proposal, ProposalError, Status,
    Stream, UserIdentity, connect, reach,
};

use crate::destination::{Destination, Target};

/// How long a peer may take to accept a TCP connection, and to shake hands where TLS is spoken.
const DIAL: Duration = Duration::from_secs(10);
/// The longest data set of an answer, in bytes.
const LONGEST: usize = 1 << 20;
/// What reading one may cost.
const LIMITS: Limits = Limits {
    header_bytes: LONGEST,
    depth: 16,
    elements: 100_000,
};

/// What everybody knows, in the order in which it is preferred.
pub(crate) const PLAIN: [&str; 2] = [syntax::EXPLICIT_LE, syntax::IMPLICIT_LE];

/// Why a peer was not asked, or did not do as asked. Holds nothing that the peer wrote: that may be patient data.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// A folder, or a name that is not configured.
    #[error("it is no DICOM peer: the destination needs `dicom = {{ ae-title = \"…\", address = \"HOST:PORT\" }}`")]
    NotDicom,
    /// There is no association.
    #[error("the peer cannot be reached: {0}")]
    Unreachable(String),
    /// No presentation context.
    #[error("the peer does not offer {0}")]
    NotOffered(&'static str),
    /// The last response.
    #[error("the peer answered {0}")]
    Refused(Status),
    /// In the middle.
    #[error("the association broke: {0}")]
    Broken(#[from] AssociationError),
    /// A data set of the peer.
    #[error("an answer of the peer cannot be read: {0}")]
    Unreadable(#[from] ParseError),
    /// A data set of the peer.
    #[error("an answer of the peer is longer than 1 MiB")]
    TooLong,
}

/// A DICOM peer: whom to call, and as whom.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// `host:port`.
    pub address: String,
    /// TLS is spoken there.
    pub tls: Option<ClientTls>,
    /// What this host calls itself there.
    pub calling_ae: AeTitle,
    /// As which user it calls there (PS3.7 §D.3.3.7).
    pub user: Option<UserIdentity>,
    /// How long it may take to answer for what it was sent (PS3.4 Annex J), before it is sent the same again; `None`: it is
    /// not asked to.
    pub commit_within: Option<Duration>,
}

impl Peer {
    /// The peer that a destination is.
    ///
    /// # Errors
    /// [`PeerError::NotDicom`].
    pub(crate) fn of(destination: &Destination) -> Result<&Self, PeerError> {
        match &destination.target {
            Target::Dicom(peer) => Ok(peer),
            Target::Folder(_) => Err(PeerError::NotDicom),
        }
    }

    /// A proposal without contexts.
    ///
    /// # Errors
    /// The user's name or passcode is too long to be sent.
    pub(crate) fn proposal(&self) -> Result<Proposal, ProposalError> {
        let mut proposal = Proposal::new(self.calling_ae.clone(), self.ae_title.clone());
        if let Some(user) = &self.user {
            proposal.set_user_identity(user.clone())?;
        }
        Ok(proposal)
    }

    /// A proposal of SOP classes, each in a transfer syntax, in a presentation context of its own.
    ///
    /// # Errors
    /// Why it cannot be proposed.
    pub(crate) fn proposal_of<'a>(
        &self,
        contexts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Proposal, ProposalError> {
        let mut proposal = self.proposal()?;
        for (class, syntax) in contexts {
            proposal.add_context(class, &[syntax])?;
        }
        Ok(proposal)
    }

    /// Associates; `patience` is how long the peer may take for its next message.
    ///
    /// # Errors
    /// [`PeerError::Unreachable`].
    pub(crate) async fn associate(
        &self,
        proposal: &Proposal,
        patience: Duration,
    ) -> Result<Association<Stream>, PeerError> {
        let options = Options {
            idle: patience,
            response_time: patience,
            ..Options::default()
        };
        let associated = async {
            let stream = reach(&self.address, self.tls.as_ref(), DIAL).await?;
            connect(stream, &options, proposal).await
        };
        associated
            .await
            .map_err(|error: AssociationError| PeerError::Unreachable(error.to_string()))
    }
}

/// Whether one of these contexts is for that SOP class in that transfer syntax.
pub(crate) fn takes(contexts: &[AcceptedContext]) -> impl Fn(&str, &str) -> bool + Send {
    |class, syntax| {
        let mut contexts = contexts.iter();
        contexts.any(|context| context.abstract_syntax == class && context.transfer_syntax == syntax)
    }
}

/// The context that was accepted for the first of these SOP classes that was, with its transfer syntax.
pub(crate) fn context_of(
    association: &Association<Stream>,
    sop_classes: &[&str],
) -> Option<(u8, String, TransferSyntax)> {
    sop_classes.iter().find_map(|class| {
        let mut contexts = association.contexts().iter();
        let context = contexts.find(|context| context.abstract_syntax == *class)?;
        let syntax = TransferSyntax::lookup(&context.transfer_syntax)?;
        Some((context.id, context.abstract_syntax.clone(), syntax))
    })
}

/// The data set of the message that was read last.
///
/// # Errors
/// It is too long or cannot be read; or the association is over.
pub(crate) async fn data_set(
    association: &mut Association<Stream>,
    syntax: &TransferSyntax,
) -> Result<(Header, usize), PeerError> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = association.data().await? {
        if bytes.len() + piece.len() > LONGEST {
            return Err(PeerError::TooLong);
        }
        bytes.extend_from_slice(&piece);
    }
    let length = bytes.len();
    let (header, _): (Header, Bytes) = Header::parse(syntax.clone(), &bytes, LIMITS)?;
    Ok((header, length))
}

/// Releases an association that has done what it was for.
pub(crate) async fn release(association: Association<Stream>) {
    if let Err(error) = association.release().await {
        tracing::debug!(%error, "the peer did not release in order");
    }
}

//! The DICOM wire: associations of the upper layer (PS3.8) and DIMSE messages (PS3.7), both roles, on any
//! asynchronous stream. It knows no archive, no plugin and no data set: what a message carries passes through as bytes.
//!
//! As a provider: [`accept`] (or [`Indication`] in two steps), then [`Association::next`], [`Association::data`] and
//! [`Association::send`] in a loop until [`Incoming::Released`]. As a user: [`dial`], [`connect`],
//! [`Association::store`] or [`Association::echo`], [`Association::release`].
//!
//! # Memory of one association
//! An input buffer of 128 KiB (whatever the size of a PDU or of an object), an output buffer of 128 KiB plus one PDU of
//! at most 128 KiB while it sends a data set, one command set of at most 64 KiB, and while it is being negotiated one
//! A-ASSOCIATE PDU of at most 256 KiB. Fragments that the caller keeps hold on to the input buffers they are slices of.
//!
//! # Time of one association
//! Every wait for the peer has a limit, see [`Options`]. Time that the caller takes between two calls is not counted
//! against the peer.
//!
//! More than one operation is outstanding where an asynchronous operations window is agreed on (PS3.7 §D.3.3.3): a user asks
//! for one in its [`Proposal`], makes requests without waiting, and takes the answers as they come.
//!
//! An association runs over any stream; [`Stream`] is TCP, with TLS or without.

mod accept;
mod ae;
mod association;
mod bandwidth;
mod command;
#[cfg(test)]
mod conformance;
mod connect;
mod error;
mod negotiation;
mod options;
mod outgoing;
mod pdu;
pub mod sop;
pub mod status;
mod stream;
mod tls;
mod waits;
mod wire;

pub use accept::{Indication, accept};
pub use ae::{AeTitle, BadAeTitle};
pub use association::{Association, Incoming, Meanwhile, Message};
pub use bandwidth::Bandwidth;
pub use command::{Command, CommandError, CommandField, MoveOriginator, Priority, element};
pub use connect::{StoreStatus, connect, dial};
pub use error::{AbortReason, AssociationError, RejectReason, Rejection, Violation};
pub use negotiation::{
    Acceptance, AcceptedContext, Admission, ContextAnswer, ContextRefusal, ExtendedNegotiation, Proposal,
    ProposalError, ProposedContext, Request, RoleSelection, UserIdentity, UserIdentityKind, Window,
};
pub use options::Options;
pub use status::Status;
pub use stream::{Stream, reach};
pub use tls::{ClientTls, Identity, ServerTls, TlsError};

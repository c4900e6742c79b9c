//! How an association ends other than by release. Separate because both roles, the codec and the reader end in it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::command::CommandError;
use crate::waits;

/// Why an association ended, or never began. Whatever the case, the association is over: where the protocol asks for an
/// A-ABORT it has been sent.
#[derive(Debug, thiserror::Error)]
pub enum AssociationError {
    /// The peer was slow; it got an A-ABORT where an association existed.
    #[error("the peer took longer than {limit:?} for {what}")]
    Timeout {
        /// What it was to send or to take.
        what: &'static str,
        /// The limit from [`crate::Options`].
        limit: Duration,
    },
    /// The peer closed the connection without release.
    #[error("the peer closed the connection while this side waited for {0}")]
    Closed(/** What it waited for. */ &'static str),
    /// The connection failed.
    #[error("the connection failed while this side waited for {what}: {source}")]
    Connection {
        /// What it waited for.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The peer broke the protocol and got an A-ABORT.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The peer sent an A-ABORT.
    #[error("the peer aborted the association: {0}")]
    Aborted(AbortReason),
    /// This side sent an A-ASSOCIATE-RJ.
    #[error("the association was refused: {0}")]
    Refused(Rejection),
    /// The peer sent an A-ASSOCIATE-RJ.
    #[error("the peer rejected the association: {0}")]
    Rejected(Rejection),
    /// The peer asked for release while it owed a response.
    #[error("the peer released the association before it answered")]
    ReleasedEarly,
    /// The data set to send could not be read to its end, so the message was cut by an A-ABORT.
    #[error("the data set to send cannot be read: {0}")]
    Source(#[source] io::Error),
    /// The caller named a presentation context that was not accepted; nothing was sent.
    #[error("presentation context {0} was not accepted")]
    NoContext(/** The context id. */ u8),
    /// The caller uses an association that has ended.
    #[error("the association has already ended")]
    Over,
}

impl AssociationError {
    /// The limit of [`crate::Options`] that ended it, by the name of its field; `None`: no limit did.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Timeout { what, .. } => waits::limit(what),
            Self::Violation(Violation::PduTooLong { .. }) => Some("max_pdu"),
            _ => None,
        }
    }

    /// What the A-ABORT for this end says, None where none is due (PS3.8 §9.2: nobody is there, or the peer has ended it).
    pub(crate) fn abort(&self) -> Option<AbortReason> {
        match self {
            Self::Violation(violation) => Some(violation.reason()),
            Self::Timeout { .. } => Some(AbortReason::NotSpecified),
            Self::Source(_) => Some(AbortReason::User),
            _ => None,
        }
    }
}

/// Source and reason of an A-ABORT (PS3.8 §9.3.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbortReason {
    /// The DICOM application wanted it (source 0).
    User,
    /// The upper layer, for no reason that has a code.
    NotSpecified,
    /// A PDU of a type that does not exist.
    UnrecognizedPdu,
    /// A PDU that does not belong here.
    UnexpectedPdu,
    /// A parameter that does not exist.
    UnrecognizedParameter,
    /// A parameter that does not belong here.
    UnexpectedParameter,
    /// A parameter with an impossible value.
    InvalidParameter,
    /// What a peer sent and the standard does not list.
    Other {
        /// Source field.
        source: u8,
        /// Reason field.
        reason: u8,
    },
}

impl AbortReason {
    /// Source and reason as they stand in the PDU.
    pub const fn codes(self) -> (u8, u8) {
        match self {
            Self::User => (0, 0),
            Self::NotSpecified => (2, 0),
            Self::UnrecognizedPdu => (2, 1),
            Self::UnexpectedPdu => (2, 2),
            Self::UnrecognizedParameter => (2, 4),
            Self::UnexpectedParameter => (2, 5),
            Self::InvalidParameter => (2, 6),
            Self::Other { source, reason } => (source, reason),
        }
    }

    /// The reason for the two fields of a PDU. The reason field of a user's abort is not significant.
    pub const fn from_codes(source: u8, reason: u8) -> Self {
        match (source, reason) {
            (0, _) => Self::User,
            (2, 0) => Self::NotSpecified,
            (2, 1) => Self::UnrecognizedPdu,
            (2, 2) => Self::UnexpectedPdu,
            (2, 4) => Self::UnrecognizedParameter,
            (2, 5) => Self::UnexpectedParameter,
            (2, 6) => Self::InvalidParameter,
            _ => Self::Other { source, reason },
        }
    }
}

impl fmt::Display for AbortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "by its application",
            Self::NotSpecified => "by its upper layer, reason not specified",
            Self::UnrecognizedPdu => "unrecognized pdu",
            Self::UnexpectedPdu => "unexpected pdu",
            Self::UnrecognizedParameter => "unrecognized pdu parameter",
            Self::UnexpectedParameter => "unexpected pdu parameter",
            Self::InvalidParameter => "invalid pdu parameter value",
            Self::Other { source, reason } => return write!(f, "source {source}, reason {reason}"),
        })
    }
}

/// An A-ASSOCIATE-RJ (PS3.8 §9.3.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// Whether trying again later may help (result 2) or not (result 1).
    pub transient: bool,
    /// Who refuses and why.
    pub reason: RejectReason,
}

/// Source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RejectReason {
    /// Source 1, reason 1.
    NoReason,
    /// Source 1, reason 2.
    ApplicationContextNotSupported,
    /// Source 1, reason 3.
    CallingAeNotRecognized,
    /// Source 1, reason 7.
    CalledAeNotRecognized,
    /// Source 2, reason 1.
    ProviderNoReason,
    /// Source 2, reason 2.
    ProtocolVersionNotSupported,
    /// Source 3, reason 1.
    TemporaryCongestion,
    /// Source 3, reason 2.
    LocalLimitExceeded,
    /// What a peer sent and the standard does not list.
    Other {
        /// Source field.
        source: u8,
        /// Reason field.
        reason: u8,
    },
}

impl Rejection {
    /// Nobody here has the called title.
    pub const CALLED_AE: Self = Self::permanent(RejectReason::CalledAeNotRecognized);
    /// The calling title is not welcome.
    pub const CALLING_AE: Self = Self::permanent(RejectReason::CallingAeNotRecognized);
    /// Refused for a reason without a code, as by an authenticator.
    pub const NO_REASON: Self = Self::permanent(RejectReason::NoReason);
    /// Too many associations at once: try later.
    pub const LOCAL_LIMIT: Self = Self::transient(RejectReason::LocalLimitExceeded);
    /// Busy or going down: try later.
    pub const CONGESTION: Self = Self::transient(RejectReason::TemporaryCongestion);

    /// A rejection that will stay.
    pub const fn permanent(reason: RejectReason) -> Self {
        Self {
            transient: false,
            reason,
        }
    }

    /// A rejection for now.
    pub const fn transient(reason: RejectReason) -> Self {
        Self {
            transient: true,
            reason,
        }
    }

    /// Result, source and reason as they stand in the PDU.
    pub const fn codes(self) -> (u8, u8, u8) {
        let (source, reason) = match self.reason {
            RejectReason::NoReason => (1, 1),
            RejectReason::ApplicationContextNotSupported => (1, 2),
            RejectReason::CallingAeNotRecognized => (1, 3),
            RejectReason::CalledAeNotRecognized => (1, 7),
            RejectReason::ProviderNoReason => (2, 1),
            RejectReason::ProtocolVersionNotSupported => (2, 2),
            RejectReason::TemporaryCongestion => (3, 1),
            RejectReason::LocalLimitExceeded => (3, 2),
            RejectReason::Other { source, reason } => (source, reason),
        };
        (if self.transient { 2 } else { 1 }, source, reason)
    }

    /// The rejection for the three fields of a PDU.
    pub const fn from_codes(result: u8, source: u8, reason: u8) -> Self {
        let why = match (source, reason) {
            (1, 1) => RejectReason::NoReason,
            (1, 2) => RejectReason::ApplicationContextNotSupported,
            (1, 3) => RejectReason::CallingAeNotRecognized,
            (1, 7) => RejectReason::CalledAeNotRecognized,
            (2, 1) => RejectReason::ProviderNoReason,
            (2, 2) => RejectReason::ProtocolVersionNotSupported,
            (3, 1) => RejectReason::TemporaryCongestion,
            (3, 2) => RejectReason::LocalLimitExceeded,
            _ => RejectReason::Other { source, reason },
        };
        Self {
            transient: result == 2,
            reason: why,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            RejectReason::NoReason | RejectReason::ProviderNoReason => "no reason given",
            RejectReason::ApplicationContextNotSupported => "application context name not supported",
            RejectReason::CallingAeNotRecognized => "calling ae title not recognized",
            RejectReason::CalledAeNotRecognized => "called ae title not recognized",
            RejectReason::ProtocolVersionNotSupported => "protocol version not supported",
            RejectReason::TemporaryCongestion => "temporary congestion",
            RejectReason::LocalLimitExceeded => "local limit exceeded",
            RejectReason::Other { source, reason } => {
                return write!(f, "source {source}, reason {reason}");
            }
        })?;
        f.write_str(if self.transient { " (for now)" } else { " (for good)" })
    }
}

/// What the peer sent that the protocol does not allow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Violation {
    /// The first byte is no PDU type.
    #[error("{0:02X}H is not a pdu type; a dicom association starts with 01H")]
    UnknownPdu(/** The byte. */ u8),
    /// A PDU that does not belong here.
    #[error("pdu {found:02X}H came where {expected} was due")]
    UnexpectedPdu {
        /// The type that came.
        found: u8,
        /// What should have come.
        expected: &'static str,
    },
    /// A PDU longer than this side said it takes.
    #[error("pdu {pdu:02X}H of {length} bytes is longer than the {max} that this side takes")]
    PduTooLong {
        /// Its type.
        pdu: u8,
        /// Its length field.
        length: u32,
        /// The most that is allowed.
        max: u32,
    },
    /// A PDU of a length that its type cannot have.
    #[error("pdu {pdu:02X}H cannot have a length of {length}")]
    PduLength {
        /// Its type.
        pdu: u8,
        /// Its length field.
        length: u32,
    },
    /// A presentation data value that does not fit into its PDU.
    #[error("a pdv of {length} bytes stands where its pdu has {left} left")]
    PdvLength {
        /// Its length field.
        length: u32,
        /// What remains of the PDU after that field.
        left: u32,
    },
    /// A message in a context that was not accepted.
    #[error("presentation context {0} was not accepted")]
    UnknownContext(/** The context id. */ u8),
    /// A fragment of another context in the middle of a message.
    #[error("a fragment in presentation context {found} stands in the middle of a message in {expected}")]
    ContextChanged {
        /// The context id that came.
        found: u8,
        /// The one of the message.
        expected: u8,
    },
    /// A data fragment where a command is due.
    #[error("a data set fragment came where a command was due")]
    DataBeforeCommand,
    /// A command fragment where data is due.
    #[error("a command fragment came in the middle of a data set")]
    CommandInData,
    /// A command set longer than any command is.
    #[error("the command set is longer than {0} bytes")]
    CommandTooLong(/** The limit. */ usize),
    /// A command set that cannot be decoded.
    #[error("the command set is invalid: {0}")]
    Command(#[from] CommandError),
    /// A response to something that was not asked.
    #[error("a response to message {found} came where one to {expected} was due")]
    WrongResponse {
        /// The Message ID Being Responded To.
        found: u16,
        /// The Message ID of the request.
        expected: u16,
    },
    /// A request where a response is due.
    #[error("{0} came where a response was due")]
    RequestForResponse(crate::CommandField),
    /// Another request while the one before is being performed: one operation at a time was agreed (PS3.7 §D.3.3.3).
    #[error("{0} came while the request before it was being performed")]
    RequestAmid(crate::CommandField),
    /// An A-ASSOCIATE PDU with an item that cannot be read.
    #[error("the association pdu is malformed: {0}")]
    Associate(/** What is wrong with it. */ &'static str),
    /// The A-ASSOCIATE-AC accepts what was not proposed.
    #[error("the answer for presentation context {0} was never proposed")]
    NeverProposed(/** The context id. */ u8),
    /// A maximum PDU length in which no data fits.
    #[error("a maximum pdu length of {0} leaves no room for data")]
    MaxPdu(/** The length. */ u32),
}

impl Violation {
    /// What the A-ABORT says.
    pub(crate) fn reason(&self) -> AbortReason {
        match self {
            Self::UnknownPdu(_) => AbortReason::UnrecognizedPdu,
            Self::UnexpectedPdu { .. } => AbortReason::UnexpectedPdu,
            Self::DataBeforeCommand | Self::CommandInData => AbortReason::UnexpectedParameter,
            Self::WrongResponse { .. } | Self::RequestForResponse(_) | Self::RequestAmid(_) => AbortReason::User,
            _ => AbortReason::InvalidParameter,
        }
    }
}

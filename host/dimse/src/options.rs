//! What an operator may tune about associations. Separate so that both roles share one set of limits.

use std::time::Duration;

/// Limits and names of this side of an association. The defaults suit a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The longest P-DATA-TF PDU, in bytes without its header of 6, that the peer is told it may send (PS3.8 §D.1).
    /// A longer one ends the association. Held between 4 KiB and 16 MiB. Larger costs no memory. Default 256 KiB.
    pub max_pdu: u32,
    /// ARTIM (PS3.8 §9.1.5): how long a peer may take to send its A-ASSOCIATE-RQ, to answer ours, or to answer an
    /// A-RELEASE-RQ. Default 30 s.
    pub artim: Duration,
    /// How long this side waits in all for the bytes of one PDU, from the first one of its message on. At the end of a
    /// PDU the same time is granted again, if a KiB has come since it was last granted; so neither a byte a second nor a
    /// tiny PDU a second keeps an association. Default 30 s.
    pub pdu_time: Duration,
    /// How long the peer may rest between two messages. Default 60 s.
    pub idle: Duration,
    /// As a user: how long the peer may take to answer a request. Default 120 s.
    pub response_time: Duration,
    /// How long the peer may refuse to take 128 KiB that this side sends. Default 30 s.
    pub write_time: Duration,
    /// How long an unread data set may go on before the association is ended rather than drained. Default 5 min.
    pub drain_time: Duration,
    /// Implementation Class UID (PS3.7 §D.3.3.2.1), at most 64 characters.
    pub implementation_class_uid: String,
    /// Implementation Version Name (PS3.7 §D.3.3.2.3), at most 16 characters.
    pub implementation_version: String,
}

/// The Implementation Class UID of Isocenter: a UUID made once (PS3.5 §B.2). The one that stands in its files.
const IMPLEMENTATION_CLASS_UID: &str = "2.25.146893715382056842103967714208556034817";

impl Default for Options {
    fn default() -> Self {
        Self {
            max_pdu: 262_144,
            artim: Duration::from_secs(30),
            pdu_time: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            response_time: Duration::from_secs(120),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(300),
            implementation_class_uid: IMPLEMENTATION_CLASS_UID.into(),
            implementation_version: concat!("ISOCENTER_", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl Options {
    /// [`Options::max_pdu`] within the bounds that this implementation offers.
    pub(crate) fn offered_pdu(&self) -> u32 {
        self.max_pdu.clamp(4096, 16 << 20)
    }
}

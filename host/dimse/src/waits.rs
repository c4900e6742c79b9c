//! What this side waits for, in the words of errors. Separate so that whatever is waited for has the limit named under which
//! it is.

/// Between two messages.
pub(crate) const A_MESSAGE: &str = "the next message";
/// The bytes of a PDU.
pub(crate) const THE_REST: &str = "the rest of a message";
/// An A-ASSOCIATE-RQ.
pub(crate) const A_REQUEST: &str = "a request for an association";
/// An A-ASSOCIATE-AC.
pub(crate) const AN_ANSWER: &str = "an answer to a request for an association";
/// An A-RELEASE-RP.
pub(crate) const A_RELEASE: &str = "the answer to a release";
/// A response.
pub(crate) const A_RESPONSE: &str = "a response";
/// A response, while this side performs a request of the peer.
pub(crate) const A_SUBOPERATION: &str = "a response to a suboperation";
/// Bytes to be taken.
pub(crate) const TO_TAKE: &str = "taking what this side sent";
/// The end of a data set that is drained.
pub(crate) const UNWANTED: &str = "a data set that nobody wants";

/// The field of [`crate::Options`] that limits it; `None`: something else does.
pub(crate) fn limit(what: &str) -> Option<&'static str> {
    Some(match what {
        A_MESSAGE => "idle",
        THE_REST => "pdu_time",
        A_REQUEST | AN_ANSWER | A_RELEASE => "artim",
        A_RESPONSE | A_SUBOPERATION => "response_time",
        TO_TAKE => "write_time",
        UNWANTED => "drain_time",
        _ => return None,
    })
}

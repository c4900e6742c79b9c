//! The requestor's side: reaching a peer, agreeing with it, and the services that this side uses. Separate from the
//! association, which serves both sides.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use crate::accept::agreed;
use crate::association::{Association, Incoming, Side};
use crate::command::Command;
use crate::error::{AbortReason, AssociationError, Rejection, Violation};
use crate::negotiation::{Proposal, Request};
use crate::options::Options;
use crate::pdu;
use crate::pdu::associate::{Answer, decode_answer, put_request};
use crate::sop;
use crate::status::Status;
use crate::waits::{A_RESPONSE, AN_ANSWER};
use crate::wire::Wire;

/// The answer to a C-STORE-RQ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreStatus {
    /// Its status; [`Status::is_performed`] says whether the object is stored.
    pub status: Status,
    /// Its Error Comment (0000,0902).
    pub comment: Option<String>,
}

/// A TCP connection to a peer, with TCP_NODELAY: small messages are answered one by one here, and Nagle's algorithm would
/// cost a delayed acknowledgement each.
///
/// # Errors
/// [`AssociationError::Connection`] or [`AssociationError::Timeout`].
pub async fn dial(address: impl ToSocketAddrs, limit: Duration) -> Result<TcpStream, AssociationError> {
    const WHAT: &str = "the connection to be made";
    let stream = timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| AssociationError::Timeout { what: WHAT, limit })?
        .map_err(|source| AssociationError::Connection { what: WHAT, source })?;
    stream
        .set_nodelay(true)
        .map_err(|source| AssociationError::Connection { what: WHAT, source })?;
    Ok(stream)
}

/// Requests an association and waits for the answer, at most [`Options::artim`]. Which contexts were accepted is for the
/// caller to look at; it may be none.
///
/// # Errors
/// [`AssociationError::Rejected`] where the peer says no, or whatever else went wrong.
pub async fn connect<S>(stream: S, options: &Options, proposal: &Proposal) -> Result<Association<S>, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let request = proposal.request(
        options.offered_pdu(),
        &options.implementation_class_uid,
        &options.implementation_version,
    );
    let mut wire = Wire::new(stream, options.write_time);
    put_request(&mut wire.output, &request);
    wire.write_and_flush().await?;
    wire.allow(options.artim, AN_ANSWER);
    let answer = match read_answer(&mut wire, &request).await {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(reason) = error.abort() {
                wire.abort(reason).await;
            }
            return Err(error);
        }
    };
    let peer_max = answer.user.max_pdu;
    let agreed = agreed(&request, answer, peer_max);
    Association::establish(wire, options.clone(), Side::Requestor, request, agreed).await
}

async fn read_answer<S>(wire: &mut Wire<S>, request: &Request) -> Result<Answer, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (kind, length) = wire.peek_header().await?;
    match kind {
        pdu::ASSOCIATE_AC if length > pdu::MAX_ASSOCIATE => {
            return Err(Violation::PduTooLong {
                pdu: kind,
                length,
                max: pdu::MAX_ASSOCIATE,
            }
            .into());
        }
        pdu::ASSOCIATE_AC => {}
        pdu::ASSOCIATE_RJ | pdu::ABORT if length != pdu::SHORT => {
            return Err(Violation::PduLength { pdu: kind, length }.into());
        }
        pdu::ASSOCIATE_RJ | pdu::ABORT => {}
        found => {
            return Err(Violation::UnexpectedPdu {
                found,
                expected: "A-ASSOCIATE-AC",
            }
            .into());
        }
    }
    let whole = pdu::HEADER + usize::try_from(length).unwrap_or(usize::MAX);
    wire.peek(whole).await?;
    let body = wire.take(whole).slice(pdu::HEADER..);
    match (kind, body.as_ref()) {
        (pdu::ASSOCIATE_RJ, &[_, result, source, reason]) => {
            return Err(AssociationError::Rejected(Rejection::from_codes(
                result, source, reason,
            )));
        }
        (pdu::ABORT, &[_, _, source, reason]) => {
            return Err(AssociationError::Aborted(AbortReason::from_codes(source, reason)));
        }
        _ => {}
    }
    let answer = decode_answer(&body)?;
    for context in &answer.contexts {
        if let Ok(syntax) = &context.result {
            let proposed = request.contexts.iter().find(|proposed| proposed.id == context.id);
            if !proposed.is_some_and(|proposed| proposed.transfer_syntaxes.contains(syntax)) {
                return Err(Violation::NeverProposed(context.id).into());
            }
        }
    }
    Ok(answer)
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    /// Sends an object by C-STORE (PS3.7 §9.1.1) and waits for the answer, at most [`Options::response_time`]. The data
    /// set, in the context's transfer syntax and without file meta information, comes in fragments of any size. For a
    /// priority or a move originator use [`Association::send_stream`] and [`Association::response`].
    ///
    /// # Errors
    /// [`AssociationError`]. A status that refuses the object is none: the association goes on.
    pub async fn store<D>(
        &mut self,
        context: u8,
        sop_class: &str,
        sop_instance: &str,
        data: D,
    ) -> Result<StoreStatus, AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let id = self.begin_store(context, sop_class, sop_instance, data).await?;
        self.stored(&[id]).await.map(|(_, status)| status)
    }

    /// Sends an object as [`Association::store`] does, and waits for no answer: the id of the request, of which at most
    /// [`Association::window`] may be outstanding.
    ///
    /// # Errors
    /// [`AssociationError`].
    pub async fn begin_store<D>(
        &mut self,
        context: u8,
        sop_class: &str,
        sop_instance: &str,
        data: D,
    ) -> Result<u16, AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let command = Command::store_rq(self.next_message_id(), sop_class, sop_instance);
        self.send_stream(context, &command, data).await?;
        Ok(command.message_id())
    }

    /// Waits for an answer to one of the requests that are outstanding: which one, and what it says.
    ///
    /// # Errors
    /// [`AssociationError`].
    pub async fn stored(&mut self, outstanding: &[u16]) -> Result<(u16, StoreStatus), AssociationError> {
        let response = self.response_to(outstanding).await?;
        let status = StoreStatus {
            // Decoding has made sure that a response has one.
            status: response.status().unwrap_or(crate::status::PROCESSING_FAILURE),
            comment: response.error_comment().map(Into::into),
        };
        Ok((response.message_id(), status))
    }

    /// Asks the peer whether it is there (C-ECHO, PS3.7 §9.1.5), in the context that was accepted for it.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`] with id 0 where no context was accepted for [`sop::VERIFICATION`].
    pub async fn echo(&mut self) -> Result<Status, AssociationError> {
        let context = self
            .contexts()
            .iter()
            .find(|context| context.abstract_syntax == sop::VERIFICATION);
        let context = context
            .map(|context| context.id)
            .ok_or(AssociationError::NoContext(0))?;
        let command = Command::echo_rq(self.next_message_id());
        self.send(context, &command, None).await?;
        let response = self.response(command.message_id()).await?;
        Ok(response.status().unwrap_or(crate::status::PROCESSING_FAILURE))
    }

    /// Waits for a response to the request of that id, at most [`Options::response_time`]. Its data set, if it has one,
    /// is read by [`Association::data`]. With pending statuses there are several: call again.
    ///
    /// # Errors
    /// [`AssociationError`]; also where a request comes instead, or a response to something else. Who expects requests
    /// as well (C-GET) uses [`Association::next`].
    pub async fn response(&mut self, message_id: u16) -> Result<Command, AssociationError> {
        self.response_to(&[message_id]).await
    }

    /// [`Association::response`] to one of several requests that are outstanding.
    async fn response_to(&mut self, outstanding: &[u16]) -> Result<Command, AssociationError> {
        let response = match self.next_within(self.response_time(), A_RESPONSE).await? {
            Incoming::Released => return Err(AssociationError::ReleasedEarly),
            Incoming::Message(message) => message.command,
        };
        if !response.field().is_response() {
            return self
                .conclude(Err(Violation::RequestForResponse(response.field()).into()))
                .await;
        }
        if !outstanding.contains(&response.message_id()) {
            let violation = Violation::WrongResponse {
                found: response.message_id(),
                expected: outstanding.first().copied().unwrap_or_default(),
            };
            return self.conclude(Err(violation.into())).await;
        }
        Ok(response)
    }
}

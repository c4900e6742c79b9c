//! How an association begins on the acceptor's side (PS3.8 §7.1, §9.2 state 2 and 3). Separate from the association,
//! which is the same for both sides once it exists.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::association::{Agreed, Association, Side};
use crate::error::{AssociationError, RejectReason, Rejection, Violation};
use crate::negotiation::{
    Acceptance, AcceptedContext, Admission, ContextAnswer, ContextRefusal, ExtendedNegotiation, MAX_EXTENDED,
    MAX_INFORMATION, ProposedContext, Request, RoleSelection, Window,
};
use crate::options::Options;
use crate::pdu;
use crate::pdu::associate::{Answer, Unacceptable, UserInformation, decode_request, put_answer};
use crate::waits::A_REQUEST;
use crate::wire::Wire;

/// The most role selections that are granted; with this many the item still fits its length field.
const MAX_ROLES: usize = 256;
/// The longest response to a user identity, likewise.
const MAX_IDENTITY_RESPONSE: usize = 32 << 10;

/// A request for an association that has passed the upper layer's own checks and waits for its answer. Dropping it
/// closes the connection.
pub struct Indication<S> {
    wire: Wire<S>,
    options: Options,
    request: Request,
}

/// Receives a request, has `decide` decide it, answers it. The decision is not limited in time here.
///
/// # Errors
/// Those of [`Indication::receive`] and [`Indication::answer`].
pub async fn accept<S, F>(stream: S, options: &Options, decide: F) -> Result<Association<S>, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    F: AsyncFnOnce(&Request) -> Admission,
{
    let indication = Indication::receive(stream, options).await?;
    let admission = decide(indication.request()).await;
    indication.answer(admission).await
}

impl<S> fmt::Debug for Indication<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indication")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Indication<S> {
    /// Waits for the A-ASSOCIATE-RQ (at most [`Options::artim`]) and checks what is not for the application to decide:
    /// that it can be read, its protocol version, its application context, that both titles are AE titles, and that its
    /// presentation contexts are numbered as they must be.
    ///
    /// # Errors
    /// The peer has been sent an A-ABORT ([`AssociationError::Violation`]) or an A-ASSOCIATE-RJ
    /// ([`AssociationError::Refused`]), or is gone, or its time was up, whereupon the connection just closes
    /// (PS3.8 §9.2.3, AA-2).
    pub async fn receive(stream: S, options: &Options) -> Result<Self, AssociationError> {
        let mut wire = Wire::new(stream, options.write_time);
        wire.allow(options.artim, A_REQUEST);
        match read_request(&mut wire).await {
            Ok(Ok(request)) => Ok(Self {
                wire,
                options: options.clone(),
                request,
            }),
            Ok(Err(rejection)) => Err(refuse(wire, rejection).await),
            Err(error) => {
                if let AssociationError::Violation(violation) = &error {
                    wire.abort(violation.reason()).await;
                }
                Err(error)
            }
        }
    }

    /// What is asked.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers: A-ASSOCIATE-AC or -RJ.
    ///
    /// # Errors
    /// [`AssociationError::Refused`] when the decision was to reject; else the answer could not be sent.
    pub async fn answer(self, admission: Admission) -> Result<Association<S>, AssociationError> {
        let Self {
            mut wire,
            options,
            request,
        } = self;
        let acceptance = match admission {
            Admission::Accept(acceptance) => acceptance,
            Admission::Reject(rejection) => return Err(refuse(wire, rejection).await),
        };
        let answer = answer(&options, &request, acceptance);
        put_answer(&mut wire.output, &request, &answer);
        wire.write_and_flush().await?;
        let agreed = agreed(&request, answer, request.max_pdu);
        Association::establish(wire, options, Side::Acceptor, request, agreed).await
    }
}

async fn read_request<S>(wire: &mut Wire<S>) -> Result<Result<Request, Rejection>, AssociationError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (kind, length) = wire.peek_header().await?;
    if kind == pdu::ABORT {
        return Err(AssociationError::Closed("a request for an association"));
    }
    if kind != pdu::ASSOCIATE_RQ {
        return Err(Violation::UnexpectedPdu {
            found: kind,
            expected: "A-ASSOCIATE-RQ",
        }
        .into());
    }
    if length > pdu::MAX_ASSOCIATE {
        return Err(Violation::PduTooLong {
            pdu: kind,
            length,
            max: pdu::MAX_ASSOCIATE,
        }
        .into());
    }
    let whole = pdu::HEADER + usize::try_from(length).unwrap_or(usize::MAX);
    wire.peek(whole).await?;
    let request = decode_request(&wire.take(whole).slice(pdu::HEADER..));
    match request {
        Ok(request) if request.max_pdu != 0 && request.max_pdu < crate::association::LEAST_PDU => {
            Ok(Err(Rejection::permanent(RejectReason::LocalLimitExceeded)))
        }
        Ok(request) => Ok(Ok(request)),
        Err(Unacceptable::Reject(rejection)) => Ok(Err(rejection)),
        Err(Unacceptable::Malformed(violation)) => Err(violation.into()),
    }
}

async fn refuse<S>(mut wire: Wire<S>, rejection: Rejection) -> AssociationError
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    wire.output.clear();
    pdu::put_reject(&mut wire.output, rejection);
    wire.farewell().await;
    AssociationError::Refused(rejection)
}

/// The decision as an answer that fits the request.
fn answer(options: &Options, request: &Request, acceptance: Acceptance) -> Answer {
    let contexts = request
        .contexts
        .iter()
        .map(|proposed| answer_context(proposed, &acceptance.contexts))
        .collect();
    let wanted = request
        .user_identity
        .as_ref()
        .is_some_and(|identity| identity.response_requested);
    let identity_response = acceptance
        .identity_response
        .filter(|response| wanted && response.len() <= MAX_IDENTITY_RESPONSE);
    Answer {
        contexts,
        user: UserInformation {
            max_pdu: options.offered_pdu(),
            class_uid: options.implementation_class_uid.clone(),
            version: Some(options.implementation_version.clone()),
            window: request
                .window
                .map(|asked| asked.within(acceptance.window.unwrap_or(Window::ONE))),
            roles: grant_roles(&request.roles, &acceptance.roles),
            extended: answer_extended(&request.extended, acceptance.extended),
            identity: None,
            identity_response,
        },
    }
}

fn answer_context(proposed: &ProposedContext, answers: &[ContextAnswer]) -> ContextAnswer {
    let given = answers.iter().find(|answer| answer.id == proposed.id);
    match given.map(|answer| &answer.result) {
        Some(Ok(syntax)) if proposed.transfer_syntaxes.contains(syntax) => proposed.accept(syntax),
        Some(Ok(_)) => proposed.refuse(ContextRefusal::TransferSyntaxes),
        Some(Err(refusal)) => proposed.refuse(*refusal),
        None => proposed.refuse(ContextRefusal::NoReason),
    }
}

/// A role is granted where it was proposed and the application agrees (PS3.7 §D.3.3.4).
fn grant_roles(proposed: &[RoleSelection], granted: &[RoleSelection]) -> Vec<RoleSelection> {
    let both = |asked: &RoleSelection| {
        let grant = granted.iter().find(|grant| grant.sop_class == asked.sop_class)?;
        Some(RoleSelection {
            sop_class: asked.sop_class.clone(),
            scu: asked.scu && grant.scu,
            scp: asked.scp && grant.scp,
        })
    };
    proposed.iter().filter_map(both).take(MAX_ROLES).collect()
}

/// Only what was asked about is answered (PS3.7 §D.3.3.5.2), once for each SOP class.
fn answer_extended(asked: &[ExtendedNegotiation], answers: Vec<ExtendedNegotiation>) -> Vec<ExtendedNegotiation> {
    let wanted = |answer: &ExtendedNegotiation| {
        answer.information.len() <= MAX_INFORMATION && asked.iter().any(|asked| asked.sop_class == answer.sop_class)
    };
    answers.into_iter().filter(wanted).take(MAX_EXTENDED).collect()
}

/// What holds after that answer to that request, on either side.
pub(crate) fn agreed(request: &Request, answer: Answer, peer_max: u32) -> Agreed {
    let both = |proposed: &ProposedContext| {
        let answer = answer.contexts.iter().find(|answer| answer.id == proposed.id)?;
        let syntax = answer.result.as_ref().ok()?;
        Some(AcceptedContext {
            id: proposed.id,
            abstract_syntax: proposed.abstract_syntax.clone(),
            transfer_syntax: syntax.clone(),
        })
    };
    Agreed {
        contexts: request.contexts.iter().filter_map(both).collect(),
        roles: answer.user.roles,
        extended: answer.user.extended,
        identity_response: answer.user.identity_response,
        window: match (request.window, answer.user.window) {
            (Some(asked), Some(answered)) => asked.within(answered),
            _ => Window::ONE,
        },
        peer_max,
    }
}

//! An established association: messages in, messages out, release and abort, for both sides. Separate from how it began
//! (`accept`, `connect`) and from clocks and buffers (`wire`).
//!
//! A data set is never gathered: the fragments of incoming ones are slices of the input buffer, handed out as they come,
//! before their PDU is complete; outgoing ones are laid out in the output buffer and sent when it is full.

mod incoming;
mod meanwhile;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use crate::bandwidth::Bandwidth;
use crate::command::Command;
use crate::error::{AbortReason, AssociationError, Violation};
use crate::negotiation::{AcceptedContext, ExtendedNegotiation, Request, RoleSelection, Window};
use crate::options::Options;
use crate::outgoing::Outgoing;
use crate::pdu;
use crate::waits::{A_MESSAGE, A_RELEASE};
use crate::wire::Wire;

/// The smallest maximum length that a peer may announce: a PDV header and some data.
pub(crate) const LEAST_PDU: u32 = 64;
/// The longest PDU that this side sends, whatever the peer takes.
const LARGEST_PDU: u32 = 128 << 10;

pub use meanwhile::Meanwhile;

/// An established association. One task drives it; dropped, it closes the connection without a word.
pub struct Association<S> {
    wire: Wire<S>,
    options: Options,
    side: Side,
    request: Request,
    contexts: Vec<AcceptedContext>,
    roles: Vec<RoleSelection>,
    extended: Vec<ExtendedNegotiation>,
    identity_response: Option<Bytes>,
    window: Window,
    /// The most that one outgoing PDU may carry, its header of 6 not counted.
    outgoing_pdu: u32,
    phase: Phase,
    /// What remains of the current P-DATA-TF behind its current PDV.
    pdu_left: u32,
    pdv: Pdv,
    /// The fragments of a command set that is not complete.
    command: BytesMut,
    /// When draining an unread data set must be over.
    drained_by: Option<Instant>,
    last_message_id: u16,
}

/// What both sides know once an association exists.
pub(crate) struct Agreed {
    pub(crate) contexts: Vec<AcceptedContext>,
    pub(crate) roles: Vec<RoleSelection>,
    pub(crate) extended: Vec<ExtendedNegotiation>,
    /// What the acceptor answered to a user identity.
    pub(crate) identity_response: Option<Bytes>,
    /// Operations outstanding.
    pub(crate) window: Window,
    /// What the peer announced as the longest PDU it takes, 0 for no limit.
    pub(crate) peer_max: u32,
}

/// Who asked for the association, which decides who gives way when both release it at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Acceptor,
    Requestor,
}

/// Where in the stream of messages this side is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Between messages.
    Between,
    /// Between messages, and the wait for the next has begun, under that name.
    Waiting(&'static str),
    /// Within a command set; the context once it is known.
    Command(Option<u8>),
    /// Within a data set of that context.
    Data(u8),
    /// At the end.
    Over,
}

/// The current presentation data value.
#[derive(Clone, Copy, Default, Debug)]
struct Pdv {
    left: usize,
    context: u8,
    is_command: bool,
    is_last: bool,
}

/// What comes when no message is under way.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// A message; its data set, if it has one, is read by [`Association::data`].
    Message(Message),
    /// The peer asked for release and has been answered. Nothing more will come.
    Released,
}

/// A DIMSE message without its data set.
#[derive(Clone, Debug)]
pub struct Message {
    /// The presentation context, an accepted one.
    pub context: u8,
    /// The command set.
    pub command: Command,
    /// A data set follows.
    pub has_data: bool,
}

impl<S> fmt::Debug for Association<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("side", &self.side)
            .field("calling_ae", &self.request.calling_ae)
            .field("called_ae", &self.request.called_ae)
            .field("contexts", &self.contexts.len())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl<S> Association<S> {
    /// What was asked for when it began.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// All accepted contexts.
    pub fn contexts(&self) -> &[AcceptedContext] {
        &self.contexts
    }

    /// The role selections that were granted.
    pub fn roles(&self) -> &[RoleSelection] {
        &self.roles
    }

    /// What the acceptor answered to extended negotiation about a SOP class; `None`: nothing, so that the defaults of its
    /// service class hold (PS3.7 §D.3.3.5).
    pub fn extended(&self, sop_class: &str) -> Option<&Bytes> {
        let mut answers = self.extended.iter().filter(|answer| answer.sop_class == sop_class);
        answers.next().map(|answer| &answer.information)
    }

    /// The acceptor's positive response to a user identity, where it gave one (PS3.7 §D.3.3.7.2).
    pub fn identity_response(&self) -> Option<&Bytes> {
        self.identity_response.as_ref()
    }

    /// How many requests of this side may be outstanding (PS3.7 §D.3.3.3), at least 1.
    pub fn window(&self) -> usize {
        let agreed = match self.side {
            Side::Requestor => self.window.invoked,
            Side::Acceptor => self.window.performed,
        };
        if agreed == 0 { usize::MAX } else { usize::from(agreed) }
    }

    /// An accepted context.
    pub fn context(&self, id: u8) -> Option<&AcceptedContext> {
        self.contexts.iter().find(|context| context.id == id)
    }

    /// The first accepted context for that SOP class in that transfer syntax.
    pub fn context_for(&self, abstract_syntax: &str, transfer_syntax: &str) -> Option<u8> {
        let fits = |context: &&AcceptedContext| {
            context.abstract_syntax == abstract_syntax && context.transfer_syntax == transfer_syntax
        };
        self.contexts.iter().find(fits).map(|context| context.id)
    }

    /// A Message ID that was not used lately, for a request of this side.
    pub fn next_message_id(&mut self) -> u16 {
        self.last_message_id = self.last_message_id.checked_add(1).unwrap_or(1);
        self.last_message_id
    }

    /// How long the peer may take for a response.
    pub(crate) fn response_time(&self) -> Duration {
        self.options.response_time
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    /// Holds what passes from here on, both ways, to a rate that other associations may share.
    pub fn hold_to(&mut self, bandwidth: Arc<Bandwidth>) {
        self.wire.hold_to(bandwidth);
    }

    /// How long it waited for its bandwidth.
    pub fn rested(&self) -> Duration {
        self.wire.rested()
    }

    /// An association on which both sides have agreed.
    pub(crate) async fn establish(
        mut wire: Wire<S>,
        options: Options,
        side: Side,
        request: Request,
        agreed: Agreed,
    ) -> Result<Self, AssociationError> {
        if (1..LEAST_PDU).contains(&agreed.peer_max) {
            let violation = Violation::MaxPdu(agreed.peer_max);
            wire.abort(violation.reason()).await;
            return Err(violation.into());
        }
        let Agreed {
            contexts,
            roles,
            extended,
            identity_response,
            window,
            peer_max,
        } = agreed;
        let outgoing_pdu = if peer_max == 0 {
            LARGEST_PDU
        } else {
            peer_max.min(LARGEST_PDU)
        };
        Ok(Self {
            wire,
            options,
            side,
            request,
            contexts,
            roles,
            extended,
            identity_response,
            window,
            outgoing_pdu,
            phase: Phase::Between,
            pdu_left: 0,
            pdv: Pdv::default(),
            command: BytesMut::new(),
            drained_by: None,
            last_message_id: 0,
        })
    }

    /// Waits for the next message or the release, at most [`Options::idle`]. What the caller left unread of the data set
    /// before is read and dropped first, for at most [`Options::drain_time`]. Cancel-safe.
    ///
    /// # Errors
    /// [`AssociationError`]; the association is over.
    pub async fn next(&mut self) -> Result<Incoming, AssociationError> {
        let limit = self.options.idle;
        self.next_within(limit, A_MESSAGE).await
    }

    /// [`Association::next`] with another limit and name for the wait.
    pub(crate) async fn next_within(
        &mut self,
        limit: Duration,
        what: &'static str,
    ) -> Result<Incoming, AssociationError> {
        let next = self.read_message(limit, what).await;
        self.conclude(next).await
    }

    /// The next fragment of the current message's data set, of any length but 0; None after the last, and where there
    /// is no data set. Cancel-safe.
    ///
    /// # Errors
    /// [`AssociationError`]; the association is over.
    pub async fn data(&mut self) -> Result<Option<Bytes>, AssociationError> {
        let data = self.read_data().await;
        self.conclude(data).await
    }

    /// Sends a message; whether a data set follows is set in the command as `data` says. Not cancel-safe: a future
    /// dropped half way leaves the association unusable.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`] leaves the association as it was; after any other it is over.
    pub async fn send(&mut self, context: u8, command: &Command, data: Option<Bytes>) -> Result<(), AssociationError> {
        let fragments = data.into_iter().map(Ok);
        let has_data = command.clone().with_data(fragments.len() > 0);
        self.send_message(context, &has_data, futures::stream::iter(fragments))
            .await
    }

    /// Sends a message with a data set that comes in fragments of any size. The source may rest as long as the peer may
    /// take for a response. Not cancel-safe.
    ///
    /// # Errors
    /// As [`Association::send`]; and [`AssociationError::Source`] where the stream failed or rested too long: a message
    /// cannot be taken back, so the association is over.
    pub async fn send_stream<D>(&mut self, context: u8, command: &Command, data: D) -> Result<(), AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        self.send_message(context, &command.clone().with_data(true), data).await
    }

    /// Ends the association at once.
    pub async fn abort(mut self, reason: AbortReason) {
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            self.wire.abort(reason).await;
        }
    }

    /// Ends the association in order: A-RELEASE-RQ, and the answer awaited for [`Options::artim`]. Messages that still
    /// come are dropped. When both sides release at once, the order of PS3.8 §7.2.3 is kept.
    ///
    /// # Errors
    /// [`AssociationError`] where the answer does not come; the association is over all the same.
    pub async fn release(mut self) -> Result<(), AssociationError> {
        let released = self.exchange_release().await;
        self.conclude(released).await
    }

    async fn exchange_release(&mut self) -> Result<(), AssociationError> {
        if self.phase == Phase::Over {
            return Err(AssociationError::Over);
        }
        pdu::put_release(&mut self.wire.output, pdu::RELEASE_RQ);
        self.wire.write_and_flush().await?;
        self.wire.allow(self.options.artim, A_RELEASE);
        let mut skip = self.pdv.left.saturating_add(to_usize(self.pdu_left));
        let mut collided = false;
        loop {
            while skip > 0 {
                skip -= self.wire.fragment(skip).await?.len();
            }
            match self.pdu_header().await? {
                (pdu::DATA, length) => {
                    self.wire.take(pdu::HEADER);
                    skip = to_usize(length);
                }
                (pdu::RELEASE_RQ, _) if !collided => {
                    collided = true;
                    self.short_pdu().await?;
                    if self.side == Side::Requestor {
                        self.answer_release().await;
                    }
                }
                (pdu::RELEASE_RP, _) => {
                    if collided && self.side == Side::Acceptor {
                        self.answer_release().await;
                    }
                    self.phase = Phase::Over;
                    return Ok(());
                }
                (found, _) => return Err(incoming::unexpected(found, "A-RELEASE-RP")),
            }
        }
    }

    /// An A-RELEASE-RP. The peer may be gone already: it got what it wanted.
    async fn answer_release(&mut self) {
        pdu::put_release(&mut self.wire.output, pdu::RELEASE_RP);
        if let Err(error) = self.wire.write_and_flush().await {
            tracing::debug!(%error, "the answer to a release was not taken");
        }
    }

    /// Ends the association if this is an error that ends it.
    pub(crate) async fn conclude<T>(&mut self, result: Result<T, AssociationError>) -> Result<T, AssociationError> {
        if let Err(error) = &result
            && self.phase != Phase::Over
            && !matches!(error, AssociationError::NoContext(_))
        {
            self.phase = Phase::Over;
            if let Some(reason) = error.abort() {
                self.wire.abort(reason).await;
            }
        }
        result
    }

    async fn send_message<D>(&mut self, context: u8, command: &Command, data: D) -> Result<(), AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        if self.phase == Phase::Over {
            return Err(AssociationError::Over);
        }
        if self.context(context).is_none() {
            return Err(AssociationError::NoContext(context));
        }
        // Over for good if this future is dropped in the middle.
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        let mut sent = self.write_message(context, command, data).await;
        self.phase = phase;
        if let Err(AssociationError::Connection { .. }) = sent
            && self.pdv.left == 0
            && self.pdu_left == 0
            && let Some(reason) = self.wire.abort_among_input().await
        {
            sent = Err(AssociationError::Aborted(reason));
        }
        self.conclude(sent).await
    }

    async fn write_message<D>(&mut self, context: u8, command: &Command, data: D) -> Result<(), AssociationError>
    where
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        let limit = self.options.response_time;
        let mut out = Outgoing::command(&mut self.wire, context, self.outgoing_pdu);
        out.put(&command.encode()).await?;
        if command.has_data() {
            out.begin_data();
            let mut data = pin!(data);
            while let Some(fragment) = timeout(limit, data.next()).await.map_err(|_| source_rests())? {
                out.put(&fragment.map_err(AssociationError::Source)?).await?;
            }
        }
        out.finish().await
    }
}

fn source_rests() -> AssociationError {
    AssociationError::Source(io::ErrorKind::TimedOut.into())
}

/// Lengths of the wire fit: nothing smaller than 32 bits runs this.
fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;

//! Reading: PDUs become presentation data values, these become command sets and fragments of data sets (PS3.8 §9.3.5,
//! annex E). Separate from what callers see of an association, because this is the state machine and that is its face.
//!
//! Every step leaves the state such that it can be dropped while it waits and begun again.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Association, Incoming, Message, Pdv, Phase, to_usize};
use crate::command::Command;
use crate::error::{AbortReason, AssociationError, Violation};
use crate::pdu;
use crate::waits::{THE_REST, UNWANTED};

/// The longest command set that is taken.
pub(super) const MAX_COMMAND: usize = 64 << 10;
/// Length, context id and message control header of a PDV (PS3.8 §9.3.5.1).
const PDV_HEADER: usize = 6;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Association<S> {
    pub(super) async fn read_message(
        &mut self,
        limit: Duration,
        what: &'static str,
    ) -> Result<Incoming, AssociationError> {
        loop {
            match self.phase {
                Phase::Over => return Err(AssociationError::Over),
                Phase::Data(_) => self.drain().await?,
                Phase::Between => {
                    self.wire.allow(limit, what);
                    self.phase = Phase::Waiting(what);
                }
                // What was waited for until now had its own limit.
                Phase::Waiting(other) if other != what => self.phase = Phase::Between,
                Phase::Waiting(_) => {
                    self.wire.peek(1).await?;
                    self.wire.allow(self.options.pdu_time, THE_REST);
                    self.phase = Phase::Command(None);
                }
                Phase::Command(context) => {
                    if context.is_none() && self.is_released().await? {
                        return Ok(Incoming::Released);
                    }
                    if let Some(message) = self.read_command().await? {
                        return Ok(Incoming::Message(message));
                    }
                }
            }
        }
    }

    /// Answers an A-RELEASE-RQ, if that is what comes where a message may begin.
    async fn is_released(&mut self) -> Result<bool, AssociationError> {
        // With a PDU left open, its next PDV is what begins the message.
        if self.pdu_left > 0 || self.pdu_header().await?.0 != pdu::RELEASE_RQ {
            return Ok(false);
        }
        self.short_pdu().await?;
        self.phase = Phase::Over;
        self.answer_release().await;
        Ok(true)
    }

    /// One step of a command set: a PDV header or a fragment. The message once it is complete.
    async fn read_command(&mut self) -> Result<Option<Message>, AssociationError> {
        if self.pdv.left > 0 {
            let fragment = self.wire.fragment(self.pdv.left).await?;
            self.pdv.left -= fragment.len();
            if self.command.len() + fragment.len() > MAX_COMMAND {
                return Err(Violation::CommandTooLong(MAX_COMMAND).into());
            }
            self.command.extend_from_slice(&fragment);
        } else {
            self.next_pdv().await?;
            if !self.pdv.is_command {
                return Err(Violation::DataBeforeCommand.into());
            }
            self.phase = Phase::Command(Some(self.pdv.context));
        }
        if self.pdv.left > 0 || !self.pdv.is_last {
            return Ok(None);
        }
        let command = Command::decode(&self.command.split().freeze()).map_err(Violation::Command)?;
        let (context, has_data) = (self.pdv.context, command.has_data());
        self.pdv.is_last = false;
        self.phase = if has_data { Phase::Data(context) } else { Phase::Between };
        Ok(Some(Message {
            context,
            command,
            has_data,
        }))
    }

    pub(super) async fn read_data(&mut self) -> Result<Option<Bytes>, AssociationError> {
        loop {
            match self.phase {
                Phase::Over => return Err(AssociationError::Over),
                Phase::Data(_) => {}
                _ => return Ok(None),
            }
            if self.pdv.left > 0 {
                let fragment = self.wire.fragment(self.pdv.left).await?;
                self.pdv.left -= fragment.len();
                if self.pdv.left == 0 && self.pdv.is_last {
                    self.phase = Phase::Between;
                }
                return Ok(Some(fragment));
            }
            self.next_pdv().await?;
            if self.pdv.is_command {
                return Err(Violation::CommandInData.into());
            }
            if self.pdv.left == 0 && self.pdv.is_last {
                self.phase = Phase::Between;
            }
        }
    }

    /// Reads and drops what is left of a data set.
    async fn drain(&mut self) -> Result<(), AssociationError> {
        while matches!(self.phase, Phase::Data(_)) {
            let limit = self.options.drain_time;
            let by = *self.drained_by.get_or_insert_with(|| Instant::now() + limit);
            self.read_data().await?;
            if Instant::now() > by {
                return Err(AssociationError::Timeout { what: UNWANTED, limit });
            }
        }
        self.drained_by = None;
        Ok(())
    }

    /// Goes on to the next presentation data value, in this PDU or the next (PS3.8 §9.3.5).
    async fn next_pdv(&mut self) -> Result<(), AssociationError> {
        if self.pdu_left == 0 {
            self.wire.allow_again();
            match self.pdu_header().await? {
                (pdu::DATA, length) => {
                    self.wire.take(pdu::HEADER);
                    self.pdu_left = length;
                }
                (found, _) => return Err(unexpected(found, "P-DATA-TF")),
            }
        }
        let left = self.pdu_left.saturating_sub(4);
        if left < 2 {
            return Err(Violation::PdvLength { length: 0, left }.into());
        }
        let header = match *self.wire.peek(PDV_HEADER).await? {
            [a, b, c, d, context, control] => (u32::from_be_bytes([a, b, c, d]), context, control),
            _ => (0, 0, 0),
        };
        let (length, context, control) = header;
        if length < 2 || length > left {
            return Err(Violation::PdvLength { length, left }.into());
        }
        self.check_context(context)?;
        self.wire.take(PDV_HEADER);
        self.pdu_left = left - length;
        self.pdv = Pdv {
            left: to_usize(length - 2),
            context,
            is_command: control & 1 != 0,
            is_last: control & 2 != 0,
        };
        Ok(())
    }

    fn check_context(&self, found: u8) -> Result<(), Violation> {
        match self.phase {
            Phase::Command(Some(expected)) | Phase::Data(expected) if found != expected => {
                Err(Violation::ContextChanged { found, expected })
            }
            _ if self.context(found).is_none() => Err(Violation::UnknownContext(found)),
            _ => Ok(()),
        }
    }

    /// Type and length of the next PDU, which stays where it is; an A-ABORT and an impossible length are errors.
    pub(super) async fn pdu_header(&mut self) -> Result<(u8, u32), AssociationError> {
        let (kind, length) = self.wire.peek_header().await?;
        let max = self.options.offered_pdu();
        match kind {
            pdu::DATA if length > max => Err(Violation::PduTooLong { pdu: kind, length, max }.into()),
            // One PDV at least.
            pdu::DATA if to_usize(length) < PDV_HEADER => Err(Violation::PduLength { pdu: kind, length }.into()),
            pdu::RELEASE_RQ | pdu::RELEASE_RP | pdu::ABORT if length != pdu::SHORT => {
                Err(Violation::PduLength { pdu: kind, length }.into())
            }
            pdu::ABORT => {
                let body = self.short_pdu().await?;
                let codes = (body.get(2).copied().unwrap_or(0), body.get(3).copied().unwrap_or(0));
                Err(AssociationError::Aborted(AbortReason::from_codes(codes.0, codes.1)))
            }
            _ => Ok((kind, length)),
        }
    }

    /// Takes a PDU whose length is known to be [`pdu::SHORT`] and returns its body.
    pub(super) async fn short_pdu(&mut self) -> Result<Bytes, AssociationError> {
        let whole = pdu::HEADER + to_usize(pdu::SHORT);
        self.wire.peek(whole).await?;
        Ok(self.wire.take(whole).slice(pdu::HEADER..))
    }
}

pub(super) fn unexpected(found: u8, expected: &'static str) -> AssociationError {
    Violation::UnexpectedPdu { found, expected }.into()
}

//! A message on its way out, laid out as P-DATA-TF PDUs of one presentation data value each (PS3.8 §9.3.5, annex E).
//! Separate because it is the reverse of nothing: reading never holds a PDU, writing must know its length first.
//!
//! PDUs are gathered in the output buffer, whatever their size, and written when it holds 128 KiB or the message ends: a
//! small object goes out in one write, and a peer that takes only small PDUs does not cost a write for each.

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::AssociationError;
use crate::pdu;
use crate::wire::Wire;

/// How much is gathered before it is written.
const BATCH: usize = 128 << 10;
/// PDU header, PDV length, context id, message control header.
const HEADER: usize = pdu::HEADER + 6;

pub(crate) struct Outgoing<'a, S> {
    wire: &'a mut Wire<S>,
    context: u8,
    /// The most data in one PDV, even.
    room: usize,
    /// Where in the output buffer the open PDU starts.
    start: usize,
    is_command: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send> Outgoing<'a, S> {
    /// A message that begins with its command set. `max_pdu` is the most that a PDU may hold after its header.
    pub(crate) fn command(wire: &'a mut Wire<S>, context: u8, max_pdu: u32) -> Self {
        let room = usize::try_from(max_pdu.saturating_sub(6)).unwrap_or(usize::MAX).max(2) & !1;
        let mut out = Self {
            wire,
            context,
            room,
            start: 0,
            is_command: true,
        };
        out.open();
        out
    }

    /// Ends the command set; what follows is the data set.
    pub(crate) fn begin_data(&mut self) {
        self.close(true);
        self.is_command = false;
        self.open();
    }

    /// Appends to the current part. A full PDU stays open until more comes, so that the last one can say that it is.
    pub(crate) async fn put(&mut self, mut bytes: &[u8]) -> Result<(), AssociationError> {
        while !bytes.is_empty() {
            let filled = self.wire.output.len() - self.start - HEADER;
            if filled == self.room {
                self.close(false);
                if self.wire.output.len() >= BATCH {
                    self.wire.write().await?;
                }
                self.open();
                continue;
            }
            let (now, later) = bytes.split_at((self.room - filled).min(bytes.len()));
            self.wire.output.put_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends the message and sends what is left of it.
    pub(crate) async fn finish(mut self) -> Result<(), AssociationError> {
        self.close(true);
        self.wire.write_and_flush().await
    }

    fn open(&mut self) {
        self.start = self.wire.output.len();
        self.wire.output.put_bytes(0, HEADER);
    }

    fn close(&mut self, is_last: bool) {
        let value = u32::try_from(self.wire.output.len() - self.start - HEADER + 2).unwrap_or(u32::MAX);
        let [a, b, c, d] = value.saturating_add(4).to_be_bytes();
        let [e, f, g, h] = value.to_be_bytes();
        let control = u8::from(self.is_command) | u8::from(is_last) << 1;
        if let Some(place) = self.wire.output.get_mut(self.start..self.start + HEADER) {
            place.copy_from_slice(&[pdu::DATA, 0, a, b, c, d, e, f, g, h, self.context, control]);
        }
    }
}

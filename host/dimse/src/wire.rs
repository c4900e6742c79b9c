//! The stream of an association: bytes in with a limit on the wait, bytes out with a limit on the wait. Separate from the
//! association so that there the protocol reads without clocks and buffers.
//!
//! Input goes into one buffer and leaves it as slices that share it. A buffer whose slices are gone is used again; one
//! that is still held is left to its holders and replaced. Nothing is copied but a header that straddles two buffers.
//!
//! Reading is cancel-safe: what has come stays in the buffer, and the clock of a wait goes on.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::bandwidth::Bandwidth;
use crate::error::{AbortReason, AssociationError, Violation};
use crate::pdu;
use crate::waits::TO_TAKE;

/// How much is read at once while a data set comes.
const DATA_ROOM: usize = 128 << 10;
/// How much is read at once otherwise, as most associations rest most of the time.
const ROOM: usize = 4 << 10;
/// A buffer with less room than this is not read into.
const LEAST_ROOM: usize = 1 << 10;
/// How many bytes earn a peer a new allowance of time.
const PROGRESS: usize = 1 << 10;
/// How long a peer may take to accept an A-ABORT or A-ASSOCIATE-RJ, and then to close.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long this side goes on waiting.
struct Patience {
    what: &'static str,
    limit: Duration,
    left: Duration,
    /// Since when the present read has been waiting, kept when it is cancelled.
    since: Option<Instant>,
    /// Bytes that came since the allowance was granted.
    progress: usize,
}

pub(crate) struct Wire<S> {
    stream: S,
    input: BytesMut,
    /// PDUs to send, filled by the caller.
    pub(crate) output: BytesMut,
    patience: Patience,
    write_time: Duration,
    /// Of the peer, shared with its other associations.
    bandwidth: Option<Arc<Bandwidth>>,
    /// Until when that is used up.
    rests_until: Option<Instant>,
    /// How long it was used up in all.
    rested: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire<S> {
    pub(crate) fn new(stream: S, write_time: Duration) -> Self {
        let patience = Patience {
            what: "",
            limit: Duration::ZERO,
            left: Duration::ZERO,
            since: None,
            progress: 0,
        };
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            patience,
            write_time,
            bandwidth: None,
            rests_until: None,
            rested: Duration::ZERO,
        }
    }

    /// Holds what passes from here on to a rate.
    pub(crate) fn hold_to(&mut self, bandwidth: Arc<Bandwidth>) {
        self.bandwidth = Some(bandwidth);
    }

    /// How long it waited for its bandwidth.
    pub(crate) fn rested(&self) -> Duration {
        self.rested
    }

    /// Waits until there is bandwidth again. That is no time of the peer's.
    async fn rest(&mut self) {
        if let Some(until) = self.rests_until {
            sleep_until(until).await;
            self.rests_until = None;
        }
    }

    fn passed(&mut self, bytes: usize) {
        let Some(until) = self.bandwidth.as_ref().and_then(|bandwidth| bandwidth.take(bytes)) else {
            return;
        };
        self.rested += until.saturating_duration_since(Instant::now());
        self.rests_until = Some(until);
    }

    /// Grants an allowance of time for what comes next.
    pub(crate) fn allow(&mut self, limit: Duration, what: &'static str) {
        self.patience = Patience {
            what,
            limit,
            left: limit,
            since: None,
            progress: 0,
        };
    }

    /// Grants the same allowance again if enough has come for it.
    pub(crate) fn allow_again(&mut self) {
        if self.patience.progress >= PROGRESS {
            self.allow(self.patience.limit, self.patience.what);
        }
    }

    /// Has at least `count` bytes in the buffer and returns them, without taking them out.
    pub(crate) async fn peek(&mut self, count: usize) -> Result<&[u8], AssociationError> {
        while self.input.len() < count {
            self.read(ROOM.max(count - self.input.len()).min(DATA_ROOM)).await?;
        }
        Ok(self.input.get(..count).unwrap_or_default())
    }

    /// Type and length field of the next PDU, which stays in the buffer.
    pub(crate) async fn peek_header(&mut self) -> Result<(u8, u32), AssociationError> {
        // The type first: who does not speak DICOM is not waited for.
        if let &[kind] = self.peek(1).await?
            && !matches!(kind, pdu::ASSOCIATE_RQ..=pdu::ABORT)
        {
            return Err(Violation::UnknownPdu(kind).into());
        }
        match *self.peek(pdu::HEADER).await? {
            [kind, _, a, b, c, d] => Ok((kind, u32::from_be_bytes([a, b, c, d]))),
            _ => Ok((0, 0)),
        }
    }

    /// Takes bytes out that [`Wire::peek`] has seen.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        self.input.split_to(count.min(self.input.len())).freeze()
    }

    /// Takes out between one byte and `most`: what is there, or what comes next.
    pub(crate) async fn fragment(&mut self, most: usize) -> Result<Bytes, AssociationError> {
        if self.input.is_empty() {
            self.read(DATA_ROOM).await?;
        }
        Ok(self.take(most))
    }

    /// Reads once, into a buffer that is given `room` if it has hardly any.
    async fn read(&mut self, room: usize) -> Result<(), AssociationError> {
        self.rest().await;
        if self.input.capacity() - self.input.len() < LEAST_ROOM {
            self.input.reserve(room);
        }
        let patience = &mut self.patience;
        let since = *patience.since.get_or_insert_with(Instant::now);
        let left = patience.left.saturating_sub(since.elapsed());
        let read = timeout(left, self.stream.read_buf(&mut self.input)).await;
        patience.since = None;
        patience.left = patience.left.saturating_sub(since.elapsed());
        match read {
            Ok(Ok(0)) => Err(AssociationError::Closed(patience.what)),
            Ok(Ok(count)) => {
                patience.progress = patience.progress.saturating_add(count);
                self.passed(count);
                Ok(())
            }
            Ok(Err(source)) => Err(AssociationError::Connection {
                what: patience.what,
                source,
            }),
            Err(_) => Err(AssociationError::Timeout {
                what: patience.what,
                limit: patience.limit,
            }),
        }
    }

    /// Sends what is in the output buffer.
    pub(crate) async fn write(&mut self) -> Result<(), AssociationError> {
        self.rest().await;
        self.passed(self.output.len());
        let written = timeout(self.write_time, self.stream.write_all(&self.output)).await;
        self.output.clear();
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(AssociationError::Connection {
                what: "the peer to take what it sent",
                source,
            }),
            Err(_) => Err(AssociationError::Timeout {
                what: TO_TAKE,
                limit: self.write_time,
            }),
        }
    }

    /// Sends what is in the output buffer and flushes the stream.
    pub(crate) async fn write_and_flush(&mut self) -> Result<(), AssociationError> {
        self.write().await?;
        match timeout(self.write_time, self.stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(AssociationError::Connection {
                what: "the peer to take what it sent",
                source,
            }),
            Err(_) => Err(AssociationError::Timeout {
                what: TO_TAKE,
                limit: self.write_time,
            }),
        }
    }

    /// Looks whether a peer that closed the connection under this side's hands said why. Only where a PDU begins.
    pub(crate) async fn abort_among_input(&mut self) -> Option<AbortReason> {
        self.allow(FAREWELL, "");
        loop {
            let (kind, length) = self.peek_header().await.ok()?;
            let whole = pdu::HEADER + usize::try_from(length.min(pdu::MAX_ASSOCIATE)).ok()?;
            self.peek(whole).await.ok()?;
            if let (pdu::ABORT, &[.., source, reason]) = (kind, self.take(whole).as_ref()) {
                return Some(AbortReason::from_codes(source, reason));
            }
        }
    }

    /// Sends an A-ABORT instead of what is in the output buffer and sees the peer off.
    pub(crate) async fn abort(&mut self, reason: AbortReason) {
        self.output.clear();
        pdu::put_abort(&mut self.output, reason);
        self.farewell().await;
    }

    /// Sends the output buffer as the last thing, then reads until the peer closes, for a second: closing with unread
    /// input would make the system take back what was sent. Whatever fails no longer matters.
    pub(crate) async fn farewell(&mut self) {
        let _ = timeout(FAREWELL, async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await?;
            self.stream.shutdown().await
        })
        .await;
        let _ = timeout(FAREWELL, async {
            loop {
                self.input.clear();
                self.input.reserve(ROOM);
                if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                    break;
                }
            }
        })
        .await;
    }
}

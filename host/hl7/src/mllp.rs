//! The wire: messages between a vertical tab and a file separator (HL7 MLLP release 1), one after another on a connection,
//! each acknowledged before the next is read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::message::{self, Refusal};
use crate::{Orders, Stations, order};

const BEGIN: u8 = 0x0B;
const END: [u8; 2] = [0x1C, 0x0D];

/// What one sender, and all of them, may cost.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections at a time; one more is closed.
    pub connections: usize,
    /// Bytes of a message.
    pub longest: usize,
    /// How long a connection may rest between two messages.
    pub idle: Duration,
    /// How long a message may take from its first byte to its last, and its acknowledgement to be taken.
    pub message_time: Duration,
    /// How long a message that has arrived may go on once the host is to end.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 32,
            longest: 1 << 20,
            idle: Duration::from_secs(3600),
            message_time: Duration::from_secs(30),
            grace: Duration::from_secs(30),
        }
    }
}

/// Whether who calls from an address may send.
pub type Admits = Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>;

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection was lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("what comes is no MLLP: a message begins with a vertical tab")]
    NotMllp,
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    #[error("nothing came in time")]
    Slow,
    #[error("the connection ended within a message")]
    Cut,
}

/// Takes messages until `draining` is cancelled; one that has arrived is done and acknowledged.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    stations: Stations,
    admits: Admits,
    orders: impl Orders,
    draining: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(options.connections));
    let shared = Arc::new((options, stations, orders));
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an HL7 connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if !admits(peer) {
            tracing::warn!(%peer, "an HL7 connection is refused: the address is not among the callers");
            continue;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, "an HL7 connection is refused: there are as many as may be");
            continue;
        };
        let (shared, draining) = (Arc::clone(&shared), draining.clone());
        open.spawn(async move {
            let (options, stations, orders) = &*shared;
            if let Err(error) = converse(stream, options, stations, orders, &draining).await {
                tracing::info!(%peer, %error, "an HL7 connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    open.close();
    let grace = shared.0.grace;
    if tokio::time::timeout(grace, open.wait()).await.is_err() {
        tracing::warn!("HL7 messages are cut: the host ends");
    }
}

async fn converse(
    mut stream: TcpStream,
    options: &Options,
    stations: &Stations,
    orders: &impl Orders,
    draining: &CancellationToken,
) -> Result<(), Broken> {
    let mut buffer = BytesMut::new();
    loop {
        let received = tokio::select! {
            received = receive(&mut stream, &mut buffer, options) => received?,
            () = draining.cancelled() => return Ok(()),
        };
        let Some(bytes) = received else {
            return Ok(());
        };
        let done = match order::read(&bytes, stations) {
            Ok(instructions) => orders.perform(instructions).await,
            Err(refusal) => Err(refusal),
        };
        let outcome = match &done {
            Ok(()) => "done",
            Err(Refusal {
                verdict: message::Verdict::Error,
                ..
            }) => "error",
            Err(_) => "rejected",
        };
        metrics::counter!("isocenter_hl7_messages_total", "outcome" => outcome).increment(1);
        if let Err(refusal) = &done {
            tracing::warn!(
                code = refusal.code,
                reason = refusal.reason,
                "an HL7 message is refused"
            );
        }
        let answer = message::acknowledgement(&bytes, done.as_ref().copied());
        tokio::time::timeout(options.message_time, send(&mut stream, &answer))
            .await
            .map_err(|_| Broken::Slow)??;
    }
}

/// The next message; `None`: the sender has gone between two. Cancel-safe: what has come stays in the buffer.
async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    options: &Options,
) -> Result<Option<Bytes>, Broken> {
    let mut seen = 0;
    // From the first byte of a message.
    let mut deadline = None;
    loop {
        // Line ends between messages are overlooked.
        while seen == 0 && matches!(buffer.first(), Some(b'\r' | b'\n')) {
            buffer.advance(1);
        }
        match buffer.first() {
            None => {}
            Some(&BEGIN) => {
                let from = seen.max(1) - usize::from(seen > 1);
                let end = buffer
                    .get(from..)
                    .and_then(|rest| rest.windows(2).position(|two| two == END));
                if let Some(end) = end.map(|at| at + from) {
                    let mut whole = buffer.split_to(end + 2).freeze();
                    whole.advance(1);
                    whole.truncate(end - 1);
                    return Ok(Some(whole));
                }
                seen = buffer.len();
                if seen > options.longest {
                    return Err(Broken::TooLong(options.longest));
                }
            }
            Some(_) => return Err(Broken::NotMllp),
        }
        let limit = if buffer.is_empty() {
            tokio::time::Instant::now() + options.idle
        } else {
            *deadline.get_or_insert_with(|| tokio::time::Instant::now() + options.message_time)
        };
        let read = tokio::time::timeout_at(limit, stream.read_buf(buffer)).await;
        let read = read.map_err(|_| Broken::Slow)??;
        if read == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(Broken::Cut) };
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> std::io::Result<()> {
    let mut framed = Vec::with_capacity(message.len() + 3);
    framed.push(BEGIN);
    framed.extend_from_slice(message);
    framed.extend_from_slice(&END);
    stream.write_all(&framed).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests;

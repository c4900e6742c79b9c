//! A socket that is closed without losing what was said last.
//!
//! An answer that comes before the request's body has been read (a refusal, most often) is followed by a close. Where
//! bytes of the body lie unread then, the kernel answers them with a reset, and the client may lose the answer that is
//! on its way. So the writing side is closed first, and what still comes is read and thrown away for a bounded time.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long the peer may be silent; what is in flight on the way arrives within it.
const SILENCE: Duration = Duration::from_millis(50);
/// How long it is listened to in all.
const LONGEST: Duration = Duration::from_secs(2);
/// How much is thrown away.
const MOST: usize = 16 << 20;

/// Passes everything through, and lingers at the end.
pub(super) struct Linger<S> {
    stream: S,
    end: Option<End>,
}

/// Begun when the writing side is closed.
struct End {
    timer: Pin<Box<Sleep>>,
    latest: Instant,
    left: usize,
}

impl<S> Linger<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, end: None }
    }
}

impl<S: AsyncRead + Unpin> Linger<S> {
    /// Ready when the peer has closed, is silent, or has said enough.
    fn throw_away(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.end.get_or_insert_with(|| End {
            timer: Box::pin(tokio::time::sleep(SILENCE)),
            latest: Instant::now() + LONGEST,
            left: MOST,
        });
        let mut bytes = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return end.timer.as_mut().poll(context),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
            }
            let came = buffer.filled().len();
            let now = Instant::now();
            if came == 0 || came >= end.left || now >= end.latest {
                return Poll::Ready(());
            }
            end.left -= came;
            end.timer.as_mut().reset((now + SILENCE).min(end.latest));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.throw_away(context).map(Ok)
    }
}

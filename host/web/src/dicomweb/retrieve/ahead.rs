//! Reading a little ahead of the socket.
//!
//! A body is otherwise polled only when the socket wants more, so that disk and network take turns. Two chunks are kept
//! ready; when the client leaves, the reader's next chunk finds nobody and it ends.

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::mpsc;
use tracing::Instrument;

/// Chunks kept ready.
const READY: usize = 2;

/// The same items, fetched by a task of their own.
pub(super) fn ahead<E: Send + 'static>(
    chunks: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    let (sender, mut receiver) = mpsc::channel(READY);
    let fetch = async move {
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    };
    tokio::spawn(fetch.in_current_span());
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

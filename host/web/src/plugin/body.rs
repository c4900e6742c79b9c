//! A request's body as plugins pull it.

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use isocenter_role::RequestBody;

use crate::pulled::Pulled;

/// Bytes of a body at most.
pub(super) const MOST: u64 = 64 << 20;

impl RequestBody for Pulled {
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, String>> {
        Pulled::next(self)
            .map(|chunk| match chunk {
                Ok(chunk) => Ok(chunk.unwrap_or_default()),
                Err(error) => Err(error.to_string()),
            })
            .boxed()
    }
}

//! A request's body in pieces that are asked for: bounded in its size and in the time between two bytes.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt;

use crate::error::RouteError;

/// Nothing of it is read before it is asked for.
pub(crate) struct Pulled {
    body: BodyDataStream,
    idle: Duration,
    most: u64,
    seen: u64,
}

impl Pulled {
    /// Of at most `most` bytes.
    pub(crate) fn new(body: Body, idle: Duration, most: u64) -> Self {
        Self {
            body: body.into_data_stream(),
            idle,
            most,
            seen: 0,
        }
    }

    /// The next bytes, never none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RouteError> {
        loop {
            let Ok(chunk) = tokio::time::timeout(self.idle, self.body.next()).await else {
                let seconds = self.idle.as_secs();
                return Err(RouteError::SlowBody { seconds });
            };
            let chunk = match chunk {
                None => return Ok(None),
                Some(Err(_)) => return Err(RouteError::BrokenBody),
                Some(Ok(chunk)) => chunk,
            };
            self.seen = self.seen.saturating_add(chunk.len() as u64);
            if self.seen > self.most {
                return Err(RouteError::TooLarge { limit: self.most });
            }
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    /// All of it.
    pub(crate) async fn collect(mut self) -> Result<Bytes, RouteError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use bytes::Bytes;
    use futures::stream;

    use super::Pulled;
    use crate::error::RouteError;

    const IDLE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_body_ends_and_stays_ended() {
        let mut body = Pulled::new(Body::from("abc"), IDLE, 3);
        assert_eq!(body.next().await.unwrap().unwrap(), "abc");
        assert!(body.next().await.unwrap().is_none());
        assert!(body.next().await.unwrap().is_none());
        assert_eq!(Pulled::new(Body::from("abc"), IDLE, 3).collect().await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn a_body_is_bounded() {
        let chunk = Bytes::from(vec![0; 1000]);
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        let refused = Pulled::new(Body::from_stream(endless), IDLE, 9999).collect().await;
        assert!(matches!(refused, Err(RouteError::TooLarge { limit: 9999 })));
    }

    #[tokio::test]
    async fn a_body_that_rests_is_given_up() {
        let silent = stream::pending::<Result<Bytes, std::io::Error>>();
        let given_up = Pulled::new(Body::from_stream(silent), Duration::from_millis(10), 10)
            .next()
            .await;
        assert!(matches!(given_up, Err(RouteError::SlowBody { .. })));
    }
}

//! What surrounds every request: its permit, its span, its metrics, and the headers that protect its answer.
//!
//! One layer, because all four must last until the answer's last byte has been given to the socket and not only until
//! the handler returns: a retrieval spends its time in its body. Query strings are never logged: they hold names.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span, field};

use crate::app::AppState;
use crate::error::RouteError;

/// Routes that answer even when every permit is taken: what watches over the host must see it then above all.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The layer.
pub(crate) async fn watch(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = method_name(request.method());
    let route: Arc<str> = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| Arc::from("none"), |path| Arc::from(path.as_str()));
    let span = tracing::info_span!("request", method, route = &*route, status = field::Empty);
    let ending = Ending {
        started: Instant::now(),
        route: Arc::clone(&route),
        method,
        status: StatusCode::INTERNAL_SERVER_ERROR,
        length: None,
        bytes: 0,
        begun: false,
        whole: false,
        span: span.clone(),
        permit: None,
    };
    let permit = if ALWAYS.contains(&&*route) {
        None
    } else if let Ok(permit) = Arc::clone(&state.requests).try_acquire_owned() {
        Some(permit)
    } else {
        let limit = state.app.limits.requests;
        return ending.attach(span.in_scope(|| RouteError::Busy { limit }.into_response()), None);
    };
    let response = next.run(request).instrument(span).await;
    ending.attach(response, permit)
}

/// A bounded set of words: the method is the client's to choose, and metrics must not grow with it.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// What is recorded when the answer has been sent, or was given up.
struct Ending {
    started: Instant,
    route: Arc<str>,
    method: &'static str,
    status: StatusCode,
    /// As announced.
    length: Option<u64>,
    bytes: u64,
    begun: bool,
    whole: bool,
    span: Span,
    permit: Option<OwnedSemaphorePermit>,
}

impl Ending {
    fn attach(mut self, response: Response, permit: Option<OwnedSemaphorePermit>) -> Response {
        self.status = response.status();
        self.span.record("status", self.status.as_u16());
        self.permit = permit;
        let length = response.headers().get(CONTENT_LENGTH);
        self.length = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut response = response.map(|body| {
            self.whole = body.is_end_stream();
            Body::new(Watched { body, ending: self })
        });
        protect(response.headers_mut());
        response
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        metrics::counter!(
            "http_requests_total",
            "route" => self.route.to_string(),
            "method" => self.method,
            "status" => self.status.as_str().to_owned(),
        )
        .increment(1);
        metrics::histogram!("http_request_seconds", "route" => self.route.to_string(), "method" => self.method)
            .record(seconds);
        // A body that was never begun belongs to HEAD, or to a client that left before the header was sent.
        let cut = self.begun && !self.whole;
        let _entered = self.span.enter();
        tracing::info!(
            status = self.status.as_u16(),
            seconds,
            bytes = self.bytes,
            cut,
            "request ended"
        );
    }
}

/// A body that knows how it ended.
struct Watched {
    body: Body,
    ending: Ending,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let span = this.ending.span.clone();
        let frame = ready!(span.in_scope(|| Pin::new(&mut this.body).poll_frame(context)));
        this.ending.begun = true;
        match &frame {
            None => this.ending.whole = true,
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                this.ending.bytes = this.ending.bytes.saturating_add(length as u64);
                // Of a body with a length nobody asks for more than that, so its end is never seen.
                this.ending.whole = this.body.is_end_stream() || this.ending.length == Some(this.ending.bytes);
            }
            Some(Err(error)) => {
                span.in_scope(|| tracing::error!(%error, "an answer was cut off: what it needed could not be read"));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Headers for every answer: no sniffing, no framing, no referrer, no copy in a cache; nothing runs unless the page says so.
fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

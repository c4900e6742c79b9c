//! A plugin's answer on its way out.
//!
//! Its pages share their origin with this host's own and with DICOMweb, and the browser of whoever opens them may hold
//! credentials for all of it. So every answer is sandboxed into an origin of its own: its scripts run, and can ask this
//! origin for nothing that its server would not give to a stranger. Of its header lines those are let out that describe
//! the answer; none that sets cookies, opens the answer to other sites, or speaks to proxies.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION, RETRY_AFTER, VARY, WARNING,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use isocenter_archive::index::Located;
use isocenter_role::{Answer, Piece};

use super::visible::Seen;
use crate::error::RouteError;

/// In force beside whatever policy the plugin sets. Nothing is loaded from or sent to other hosts.
const POLICY: &str = "sandbox allow-scripts allow-forms allow-downloads; \
    default-src 'self' 'unsafe-inline' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a plugin may say of its answer.
const LET_OUT: [HeaderName; 13] = [
    ACCEPT_RANGES,
    ALLOW,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_RANGE,
    CONTENT_SECURITY_POLICY,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
    RETRY_AFTER,
    VARY,
    WARNING,
];

/// Objects in one answer at most.
const MOST_OBJECTS: usize = 10_000;

/// A piece that is there.
enum Found {
    Bytes(Bytes),
    Object(Box<Located>),
}

impl Found {
    fn length(&self) -> u64 {
        match self {
            Found::Bytes(bytes) => bytes.len() as u64,
            Found::Object(at) => at.place.length,
        }
    }
}

/// The answer as it is sent; its objects are streamed from the archive.
///
/// # Errors
/// [`RouteError::PluginFailed`] when it is no answer, or holds an object that its receiver may not see.
pub(super) async fn response(name: &str, answer: Answer, seen: &Seen) -> Result<Response, RouteError> {
    let status = StatusCode::from_u16(answer.status).ok();
    let Some(status) = status.filter(|status| !status.is_informational()) else {
        tracing::error!(
            plugin = name,
            status = answer.status,
            "a plugin answered with a status that is none"
        );
        return Err(RouteError::PluginFailed);
    };
    let mut pieces = Vec::with_capacity(answer.body.len());
    let mut objects = 0;
    for piece in answer.body {
        pieces.push(match piece {
            Piece::Bytes(bytes) => Found::Bytes(bytes),
            Piece::Object { study, object } => {
                objects += 1;
                let found = seen.locate(Some(&study), &object).await?;
                match found.filter(|_| objects <= MOST_OBJECTS) {
                    Some(at) => Found::Object(Box::new(at)),
                    None => {
                        tracing::error!(
                            plugin = name,
                            object,
                            "a plugin answered with an object that is not there for the caller, or with too many"
                        );
                        return Err(RouteError::PluginFailed);
                    }
                }
            }
        });
    }
    let length = pieces.iter().map(Found::length).fold(0, u64::saturating_add);
    let archive = seen.archive().clone();
    let body = stream::iter(pieces)
        .map(move |piece| match piece {
            Found::Bytes(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Found::Object(at) => archive
                .read(&at)
                .inspect_err(move |error| {
                    tracing::error!(object = %at.identity.sop_instance, %error, "a stored object cannot be read");
                })
                .boxed(),
        })
        .flatten();
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    for (said, value) in &answer.headers {
        let (Ok(said), Ok(value)) = (
            HeaderName::try_from(said.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) else {
            tracing::warn!(plugin = name, "a plugin gave a header line that is none");
            continue;
        };
        if LET_OUT.contains(&said) || (said == LOCATION && stays(name, &value)) {
            headers.append(said, value);
        } else {
            tracing::debug!(plugin = name, header = %said, "a plugin's header line is not let out");
        }
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

/// Whether a redirection leads to the plugin's own pages.
fn stays(name: &str, location: &HeaderValue) -> bool {
    let Ok(location) = location.to_str() else {
        return false;
    };
    let location = location.trim();
    let steps = || location.split(['/', '?', '#']);
    !location.contains(['\\', ':'])
        && (location.starts_with(&format!("/plugins/{name}/")) || !location.starts_with('/'))
        && !steps().any(|step| step == "..")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::stays;

    #[test]
    fn a_redirection_stays_with_the_plugin() {
        for (location, stays_there) in [
            ("list?page=2", true),
            ("./x", true),
            ("/plugins/viewer/x", true),
            ("/plugins/other/x", false),
            ("/plugins/viewer/../other/", false),
            ("../other/", false),
            ("/", false),
            ("//evil.example/", false),
            ("/\\evil.example", false),
            ("\\\\evil.example", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(
                stays("viewer", &HeaderValue::from_static(location)),
                stays_there,
                "{location}"
            );
        }
    }
}

//! The URL under which a client reaches this host, for the RetrieveURLs in answers.
//!
//! Separate because it is a decision about trust: a configured public URL wins; else the request's own words are taken
//! (`X-Forwarded-*`, `Host`), checked to be nothing but a host, a port and a path, since they return to the client
//! inside JSON and HTML. Whoever forges them deceives only himself: no answer is cached (`Cache-Control: no-store`).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::request::Parts;
use isocenter_dicom::uid::Uid;

use crate::app::AppState;

/// The base of every URL in an answer, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The URL of a study.
    pub(crate) fn study(&self, study: &Uid) -> String {
        format!("{}/dicom-web/studies/{study}", self.0)
    }

    /// The URL of a series.
    pub(crate) fn series(&self, study: &Uid, series: &Uid) -> String {
        format!("{}/series/{series}", self.study(study))
    }

    /// The URL of an object.
    pub(crate) fn object(&self, study: &Uid, series: &Uid, object: &Uid) -> String {
        format!("{}/instances/{object}", self.series(study, series))
    }

    #[cfg(test)]
    pub(crate) fn fixed(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// Chooses among what is configured, what the request says, and where the host listens.
    fn choose(configured: Option<&str>, headers: &HeaderMap, authority: Option<&str>, listen: &str) -> Self {
        if let Some(url) = configured {
            return Self(url.trim_end_matches('/').to_owned());
        }
        let scheme = first(headers, "x-forwarded-proto")
            .filter(|scheme| matches!(*scheme, "http" | "https"))
            .unwrap_or("http");
        let named = first(headers, HOST.as_str()).or(authority);
        let host = first(headers, "x-forwarded-host")
            .or_else(|| named.map(|host| if is_listener(host, listen) { listen } else { host }))
            .filter(|host| is_host(host))
            .unwrap_or(listen);
        let prefix = first(headers, "x-forwarded-prefix")
            .filter(|prefix| is_path(prefix))
            .map_or("", |prefix| prefix.trim_end_matches('/'));
        Self(format!("{scheme}://{host}{prefix}"))
    }
}

/// The first value of a header that proxies append to.
fn first<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// Whether a host without a port is the address that is listened on: some clients leave the port out of `Host`, and
/// nobody but they would get a URL of another port.
fn is_listener(host: &str, listen: &str) -> bool {
    listen.rsplit_once(':').is_some_and(|(address, _)| address == host)
}

fn is_host(text: &str) -> bool {
    text.len() <= 255
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

fn is_path(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with('/')
        && !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'/'))
}

impl FromRequestParts<AppState> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let about = &state.app.about;
        Ok(Self::choose(
            about.public_url.as_deref(),
            &parts.headers,
            parts.uri.authority().map(axum::http::uri::Authority::as_str),
            &about.http_listen,
        ))
    }
}

#[cfg(test)]
mod tests;

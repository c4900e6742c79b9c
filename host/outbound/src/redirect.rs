//! What a redirect makes of a request (RFC 9110 §15.4, and the Fetch standard where they differ from use).
//!
//! Separate because it is pure, and because it decides what travels to another origin.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName,
    LOCATION,
};
use http::{Method, StatusCode};

use crate::grant::Scheme;
use crate::request::{self, Checked};
use crate::trouble::Trouble;

/// The most redirects of one request.
pub(crate) const MOST: usize = 5;

/// The request to make next; `None` if the answer is no redirect. Whether the grant allows it is not decided here.
///
/// To another origin goes no secret, no `Authorization` and no `Cookie`, and they do not come back on the way back. From
/// https there is no way to http, even if both are granted.
pub(crate) fn next(request: &Checked, status: StatusCode, headers: &HeaderMap) -> Result<Option<Checked>, Trouble> {
    let (301..=303 | 307 | 308) = status.as_u16() else {
        return Ok(None);
    };
    let Some(location) = headers.get(LOCATION) else {
        return Ok(None);
    };
    let location = std::str::from_utf8(location.as_bytes())
        .map_err(|_| Trouble::Protocol(format!("{} redirects to what is not a URL", request.origin)))?;
    let url = request::parse_url(location, |text| request.url.join(text))?;
    let origin = request::origin(&url)?;
    if (request.origin.scheme, origin.scheme) == (Scheme::Https, Scheme::Http) {
        return Err(Trouble::Denied(format!(
            "{} redirects to {origin}, which would give up encryption",
            request.origin
        )));
    }

    let mut next = Checked {
        url,
        origin,
        ..request.clone()
    };
    let to_get = match status {
        StatusCode::SEE_OTHER => next.method != Method::GET && next.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => next.method == Method::POST,
        _ => false,
    };
    if to_get {
        next.method = Method::GET;
        next.body = Bytes::new();
        remove(
            &mut next.headers,
            &[CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE],
        );
    }
    if next.origin != request.origin {
        let secrets: Vec<HeaderName> = (next.headers.iter())
            .filter(|(_, value)| value.is_sensitive())
            .map(|(name, _)| name.clone())
            .collect();
        remove(&mut next.headers, &secrets);
        remove(&mut next.headers, &[AUTHORIZATION, COOKIE]);
    }
    Ok(Some(next))
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;

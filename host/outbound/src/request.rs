//! A request as a plugin states it, and what becomes of it before anything is sent.
//!
//! Separate because nothing that a plugin states is believed: the URL is parsed, the method and the headers are checked,
//! and what decides where a message begins and ends is the host's alone to write.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use crate::grant::Origin;
use crate::options::{MOST_HEADER_BYTES, MOST_HEADERS, MOST_URL, Options};
use crate::trouble::Trouble;

/// What a plugin asks for.
#[derive(Clone)]
pub struct Request {
    /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
    pub method: String,
    /// Absolute. A fragment is left out.
    pub url: String,
    /// In this order; a name may occur more than once.
    pub headers: Vec<Header>,
    /// May be empty.
    pub body: Bytes,
    /// Until the last byte of the answer, at most 300 s; `None` for [`Options::timeout`].
    pub timeout: Option<Duration>,
    /// When the caller's own time ends, if it does.
    pub deadline: Option<Instant>,
}

impl Request {
    /// A request without headers, body or times of its own.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Request {
        Request {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: None,
            deadline: None,
        }
    }
}

/// Shows neither the path nor any value: they may identify a patient, or be a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("headers", &self.headers)
            .field("body", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// One header of a request.
#[derive(Clone)]
pub struct Header {
    /// In any case.
    pub name: String,
    /// Without line breaks.
    pub value: Vec<u8>,
    /// Whether the value is a secret of the operator: it is then sent to the first origin only.
    pub secret: bool,
}

impl Header {
    /// A header whose value the plugin knows.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Header {
        Header {
            name: name.into(),
            value: value.into(),
            secret: false,
        }
    }

    /// A header whose value the host adds, and the plugin does not know.
    #[must_use]
    pub fn secret(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Header {
        Header {
            secret: true,
            ..Header::new(name, value)
        }
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({}: ..)", self.name.escape_debug())
    }
}

/// A request that may be sent as it stands, if the grant allows its URL.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) origin: Origin,
    /// A secret's value is marked as sensitive.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Checked {
    pub(crate) fn new(request: Request, options: &Options) -> Result<Checked, Trouble> {
        if request.body.len() as u64 > options.request_bytes {
            return Err(Trouble::TooLarge);
        }
        let url = parse_url(&request.url, Url::parse)?;
        Ok(Checked {
            method: method(&request.method)?,
            origin: origin(&url)?,
            url,
            headers: headers(request.headers)?,
            body: request.body,
        })
    }
}

/// Reads a URL, without its fragment. The errors name no part of it.
pub(crate) fn parse_url(text: &str, parse: impl FnOnce(&str) -> Result<Url, url::ParseError>) -> Result<Url, Trouble> {
    if text.len() > MOST_URL {
        return Err(Trouble::TooLarge);
    }
    // The parser would drop these in silence.
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Trouble::Protocol(
            "a URL contains a space or a control character".into(),
        ));
    }
    let mut url = parse(text).map_err(|error| Trouble::Protocol(format!("a URL is not valid: {error}")))?;
    url.set_fragment(None);
    Ok(url)
}

/// The origin of a URL that may be asked.
pub(crate) fn origin(url: &Url) -> Result<Origin, Trouble> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Trouble::Denied(
            "a URL contains a user name or password; send them as a header".into(),
        ));
    }
    Origin::of(url).ok_or_else(|| Trouble::Denied("only http:// and https:// can be asked".into()))
}

fn method(text: &str) -> Result<Method, Trouble> {
    const METHODS: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    METHODS
        .into_iter()
        .find(|method| method.as_str() == text)
        .ok_or_else(|| Trouble::Protocol("the method is not GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS".into()))
}

/// What decides where a message begins and ends, whom it is for, and what becomes of the connection.
const HOST_WRITES: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn headers(stated: Vec<Header>) -> Result<HeaderMap, Trouble> {
    let bytes: usize = stated
        .iter()
        .map(|header| header.name.len() + header.value.len() + 4)
        .sum();
    if stated.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(Trouble::TooLarge);
    }
    let mut headers = HeaderMap::with_capacity(stated.len() + 3);
    for Header { name, value, secret } in stated {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Trouble::Protocol("a header's name may have letters, digits and hyphens only".into()))?;
        if HOST_WRITES.contains(&name.as_str()) {
            return Err(Trouble::Denied(format!("the header `{name}` is the host's to write")));
        }
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| {
            Trouble::Protocol(format!(
                "the value of the header `{name}` contains a line break or another control"
            ))
        })?;
        value.set_sensitive(secret);
        headers.append(name, value);
    }
    if !headers.contains_key(USER_AGENT) {
        headers.insert(
            USER_AGENT,
            const { HeaderValue::from_static(concat!("isocenter/", env!("CARGO_PKG_VERSION"))) },
        );
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;

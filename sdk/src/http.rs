//! HTTP to the hosts that the operator granted, and to no others.
//!
//! Separate because it is a capability with a grant (`http = ["https://api.example.org"]`). The host makes the
//! connection, checks every redirect and every address, and writes secrets that the plugin never sees.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::isocenter::host::http::Trouble as Raw;
use crate::raw::http;
use crate::{Error, Result};

/// What a read answers at most.
const PIECE: usize = 1 << 20;

/// Why a request came to nothing. As an [`Error`], a timeout and a connection that failed are worth another try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not in the grant, or an address that must be named to be granted; with the sentence.
    Denied(String),
    /// It took too long.
    Timeout,
    /// More than 16 MiB, either way.
    TooLarge,
    /// No connection.
    Connect(String),
    /// What came was no HTTP, or the request is none.
    Protocol(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Denied(why) => write!(f, "the request is not allowed: {why}"),
            Trouble::Timeout => f.write_str("the request took too long"),
            Trouble::TooLarge => f.write_str("the request or its answer is larger than 16 MiB"),
            Trouble::Connect(why) => write!(f, "no connection: {why}"),
            Trouble::Protocol(why) => write!(f, "no valid HTTP: {why}"),
        }
    }
}

impl From<Raw> for Trouble {
    fn from(trouble: Raw) -> Trouble {
        match trouble {
            Raw::Denied(why) => Trouble::Denied(why),
            Raw::Timeout => Trouble::Timeout,
            Raw::TooLarge => Trouble::TooLarge,
            Raw::Connect(why) => Trouble::Connect(why),
            Raw::Protocol(why) => Trouble::Protocol(why),
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Error {
        match trouble {
            Trouble::Timeout | Trouble::Connect(_) => Error::after(10, trouble.to_string()),
            Trouble::Denied(_) | Trouble::TooLarge | Trouble::Protocol(_) => Error::never(trouble.to_string()),
        }
    }
}

/// A request in the making.
#[must_use]
pub struct Request(http::Request);

/// The address with these keys as its query, their values encoded (RFC 3986).
#[must_use]
pub fn with_query(url: &str, keys: &[(&str, &str)]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut query = url.to_owned();
    for (number, (key, value)) in keys.iter().enumerate() {
        query.push(if number == 0 { '?' } else { '&' });
        query.push_str(key);
        query.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                query.push(char::from(byte));
            } else {
                query.push('%');
                for digit in [byte >> 4, byte & 15] {
                    query.extend(DIGITS.get(usize::from(digit)));
                }
            }
        }
    }
    query
}

/// A request for a resource.
pub fn get(url: &str) -> Request {
    Request::new("GET", url)
}

/// A request that brings a body.
pub fn post(url: &str) -> Request {
    Request::new("POST", url)
}

#[allow(
    clippy::allow_attributes,
    unused_mut,
    reason = "the fake changes where the host's resource does not"
)]
impl Request {
    /// A request to an absolute URL.
    pub fn new(method: &str, url: &str) -> Request {
        Request(http::Request::new(method, url))
    }

    /// Adds a header line. What the host itself writes (Host, Content-Length, …) is refused by [`Request::send`].
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.0.header(name, value);
        self
    }

    /// Adds a header line whose value is `prefix` and a secret, which the host writes.
    ///
    /// # Errors
    /// No secret of that name was granted.
    pub fn header_from_secret(mut self, name: &str, prefix: &str, secret: &str) -> Result<Request> {
        self.0.header_from_secret(name, prefix, secret).map_err(Error::never)?;
        Ok(self)
    }

    /// How long it may take; 10,000 unless set, and at most what is left of the call.
    pub fn timeout_millis(mut self, limit: u32) -> Request {
        self.0.timeout_millis(limit);
        self
    }

    /// Its body, at most 16 MiB.
    pub fn body(mut self, bytes: &[u8]) -> Request {
        self.0.body(bytes);
        self
    }

    /// Its body as JSON, with its content type.
    ///
    /// # Errors
    /// The value has no form in JSON.
    pub fn json<T: Serialize>(self, value: &T) -> Result<Request> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(&body))
    }

    /// Sends it and answers when the head of the response is there.
    ///
    /// # Errors
    /// There is no response.
    pub fn send(self) -> Result<Response, Trouble> {
        http::send(self.0).map(Response).map_err(Trouble::from)
    }
}

/// An answer whose body is pulled.
pub struct Response(http::Response);

impl Response {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// The first header line of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// The same, if its status is 2xx.
    ///
    /// # Errors
    /// Another status: worth another try where the server says so (408, 425, 429, 5xx), after the seconds of its
    /// `Retry-After` (at most an hour; 10 without it); never else.
    pub fn success(self) -> Result<Response> {
        match self.status() {
            200..=299 => Ok(self),
            status @ (408 | 425 | 429 | 500..=599) => {
                let asked = self.header("retry-after").and_then(|text| text.trim().parse().ok());
                let seconds: u32 = asked.map_or(10, |seconds: u32| seconds.clamp(1, 3600));
                Err(Error::after(seconds, format!("the server answered {status}")))
            }
            status => Err(Error::never(format!("the server answered {status}"))),
        }
    }

    /// The next bytes of the body, at most `limit` and 1 MiB; none at the end.
    ///
    /// # Errors
    /// The connection broke, or it takes too long.
    pub fn read(&self, limit: u32) -> Result<Vec<u8>, Trouble> {
        self.0.read(limit).map_err(Trouble::from)
    }

    /// The whole body, at most `most` bytes.
    ///
    /// # Errors
    /// As [`Response::read`], or there is more.
    pub fn body(&self, most: usize) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let piece = self.read(u32::try_from(PIECE.min(most + 1)).unwrap_or(u32::MAX))?;
            if piece.is_empty() {
                return Ok(body);
            }
            if body.len() + piece.len() > most {
                return Err(Trouble::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
    }

    /// The whole body, at most `most` bytes, as JSON.
    ///
    /// # Errors
    /// As [`Response::body`], or it is not of this type.
    pub fn json<T: DeserializeOwned>(&self, most: usize) -> Result<T> {
        Ok(serde_json::from_slice(&self.body(most)?)?)
    }
}

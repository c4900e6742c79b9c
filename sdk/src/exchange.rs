//! One HTTP request below `/plugins/NAME/`, and its answer.
//!
//! Separate because it is the other side of [`http`](crate::http): here the plugin answers. Who asks was authenticated
//! and authorized by the host, and their credentials do not come this far.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::raw::{Exclusive, exchange};
use crate::{Error, Object, Result};

/// What a client asks.
pub struct Request<'a>(pub(crate) &'a exchange::Request);

impl Request<'_> {
    /// `GET`, `POST` and so on.
    #[must_use]
    pub fn method(&self) -> String {
        self.0.method()
    }

    /// Below `/plugins/NAME`, beginning with `/`.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// Every value of a key of the query, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Vec<String> {
        self.0.query(name)
    }

    /// The first header line of that name, whatever its case; never credentials.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// Who asks, as the authenticators named them; empty where there are none.
    #[must_use]
    pub fn subject(&self) -> String {
        self.0.subject()
    }

    /// The next bytes of the body, at most `limit` and 1 MiB; none at the end.
    #[must_use]
    pub fn read(&self, limit: u32) -> Vec<u8> {
        self.0.read(limit)
    }

    /// The whole body, at most `most` bytes.
    ///
    /// # Errors
    /// There is more.
    pub fn body(&self, most: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let piece = self.read(1 << 20);
            if piece.is_empty() {
                return Ok(body);
            }
            if body.len() + piece.len() > most {
                return Err(Error::never(format!("the body has more than {most} bytes")));
            }
            body.extend_from_slice(&piece);
        }
    }

    /// The whole body, at most `most` bytes, as JSON.
    ///
    /// # Errors
    /// There is more, or it is not of this type.
    pub fn json<T: DeserializeOwned>(&self, most: usize) -> Result<T> {
        Ok(serde_json::from_slice(&self.body(most)?)?)
    }
}

/// What the plugin answers: 200 and an empty body at first. An error of the call takes the place of all of it.
pub struct Response<'a>(pub(crate) Exclusive<'a, exchange::Response>);

impl Response<'_> {
    /// Sets the status, from 200 to 599.
    pub fn status(&mut self, code: u16) -> &mut Self {
        self.0.status(code);
        self
    }

    /// Adds a header line. What the host itself writes (Content-Length, …) is ignored.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.header(name, value);
        self
    }

    /// Appends to the body; at most 16 MiB in all.
    pub fn write(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.write(bytes);
        self
    }

    /// Appends a text, with its content type: `text/html; charset=utf-8` and so on.
    pub fn text(&mut self, content_type: &str, text: &str) -> &mut Self {
        self.header("content-type", content_type).write(text.as_bytes())
    }

    /// Appends a value as JSON, with its content type.
    ///
    /// # Errors
    /// The value has no form in JSON.
    pub fn json<T: Serialize>(&mut self, value: &T) -> Result<&mut Self> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").write(&body))
    }

    /// Appends an object as a Part 10 file. The host streams it; it does not enter the sandbox.
    pub fn object(&mut self, object: &Object<'_>) -> &mut Self {
        self.0.write_object(&object.0);
        self
    }
}

/// Text for the body of an HTML element, or for an attribute in quotes.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

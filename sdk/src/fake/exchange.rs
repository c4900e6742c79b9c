//! One HTTP request to a route, and what it answered.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::Object;
use crate::tags;

/// What a client asks.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as the methods of `Request`")]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Pairs of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub subject: String,
    pub body: Vec<u8>,
    read: Cell<usize>,
}

impl Request {
    /// A GET of a path.
    #[must_use]
    pub fn get(path: &str) -> Request {
        Request {
            method: "GET".into(),
            path: path.to_owned(),
            ..Request::default()
        }
    }

    /// A POST to a path.
    #[must_use]
    pub fn post(path: &str, body: &[u8]) -> Request {
        Request {
            method: "POST".into(),
            path: path.to_owned(),
            body: body.to_vec(),
            ..Request::default()
        }
    }

    /// Adds a pair to the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Request {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn request(&self) -> crate::Request<'_> {
        crate::Request(self)
    }

    pub(crate) fn query(&self, name: &str) -> Vec<String> {
        let pairs = self.query.iter().filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(&name.to_lowercase()).cloned()
    }

    pub(crate) fn read(&self, limit: u32) -> Vec<u8> {
        let piece = super::raw::part(&self.body, self.read.get() as u64, limit);
        self.read.set(self.read.get() + piece.len());
        piece
    }
}

fields! { Request: method: String, path: String, subject: String; }

/// A piece of an answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// What the plugin wrote.
    Bytes(Vec<u8>),
    /// The object of this SOP Instance UID, which the host would stream.
    Object(String),
}

/// What a route answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// 200 unless the plugin said otherwise.
    pub status: u16,
    /// In their order.
    pub headers: Vec<(String, String)>,
    /// In its order; what was written in several calls is one.
    pub body: Vec<Body>,
}

impl Default for Response {
    fn default() -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

impl Response {
    /// As a plugin sees it.
    pub fn response(&mut self) -> crate::Response<'_> {
        crate::Response(self)
    }

    /// What was written, as text; objects are left out.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.body.iter().map(|piece| match piece {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::Object(_) => String::new(),
        });
        bytes.collect()
    }

    pub(crate) fn status(&mut self, code: u16) {
        self.status = code;
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        match self.body.last_mut() {
            Some(Body::Bytes(written)) => written.extend_from_slice(bytes),
            _ => self.body.push(Body::Bytes(bytes.to_vec())),
        }
    }

    pub(crate) fn write_object(&mut self, object: &Object) {
        self.body.push(Body::Object(object.first(tags::SOP_INSTANCE_UID)));
    }
}

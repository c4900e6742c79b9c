//! What callers show, and what they want.

use std::collections::BTreeMap;

/// Of an HTTP request.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as the methods of `Credentials`")]
pub struct Credentials {
    pub bearer: Option<String>,
    pub basic: Option<(String, String)>,
    pub certificate_subject: Option<String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub peer: String,
}

impl Credentials {
    /// Of a request with a bearer token.
    #[must_use]
    pub fn of_bearer(token: &str) -> Credentials {
        Credentials {
            bearer: Some(token.to_owned()),
            peer: "127.0.0.1".into(),
            ..Credentials::default()
        }
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn credentials(&self) -> crate::Credentials<'_> {
        crate::Credentials(self)
    }
}

/// An association that is asked for.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as the methods of `Association`")]
pub struct Association {
    pub calling_ae: String,
    pub called_ae: String,
    pub peer: String,
    pub certificate_subject: Option<String>,
    pub username: Option<String>,
    pub passcode: Option<Vec<u8>>,
    pub abstract_syntaxes: Vec<String>,
}

impl Association {
    /// As a plugin sees it.
    #[must_use]
    pub fn association(&self) -> crate::Association<'_> {
        crate::Association(self)
    }
}

/// One thing that a caller wants to do.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as the methods of `Access`")]
pub struct Access {
    pub action: String,
    pub study: Option<String>,
    pub attributes: BTreeMap<String, String>,
}

impl Access {
    /// An access that names nothing more.
    #[must_use]
    pub fn to(action: &str) -> Access {
        Access {
            action: action.to_owned(),
            ..Access::default()
        }
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn access(&self) -> crate::Access<'_> {
        crate::Access(self)
    }
}

impl Credentials {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(&name.to_lowercase()).cloned()
    }
}

impl Access {
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.get(name).cloned()
    }
}

fields! {
    Credentials: bearer: Option<String>, basic: Option<(String, String)>, certificate_subject: Option<String>,
        peer: String;
    Association: calling_ae: String, called_ae: String, peer: String, certificate_subject: Option<String>,
        username: Option<String>, passcode: Option<Vec<u8>>, abstract_syntaxes: Vec<String>;
    Access: action: String, study: Option<String>;
}

//! Who a caller is, and what they may do: what authenticators, authorizers and gates are shown and answer.
//!
//! Separate because a mistake here shows an image to the wrong person: none of it is parsed or guessed by the plugin
//! that the host knows already.

pub use crate::bindings::gate::exports::isocenter::auth::gate::Rejection;
pub use crate::bindings::imports::isocenter::auth::identity::Identity;
use crate::raw::evidence;
use crate::{Tag, host};

impl Identity {
    /// A caller by a name that is unique at the issuer, for this one request.
    #[must_use]
    pub fn new(subject: impl Into<String>, issuer: impl Into<String>) -> Identity {
        Identity {
            subject: subject.into(),
            issuer: issuer.into(),
            claims: Vec::new(),
            expires_unix_seconds: 0,
        }
    }

    /// Adds what else is known of them; a name may come more than once.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Identity {
        self.claims.push((name.into(), value.into()));
        self
    }

    /// Lets the host use the answer again for so many seconds. A change of their rights shows only after that.
    #[must_use]
    pub fn for_seconds(mut self, seconds: u32) -> Identity {
        self.expires_unix_seconds = host::unix_millis() / 1000 + u64::from(seconds);
        self
    }

    /// The values of a claim.
    pub fn claims<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.claims
            .iter()
            .filter(move |(claim, _)| claim == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What an HTTP request brings to show who sent it.
pub struct Credentials<'a>(pub(crate) &'a evidence::Credentials);

impl Credentials<'_> {
    /// The token of `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(&self) -> Option<String> {
        self.0.bearer()
    }

    /// Name and password of `Authorization: Basic`.
    #[must_use]
    pub fn basic(&self) -> Option<(String, String)> {
        self.0.basic()
    }

    /// Subject of a client certificate that TLS has verified.
    #[must_use]
    pub fn certificate_subject(&self) -> Option<String> {
        self.0.certificate_subject()
    }

    /// The first header line of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// Network address of the caller.
    #[must_use]
    pub fn peer(&self) -> String {
        self.0.peer()
    }
}

/// One thing that a caller wants to do.
pub struct Access<'a>(pub(crate) &'a evidence::Access);

impl Access<'_> {
    /// `search`, `retrieve`, `store`, `delete`, `move`, `admin` or `plugin`. Deny what you do not know: others may come.
    #[must_use]
    pub fn action(&self) -> String {
        self.0.action()
    }

    /// Study Instance UID, where the request names one.
    #[must_use]
    pub fn study(&self) -> Option<String> {
        self.0.study()
    }

    /// What else the request says: `method`, `path`, `series`, `object`, and the keys of a search.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.0.attribute(name)
    }
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// All of it.
    Allow,
    /// Only with objects that are within every limit.
    Within(Vec<Limit>),
    /// None of it, with the reason for the operator's log.
    Deny(String),
}

impl Decision {
    /// None of it, with the reason for the operator's log.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> Decision {
        Decision::Deny(reason.into())
    }

    /// Only with objects whose element has one of these values; where there is no value, with none.
    #[must_use]
    pub fn within(tag: Tag, one_of: impl IntoIterator<Item = impl Into<String>>) -> Decision {
        Decision::Within(vec![Limit {
            tag,
            one_of: one_of.into_iter().map(Into::into).collect(),
        }])
    }
}

/// Objects whose element has one of these values. The host puts it into its query; an element that it cannot search by
/// denies the access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The element.
    pub tag: Tag,
    /// Compared as they are; no value: nothing matches.
    pub one_of: Vec<String>,
}

/// An association that is asked for (A-ASSOCIATE-RQ, PS3.8 §9.3.2).
pub struct Association<'a>(pub(crate) &'a evidence::Association);

impl Association<'_> {
    /// Calling AE title.
    #[must_use]
    pub fn calling_ae(&self) -> String {
        self.0.calling_ae()
    }

    /// Called AE title.
    #[must_use]
    pub fn called_ae(&self) -> String {
        self.0.called_ae()
    }

    /// Network address of the caller.
    #[must_use]
    pub fn peer(&self) -> String {
        self.0.peer()
    }

    /// Subject of a client certificate that TLS has verified.
    #[must_use]
    pub fn certificate_subject(&self) -> Option<String> {
        self.0.certificate_subject()
    }

    /// Of User Identity Negotiation (PS3.7 §D.3.3.7).
    #[must_use]
    pub fn username(&self) -> Option<String> {
        self.0.username()
    }

    /// Of User Identity Negotiation: passcode, or Kerberos, SAML or JWT token.
    #[must_use]
    pub fn passcode(&self) -> Option<Vec<u8>> {
        self.0.passcode()
    }

    /// SOP classes of the proposed presentation contexts.
    #[must_use]
    pub fn abstract_syntaxes(&self) -> Vec<String> {
        self.0.abstract_syntaxes()
    }
}

/// A gate's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// Let in, as this caller.
    Admit(Identity),
    /// Not let in (A-ASSOCIATE-RJ).
    Reject(Rejection),
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same_secret(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len() && given.iter().zip(expected).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

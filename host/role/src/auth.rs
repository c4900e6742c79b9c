//! Authenticators, authorizers and gates: who a caller is, and what they may do.

use std::net::IpAddr;
use std::sync::Arc;

use isocenter_dicom::Tag;

use crate::{Call, Part};

/// Who a caller is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// A name that is unique at the issuer.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// What else is known of them, by name; a name may come more than once.
    pub claims: Vec<(String, String)>,
    /// The host may use this answer again until then (Unix seconds). 0: not at all.
    pub expires: u64,
}

/// What a request brings to show who sent it.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Header lines in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Subject of a client certificate that TLS has verified.
    pub certificate_subject: Option<String>,
    /// Where the request comes from.
    pub peer: Option<IpAddr>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Says who sent an HTTP request.
pub trait Authenticator: Part {
    /// `None`: not one of this authenticator's, the next one is asked.
    fn authenticate(self: Arc<Self>, credentials: Arc<Credentials>) -> Call<'static, Option<Identity>>;
}

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Find studies, series, objects.
    Search,
    /// Read objects or their metadata.
    Retrieve,
    /// Bring objects.
    Store,
    /// Remove objects.
    Delete,
    /// Have objects sent elsewhere.
    Move,
    /// Run the host: pages, metrics, quarantine, reload.
    Admin,
    /// Use a plugin's own pages below `/plugins/`.
    Plugin,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Search => "search",
            Action::Retrieve => "retrieve",
            Action::Store => "store",
            Action::Delete => "delete",
            Action::Move => "move",
            Action::Admin => "admin",
            Action::Plugin => "plugin",
        }
    }
}

/// One thing that a caller wants to do.
#[derive(Clone, Debug)]
pub struct Access {
    /// What.
    pub action: Action,
    /// To which study, where the request names one.
    pub study: Option<String>,
    /// What else the request says, by name: `path`, `method`, `series`, `object`, and the keys of a search.
    pub attributes: Vec<(String, String)>,
}

/// Objects whose element has one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The element.
    pub tag: Tag,
    /// Compared as they are; no value: nothing matches.
    pub one_of: Vec<String>,
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// All of it.
    Allow,
    /// Only with objects that are within every limit.
    Within(Vec<Limit>),
    /// None of it, with the reason for the operator.
    Deny(String),
}

impl Decision {
    /// A word for it, for metrics and records.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Within(_) => "within",
            Decision::Deny(_) => "deny",
        }
    }
}

/// Says what a caller may do.
pub trait Authorizer: Part {
    /// Asked for every access, unless an earlier answer may be used again.
    fn authorize(self: Arc<Self>, who: Arc<Identity>, access: Access) -> Call<'static, Decision>;
}

/// What a peer shows when it asks for an association (PS3.8 §7.1).
#[derive(Clone, Default)]
pub struct Applicant {
    /// Calling AE title.
    pub calling_ae: String,
    /// Called AE title.
    pub called_ae: String,
    /// Where the connection comes from.
    pub peer: Option<IpAddr>,
    /// Subject of a client certificate that TLS has verified.
    pub certificate_subject: Option<String>,
    /// Of User Identity Negotiation (PS3.7 §D.3.3.7), types 1 and 2.
    pub username: Option<String>,
    /// Of User Identity Negotiation, types 2 (a passcode), 3 (Kerberos), 4 (SAML) and 5 (JWT).
    pub passcode: Option<Vec<u8>>,
    /// SOP classes of the proposed presentation contexts.
    pub abstract_syntaxes: Vec<String>,
}

impl std::fmt::Debug for Applicant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Applicant")
            .field("calling_ae", &self.calling_ae)
            .field("called_ae", &self.called_ae)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Why an association is not wanted (PS3.8 §9.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateRejection {
    /// Calling AE title not recognized.
    CallingAeUnknown,
    /// Called AE title not recognized.
    CalledAeUnknown,
    /// Not now; the peer may try again.
    NotNow,
    /// No reason given.
    NoReason,
}

/// Lets associations in, before any presentation context is accepted.
pub trait Gate: Part {
    /// The identity under which the association works, or why it is rejected.
    fn admit(self: Arc<Self>, applicant: Arc<Applicant>) -> Call<'static, Result<Identity, GateRejection>>;
}

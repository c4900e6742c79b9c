//! What is agreed when an association begins: the request, the answer to it, and what holds afterwards. Separate from
//! the PDUs, because deciding who may do what is the caller's and bytes are not.

use bytes::Bytes;
use std::fmt;

use crate::ae::AeTitle;
use crate::error::Rejection;

/// What a requestor asks for: an A-ASSOCIATE-RQ that has passed the checks of the upper layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Who asks.
    pub calling_ae: AeTitle,
    /// Whom it believes it is talking to.
    pub called_ae: AeTitle,
    /// The proposed presentation contexts, as sent: 1 to 128, ids odd and distinct.
    pub contexts: Vec<ProposedContext>,
    /// The longest P-DATA-TF PDU that the requestor takes, in bytes; 0 means any.
    pub max_pdu: u32,
    /// Its Implementation Class UID; empty where it sent none.
    pub implementation_class_uid: String,
    /// Its Implementation Version Name, where it sent one.
    pub implementation_version: Option<String>,
    /// How many operations it would have outstanding; without one, a single one either way.
    pub window: Option<Window>,
    /// SCP/SCU role selections it proposes (PS3.7 §D.3.3.4).
    pub roles: Vec<RoleSelection>,
    /// What it says about SOP classes in extended negotiation (PS3.7 §D.3.3.5).
    pub extended: Vec<ExtendedNegotiation>,
    /// Who its user is (PS3.7 §D.3.3.7).
    pub user_identity: Option<UserIdentity>,
}

/// One proposed presentation context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProposedContext {
    /// Its id, odd.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: String,
    /// The transfer syntaxes in the order of the requestor, which by custom is its preference.
    pub transfer_syntaxes: Vec<String>,
}

impl ProposedContext {
    /// An answer that accepts one of the proposed transfer syntaxes.
    pub fn accept(&self, transfer_syntax: &str) -> ContextAnswer {
        ContextAnswer {
            id: self.id,
            result: Ok(transfer_syntax.into()),
        }
    }

    /// An answer that refuses.
    pub fn refuse(&self, why: ContextRefusal) -> ContextAnswer {
        ContextAnswer {
            id: self.id,
            result: Err(why),
        }
    }
}

/// The acceptor's answer for one presentation context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContextAnswer {
    /// The context's id.
    pub id: u8,
    /// The transfer syntax it is accepted with, or why it is not.
    pub result: Result<String, ContextRefusal>,
}

/// Why a presentation context is not accepted (PS3.8 table 9-18).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextRefusal {
    /// Result 1.
    User,
    /// Result 2.
    NoReason,
    /// Result 3: not this SOP class.
    AbstractSyntax,
    /// Result 4: none of these transfer syntaxes.
    TransferSyntaxes,
}

impl ContextRefusal {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::User => 1,
            Self::NoReason => 2,
            Self::AbstractSyntax => 3,
            Self::TransferSyntaxes => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::User,
            3 => Self::AbstractSyntax,
            4 => Self::TransferSyntaxes,
            _ => Self::NoReason,
        }
    }
}

/// A presentation context on which both sides agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptedContext {
    /// Its id, odd.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: String,
    /// The one transfer syntax of all data sets in it.
    pub transfer_syntax: String,
}

/// An asynchronous operations window (PS3.7 §D.3.3.3), as the association's requestor sees it: how many requests may be
/// outstanding each way. 0: any number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Of those that the requestor makes.
    pub invoked: u16,
    /// Of those that it is asked.
    pub performed: u16,
}

impl Window {
    /// One operation at a time, which holds where nothing is agreed.
    pub const ONE: Self = Self {
        invoked: 1,
        performed: 1,
    };

    /// What holds where one side asked for this and the other answers with `most`: never more than either.
    pub(crate) fn within(self, most: Self) -> Self {
        let less = |asked: u16, most: u16| match (asked, most) {
            (0, number) | (number, 0) => number,
            (asked, most) => asked.min(most),
        };
        Self {
            invoked: less(self.invoked, most.invoked),
            performed: less(self.performed, most.performed),
        }
    }
}

/// Which roles the requestor plays for one SOP class (PS3.7 §D.3.3.4). Without one it is the SCU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleSelection {
    /// The SOP class.
    pub sop_class: String,
    /// It may be user.
    pub scu: bool,
    /// It may be provider (as for C-GET).
    pub scp: bool,
}

/// What one side says about a SOP class beyond its presentation contexts (PS3.7 §D.3.3.5): a field of bytes that the
/// service class of that SOP class defines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtendedNegotiation {
    /// The SOP class.
    pub sop_class: String,
    /// Its Service Class Application Information; of an answer at most 16 bytes are sent.
    pub information: Bytes,
}

/// A user identity (PS3.7 §D.3.3.7). Its values never show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// What the fields are.
    pub kind: UserIdentityKind,
    /// User name, ticket, assertion or token.
    pub primary: Bytes,
    /// Passcode; empty for the other kinds.
    pub secondary: Bytes,
    /// The requestor wants to hear that it was accepted.
    pub response_requested: bool,
}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserIdentity")
            .field("kind", &self.kind)
            .field("response_requested", &self.response_requested)
            .finish_non_exhaustive()
    }
}

/// The kind of a user identity (PS3.7 table D.3-14).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserIdentityKind {
    /// 1: a name in UTF-8.
    Username,
    /// 2: a name and a passcode in UTF-8.
    UsernamePasscode,
    /// 3: a Kerberos service ticket.
    Kerberos,
    /// 4: a SAML assertion.
    Saml,
    /// 5: a JSON Web Token.
    Jwt,
    /// Anything else.
    Other(/** The code. */ u8),
}

impl UserIdentityKind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Username => 1,
            Self::UsernamePasscode => 2,
            Self::Kerberos => 3,
            Self::Saml => 4,
            Self::Jwt => 5,
            Self::Other(code) => code,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Username,
            2 => Self::UsernamePasscode,
            3 => Self::Kerberos,
            4 => Self::Saml,
            5 => Self::Jwt,
            other => Self::Other(other),
        }
    }
}

/// The acceptor's decision about a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Let it in.
    Accept(Acceptance),
    /// Send it away.
    Reject(Rejection),
}

impl From<Vec<ContextAnswer>> for Admission {
    fn from(contexts: Vec<ContextAnswer>) -> Self {
        Self::Accept(contexts.into())
    }
}

/// What an acceptor grants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acceptance {
    /// One answer for each proposed context. A context without an answer, and an answer with a transfer syntax that was
    /// not proposed, count as refused.
    pub contexts: Vec<ContextAnswer>,
    /// How many operations may be outstanding; answered where it was asked about, and never more than was asked for.
    pub window: Option<Window>,
    /// Role selections to grant; only what was proposed is granted.
    pub roles: Vec<RoleSelection>,
    /// What is answered to extended negotiation; only about SOP classes that were asked about.
    pub extended: Vec<ExtendedNegotiation>,
    /// The positive response to a user identity (empty for a name or passcode); sent only where it was asked for.
    pub identity_response: Option<Bytes>,
}

impl From<Vec<ContextAnswer>> for Acceptance {
    fn from(contexts: Vec<ContextAnswer>) -> Self {
        Self {
            contexts,
            ..Self::default()
        }
    }
}

/// The most extended negotiations of one side, and the most bytes of one; together they fit their item.
pub(crate) const MAX_EXTENDED: usize = 128;
pub(crate) const MAX_INFORMATION: usize = 16;

/// How many transfer syntaxes one context may name here; they fit its length field.
const MAX_SYNTAXES: usize = 256;

/// What this side proposes as a requestor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    calling_ae: AeTitle,
    called_ae: AeTitle,
    contexts: Vec<ProposedContext>,
    window: Option<Window>,
    roles: Vec<RoleSelection>,
    extended: Vec<ExtendedNegotiation>,
    user_identity: Option<UserIdentity>,
}

/// Why a proposal cannot be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProposalError {
    /// More contexts than there are odd numbers in a byte.
    #[error("an association has at most 128 presentation contexts")]
    TooManyContexts,
    /// A context without a transfer syntax.
    #[error("a presentation context for {0} needs a transfer syntax")]
    NoTransferSyntax(/** The abstract syntax. */ String),
    /// More transfer syntaxes than a context can name.
    #[error("a presentation context for {0} has more than 256 transfer syntaxes")]
    TooManyTransferSyntaxes(/** The abstract syntax. */ String),
    /// Too much for the user information item.
    #[error(
        "a user identity must not exceed 32 KiB, nor role selections or extended negotiations 128, of 16 bytes each"
    )]
    TooLong,
    /// No UID.
    #[error("{0:?} is not a uid of 1 to 64 digits and dots")]
    BadUid(/** The text. */ String),
}

impl Proposal {
    /// A proposal without contexts.
    pub fn new(calling_ae: AeTitle, called_ae: AeTitle) -> Self {
        Self {
            calling_ae,
            called_ae,
            contexts: Vec::new(),
            window: None,
            roles: Vec::new(),
            extended: Vec::new(),
            user_identity: None,
        }
    }

    /// Adds a presentation context and returns its id.
    ///
    /// # Errors
    /// [`ProposalError`]: there are 128 already, or a UID is none, or there is no transfer syntax.
    pub fn add_context(&mut self, abstract_syntax: &str, transfer_syntaxes: &[&str]) -> Result<u8, ProposalError> {
        check_uid(abstract_syntax)?;
        transfer_syntaxes.iter().try_for_each(|uid| check_uid(uid))?;
        if transfer_syntaxes.is_empty() {
            return Err(ProposalError::NoTransferSyntax(abstract_syntax.into()));
        }
        if transfer_syntaxes.len() > MAX_SYNTAXES {
            return Err(ProposalError::TooManyTransferSyntaxes(abstract_syntax.into()));
        }
        let id = u8::try_from(self.contexts.len() * 2 + 1).map_err(|_| ProposalError::TooManyContexts)?;
        self.contexts.push(ProposedContext {
            id,
            abstract_syntax: abstract_syntax.into(),
            transfer_syntaxes: transfer_syntaxes.iter().map(|&uid| uid.into()).collect(),
        });
        Ok(id)
    }

    /// Asks for so many operations at a time.
    pub fn set_window(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// Adds a role selection.
    ///
    /// # Errors
    /// [`ProposalError`]: its SOP class is no UID, or there are 128 already.
    pub fn add_role(&mut self, role: RoleSelection) -> Result<(), ProposalError> {
        check_uid(&role.sop_class)?;
        if self.roles.len() == 128 {
            return Err(ProposalError::TooLong);
        }
        self.roles.push(role);
        Ok(())
    }

    /// Says something about a SOP class in extended negotiation.
    ///
    /// # Errors
    /// [`ProposalError`]: its SOP class is no UID, it has more than 16 bytes, or there are 128 already.
    pub fn add_extended(&mut self, extended: ExtendedNegotiation) -> Result<(), ProposalError> {
        check_uid(&extended.sop_class)?;
        if self.extended.len() == MAX_EXTENDED || extended.information.len() > MAX_INFORMATION {
            return Err(ProposalError::TooLong);
        }
        self.extended.push(extended);
        Ok(())
    }

    /// Names the user.
    ///
    /// # Errors
    /// [`ProposalError::TooLong`] above 32 KiB, as it shares an item of 64 KiB with the role selections.
    pub fn set_user_identity(&mut self, identity: UserIdentity) -> Result<(), ProposalError> {
        if identity.primary.len() + identity.secondary.len() > 32 << 10 {
            return Err(ProposalError::TooLong);
        }
        self.user_identity = Some(identity);
        Ok(())
    }

    /// The proposed contexts.
    pub fn contexts(&self) -> &[ProposedContext] {
        &self.contexts
    }

    pub(crate) fn request(&self, max_pdu: u32, class_uid: &str, version: &str) -> Request {
        Request {
            calling_ae: self.calling_ae.clone(),
            called_ae: self.called_ae.clone(),
            contexts: self.contexts.clone(),
            max_pdu,
            implementation_class_uid: class_uid.into(),
            implementation_version: Some(version.into()),
            window: self.window,
            roles: self.roles.clone(),
            extended: self.extended.clone(),
            user_identity: self.user_identity.clone(),
        }
    }
}

fn check_uid(uid: &str) -> Result<(), ProposalError> {
    let is_uid = !uid.is_empty() && uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_uid {
        Ok(())
    } else {
        Err(ProposalError::BadUid(uid.into()))
    }
}

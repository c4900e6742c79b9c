//! A-ASSOCIATE-RQ and -AC (PS3.8 §9.3.2, §9.3.3, PS3.7 annex D.3.3): items within items. Separate because these two are
//! the only PDUs with a grammar.

use bytes::{BufMut, Bytes, BytesMut};

use super::fields::Fields;
use super::{ASSOCIATE_AC, ASSOCIATE_RQ};
use crate::ae::AeTitle;
use crate::error::{RejectReason, Rejection, Violation};
use crate::negotiation::{
    ContextAnswer, ContextRefusal, ExtendedNegotiation, MAX_EXTENDED, ProposedContext, Request, RoleSelection,
    UserIdentity, UserIdentityKind, Window,
};

/// The only application context there is (PS3.7 §A.2.1).
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// A transfer syntax to fill the place in a context that is refused; it means nothing there (PS3.8 §9.3.3.2).
const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
/// What a peer that announces no maximum is sent at most: what every implementation takes.
const SILENT_MAX_PDU: u32 = 16_384;

/// Item types (PS3.8 §9.3.2 and §D, PS3.7 §D.3.3).
mod item {
    pub(super) const APPLICATION_CONTEXT: u8 = 0x10;
    pub(super) const CONTEXT_RQ: u8 = 0x20;
    pub(super) const CONTEXT_AC: u8 = 0x21;
    pub(super) const ABSTRACT_SYNTAX: u8 = 0x30;
    pub(super) const TRANSFER_SYNTAX: u8 = 0x40;
    pub(super) const USER_INFORMATION: u8 = 0x50;
    pub(super) const MAX_LENGTH: u8 = 0x51;
    pub(super) const CLASS_UID: u8 = 0x52;
    pub(super) const WINDOW: u8 = 0x53;
    pub(super) const ROLE_SELECTION: u8 = 0x54;
    pub(super) const VERSION_NAME: u8 = 0x55;
    pub(super) const EXTENDED: u8 = 0x56;
    pub(super) const USER_IDENTITY_RQ: u8 = 0x58;
    pub(super) const USER_IDENTITY_AC: u8 = 0x59;
}

/// Why a request is not passed on to the application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unacceptable {
    /// It can be read, and the answer is no.
    Reject(Rejection),
    /// It cannot be read.
    Malformed(Violation),
}

impl From<Violation> for Unacceptable {
    fn from(violation: Violation) -> Self {
        Self::Malformed(violation)
    }
}

/// An A-ASSOCIATE-AC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) contexts: Vec<ContextAnswer>,
    pub(crate) user: UserInformation,
}

/// The User Information item of either PDU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UserInformation {
    pub(crate) max_pdu: u32,
    pub(crate) class_uid: String,
    pub(crate) version: Option<String>,
    pub(crate) window: Option<Window>,
    pub(crate) roles: Vec<RoleSelection>,
    pub(crate) extended: Vec<ExtendedNegotiation>,
    pub(crate) identity: Option<UserIdentity>,
    pub(crate) identity_response: Option<Bytes>,
}

impl Default for UserInformation {
    fn default() -> Self {
        Self {
            max_pdu: SILENT_MAX_PDU,
            class_uid: String::new(),
            version: None,
            window: None,
            roles: Vec::new(),
            extended: Vec::new(),
            identity: None,
            identity_response: None,
        }
    }
}

/// Reads the body of an A-ASSOCIATE-RQ and makes the checks that are the upper layer's own.
pub(crate) fn decode_request(body: &[u8]) -> Result<Request, Unacceptable> {
    let mut fields = Fields(body);
    let version = fields.u16()?;
    fields.take(2)?;
    let (called, calling) = (fields.take(16)?, fields.take(16)?);
    fields.take(32)?;
    // Bit 0 is version 1; others may be set as well (PS3.8 §9.3.2).
    if version & 1 == 0 {
        return Err(reject(RejectReason::ProtocolVersionNotSupported));
    }
    let (mut application, mut contexts, mut user) = (None, Vec::new(), UserInformation::default());
    while let Some((kind, value)) = fields.item()? {
        match kind {
            item::APPLICATION_CONTEXT => application = Some(uid(value)?),
            item::CONTEXT_RQ => contexts.push(proposed_context(value)?),
            item::USER_INFORMATION => user = user_information(value)?,
            // PS3.8 §9.3.1: what is not known is passed over.
            _ => {}
        }
    }
    if application.as_deref() != Some(APPLICATION_CONTEXT) {
        return Err(reject(RejectReason::ApplicationContextNotSupported));
    }
    if !ids_are_valid(&contexts) {
        return Err(reject(RejectReason::ProviderNoReason));
    }
    Ok(Request {
        calling_ae: title(calling).ok_or(reject(RejectReason::CallingAeNotRecognized))?,
        called_ae: title(called).ok_or(reject(RejectReason::CalledAeNotRecognized))?,
        contexts,
        max_pdu: user.max_pdu,
        implementation_class_uid: user.class_uid,
        implementation_version: user.version,
        window: user.window,
        roles: user.roles,
        extended: user.extended,
        user_identity: user.identity,
    })
}

/// Reads the body of an A-ASSOCIATE-AC.
pub(crate) fn decode_answer(body: &[u8]) -> Result<Answer, Violation> {
    let mut fields = Fields(body);
    fields.take(68)?;
    let (mut contexts, mut user) = (Vec::new(), UserInformation::default());
    while let Some((kind, value)) = fields.item()? {
        match kind {
            item::CONTEXT_AC => contexts.push(context_answer(value)?),
            item::USER_INFORMATION => user = user_information(value)?,
            _ => {}
        }
    }
    Ok(Answer { contexts, user })
}

/// Appends an A-ASSOCIATE-RQ.
pub(crate) fn put_request(out: &mut BytesMut, request: &Request) {
    put_associate(out, ASSOCIATE_RQ, request, |out| {
        for context in &request.contexts {
            put_item(out, item::CONTEXT_RQ, |out| {
                out.put_slice(&[context.id, 0, 0, 0]);
                put_item(out, item::ABSTRACT_SYNTAX, |out| {
                    out.put_slice(context.abstract_syntax.as_bytes())
                });
                for syntax in &context.transfer_syntaxes {
                    put_item(out, item::TRANSFER_SYNTAX, |out| out.put_slice(syntax.as_bytes()));
                }
            });
        }
        let user = UserInformation {
            max_pdu: request.max_pdu,
            class_uid: request.implementation_class_uid.clone(),
            version: request.implementation_version.clone(),
            window: request.window,
            roles: request.roles.clone(),
            extended: request.extended.clone(),
            identity: request.user_identity.clone(),
            identity_response: None,
        };
        put_user_information(out, &user);
    });
}

/// Appends an A-ASSOCIATE-AC to that request.
pub(crate) fn put_answer(out: &mut BytesMut, request: &Request, answer: &Answer) {
    put_associate(out, ASSOCIATE_AC, request, |out| {
        for context in &answer.contexts {
            let (code, syntax) = match &context.result {
                Ok(syntax) => (0, syntax.as_str()),
                Err(refusal) => (refusal.code(), IMPLICIT_LE),
            };
            put_item(out, item::CONTEXT_AC, |out| {
                out.put_slice(&[context.id, 0, code, 0]);
                put_item(out, item::TRANSFER_SYNTAX, |out| out.put_slice(syntax.as_bytes()));
            });
        }
        put_user_information(out, &answer.user);
    });
}

/// What both PDUs share: the fixed fields, with the titles as they were asked for, and the application context.
fn put_associate(out: &mut BytesMut, pdu: u8, request: &Request, items: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_slice(&[pdu, 0, 0, 0, 0, 0]);
    out.put_u16(1);
    out.put_u16(0);
    out.put_slice(&request.called_ae.padded());
    out.put_slice(&request.calling_ae.padded());
    out.put_bytes(0, 32);
    put_item(out, item::APPLICATION_CONTEXT, |out| {
        out.put_slice(APPLICATION_CONTEXT.as_bytes())
    });
    items(out);
    let length = u32::try_from(out.len() - start - super::HEADER).unwrap_or(u32::MAX);
    patch(out, start + 2, &length.to_be_bytes());
}

fn put_user_information(out: &mut BytesMut, user: &UserInformation) {
    put_item(out, item::USER_INFORMATION, |out| {
        put_item(out, item::MAX_LENGTH, |out| out.put_u32(user.max_pdu));
        put_item(out, item::CLASS_UID, |out| out.put_slice(cut(&user.class_uid, 64)));
        if let Some(window) = user.window {
            put_item(out, item::WINDOW, |out| {
                out.put_u16(window.invoked);
                out.put_u16(window.performed);
            });
        }
        for role in &user.roles {
            put_item(out, item::ROLE_SELECTION, |out| {
                put_sized(out, role.sop_class.as_bytes());
                out.put_slice(&[u8::from(role.scu), u8::from(role.scp)]);
            });
        }
        if let Some(version) = &user.version {
            put_item(out, item::VERSION_NAME, |out| out.put_slice(cut(version, 16)));
        }
        for extended in &user.extended {
            put_item(out, item::EXTENDED, |out| {
                put_sized(out, extended.sop_class.as_bytes());
                out.put_slice(&extended.information);
            });
        }
        if let Some(identity) = &user.identity {
            put_item(out, item::USER_IDENTITY_RQ, |out| {
                out.put_slice(&[identity.kind.code(), u8::from(identity.response_requested)]);
                put_sized(out, &identity.primary);
                put_sized(out, &identity.secondary);
            });
        }
        if let Some(response) = &user.identity_response {
            put_item(out, item::USER_IDENTITY_AC, |out| put_sized(out, response));
        }
    });
}

/// Type, reserved byte, length of two bytes, value. Whoever puts values in has seen to it that they fit.
fn put_item(out: &mut BytesMut, kind: u8, value: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_slice(&[kind, 0, 0, 0]);
    value(out);
    let length = u16::try_from(out.len() - start - 4).unwrap_or(u16::MAX);
    patch(out, start + 2, &length.to_be_bytes());
}

fn put_sized(out: &mut BytesMut, value: &[u8]) {
    out.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
    out.put_slice(value);
}

fn patch(out: &mut BytesMut, at: usize, value: &[u8]) {
    if let Some(place) = out.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn cut(text: &str, limit: usize) -> &[u8] {
    text.as_bytes().get(..limit).unwrap_or(text.as_bytes())
}

fn proposed_context(value: &[u8]) -> Result<ProposedContext, Violation> {
    let mut fields = Fields(value);
    let id = fields.u8()?;
    fields.take(3)?;
    let (mut abstract_syntax, mut transfer_syntaxes) = (None, Vec::new());
    while let Some((kind, value)) = fields.item()? {
        match kind {
            item::ABSTRACT_SYNTAX => abstract_syntax = Some(uid(value)?),
            item::TRANSFER_SYNTAX => transfer_syntaxes.push(uid(value)?),
            _ => {}
        }
    }
    let abstract_syntax =
        abstract_syntax.ok_or(Violation::Associate("a presentation context has no abstract syntax"))?;
    Ok(ProposedContext {
        id,
        abstract_syntax,
        transfer_syntaxes,
    })
}

fn context_answer(value: &[u8]) -> Result<ContextAnswer, Violation> {
    let mut fields = Fields(value);
    let id = fields.u8()?;
    fields.take(1)?;
    let code = fields.u8()?;
    fields.take(1)?;
    if code != 0 {
        return Ok(ContextAnswer {
            id,
            result: Err(ContextRefusal::from_code(code)),
        });
    }
    while let Some((kind, value)) = fields.item()? {
        if kind == item::TRANSFER_SYNTAX {
            return Ok(ContextAnswer {
                id,
                result: Ok(uid(value)?),
            });
        }
    }
    Err(Violation::Associate(
        "an accepted presentation context has no transfer syntax",
    ))
}

fn user_information(value: &[u8]) -> Result<UserInformation, Violation> {
    let mut fields = Fields(value);
    let mut user = UserInformation::default();
    while let Some((kind, value)) = fields.item()? {
        let mut fields = Fields(value);
        match kind {
            item::MAX_LENGTH => user.max_pdu = fields.u32()?,
            item::CLASS_UID => user.class_uid = printable(value, 64),
            item::WINDOW => {
                user.window = Some(Window {
                    invoked: fields.u16()?,
                    performed: fields.u16()?,
                });
            }
            item::VERSION_NAME => user.version = Some(printable(value, 16)),
            item::ROLE_SELECTION => user.roles.push(RoleSelection {
                sop_class: uid(fields.sized()?)?,
                scu: fields.u8()? == 1,
                scp: fields.u8()? == 1,
            }),
            item::EXTENDED if user.extended.len() < MAX_EXTENDED => user.extended.push(ExtendedNegotiation {
                sop_class: uid(fields.sized()?)?,
                information: Bytes::copy_from_slice(fields.0),
            }),
            item::USER_IDENTITY_RQ => {
                user.identity = Some(UserIdentity {
                    kind: UserIdentityKind::from_code(fields.u8()?),
                    response_requested: fields.u8()? == 1,
                    primary: Bytes::copy_from_slice(fields.sized()?),
                    secondary: Bytes::copy_from_slice(fields.sized()?),
                });
            }
            item::USER_IDENTITY_AC => user.identity_response = Some(Bytes::copy_from_slice(fields.sized()?)),
            _ => {}
        }
    }
    Ok(user)
}

/// PS3.8 §9.3.2.2: at least one context, ids odd and distinct, which makes 128 the most.
fn ids_are_valid(contexts: &[ProposedContext]) -> bool {
    let mut seen = [false; 256];
    let fresh = |id: u8| {
        seen.get_mut(usize::from(id))
            .is_some_and(|seen| !std::mem::replace(seen, true))
    };
    !contexts.is_empty()
        && contexts.iter().all(|context| context.id % 2 == 1)
        && contexts.iter().map(|c| c.id).all(fresh)
}

fn reject(reason: RejectReason) -> Unacceptable {
    Unacceptable::Reject(Rejection::permanent(reason))
}

fn title(field: &[u8]) -> Option<AeTitle> {
    // Some pad with NUL instead of spaces.
    AeTitle::parse(std::str::from_utf8(field).ok()?.trim_end_matches(['\0', ' '])).ok()
}

/// A UID, padding dropped. It must be short and printable, as it will be logged and repeated; whether it is known is for
/// others to say.
fn uid(value: &[u8]) -> Result<String, Violation> {
    let text = std::str::from_utf8(value)
        .unwrap_or("\u{fffd}")
        .trim_end_matches(['\0', ' ']);
    if text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.into())
    } else {
        Err(Violation::Associate("a uid must be at most 64 printable characters"))
    }
}

/// Text for logs: at most that many characters, anything odd replaced.
fn printable(value: &[u8], limit: usize) -> String {
    let text = value
        .iter()
        .take(limit)
        .map(|&b| if matches!(b, b' '..=b'~') { char::from(b) } else { '?' });
    let length = value
        .iter()
        .take(limit)
        .rposition(|&b| b != 0 && b != b' ')
        .map_or(0, |last| last + 1);
    text.take(length).collect()
}

#[cfg(test)]
mod tests;

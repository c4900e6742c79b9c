//! What is granted to a requestor: presentation contexts, roles, extended negotiation (PS3.8 §7.1.1.13, PS3.7 §D.3.3).
//! Separate because it is pure: a request goes in, an acceptance comes out.

use bytes::Bytes;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{Acceptance, ContextAnswer, ContextRefusal, ProposedContext, Request, UserIdentityKind};

use super::service::Service;

/// The acceptance of a request whose peer may associate. `identified`: somebody has looked at its user identity.
pub(super) fn accept(request: &Request, identified: bool) -> Acceptance {
    Acceptance {
        contexts: request.contexts.iter().map(context).collect(),
        identity_response: identified.then(|| acknowledgement(request)).flatten(),
        ..Acceptance::default()
    }
}

/// The answer for one proposed context: the services of this host, in the first proposed syntax that is kept as it is.
fn context(proposed: &ProposedContext) -> ContextAnswer {
    if Service::of(&proposed.abstract_syntax).is_none() {
        return proposed.refuse(ContextRefusal::AbstractSyntax);
    }
    let known = proposed
        .transfer_syntaxes
        .iter()
        .filter_map(|uid| TransferSyntax::lookup(uid));
    // The requestor's order is its preference. Big endian and deflated are taken only where nothing else is offered:
    // both cost the archive and every later reader more than they save.
    match known.min_by_key(|syntax| syntax.is_big_endian() || syntax.is_deflated()) {
        Some(syntax) => proposed.accept(syntax.uid().as_str()),
        None => proposed.refuse(ContextRefusal::TransferSyntaxes),
    }
}

/// The positive answer to a user identity that the gates have seen: empty for a name (PS3.7 Table D.3-15). The other kinds
/// would want a ticket or a token of ours, and are not answered.
fn acknowledgement(request: &Request) -> Option<Bytes> {
    let kind = request.user_identity.as_ref()?.kind;
    matches!(kind, UserIdentityKind::Username | UserIdentityKind::UsernamePasscode).then(Bytes::new)
}

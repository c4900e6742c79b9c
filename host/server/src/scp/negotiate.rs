//! What is granted to a requestor: presentation contexts, roles, extended negotiation (PS3.8 §7.1.1.13, PS3.7 §D.3.3).
//! Separate because it is pure: a request goes in, an acceptance comes out.

use bytes::Bytes;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{
    Acceptance, ContextAnswer, ContextRefusal, ExtendedNegotiation, ProposedContext, Request, RoleSelection,
    UserIdentityKind, Window,
};
use isocenter_pipeline::retrieve;

use super::callers::Leave;
use super::find;
use super::identifier::Root;
use super::service::Service;

/// Requests of storage that may be outstanding on an association.
pub(super) const MOST_OUTSTANDING: u16 = 16;

/// The acceptance of a request whose peer may associate. `identified`: somebody has looked at its user identity.
pub(super) fn accept(request: &Request, leave: &Leave, identified: bool) -> Acceptance {
    let contexts = request.contexts.iter();
    Acceptance {
        contexts: contexts.map(|proposed| context(request, proposed, leave)).collect(),
        window: window(request),
        roles: request.roles.iter().filter_map(|role| granted(request, role)).collect(),
        extended: request.extended.iter().filter_map(extended).collect(),
        identity_response: identified.then(|| acknowledgement(request)).flatten(),
    }
}

/// The answer for one proposed context: the services of this host, in the first proposed syntax that is kept as it is.
fn context(request: &Request, proposed: &ProposedContext, leave: &Leave) -> ContextAnswer {
    let Some(service) = Service::of(&proposed.abstract_syntax) else {
        return proposed.refuse(ContextRefusal::AbstractSyntax);
    };
    // Who may retrieve needs contexts of storage, by which C-GET sends back.
    let sent_back = service == Service::Storage && leave.holds(Service::Get(Root::Study));
    if !leave.holds(service) && !sent_back {
        return proposed.refuse(ContextRefusal::User);
    }
    let known = proposed
        .transfer_syntaxes
        .iter()
        .filter_map(|uid| TransferSyntax::lookup(uid))
        .filter(|syntax| service.takes(syntax));
    // The requestor's order is its preference. Big endian and deflated are taken only where nothing else is offered:
    // both cost the archive and every later reader more than they save. Where objects are to be sent back, those syntaxes
    // come first that all can be sent in.
    let mut roles = request.roles.iter();
    let back = roles.any(|role| role.scp && role.sop_class == proposed.abstract_syntax);
    let last = |syntax: &TransferSyntax| syntax.is_big_endian() || syntax.is_deflated();
    let alone = |syntax: &TransferSyntax| back && !retrieve::is_made(syntax.uid().as_str());
    match known.min_by_key(|syntax| (last(syntax), alone(syntax))) {
        Some(syntax) => proposed.accept(syntax.uid().as_str()),
        None => proposed.refuse(ContextRefusal::TransferSyntaxes),
    }
}

/// Objects may be sent without waiting for answers, which come in the order of the requests. An association that may ask for
/// anything that takes time, and so may be cancelled, has one operation at a time.
fn window(request: &Request) -> Option<Window> {
    let quick = |proposed: &ProposedContext| {
        let service = Service::of(&proposed.abstract_syntax);
        matches!(service, Some(Service::Storage | Service::Verification))
    };
    request.contexts.iter().all(quick).then_some(Window {
        invoked: MOST_OUTSTANDING,
        performed: 1,
    })
}

/// A requestor may be the provider of storage where it also asks for C-GET: that is how objects come to it; and of storage
/// commitment, to report what it was asked for. Of everything else it is the user (PS3.7 §D.3.3.4).
fn granted(request: &Request, role: &RoleSelection) -> Option<RoleSelection> {
    let gets = |proposed: &ProposedContext| matches!(Service::of(&proposed.abstract_syntax), Some(Service::Get(_)));
    let service = Service::of(&role.sop_class)?;
    Some(RoleSelection {
        sop_class: role.sop_class.clone(),
        scu: true,
        scp: match service {
            Service::Storage => request.contexts.iter().any(gets),
            Service::Commitment => true,
            _ => false,
        },
    })
}

/// Of the options of a query those that were asked for and are known here (PS3.4 §C.5.1.1); what comes behind them is off.
fn extended(asked: &ExtendedNegotiation) -> Option<ExtendedNegotiation> {
    let known: &[u8] = match Service::of(&asked.sop_class)? {
        Service::Find(_) => &find::Options::KNOWN,
        // Relational retrieval (PS3.4 §C.5.2.1, §C.5.3.1).
        Service::Get(_) | Service::Move(_) => &[1],
        Service::Verification
        | Service::Storage
        | Service::Commitment
        | Service::Worklist
        | Service::Performed
        | Service::PerformedRetrieve => return None,
    };
    let known = known.iter().copied().chain(std::iter::repeat(0));
    Some(ExtendedNegotiation {
        sop_class: asked.sop_class.clone(),
        information: asked
            .information
            .iter()
            .zip(known)
            .map(|(asked, known)| asked & known)
            .collect(),
    })
}

/// The positive answer to a user identity that the gates have let in: empty for a name, and for a JSON web token that token
/// (PS3.7 Table D.3-15). The other kinds would want a ticket or an assertion of ours, and are not answered.
fn acknowledgement(request: &Request) -> Option<Bytes> {
    let identity = request.user_identity.as_ref()?;
    match identity.kind {
        UserIdentityKind::Username | UserIdentityKind::UsernamePasscode => Some(Bytes::new()),
        UserIdentityKind::Jwt => Some(identity.primary.clone()),
        UserIdentityKind::Kerberos | UserIdentityKind::Saml | UserIdentityKind::Other(_) => None,
    }
}

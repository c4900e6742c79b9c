//! Whom the gates let in: what a peer shows, asked of every gate before any presentation context is accepted.
//!
//! Separate from the provider because it is a policy without a wire: a request goes in, an identity or a rejection of
//! PS3.8 §9.3.4 comes out. A gate that fails never lets anybody in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use isocenter_dimse::{Rejection, Request, UserIdentity, UserIdentityKind};
use isocenter_pipeline::door::{Answered, Worth};
use isocenter_role::{Applicant, Gate, GateRejection, Identity, Outcome};

/// What all gates together may take, whatever their own limits: a peer waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a gate answered, or how it failed.
pub type Answer = Outcome<Result<Identity, GateRejection>>;

/// Is told what every gate answered.
pub type Told<'a> = &'a (dyn Fn(&dyn Gate, &Answer) + Sync);

/// From where a peer has reached this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether over TLS.
    pub over_tls: bool,
    /// The subject of the certificate that it has shown there.
    pub certificate_subject: Option<String>,
}

/// Asks every gate in its order; all must admit. The identity is that of the first; without gates there is none.
///
/// # Errors
/// The rejection for the peer.
pub async fn admit(
    gates: &[Arc<dyn Gate>],
    request: &Request,
    peer: &Peer,
    told: Told<'_>,
) -> Result<Option<Identity>, Rejection> {
    if gates.is_empty() {
        return Ok(None);
    }
    let Some(applicant) = applicant(request, peer) else {
        tracing::warn!("the user identity of an association request is not in UTF-8");
        return Err(Rejection::NO_REASON);
    };
    match tokio::time::timeout(PATIENCE, ask(gates, Arc::new(applicant), told)).await {
        Ok(answer) => answer.map(Some),
        Err(_) => {
            tracing::error!(seconds = PATIENCE.as_secs(), "the gates did not answer in time");
            Err(Rejection::CONGESTION)
        }
    }
}

async fn ask(gates: &[Arc<dyn Gate>], applicant: Arc<Applicant>, told: Told<'_>) -> Result<Identity, Rejection> {
    let mut first = None;
    for gate in gates {
        let outcome = Arc::clone(gate).admit(Arc::clone(&applicant)).await;
        told(&**gate, &outcome);
        match outcome.result {
            Ok(Ok(identity)) => {
                first.get_or_insert(identity);
            }
            Ok(Err(rejection)) => {
                tracing::info!(gate = gate.name(), ?rejection, "a gate rejects an association");
                return Err(rejected(rejection));
            }
            Err(failure) => {
                tracing::error!(gate = gate.name(), %failure, "a gate failed, so the association is rejected");
                return Err(match failure.retryable() {
                    Some(_) => Rejection::CONGESTION,
                    None => Rejection::NO_REASON,
                });
            }
        }
    }
    first.ok_or(Rejection::NO_REASON)
}

/// How an answer is written down: every one, for an association is rarer than what comes by it.
pub fn answered(answer: &Result<Identity, GateRejection>) -> Answered {
    let (word, reason) = match answer {
        Ok(_) => ("admitted", None),
        Err(rejection) => ("rejected", Some(why(*rejection).to_owned())),
    };
    Answered {
        word,
        reason,
        worth: Worth::ARow,
    }
}

/// PS3.8 Table 9-21.
fn why(rejection: GateRejection) -> &'static str {
    match rejection {
        GateRejection::CallingAeUnknown => "calling AE title not recognized",
        GateRejection::CalledAeUnknown => "called AE title not recognized",
        GateRejection::NotNow => "not now",
        GateRejection::NoReason => "no reason given",
    }
}

/// PS3.8 §9.3.4.
fn rejected(rejection: GateRejection) -> Rejection {
    match rejection {
        GateRejection::CallingAeUnknown => Rejection::CALLING_AE,
        GateRejection::CalledAeUnknown => Rejection::CALLED_AE,
        GateRejection::NotNow => Rejection::CONGESTION,
        GateRejection::NoReason => Rejection::NO_REASON,
    }
}

/// What the peer shows; `None` when a name that must be UTF-8 is not.
fn applicant(request: &Request, peer: &Peer) -> Option<Applicant> {
    let (username, passcode) = match &request.user_identity {
        Some(identity) => shown(identity)?,
        None => (None, None),
    };
    Some(Applicant {
        calling_ae: request.calling_ae.to_string(),
        called_ae: request.called_ae.to_string(),
        peer: Some(peer.address),
        certificate_subject: peer.certificate_subject.clone(),
        username,
        passcode,
        abstract_syntaxes: request
            .contexts
            .iter()
            .map(|proposed| proposed.abstract_syntax.clone())
            .collect(),
    })
}

/// Name and passcode of a User Identity Negotiation (PS3.7 §D.3.3.7); of a kind that is not known here, neither.
fn shown(identity: &UserIdentity) -> Option<(Option<String>, Option<Vec<u8>>)> {
    let name = || String::from_utf8(identity.primary.to_vec()).ok();
    Some(match identity.kind {
        UserIdentityKind::Username => (Some(name()?), None),
        UserIdentityKind::UsernamePasscode => (Some(name()?), Some(identity.secondary.to_vec())),
        UserIdentityKind::Kerberos | UserIdentityKind::Saml | UserIdentityKind::Jwt => {
            (None, Some(identity.primary.to_vec()))
        }
        UserIdentityKind::Other(_) => (None, None),
    })
}

#[cfg(test)]
mod tests;

//! A DICOM peer as a destination: one association for a batch, one C-STORE for each object (PS3.4 Annex B, SCU).
//!
//! Objects leave in the transfer syntax in which they are stored, or in another where the peer does not take that; what it
//! takes in none that can be made becomes a dead letter in sight of the operator.

use isocenter_archive::index::{Job, Located};
use isocenter_dimse::{AeTitle, Association, AssociationError, ClientTls, StoreStatus, Stream};

use super::{Delivered, Found, not_sent, settle};
use crate::Pipeline;
use crate::destination::Destination;
use crate::offer::{self, Kinds};
use crate::peer;

/// Whom to call, and as whom.
pub(super) struct Peer<'a> {
    pub(super) ae_title: &'a AeTitle,
    pub(super) address: &'a str,
    pub(super) tls: Option<&'a ClientTls>,
    pub(super) calling_ae: &'a AeTitle,
}

/// Sends a batch and settles each of its jobs.
pub(super) async fn send(pipeline: &Pipeline, destination: &Destination, peer: &Peer<'_>, found: Found) {
    if found.is_empty() {
        return;
    }
    let mut association = match associate(peer, &found).await {
        Ok(association) => association,
        Err(reason) => {
            for (job, _) in &found {
                settle(pipeline, destination, job, Delivered::Later(reason.clone())).await;
            }
            return;
        }
    };
    let mut lost: Option<String> = None;
    for (job, located) in &found {
        let delivered = match &lost {
            // The peer went away in the middle: the rest of the batch shares its fate, and comes again.
            Some(reason) => Delivered::Later(reason.clone()),
            None => match one(pipeline, destination, &mut association, located).await {
                Ok(delivered) => delivered,
                Err(error) => {
                    let reason = error.to_string();
                    lost = Some(reason.clone());
                    Delivered::Later(reason)
                }
            },
        };
        settle(pipeline, destination, job, delivered).await;
    }
    if lost.is_none()
        && let Err(error) = association.release().await
    {
        tracing::debug!(destination = destination.name, %error, "the peer did not release in order");
    }
}

async fn associate(peer: &Peer<'_>, found: &[(Job, Located)]) -> Result<Association<Stream>, String> {
    let kinds: Kinds = found
        .iter()
        .map(|(_, located)| (located.identity.sop_class.to_string(), located.syntax.to_string()))
        .collect();
    let proposal = peer::proposal(peer.calling_ae, peer.ae_title, offer::contexts(&kinds))?;
    peer::associate(peer.address, peer.tls, &proposal).await
}

/// Sends one object. An error means that the association is over.
async fn one(
    pipeline: &Pipeline,
    destination: &Destination,
    association: &mut Association<Stream>,
    located: &Located,
) -> Result<Delivered, AssociationError> {
    let contexts = association.contexts();
    let takes = |class: &str, syntax: &str| {
        contexts
            .iter()
            .any(|context| context.abstract_syntax == class && context.transfer_syntax == syntax)
    };
    let outgoing = match offer::prepare(pipeline, Some(destination), located, takes).await {
        Ok(outgoing) => outgoing,
        Err(not) => return Ok(not_sent(not)),
    };
    let identity = &outgoing.identity;
    let syntax = outgoing.syntax.uid().as_str();
    let context = association
        .context_for(identity.sop_class.as_str(), syntax)
        .ok_or(AssociationError::NoContext(0))?;
    let answer = association
        .store(
            context,
            identity.sop_class.as_str(),
            identity.sop_instance.as_str(),
            outgoing.data,
        )
        .await?;
    Ok(judge(&answer))
}

/// What a C-STORE response means for the delivery (PS3.4 Table B.2-1). The peer's comment is not kept: it may hold
/// patient data.
fn judge(answer: &StoreStatus) -> Delivered {
    let code = answer.status.code();
    match code {
        0x0000 | 0xB000..=0xBFFF => Delivered::Done,
        // Out of resources, processing failure, not authorized now: these pass.
        0xA700..=0xA7FF | 0x0110 | 0x0122 | 0x0124 => Delivered::Later(format!("the peer answered status {code:04X}H")),
        _ => Delivered::Dead(format!("the peer refused the object with status {code:04X}H")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_implementation_writes_files_and_speaks() {
        let spoken = isocenter_dimse::Options::default().implementation_class_uid;
        assert_eq!(spoken, isocenter_dicom::part10::IMPLEMENTATION_CLASS_UID);
    }
}

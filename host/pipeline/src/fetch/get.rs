//! C-GET (PS3.4 §C.4.3), as user: the peer sends on the association that asks, and this side takes as the provider of storage.

use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::answer;
use isocenter_dimse::{
    Association, AssociationError, Command, CommandField, Incoming, Message, Status, Stream, sop, status,
};
use tokio::time::{Instant, timeout_at};

use super::{Errand, Fetched, MOST_FAILED, PATIENCE, abort, contexts, failed_of};
use crate::arrival;
use crate::ingest::Session;
use crate::peer::{self, PLAIN, Peer, PeerError};
use crate::query::LAST;

impl Errand<'_> {
    pub(super) async fn get(&self) -> Result<Fetched, PeerError> {
        let peer = Peer::of(self.destination)?;
        let classes = self.classes().await;
        let mut proposal = peer
            .proposal()
            .map_err(|error| PeerError::Unreachable(error.to_string()))?;
        let proposed = proposal.add_context(sop::STUDY_ROOT_GET, &PLAIN);
        proposed
            .and_then(|_| contexts::add_storage(&mut proposal, &classes))
            .map_err(|error| PeerError::Unreachable(error.to_string()))?;
        let mut association = peer.associate(&proposal, PATIENCE).await?;
        let mut session = self.pipeline.session(Source {
            calling_ae: Some(peer.ae_title.to_string()),
            called_ae: Some(peer.calling_ae.to_string()),
            peer: address_of(&peer.address).await,
            transport: Transport::Dimse,
            subject: None,
            hops: 0,
        });
        let got = self.take(&mut association, &mut session).await;
        session.close().await;
        match &got {
            Ok(fetched) if fetched.status.is_some() => peer::release(association).await,
            _ => abort(association).await,
        }
        got
    }

    async fn take(&self, association: &mut Association<Stream>, session: &mut Session) -> Result<Fetched, PeerError> {
        let (context, model, syntax) = peer::context_of(association, &[sop::STUDY_ROOT_GET])
            .ok_or(PeerError::NotOffered("C-GET of studies; try --by move"))?;
        let id = association.next_message_id();
        let data = answer::data_set(&self.identifier(), &syntax, None);
        association
            .send(context, &Command::get_rq(id, &model), Some(data.into()))
            .await?;
        let mut refused = Vec::new();
        let mut ends: Option<Instant> = None;
        let ended = |status, failed_objects: Vec<String>, cancelled| Fetched {
            progress: self.progress.borrow().clone(),
            status,
            failed_objects,
            cancelled,
        };
        loop {
            let incoming = match ends {
                None => tokio::select! {
                    incoming = association.next() => incoming?,
                    () = self.cancel.cancelled() => {
                        association.send(context, &Command::cancel_rq(id), None).await?;
                        ends = Some(Instant::now() + LAST);
                        continue;
                    }
                },
                Some(ends) => match timeout_at(ends, association.next()).await {
                    Ok(incoming) => incoming?,
                    Err(_) => return Ok(ended(None, refused, true)),
                },
            };
            let message = match incoming {
                Incoming::Released => return Err(AssociationError::ReleasedEarly.into()),
                Incoming::Message(message) => message,
            };
            match message.command.field() {
                CommandField::C_STORE_RQ => {
                    self.store(association, session, &message, &mut refused).await?;
                }
                CommandField::C_GET_RSP if message.command.message_id() == id => {
                    self.tell(|progress| progress.hear(&message.command));
                    let status = message.command.status().unwrap_or(status::PROCESSING_FAILURE);
                    if status.is_pending() {
                        continue;
                    }
                    if message.has_data {
                        let (header, _) = peer::data_set(association, &syntax).await?;
                        refused.extend(failed_of(&header));
                        refused.sort();
                        refused.dedup();
                        refused.truncate(MOST_FAILED);
                    }
                    return outcome(status, ended(Some(status), refused, ends.is_some()));
                }
                field if field.is_response() => tracing::debug!(%field, "nothing here waits for it"),
                _ => {
                    let answer = message.command.response(status::UNRECOGNIZED_OPERATION);
                    association.send(message.context, &answer, None).await?;
                }
            }
        }
    }

    /// Takes an object, if it is of the study that was asked for.
    async fn store(
        &self,
        association: &mut Association<Stream>,
        session: &mut Session,
        message: &Message,
        refused: &mut Vec<String>,
    ) -> Result<(), AssociationError> {
        let taken = arrival::perform(association, session, message, Some(&self.wanted.study)).await?;
        self.tell(|progress| match taken {
            Ok(_) => progress.taken += 1,
            Err(_) => progress.refused += 1,
        });
        if taken.is_err()
            && refused.len() < MOST_FAILED
            && let Some(object) = message.command.sop_instance()
        {
            refused.push(object.to_owned());
        }
        Ok(())
    }
}

/// A peer that says no before it sent anything is an error; one that sent some of it has ended.
pub(super) fn outcome(status: Status, fetched: Fetched) -> Result<Fetched, PeerError> {
    let nothing = fetched.progress.taken == 0 && fetched.progress.failed == 0 && fetched.failed_objects.is_empty();
    if !status.is_performed() && status != status::CANCEL && nothing {
        return Err(PeerError::Refused(status));
    }
    Ok(fetched)
}

/// The peer's IP address, for conditions of chains.
async fn address_of(address: &str) -> Option<String> {
    let mut found = tokio::net::lookup_host(address).await.ok()?;
    Some(found.next()?.ip().to_string())
}

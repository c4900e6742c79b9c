//! C-MOVE (PS3.4 §C.4.2), as user: the peer sends to this host's AE title, where what comes is counted.

use isocenter_dicom::answer;
use isocenter_dimse::{AeTitle, Association, Command, Stream, sop, status};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::get::outcome;
use super::{Errand, Fetched, PATIENCE, abort, failed_of};
use crate::awaited::Count;
use crate::peer::{self, PLAIN, Peer, PeerError};
use crate::query::LAST;

/// How often what has come is counted.
const PULSE: Duration = Duration::from_millis(200);

impl Errand<'_> {
    pub(super) async fn have_sent(&self, to: &AeTitle) -> Result<Fetched, PeerError> {
        let peer = Peer::of(self.destination)?;
        let mut proposal = peer
            .proposal()
            .map_err(|error| PeerError::Unreachable(error.to_string()))?;
        proposal
            .add_context(sop::STUDY_ROOT_MOVE, &PLAIN)
            .map_err(|error| PeerError::Unreachable(error.to_string()))?;
        let mut association = peer.associate(&proposal, PATIENCE).await?;
        let count = self.pipeline.shared.awaited.wait(&peer.ae_title, &peer.calling_ae);
        let sent = self.watch(&mut association, to, &count).await;
        match &sent {
            Ok(fetched) if fetched.status.is_some() => peer::release(association).await,
            _ => abort(association).await,
        }
        sent
    }

    async fn watch(
        &self,
        association: &mut Association<Stream>,
        to: &AeTitle,
        count: &Count,
    ) -> Result<Fetched, PeerError> {
        let (context, model, syntax) = peer::context_of(association, &[sop::STUDY_ROOT_MOVE])
            .ok_or(PeerError::NotOffered("C-MOVE of studies; try --by get"))?;
        let id = count.message_id();
        let data = answer::data_set(&self.identifier(), &syntax, None);
        let request = Command::move_rq(id, &model, to);
        association.send(context, &request, Some(data.into())).await?;
        let mut ends: Option<Instant> = None;
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            let late = async {
                match ends {
                    Some(ends) => tokio::time::sleep_until(ends).await,
                    None => std::future::pending().await,
                }
            };
            let response = tokio::select! {
                response = association.response(id) => response?,
                _ = pulse.tick() => {
                    self.counted(count);
                    continue;
                }
                () = self.cancel.cancelled(), if ends.is_none() => {
                    association.send(context, &Command::cancel_rq(id), None).await?;
                    ends = Some(Instant::now() + LAST);
                    continue;
                }
                () = late => return Ok(self.ended(None, Vec::new(), true)),
            };
            self.counted(count);
            self.tell(|progress| progress.hear(&response));
            let status = response.status().unwrap_or(status::PROCESSING_FAILURE);
            if status.is_pending() {
                continue;
            }
            let failed = if response.has_data() {
                let limit = Instant::now() + LAST;
                match timeout_at(limit, peer::data_set(association, &syntax)).await {
                    Ok(read) => failed_of(&read?.0),
                    Err(_) => Vec::new(),
                }
            } else {
                Vec::new()
            };
            return outcome(status, self.ended(Some(status), failed, ends.is_some()));
        }
    }

    fn counted(&self, count: &Count) {
        let (taken, refused) = count.so_far();
        self.progress.send_if_modified(|progress| {
            let changed = (progress.taken, progress.refused) != (taken, refused);
            (progress.taken, progress.refused) = (taken, refused);
            changed
        });
    }

    fn ended(&self, status: Option<isocenter_dimse::Status>, failed_objects: Vec<String>, cancelled: bool) -> Fetched {
        Fetched {
            progress: self.progress.borrow().clone(),
            status,
            failed_objects,
            cancelled,
        }
    }
}

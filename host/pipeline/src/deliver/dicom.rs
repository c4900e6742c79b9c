//! A DICOM peer as a destination: one C-STORE for each object of a batch (PS3.4 Annex B, SCU), as many at a time as the peer
//! agrees to.
//!
//! Objects leave in the transfer syntax in which they are stored, or in another that the peer takes; what it takes in no way,
//! or cannot be decoded, becomes a dead letter in sight of the operator. Where the destination is to answer for what it was
//! sent, a delivery is done when it does ([`crate::pledge`]).

use std::collections::VecDeque;
use std::time::Duration;

use isocenter_archive::index::{Job, Located};
use isocenter_dicom::header::Identity;
use isocenter_dimse::{Association, AssociationError, StoreStatus, Stream};

use super::line::{self, Line, Taken};
use super::{Delivered, Found, not_sent, settle};
use crate::Pipeline;
use crate::destination::Destination;
use crate::offer::{self, Kinds};
use crate::peer::{self, Peer};
use crate::pledge::{self, Sent};

/// How long a report of storage commitment is waited for where it was asked for.
const REPORTS: Duration = Duration::from_secs(5);

/// Sends a batch and settles each of its jobs.
pub(super) async fn send(pipeline: &Pipeline, destination: &Destination, peer: &Peer, line: &mut Line, found: Found) {
    let mut batch = Batch::new(pipeline, destination, peer);
    for (job, located) in found {
        batch.add(job, located).await;
    }
    if batch.queue.is_empty() {
        return;
    }
    let kinds = batch.kinds();
    let mut contexts = offer::contexts(&kinds);
    // Storage commitment wants one, too.
    contexts.truncate(if peer.commit_within.is_some() { 127 } else { 128 });
    let set = pipeline.set();
    loop {
        let mut taken = match line.take(&set, peer, &contexts).await {
            Ok(taken) => taken,
            Err(reason) => return batch.later(&reason).await,
        };
        match batch.send_on(&mut taken.association).await {
            Ok(()) => {
                batch.commit(taken, line, set).await;
                return;
            }
            // The peer has left since the last batch: nothing of this one is known to have reached it.
            Err(_) if !taken.is_new && !batch.is_begun => batch.begin_anew(),
            Err(error) => return batch.later(&error.to_string()).await,
        }
    }
}

/// Objects on their way.
struct Batch<'a> {
    pipeline: &'a Pipeline,
    destination: &'a Destination,
    peer: &'a Peer,
    queue: VecDeque<(Job, Located)>,
    outstanding: Vec<Outstanding>,
    /// What waits for the peer's commitment.
    stored: Vec<Sent>,
    /// The peer has answered something.
    is_begun: bool,
}

/// A request that the peer has not answered.
struct Outstanding {
    message_id: u16,
    job: Job,
    located: Located,
    /// As it was sent.
    identity: Identity,
}

impl<'a> Batch<'a> {
    fn new(pipeline: &'a Pipeline, destination: &'a Destination, peer: &'a Peer) -> Self {
        Self {
            pipeline,
            destination,
            peer,
            queue: VecDeque::new(),
            outstanding: Vec::new(),
            stored: Vec::new(),
            is_begun: false,
        }
    }

    /// Adds a delivery, unless it was sent as often as it may be: then what it waited for never came.
    async fn add(&mut self, job: Job, located: Located) {
        if self.peer.commit_within.is_some() && job.attempts > self.destination.retry.attempts {
            let reason = "the peer stores the object and does not answer for it";
            return self.settle(&job, Delivered::Dead(reason.to_owned())).await;
        }
        self.queue.push_back((job, located));
    }

    fn kinds(&self) -> Kinds {
        let kind = |(_, located): &(Job, Located)| (located.identity.sop_class.to_string(), located.syntax.to_string());
        self.queue.iter().map(kind).collect()
    }

    async fn settle(&self, job: &Job, delivered: Delivered) {
        settle(self.pipeline, self.destination, job, delivered).await;
    }

    /// Sends everything. An error means that the association is over; what is not settled is still here.
    async fn send_on(&mut self, association: &mut Association<Stream>) -> Result<(), AssociationError> {
        let window = line::window(association);
        loop {
            while self.outstanding.len() < window
                && let Some((job, located)) = self.queue.pop_front()
            {
                self.begin(association, job, located).await?;
            }
            if self.outstanding.is_empty() {
                return Ok(());
            }
            let ids: Vec<u16> = self.outstanding.iter().map(|one| one.message_id).collect();
            let (id, answer) = association.stored(&ids).await?;
            self.is_begun = true;
            if let Some(at) = ids.iter().position(|other| *other == id) {
                let one = self.outstanding.remove(at);
                self.answered(one, &answer).await;
            }
        }
    }

    /// Sends one object, of which the answer is awaited later.
    async fn begin(
        &mut self,
        association: &mut Association<Stream>,
        job: Job,
        located: Located,
    ) -> Result<(), AssociationError> {
        let takes = peer::takes(association.contexts());
        let outgoing = match offer::prepare(self.pipeline, Some(self.destination), &located, takes).await {
            Ok(outgoing) => outgoing,
            Err(not) => {
                self.settle(&job, not_sent(not)).await;
                return Ok(());
            }
        };
        let identity = outgoing.identity;
        let (class, object) = (identity.sop_class.as_str(), identity.sop_instance.as_str());
        let sent = match association.context_for(class, outgoing.syntax.uid().as_str()) {
            Some(context) => association.begin_store(context, class, object, outgoing.data).await,
            None => Err(AssociationError::NoContext(0)),
        };
        // On its way or not, it is this batch's.
        self.outstanding.push(Outstanding {
            message_id: sent.as_ref().copied().unwrap_or_default(),
            job,
            located,
            identity,
        });
        sent.map(drop)
    }

    async fn answered(&mut self, one: Outstanding, answer: &StoreStatus) {
        match judge(answer) {
            Delivered::Done if self.peer.commit_within.is_some() => self.stored.push(Sent {
                job: one.job,
                identity: one.identity,
            }),
            delivered => self.settle(&one.job, delivered).await,
        }
    }

    /// Asks the peer to answer for what it has stored, and keeps the association for the next batch.
    async fn commit(self, mut taken: Taken, line: &mut Line, set: std::sync::Arc<crate::Set>) {
        let Some(within) = self.peer.commit_within.filter(|_| !self.stored.is_empty()) else {
            return line.keep(taken, set);
        };
        let association = &mut taken.association;
        let asked = pledge::ask(self.pipeline, self.destination, within, association, &self.stored).await;
        match asked {
            Ok(false) if !line.reports_elsewhere => {
                let title = self.peer.ae_title.as_str();
                line.reports_elsewhere = !pledge::report_here(self.pipeline, title, association, REPORTS).await;
            }
            Ok(_) => {}
            Err(reason) => {
                for Sent { job, .. } in &self.stored {
                    self.settle(job, Delivered::Later(reason.clone())).await;
                }
            }
        }
        // Not kept: a report that comes late would come between requests of the next batch.
        peer::release(taken.association).await;
    }

    /// Puts back what was sent and never answered.
    fn begin_anew(&mut self) {
        for one in self.outstanding.drain(..).rev() {
            self.queue.push_front((one.job, one.located));
        }
    }

    /// What is not settled shares the fate of the association, and comes again.
    async fn later(self, reason: &str) {
        let stored = self.stored.iter().map(|sent| &sent.job);
        let outstanding = self.outstanding.iter().map(|one| &one.job);
        let waiting = self.queue.iter().map(|(job, _)| job);
        for job in stored.chain(outstanding).chain(waiting) {
            self.settle(job, Delivered::Later(reason.to_owned())).await;
        }
    }
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

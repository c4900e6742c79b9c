//! The association of a destination, kept open between batches for as long as more is likely to come: a study of many batches
//! travels on one. Separate from what is sent on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use isocenter_dimse::{Association, Stream, Window, sop};

use crate::Set;
use crate::peer::{self, PLAIN, Peer};

/// How long an association may rest between two batches; shorter than most peers' patience.
const LINGER: Duration = Duration::from_secs(5);
/// Requests that may be outstanding, where the peer agrees (PS3.7 §D.3.3.3).
const MOST_OUTSTANDING: u16 = 8;
/// How long a peer may take to answer.
const ANSWERS: Duration = Duration::from_secs(120);

/// What is known of the way to a destination.
#[derive(Default)]
pub(super) struct Line {
    open: Option<Open>,
    /// It reports commitments on associations of its own: nobody waits here.
    pub(super) reports_elsewhere: bool,
}

struct Open {
    association: Association<Stream>,
    /// SOP classes with transfer syntaxes that were proposed, whether they were accepted or not.
    proposed: Vec<(String, String)>,
    /// The configuration that it was opened with; another may mean another peer.
    set: Arc<Set>,
    rests_since: Instant,
}

/// An association for a batch.
pub(super) struct Taken {
    pub(super) association: Association<Stream>,
    proposed: Vec<(String, String)>,
    /// Nothing was sent on it yet.
    pub(super) is_new: bool,
}

impl Line {
    /// An association on which all these contexts were proposed: that of the batch before, or a new one.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn take(
        &mut self,
        set: &Arc<Set>,
        peer: &Peer,
        contexts: &[(&str, &str)],
    ) -> Result<Taken, String> {
        if let Some(open) = self.open.take() {
            let proposed = |(class, syntax): &(&str, &str)| {
                let mut known = open.proposed.iter();
                known.any(|(known, known_syntax)| known == class && known_syntax == syntax)
            };
            if Arc::ptr_eq(&open.set, set) && open.rests_since.elapsed() < LINGER && contexts.iter().all(proposed) {
                return Ok(Taken {
                    association: open.association,
                    proposed: open.proposed,
                    is_new: false,
                });
            }
            peer::release(open.association).await;
        }
        let proposal = peer.proposal_of(contexts.iter().copied());
        let mut proposal = proposal.map_err(|error| error.to_string())?;
        if peer.commit_within.is_some() {
            proposal
                .add_context(sop::STORAGE_COMMITMENT, &PLAIN)
                .map_err(|error| error.to_string())?;
        }
        proposal.set_window(Window {
            invoked: MOST_OUTSTANDING,
            performed: 1,
        });
        let association = peer.associate(&proposal, ANSWERS).await;
        Ok(Taken {
            association: association.map_err(|error| error.to_string())?,
            proposed: contexts
                .iter()
                .map(|(class, syntax)| ((*class).to_owned(), (*syntax).to_owned()))
                .collect(),
            is_new: true,
        })
    }

    /// Keeps an association for the next batch.
    pub(super) fn keep(&mut self, taken: Taken, set: Arc<Set>) {
        self.open = Some(Open {
            association: taken.association,
            proposed: taken.proposed,
            set,
            rests_since: Instant::now(),
        });
    }

    /// Nothing is to be sent: an association that has rested for long is released.
    pub(super) async fn rest(&mut self) {
        if let Some(open) = self.open.take_if(|open| open.rests_since.elapsed() >= LINGER) {
            peer::release(open.association).await;
        }
    }

    /// Releases what is open.
    pub(super) async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            peer::release(open.association).await;
        }
    }
}

/// How many requests may be outstanding.
pub(super) fn window(association: &Association<Stream>) -> usize {
    association.window().min(usize::from(MOST_OUTSTANDING))
}

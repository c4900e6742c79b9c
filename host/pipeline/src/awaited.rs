//! Objects that a peer was asked to send here by C-MOVE: they come on associations of the peer, and are counted for who asked.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use isocenter_dimse::{AeTitle, MoveOriginator};

/// Everybody who waits.
#[derive(Default)]
pub(crate) struct Awaited {
    waiting: Mutex<Vec<Weak<Count>>>,
    last: AtomicU16,
}

/// What came for one C-MOVE.
#[derive(Debug)]
pub(crate) struct Count {
    /// Who sends.
    peer: AeTitle,
    /// Who asked, and by which message.
    originator: MoveOriginator,
    taken: AtomicU64,
    refused: AtomicU64,
}

impl Awaited {
    /// Counts what comes from now on, for as long as the answer is held.
    pub(crate) fn wait(&self, peer: &AeTitle, asking: &AeTitle) -> Arc<Count> {
        // Of its own for each, so that those of one peer are told apart.
        let message_id = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        let count = Arc::new(Count {
            peer: peer.clone(),
            originator: MoveOriginator {
                ae_title: asking.clone(),
                message_id,
            },
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| other.strong_count() > 0);
        waiting.push(Arc::downgrade(&count));
        count
    }

    /// An object came. Of a peer that does not name the originator it counts for all who wait for that peer.
    pub(crate) fn note(&self, peer: &AeTitle, originator: Option<&MoveOriginator>, taken: bool) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for count in waiting.iter().filter_map(Weak::upgrade) {
            let fits = match originator {
                Some(named) => *named == count.originator,
                None => *peer == count.peer,
            };
            if fits {
                let number = if taken { &count.taken } else { &count.refused };
                number.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Count {
    /// The Message ID that the C-MOVE-RQ is to have.
    pub(crate) fn message_id(&self) -> u16 {
        self.originator.message_id
    }

    /// Objects that were taken, and those that were refused.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

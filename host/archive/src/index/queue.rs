//! The durable queue: work that was enqueued in the transaction that made it necessary.

use std::time::{Duration, SystemTime};

use isocenter_dicom::uid::Uid;

use super::{Index, IndexError, NewJob};

/// What kind of work a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Ask the routers where an object should go.
    Route,
    /// Send an object to a destination.
    Deliver,
}

/// A job that was claimed: it is this caller's until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Names this claimable job; a job that was enqueued again gets a new one.
    pub id: i64,
    /// What is to be done.
    pub kind: JobKind,
    /// The study of the object.
    pub study: Uid,
    /// SOP Instance UID.
    pub object: Uid,
    /// Where to, for deliveries.
    pub destination: Option<String>,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// The job.
    pub job: Job,
    /// Why it was given up.
    pub reason: String,
    /// When it was enqueued.
    pub enqueued: SystemTime,
}

/// What waits for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The destination; `None`: routing.
    pub destination: Option<String>,
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the oldest waiting job was enqueued.
    pub oldest: Option<SystemTime>,
    /// Why the last waiting job that failed did.
    pub last_failure: Option<String>,
}

impl Index {
    /// Claims routing jobs that are due, the oldest first. One that is neither finished, retried nor buried within `lease`
    /// can be claimed again.
    pub async fn claim_routes(&self, limit: u32, lease: Duration) -> Result<Vec<Job>, IndexError> {
        let _ = (limit, lease);
        todo!()
    }

    /// Claims deliveries to a destination that are due: all of one study, that of the most urgent and oldest.
    pub async fn claim_deliveries(&self, destination: &str, limit: u32, lease: Duration) -> Result<Vec<Job>, IndexError> {
        let _ = (destination, limit, lease);
        todo!()
    }

    /// Ends jobs, and enqueues what follows from them, in one transaction.
    pub async fn finish(&self, done: &[i64], follow: &[(Uid, Uid, NewJob)]) -> Result<(), IndexError> {
        let _ = (done, follow);
        todo!()
    }

    /// Gives claimed jobs back, to be claimed again after `delay`.
    pub async fn retry(&self, ids: &[i64], delay: Duration, reason: &str) -> Result<(), IndexError> {
        let _ = (ids, delay, reason);
        todo!()
    }

    /// Gives jobs up; they stay in sight until a person requeues them.
    pub async fn bury(&self, ids: &[i64], reason: &str) -> Result<(), IndexError> {
        let _ = (ids, reason);
        todo!()
    }

    /// Lets jobs that were given up be claimed again, with their attempts forgotten. Says how many.
    pub async fn requeue(&self, ids: &[i64]) -> Result<u64, IndexError> {
        let _ = ids;
        todo!()
    }

    /// Jobs that were given up, the latest first.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadJob>, IndexError> {
        let _ = limit;
        todo!()
    }

    /// What waits, by destination; routing first.
    pub async fn waiting_by_destination(&self) -> Result<Vec<Backlog>, IndexError> {
        todo!()
    }

    /// Returns when work may be due: at once when this host enqueued some, and in any case after `timeout`, at most a second.
    pub async fn wait_for_work(&self, timeout: Duration) {
        let _ = timeout;
        todo!()
    }
}

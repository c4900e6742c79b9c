//! What a job is: what is told to the queue, and what it answers. Separate from `queue` because these types are the whole
//! language between those who do work and the index; they know no SQL.

use std::time::{Duration, SystemTime};

use isocenter_dicom::uid::Uid;

/// What kind of work a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Ask the routers where an object should go.
    Route,
    /// Send an object to a destination.
    Deliver,
    /// See to a study that has been quiet for a while.
    Settle,
    /// Have an analyzer look at a study.
    Analyze,
    /// Give a plugin what it enqueued for itself.
    Plugin,
    /// Report to a peer what it asked to be committed.
    Report,
}

impl JobKind {
    /// All of them.
    pub const ALL: [JobKind; 6] = [
        Self::Route,
        Self::Deliver,
        Self::Settle,
        Self::Analyze,
        Self::Plugin,
        Self::Report,
    ];

    /// The word that stands in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Deliver => "deliver",
            Self::Settle => "settle",
            Self::Analyze => "analyze",
            Self::Plugin => "plugin",
            Self::Report => "report",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// Work to be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewJob {
    /// Ask the routers where an object should go.
    Route,
    /// Send an object to a destination.
    Deliver {
        /// A name in the operator's configuration.
        destination: String,
        /// Not before so long from now.
        delay: Duration,
        /// 0 is the most urgent, 255 the least; 100 is usual.
        priority: u8,
    },
    /// See to a study once no object of it has arrived for a while; one for each study and chain.
    Settle {
        /// A name in the operator's configuration.
        chain: String,
        /// For how long none may have arrived.
        quiet: Duration,
    },
    /// Have an analyzer look at a study, from the beginning unless there is a token; one for each study, chain and plugin.
    Analyze {
        /// The analyzer.
        plugin: String,
        /// The chain that it stands in.
        chain: String,
        /// What it left behind when it began to wait, at most [`NewJob::MOST_BYTES`].
        token: Option<Vec<u8>>,
        /// Not before so long from now.
        delay: Duration,
    },
    /// Give a plugin what it enqueued for itself. At most [`NewJob::MOST_OF_A_PLUGIN`], more are refused.
    Plugin {
        /// The plugin.
        plugin: String,
        /// Which of its queues, at most 128 bytes.
        queue: String,
        /// Anything, at most [`NewJob::MOST_BYTES`].
        payload: Vec<u8>,
        /// Of the same key at most one waits, at most 512 bytes: a later payload takes the place of an earlier one, which
        /// does not wait longer for that.
        key: Option<String>,
        /// Not before so long from now.
        delay: Duration,
    },
}

impl NewJob {
    /// The largest payload or token, in bytes.
    pub const MOST_BYTES: usize = 64 * 1024;
    /// How many jobs a plugin may have in its queues, those that were given up included. Two hosts that enqueue at the same
    /// moment may each see room for the last.
    pub const MOST_OF_A_PLUGIN: u32 = 10_000;

    /// A delivery as soon as possible, of usual urgency.
    pub fn deliver(destination: impl Into<String>) -> Self {
        Self::Deliver {
            destination: destination.into(),
            delay: Duration::ZERO,
            priority: 100,
        }
    }

    /// For an object of a study.
    pub fn of_object(self, study: Uid, object: Uid) -> Follow {
        Follow {
            study: Some(study),
            object: Some(object),
            job: self,
        }
    }

    /// For a study.
    pub fn of_study(self, study: Uid) -> Follow {
        Follow {
            study: Some(study),
            object: None,
            job: self,
        }
    }

    /// For nothing that is stored.
    pub fn alone(self) -> Follow {
        Follow {
            study: None,
            object: None,
            job: self,
        }
    }
}

/// Work, and what it is for. Routing and deliveries need an object, settling and analyzing a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The study.
    pub study: Option<Uid>,
    /// SOP Instance UID.
    pub object: Option<Uid>,
    /// What is to be done.
    pub job: NewJob,
}

/// Routing or a delivery that was claimed: it is this caller's until its lease ends.
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

/// A study to be seen to, if it has been quiet: claimed like a [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    /// As of a [`Job`].
    pub id: i64,
    /// The study.
    pub study: Uid,
    /// The chain.
    pub chain: String,
    /// As of a [`Job`].
    pub attempts: u32,
}

/// A study to be analyzed: claimed like a [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// As of a [`Job`].
    pub id: i64,
    /// The study.
    pub study: Uid,
    /// The chain that the analyzer stands in.
    pub chain: String,
    /// The analyzer.
    pub plugin: String,
    /// What it left behind when it began to wait; `None`: it has not begun.
    pub token: Option<Vec<u8>>,
    /// As of a [`Job`]; counted anew after each wait.
    pub attempts: u32,
}

/// What a plugin enqueued for itself: claimed like a [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginJob {
    /// As of a [`Job`].
    pub id: i64,
    /// The plugin.
    pub plugin: String,
    /// Which of its queues.
    pub queue: String,
    /// What it enqueued.
    pub payload: Vec<u8>,
    /// As of a [`Job`].
    pub attempts: u32,
}

/// What a job is for, without what plugins wrote into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Ask the routers.
    Route {
        /// The study.
        study: Uid,
        /// SOP Instance UID.
        object: Uid,
    },
    /// Send an object.
    Deliver {
        /// The study.
        study: Uid,
        /// SOP Instance UID.
        object: Uid,
        /// Where to.
        destination: String,
    },
    /// See to a study that has been quiet.
    Settle {
        /// The study.
        study: Uid,
        /// The chain.
        chain: String,
    },
    /// Analyze a study.
    Analyze {
        /// The study.
        study: Uid,
        /// The chain.
        chain: String,
        /// The analyzer.
        plugin: String,
    },
    /// What a plugin enqueued for itself.
    Plugin {
        /// The plugin.
        plugin: String,
        /// Which of its queues.
        queue: String,
    },
    /// Report to a peer what it asked to be committed.
    Report {
        /// The AE title that asked.
        peer: String,
        /// Transaction UID.
        transaction: Uid,
    },
}

impl Task {
    /// What kind of work.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Route { .. } => JobKind::Route,
            Self::Deliver { .. } => JobKind::Deliver,
            Self::Settle { .. } => JobKind::Settle,
            Self::Analyze { .. } => JobKind::Analyze,
            Self::Plugin { .. } => JobKind::Plugin,
            Self::Report { .. } => JobKind::Report,
        }
    }

    /// The study.
    pub fn study(&self) -> Option<&Uid> {
        match self {
            Self::Route { study, .. }
            | Self::Deliver { study, .. }
            | Self::Settle { study, .. }
            | Self::Analyze { study, .. } => Some(study),
            Self::Plugin { .. } | Self::Report { .. } => None,
        }
    }

    /// SOP Instance UID.
    pub fn object(&self) -> Option<&Uid> {
        match self {
            Self::Route { object, .. } | Self::Deliver { object, .. } => Some(object),
            Self::Settle { .. } | Self::Analyze { .. } | Self::Plugin { .. } | Self::Report { .. } => None,
        }
    }

    /// The destination, for deliveries.
    pub fn destination(&self) -> Option<&str> {
        match self {
            Self::Deliver { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// The chain, for settling and analyzing.
    pub fn chain(&self) -> Option<&str> {
        match self {
            Self::Settle { chain, .. } | Self::Analyze { chain, .. } => Some(chain),
            _ => None,
        }
    }

    /// The plugin, for analyzing and for what plugins enqueued.
    pub fn plugin(&self) -> Option<&str> {
        match self {
            Self::Analyze { plugin, .. } | Self::Plugin { plugin, .. } => Some(plugin),
            _ => None,
        }
    }

    /// The AE title that asked, for reports of storage commitment.
    pub fn peer(&self) -> Option<&str> {
        match self {
            Self::Report { peer, .. } => Some(peer),
            _ => None,
        }
    }

    /// Transaction UID, for reports of storage commitment.
    pub fn transaction(&self) -> Option<&Uid> {
        match self {
            Self::Report { transaction, .. } => Some(transaction),
            _ => None,
        }
    }

    /// The queue, for what plugins enqueued.
    pub fn queue(&self) -> Option<&str> {
        match self {
            Self::Plugin { queue, .. } => Some(queue),
            _ => None,
        }
    }
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// Names it.
    pub id: i64,
    /// What it was for.
    pub task: Task,
    /// How often it was claimed.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
    /// When it was enqueued.
    pub enqueued: SystemTime,
}

/// What waits for one who works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The kind of work.
    pub kind: JobKind,
    /// The destination, for deliveries.
    pub destination: Option<String>,
    /// The chain, for settling and analyzing.
    pub chain: Option<String>,
    /// The plugin, for analyzing and for what plugins enqueued.
    pub plugin: Option<String>,
    /// The queue, for what plugins enqueued.
    pub queue: Option<String>,
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the oldest waiting job was enqueued.
    pub oldest: Option<SystemTime>,
    /// Why the last waiting job that failed did.
    pub last_failure: Option<String>,
}

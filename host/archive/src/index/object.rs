//! What is told to the index about an object, and what it answers. Separate because these types are the whole language
//! between those who store objects and the index; they know no SQL.

use std::time::SystemTime;

use isocenter_dicom::{header::Identity, uid::Uid};

use super::{Attributes, NewJob, Place};

/// An object whose bytes are durable and that is to be found from now on.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// Its four UIDs, as stored.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// Where it is.
    pub place: Place,
    /// What can be searched for.
    pub attributes: Attributes,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
    /// Work to enqueue in the same transaction, only if the object becomes the one that is served: for it, or for its study.
    /// Not for objects that are held, and no plugin's own jobs.
    pub jobs: Vec<NewJob>,
    /// Some: the object goes to quarantine and is neither found nor served.
    pub held: Option<Held>,
}

/// Where an object came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The AE title of who sent it.
    pub calling_ae: Option<String>,
    /// The AE title it was sent to.
    pub called_ae: Option<String>,
    /// The sender's network address.
    pub peer: Option<String>,
    /// How it came.
    pub transport: Transport,
    /// Who sent it, as those who authenticated the sender named them.
    pub subject: Option<String>,
    /// How often it, or what it was made from, came in by the doing of a plugin; 0 for what came from outside.
    pub hops: u8,
}

/// How an object came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// C-STORE.
    Dimse,
    /// STOW-RS.
    Stow,
    /// A file that was imported.
    File,
    /// Made here from other objects.
    Derived,
}

impl Transport {
    /// The word that stands in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dimse => "dimse",
            Self::Stow => "stow",
            Self::File => "file",
            Self::Derived => "derived",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Dimse, Self::Stow, Self::File, Self::Derived]
            .into_iter()
            .find(|known| known.as_str() == word)
    }
}

/// Why an object is held in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The plugin that asked for it or failed; `None`: the host did.
    pub plugin: Option<String>,
    /// For a person. No patient data.
    pub reason: String,
}

/// What happens when a SOP Instance UID of a study arrives again with different content. Identical content is always
/// stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The first stays; the sender is told of the conflict and nothing is stored.
    KeepFirst,
    /// The last is served; the row of the first is set aside and its bytes may be reclaimed.
    Replace,
    /// The last is served; the first is set aside and kept for good.
    KeepBoth,
}

/// What the index did with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// It is served from now on, from this place. Also the answer when the very same place was indexed before, so that a
    /// commit whose answer was lost can be repeated.
    New,
    /// The same bytes are already indexed at another place: these are not needed.
    Identical,
    /// It is served from now on; what was served before is set aside.
    Replaced,
    /// Other bytes are served under this UID and stay: these are not wanted.
    Conflict,
    /// It is in quarantine, at this place. (Identical bytes held before: [`Indexed::Identical`].)
    Held,
}

impl Indexed {
    /// Whether a row refers to the bytes of this place; otherwise they can be cut off again.
    pub fn keeps_bytes(&self) -> bool {
        matches!(*self, Self::New | Self::Replaced | Self::Held)
    }
}

/// What the index did with objects that were to be stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredTogether {
    /// All are served: each is [`Indexed::New`], or [`Indexed::Identical`] to one that was served before.
    All(Vec<Indexed>),
    /// None was stored: other objects are served under these SOP Instance UIDs, or they were given twice.
    Conflict(Vec<Uid>),
}

impl StoredTogether {
    /// Whether a row refers to bytes of this place.
    pub(crate) fn keeps_bytes(&self) -> bool {
        matches!(self, Self::All(indexed) if indexed.contains(&Indexed::New))
    }
}

//! What became of each call of a plugin, written down: in the outcomes of the index, with the object that it was about.
//!
//! Separate because the record is the same for every role and every caller; the metrics of a call are the plugin
//! runtime's.

use std::sync::Arc;
use std::time::SystemTime;

use isocenter_archive::index::{EditList, NewOutcome};
use isocenter_dicom::edit::Edit;
use isocenter_dicom::uid::Uid;
use isocenter_role::{Cost, Outcome, Part, Role};

use crate::Pipeline;

/// A call that ended.
#[derive(Clone)]
pub(crate) struct Called {
    plugin: String,
    digest: String,
    role: Role,
    pub(crate) word: &'static str,
    pub(crate) failed: bool,
    pub(crate) reason: Option<String>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) cost: Cost,
}

/// What a call was about.
#[derive(Clone, Default)]
pub(crate) struct About {
    pub(crate) chain: Option<Arc<str>>,
    pub(crate) shadow: bool,
    pub(crate) study: Option<Uid>,
    pub(crate) object: Option<Uid>,
}

impl Called {
    /// A call that a plugin answered or failed. `answered` puts an answer into a word, with its reason.
    pub(crate) fn new<T>(
        part: &(impl Part + ?Sized),
        role: Role,
        outcome: &Outcome<T>,
        answered: impl FnOnce(&T) -> (&'static str, Option<String>),
    ) -> Called {
        let (word, reason) = match &outcome.result {
            Ok(answer) => answered(answer),
            Err(failure) => (failure.word(), Some(failure.to_string())),
        };
        Called {
            plugin: part.name().to_owned(),
            digest: part.digest().to_owned(),
            role,
            word,
            failed: outcome.result.is_err(),
            reason,
            edits: Vec::new(),
            cost: outcome.cost,
        }
    }

    /// The operator's name for the plugin.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }
}

/// Writes a call down; waits while the database is slow, so that no record is lost in silence.
pub(crate) async fn write(pipeline: &Pipeline, called: Called, about: &About) {
    pipeline.recorder().record(row(called, about)).await;
}

/// The row of a call.
pub(crate) fn row(called: Called, about: &About) -> NewOutcome {
    let mut edits = EditList::default();
    for edit in &called.edits {
        edits.add(Described(edit));
    }
    NewOutcome {
        at: SystemTime::now(),
        plugin: called.plugin,
        digest: called.digest,
        role: called.role.as_str(),
        chain: about.chain.as_deref().map(str::to_owned),
        shadow: about.shadow,
        study: about.study.clone(),
        object: about.object.clone(),
        outcome: called.word,
        failed: called.failed,
        edits,
        cpu: called.cost.cpu,
        wall: called.cost.wall,
        queue: called.cost.queue,
        peak_memory: called.cost.peak_memory,
        reason: called.reason,
    }
}

/// An edit in words: what was done where, never the value.
pub(crate) struct Described<'e>(pub(crate) &'e Edit);

impl std::fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Edit::Set { at, .. } => write!(f, "set {at}"),
            Edit::Clear(at) => write!(f, "clear {at}"),
            Edit::Remove(at) => write!(f, "remove {at}"),
            Edit::AddItem(at) => write!(f, "add an item to {at}"),
            Edit::RemoveEverywhere(tag) => write!(f, "remove {tag} everywhere"),
            Edit::RemovePrivate { keep_creators } if keep_creators.is_empty() => write!(f, "remove private elements"),
            Edit::RemovePrivate { keep_creators } => {
                write!(f, "remove private elements but those of {}", keep_creators.join(", "))
            }
            Edit::RemapUid(at) => write!(f, "remap the UID {at}"),
            Edit::RemapUidsEverywhere { keep } if keep.is_empty() => write!(f, "remap UIDs everywhere"),
            Edit::RemapUidsEverywhere { keep } => {
                let kept: Vec<String> = keep.iter().map(ToString::to_string).collect();
                write!(f, "remap UIDs everywhere but {}", kept.join(", "))
            }
            // The number of days is a secret: it leads back to the dates.
            Edit::ShiftDatesEverywhere { .. } => write!(f, "shift dates everywhere"),
        }
    }
}

//! Retrieval from other archives (PS3.4 §C.4.2, §C.4.3, as user): a study, series or objects of a destination come here, by
//! the way in that all objects take.
//!
//! By C-GET they come on the association that asks; by C-MOVE the peer sends them to this host's AE title, on associations
//! of its own, where they are counted. The peer's numbers and ours are told side by side: they need not agree.

mod contexts;
mod get;
mod moving;

use std::time::Duration;

use isocenter_archive::index::FindLevel;
use isocenter_dicom::header::Header;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::{AeTitle, Association, Command, Status, Stream, element};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Pipeline;
use crate::destination::Destination;
use crate::peer::PeerError;
use crate::query::{DataSet, Query, digits, level_name, query};

/// How long a peer may rest between two messages: it may have to fetch from a tape.
const PATIENCE: Duration = Duration::from_secs(300);
/// UIDs of objects that failed, in what is answered.
const MOST_FAILED: usize = 1000;

/// What is to come.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The study.
    pub study: Uid,
    /// Some of its series; none: all.
    pub series: Vec<Uid>,
    /// Some objects of one series; none: all.
    pub objects: Vec<Uid>,
}

/// On which way it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// On the association that asks.
    Get,
    /// Sent by the peer to this AE title, which must be known there.
    Move(AeTitle),
}

/// How far a retrieval is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What the peer says is still to be sent; `None`: it has not said.
    pub remaining: Option<u16>,
    /// What the peer says it has sent.
    pub completed: u16,
    /// What the peer says it could not send.
    pub failed: u16,
    /// What the peer says was taken with a warning.
    pub warning: u16,
    /// Objects that this host has taken: they are stored, or were before.
    pub taken: u64,
    /// Objects that came and were refused here.
    pub refused: u64,
}

/// How a retrieval ended.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// In the end.
    pub progress: Progress,
    /// The peer's last status; `None`: it did not end in time after it was told to.
    pub status: Option<Status>,
    /// Objects that the peer could not send, or that were refused here; at most 1000.
    pub failed_objects: Vec<String>,
    /// It was ended by who asked.
    pub cancelled: bool,
}

impl Fetched {
    /// Whether everything came that is there, and something did.
    pub fn is_whole(&self) -> bool {
        let Progress {
            completed,
            failed,
            warning,
            taken,
            refused,
            ..
        } = self.progress;
        let sent = u64::from(completed) + u64::from(warning);
        self.status.is_some_and(Status::is_performed)
            && !self.cancelled
            && (failed, refused) == (0, 0)
            && taken > 0
            && taken >= sent
    }
}

impl Progress {
    /// Takes the numbers of a response.
    fn hear(&mut self, response: &Command) {
        self.remaining = response.number(element::REMAINING_SUB_OPERATIONS);
        for (number, element) in [
            (&mut self.completed, element::COMPLETED_SUB_OPERATIONS),
            (&mut self.failed, element::FAILED_SUB_OPERATIONS),
            (&mut self.warning, element::WARNING_SUB_OPERATIONS),
        ] {
            if let Some(said) = response.number(element) {
                *number = said;
            }
        }
    }
}

/// What a retrieval is given.
struct Errand<'a> {
    pipeline: &'a Pipeline,
    destination: &'a Destination,
    wanted: &'a Wanted,
    progress: &'a watch::Sender<Progress>,
    cancel: &'a CancellationToken,
}

/// Has objects of a destination come here; `progress` is told how far it is. Ends early when `cancel` is: what has come
/// stays.
///
/// # Errors
/// The peer cannot be asked, or the association broke: what has come stays.
pub async fn fetch(
    pipeline: &Pipeline,
    destination: &Destination,
    wanted: &Wanted,
    by: &By,
    progress: &watch::Sender<Progress>,
    cancel: &CancellationToken,
) -> Result<Fetched, PeerError> {
    let errand = Errand {
        pipeline,
        destination,
        wanted,
        progress,
        cancel,
    };
    let fetched = match by {
        By::Get => errand.get().await,
        By::Move(to) => errand.have_sent(to).await,
    };
    let outcome = match &fetched {
        Ok(fetched) if fetched.is_whole() => "whole",
        Ok(fetched) if fetched.cancelled => "cancelled",
        Ok(_) => "partial",
        Err(_) => "failed",
    };
    metrics::counter!("isocenter_fetches_total", "destination" => destination.name.clone(), "outcome" => outcome)
        .increment(1);
    match &fetched {
        Ok(fetched) => tracing::info!(
            destination = destination.name,
            study = %wanted.study,
            taken = fetched.progress.taken,
            refused = fetched.progress.refused,
            failed = fetched.progress.failed,
            outcome,
            "retrieved"
        ),
        Err(error) => {
            tracing::warn!(destination = destination.name, study = %wanted.study, %error, "not retrieved");
        }
    }
    fetched
}

impl Errand<'_> {
    /// The identifier, by unique keys alone (PS3.4 §C.4.2.1.4).
    fn identifier(&self) -> DataSet {
        let Wanted { study, series, objects } = self.wanted;
        let level = match (series.is_empty(), objects.is_empty()) {
            (_, false) => FindLevel::Object,
            (false, true) => FindLevel::Series,
            (true, true) => FindLevel::Study,
        };
        let mut identifier = DataSet::new();
        put(&mut identifier, tags::QUERY_RETRIEVE_LEVEL, "CS", &[level_name(level)]);
        put(&mut identifier, tags::STUDY_INSTANCE_UID, "UI", &[study.as_str()]);
        for (tag, uids) in [(tags::SERIES_INSTANCE_UID, series), (tags::SOP_INSTANCE_UID, objects)] {
            if !uids.is_empty() {
                let uids: Vec<&str> = uids.iter().map(Uid::as_str).collect();
                put(&mut identifier, tag, "UI", &uids);
            }
        }
        identifier
    }

    /// What the peer says of the SOP classes of the study; nothing where it does not know, or cannot be asked.
    async fn classes(&self) -> Vec<String> {
        let mut keys = DataSet::new();
        put(&mut keys, tags::STUDY_INSTANCE_UID, "UI", &[self.wanted.study.as_str()]);
        put(&mut keys, tags::SOP_CLASSES_IN_STUDY, "UI", &[]);
        let asked = Query {
            level: FindLevel::Study,
            keys,
            limit: 1,
        };
        let found = query(self.destination, &asked, self.cancel).await;
        let found = found.inspect_err(|error| {
            let destination = self.destination.name.as_str();
            tracing::debug!(destination, %error, "the SOP classes of the study are not known");
        });
        let classes = found.ok().and_then(|found| {
            let study = found.matches.into_iter().next()?;
            let classes = study
                .get(&digits(tags::SOP_CLASSES_IN_STUDY))?
                .get("Value")?
                .as_array()?
                .clone();
            Some(classes)
        });
        let classes = classes.unwrap_or_default();
        classes
            .iter()
            .filter_map(|class| class.as_str().map(str::to_owned))
            .collect()
    }

    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }
}

fn put(into: &mut DataSet, tag: Tag, vr: &str, values: &[&str]) {
    let element = if values.is_empty() {
        json!({ "vr": vr })
    } else {
        json!({ "vr": vr, "Value": values })
    };
    into.insert(digits(tag), element);
}

/// The Failed SOP Instance UID List (0008,0058) of a last response.
fn failed_of(header: &Header) -> Vec<String> {
    let mut failed = header.text(tags::FAILED_SOP_INSTANCE_UID_LIST).unwrap_or_default();
    failed.retain(|uid| Uid::parse(uid).is_ok());
    failed.truncate(MOST_FAILED);
    failed
}

/// Ends what did not end in order.
async fn abort(association: Association<Stream>) {
    association.abort(isocenter_dimse::AbortReason::User).await;
}

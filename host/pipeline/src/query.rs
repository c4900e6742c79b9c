//! Queries of other archives (C-FIND as user, PS3.4 §C.4.1): what the operator asks a destination for.

use std::time::Duration;

use isocenter_archive::index::FindLevel;
use isocenter_dicom::{Tag, answer, tags};
use isocenter_dimse::{Association, Command, ExtendedNegotiation, Stream, sop, status};
use serde_json::{Map, Value as Json, json};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::destination::Destination;
use crate::peer::{self, PLAIN, Peer, PeerError};

/// Attributes by their eight digits, as in DICOM JSON (PS3.18 Annex F).
pub type DataSet = Map<String, Json>;

/// Matches of one query at most.
pub const MOST: usize = 10_000;
/// Bytes of all matches of one query at most, as they come.
const MOST_BYTES: usize = 64 << 20;
/// How long a peer may take for its next answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a peer may go on after it was told to end.
pub(crate) const LAST: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// What the answers are about.
    pub level: FindLevel,
    /// What is to match, and, without a value, what is to be answered.
    pub keys: DataSet,
    /// Matches that are wanted, at most [`MOST`].
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Each match as the peer answered it, its text in Unicode.
    pub matches: Vec<DataSet>,
    /// There are more than were wanted.
    pub more: bool,
}

/// The name of a level, as Query/Retrieve Level (0008,0052) has it.
pub fn level_name(level: FindLevel) -> &'static str {
    match level {
        FindLevel::Patient => "PATIENT",
        FindLevel::Study => "STUDY",
        FindLevel::Series => "SERIES",
        FindLevel::Object => "IMAGE",
    }
}

/// Asks a destination. Ends early, with what has come, when `cancel` is.
///
/// # Errors
/// The peer cannot be asked, or says no.
pub async fn query(destination: &Destination, query: &Query, cancel: &CancellationToken) -> Result<Found, PeerError> {
    let peer = Peer::of(destination)?;
    let models: &[&str] = match query.level {
        FindLevel::Patient => &[sop::PATIENT_ROOT_FIND],
        _ => &[sop::STUDY_ROOT_FIND, sop::PATIENT_ROOT_FIND],
    };
    let mut proposal = peer
        .proposal()
        .map_err(|error| PeerError::Unreachable(error.to_string()))?;
    for model in models {
        // Constants, so that they can be proposed.
        let added = proposal.add_context(model, &PLAIN);
        let added = added.and_then(|_| match is_relational(query) {
            true => proposal.add_extended(ExtendedNegotiation {
                sop_class: (*model).to_owned(),
                information: vec![1].into(),
            }),
            false => Ok(()),
        });
        added.map_err(|error| PeerError::Unreachable(error.to_string()))?;
    }
    let mut association = tokio::select! {
        association = peer.associate(&proposal, PATIENCE) => association?,
        () = cancel.cancelled() => return Ok(Found::default()),
    };
    let asked = Asking {
        association: &mut association,
        query,
        cancel,
        found: Found::default(),
    };
    match asked.ask(models).await {
        Ok(found) => {
            peer::release(association).await;
            Ok(found)
        }
        Err(error) => {
            association.abort(isocenter_dimse::AbortReason::User).await;
            Err(error)
        }
    }
}

/// Whether it names nothing at a level above the one asked for (PS3.4 §C.4.1.2.2).
fn is_relational(query: &Query) -> bool {
    let above = [
        (FindLevel::Study, tags::STUDY_INSTANCE_UID),
        (FindLevel::Series, tags::SERIES_INSTANCE_UID),
    ];
    let names = |tag: Tag| {
        query
            .keys
            .get(&digits(tag))
            .is_some_and(|key| key.get("Value").is_some())
    };
    above.iter().any(|(level, tag)| *level < query.level && !names(*tag))
}

pub(crate) fn digits(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

struct Asking<'a> {
    association: &'a mut Association<Stream>,
    query: &'a Query,
    cancel: &'a CancellationToken,
    found: Found,
}

impl Asking<'_> {
    async fn ask(mut self, models: &[&str]) -> Result<Found, PeerError> {
        let (context, model, syntax) =
            peer::context_of(self.association, models).ok_or(PeerError::NotOffered("queries at that level"))?;
        let mut keys = self.query.keys.clone();
        let level = json!({ "vr": "CS", "Value": [level_name(self.query.level)] });
        keys.insert(digits(tags::QUERY_RETRIEVE_LEVEL), level);
        let id = self.association.next_message_id();
        let request = Command::find_rq(id, &model);
        // What is beyond ASCII goes out in UTF-8, and says so.
        let data = answer::data_set(&keys, &syntax, None);
        self.association.send(context, &request, Some(data.into())).await?;
        let mut bytes = 0;
        let mut ends: Option<Instant> = None;
        loop {
            let response = match ends {
                None => tokio::select! {
                    response = self.association.response(id) => response?,
                    () = self.cancel.cancelled() => {
                        ends = Some(self.end(context, id).await?);
                        continue;
                    }
                },
                Some(ends) => match timeout_at(ends, self.association.response(id)).await {
                    Ok(response) => response?,
                    // It goes on all the same: what it has said counts.
                    Err(_) => return Ok(self.found),
                },
            };
            let status = response.status().unwrap_or(status::PROCESSING_FAILURE);
            if !status.is_pending() {
                return match status {
                    status::SUCCESS => Ok(self.found),
                    _ if ends.is_some() => Ok(self.found),
                    status::CANCEL => Ok(self.found),
                    refused => Err(PeerError::Refused(refused)),
                };
            }
            if ends.is_some() || !response.has_data() {
                continue;
            }
            if self.found.matches.len() >= self.query.limit || bytes > MOST_BYTES {
                self.found.more = true;
                ends = Some(self.end(context, id).await?);
                continue;
            }
            let (header, length) = peer::data_set(self.association, &syntax).await?;
            bytes += length;
            let mut found = header.to_json();
            found.remove(&digits(tags::QUERY_RETRIEVE_LEVEL));
            found.remove(&digits(tags::SPECIFIC_CHARACTER_SET));
            self.found.matches.push(found);
        }
    }

    /// Tells the peer that it has said enough, and by when it must have ended.
    async fn end(&mut self, context: u8, id: u16) -> Result<Instant, PeerError> {
        self.association.send(context, &Command::cancel_rq(id), None).await?;
        Ok(Instant::now() + LAST)
    }
}

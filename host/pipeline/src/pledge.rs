//! Storage commitment as its user (PS3.4 Annex J): a delivery is done when its destination answers for the object.
//!
//! What is asked is written down before it is asked. A report may come on the association that asked, here, or on one that
//! the destination makes, by the provider; both come to [`told`]. The provider's side of the service is
//! [`crate::commitment`].

use std::time::Duration;

use bytes::Bytes;
use isocenter_archive::index::{IndexError, Job};
use isocenter_dicom::header::{Header, Identity};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, answer, tags};
use isocenter_dimse::{Association, Command, CommandField, Incoming, Message, Stream, sop, status};
use serde_json::{Map, Value as Json, json};

use crate::Pipeline;
use crate::destination::{Destination, Target};
use crate::peer::{Peer, context_of, data_set};

/// Request Storage Commitment (PS3.4 Table J.3-1).
const REQUEST: u16 = 1;
/// References of one report at most.
const MOST: usize = 100_000;

/// An object that a destination has stored.
pub(crate) struct Sent {
    pub(crate) job: Job,
    /// As it was sent.
    pub(crate) identity: Identity,
}

/// What a destination reports (PS3.4 §J.3.3).
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    transaction: Uid,
    committed: Vec<String>,
    /// Each with its Failure Reason (0008,1197).
    failed: Vec<(String, Option<u64>)>,
}

impl Told {
    /// Reads the Event Information. `None`: it is none.
    pub fn read(header: &Header) -> Option<Self> {
        let data = header.json_of(&[
            tags::TRANSACTION_UID,
            tags::REFERENCED_SOP_SEQUENCE,
            tags::FAILED_SOP_SEQUENCE,
        ]);
        let first = |of: &Map<String, Json>, tag| values(of, tag).first().cloned();
        let text = |of: &Map<String, Json>, tag| first(of, tag)?.as_str().map(ToOwned::to_owned);
        let transaction = Uid::parse(&text(&data, tags::TRANSACTION_UID)?).ok()?;
        let items = |tag| values(&data, tag).iter().filter_map(Json::as_object).take(MOST);
        let committed = items(tags::REFERENCED_SOP_SEQUENCE);
        let failed = items(tags::FAILED_SOP_SEQUENCE);
        Some(Self {
            transaction,
            committed: committed
                .filter_map(|item| text(item, tags::REFERENCED_SOP_INSTANCE_UID))
                .collect(),
            failed: failed
                .filter_map(|item| {
                    let reason = first(item, tags::FAILURE_REASON).and_then(|reason| reason.as_u64());
                    Some((text(item, tags::REFERENCED_SOP_INSTANCE_UID)?, reason))
                })
                .collect(),
        })
    }
}

fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

fn values(of: &Map<String, Json>, tag: Tag) -> &[Json] {
    let values = of.get(&key(tag)).and_then(|element| element.get("Value"));
    values.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Takes a report of whoever calls itself `ae_title`: deliveries to destinations of that title are done, or due again.
///
/// # Errors
/// The index did not answer: the peer must report again.
pub async fn told(pipeline: &Pipeline, ae_title: &str, told: &Told) -> Result<(), IndexError> {
    let set = pipeline.set();
    let of_title = |destination: &&Destination| match &destination.target {
        Target::Dicom(peer) => peer.ae_title == ae_title,
        Target::Folder(_) => false,
    };
    let destinations: Vec<&Destination> = set.destinations.values().filter(of_title).collect();
    let names: Vec<&str> = destinations.iter().map(|one| one.name.as_str()).collect();
    let index = pipeline.archive().index();
    let committed: Vec<&str> = told.committed.iter().map(String::as_str).collect();
    let kept = index.kept(&names, &told.transaction, &committed).await?;
    let pause = destinations.iter().map(|one| one.retry.first).max().unwrap_or_default();
    let mut not_kept = 0;
    for (object, reason) in &told.failed {
        let reason = match reason {
            Some(code) => format!("the peer does not answer for it: failure reason {code:04X}H"),
            None => "the peer does not answer for it".to_owned(),
        };
        let object = [object.as_str()];
        not_kept += index
            .not_kept(&names, &told.transaction, &object, pause, &reason)
            .await?;
    }
    let transaction = &told.transaction;
    tracing::info!(peer = ae_title, %transaction, kept, not_kept, "a destination reports what it answers for");
    for (outcome, count) in [("committed", kept), ("not-committed", not_kept)] {
        metrics::counter!("isocenter_pledges_total", "outcome" => outcome).increment(count);
    }
    // Of several of that title any: which it was only the index knows.
    if let Some(name) = names.first() {
        let labels = [("destination", (*name).to_owned()), ("outcome", "done".to_owned())];
        metrics::counter!("isocenter_deliveries_total", &labels).increment(kept);
    }
    Ok(())
}

/// Asks the destination to commit itself to what it has just stored. The deliveries wait for its report from then on. `true`:
/// it has reported.
///
/// # Errors
/// Why it was not asked, or has not taken the request.
pub(crate) async fn ask(
    pipeline: &Pipeline,
    destination: &Destination,
    within: Duration,
    association: &mut Association<Stream>,
    sent: &[Sent],
) -> Result<bool, String> {
    let ae_title = Peer::of(destination)
        .map_err(|error| error.to_string())?
        .ae_title
        .as_str();
    let Some((context, _, syntax)) = context_of(association, &[sop::STORAGE_COMMITMENT]) else {
        return Err("the peer does not offer storage commitment".to_owned());
    };
    let transaction = Uid::random(uuid::Uuid::new_v4().into_bytes());
    let pledged: Vec<(i64, &Uid)> = sent
        .iter()
        .map(|one| (one.job.id, &one.identity.sop_instance))
        .collect();
    let index = pipeline.archive().index();
    index
        .pledge(&destination.name, &transaction, &pledged, within)
        .await
        .map_err(|error| error.to_string())?;
    let (class, instance) = (sop::STORAGE_COMMITMENT, sop::STORAGE_COMMITMENT_INSTANCE);
    let request = Command::action_rq(association.next_message_id(), class, instance, REQUEST);
    let data = information(&transaction, sent, &syntax);
    association
        .send(context, &request, Some(data))
        .await
        .map_err(|error| error.to_string())?;
    let mut asked = Asked {
        pipeline,
        ae_title,
        association,
        is_reported: false,
    };
    // Some report before they answer.
    loop {
        let message = asked.next().await?;
        let command = &message.command;
        if command.field() != CommandField::N_ACTION_RSP || command.message_id() != request.message_id() {
            asked.take(&message).await?;
            continue;
        }
        return match command.status().unwrap_or(status::PROCESSING_FAILURE) {
            taken if taken.is_performed() => Ok(asked.is_reported),
            refused => Err(format!(
                "the peer answered the request for storage commitment with {refused}"
            )),
        };
    }
}

/// The Action Information (PS3.4 Table J.3-2).
fn information(transaction: &Uid, sent: &[Sent], syntax: &TransferSyntax) -> Bytes {
    let uid = |uid: &str| json!({ "vr": "UI", "Value": [uid] });
    let references: Vec<Json> = sent
        .iter()
        .map(|Sent { identity, .. }| {
            json!({
                key(tags::REFERENCED_SOP_CLASS_UID): uid(identity.sop_class.as_str()),
                key(tags::REFERENCED_SOP_INSTANCE_UID): uid(identity.sop_instance.as_str()),
            })
        })
        .collect();
    let mut information = Map::new();
    information.insert(key(tags::TRANSACTION_UID), uid(transaction.as_str()));
    let sequence = json!({ "vr": "SQ", "Value": references });
    information.insert(key(tags::REFERENCED_SOP_SEQUENCE), sequence);
    answer::data_set(&information, syntax, None).into()
}

/// Waits for the report on the association that asked. `false`: none came in that time, or the peer went.
pub(crate) async fn report_here(
    pipeline: &Pipeline,
    ae_title: &str,
    association: &mut Association<Stream>,
    wait: Duration,
) -> bool {
    let mut asked = Asked {
        pipeline,
        ae_title,
        association,
        is_reported: false,
    };
    let reported = async {
        let message = asked.next().await?;
        asked.take(&message).await
    };
    match tokio::time::timeout(wait, reported).await {
        Ok(Ok(())) => true,
        Ok(Err(reason)) => {
            tracing::warn!(peer = ae_title, reason, "a report of storage commitment is not taken");
            false
        }
        Err(_) => false,
    }
}

/// An association on which a destination was asked.
struct Asked<'a> {
    pipeline: &'a Pipeline,
    ae_title: &'a str,
    association: &'a mut Association<Stream>,
    is_reported: bool,
}

impl Asked<'_> {
    async fn next(&mut self) -> Result<Message, String> {
        match self.association.next().await {
            Ok(Incoming::Message(message)) => Ok(message),
            Ok(Incoming::Released) => Err("the peer released the association".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes a report, and answers it.
    async fn take(&mut self, message: &Message) -> Result<(), String> {
        let association = &mut *self.association;
        let field = message.command.field();
        if field != CommandField::N_EVENT_REPORT_RQ {
            return Err(format!("the peer sent {field} instead of a report"));
        }
        let context = association.context(message.context);
        let syntax = context
            .and_then(|context| TransferSyntax::lookup(&context.transfer_syntax))
            .unwrap_or_else(TransferSyntax::implicit_le);
        let read = data_set(association, &syntax).await;
        let (header, _) = read.map_err(|error| error.to_string())?;
        let (answer, reported) = match Told::read(&header) {
            None => (status::INVALID_ARGUMENT_VALUE, Err("it has no transaction".to_owned())),
            Some(report) => match told(self.pipeline, self.ae_title, &report).await {
                Ok(()) => (status::SUCCESS, Ok(())),
                Err(error) => (status::PROCESSING_FAILURE, Err(error.to_string())),
            },
        };
        let response = message.command.response(answer);
        let answered = association.send(message.context, &response, None).await;
        answered.map_err(|error| error.to_string())?;
        self.is_reported = true;
        reported
    }
}

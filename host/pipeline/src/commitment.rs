//! Storage commitment (PS3.4 Annex J): what a peer may delete, because this host answers for it.
//!
//! A request is written down before it is answered ([`note`]); then what is durable is looked at, byte by byte
//! ([`reports`]), and told to the peer: on the association that asked, by the provider, or on one of its own, here, as often
//! as the retries of the destination that has the peer's AE title allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use isocenter_archive::index::{self, IndexError, Reference};
use isocenter_archive::{ArchiveError, Custody};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, answer, tags};
use isocenter_dimse::{AeTitle, Association, Command, RoleSelection, Status, Stream, sop, status};
use serde_json::{Map, Value as Json, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::Pipeline;
use crate::destination::Destination;
use crate::peer::{PLAIN, Peer, release};
use crate::retrieve;
use crate::taken::taken;

/// References of one request at most.
pub const MOST_REFERENCES: usize = 10_000;
/// Requests whose bytes are read at a time: it is the disk that they wait for.
pub(crate) const CHECKS: usize = 2;
/// Reports on associations of their own at a time.
const AT_ONCE: usize = 8;
/// A claimed report that is not ended within this time is claimed by another.
const LEASE: Duration = Duration::from_secs(3_600);
/// How long a peer is left waiting on an association while bytes are read; after that another one is made.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a peer may take to answer a report.
const ANSWERS: Duration = Duration::from_secs(120);

/// What a peer is told about one request.
#[derive(Clone, Debug)]
pub struct Report {
    /// The request.
    pub commitment: i64,
    transaction: Uid,
    /// Each reference, and why it is not committed where it is not.
    judged: Vec<(Reference, Option<Status>)>,
}

impl Report {
    /// 1: everything is committed; 2: failures exist (PS3.4 Table J.3-2).
    fn event_type(&self) -> u16 {
        if self.failed() == 0 { 1 } else { 2 }
    }

    fn failed(&self) -> usize {
        self.judged.iter().filter(|(_, failure)| failure.is_some()).count()
    }

    /// The N-EVENT-REPORT-RQ.
    pub fn request(&self, message_id: u16) -> Command {
        let (class, instance) = (sop::STORAGE_COMMITMENT, sop::STORAGE_COMMITMENT_INSTANCE);
        Command::event_report_rq(message_id, class, instance, self.event_type())
    }

    /// Its data set, in implicit or explicit VR little endian.
    pub fn data(&self, syntax: &TransferSyntax) -> Bytes {
        answer::data_set(&self.information(), syntax, None).into()
    }

    /// The Event Information. Made when it is sent: it takes much more room than what it is made of.
    fn information(&self) -> Map<String, Json> {
        let mut committed = Vec::new();
        let mut failed = Vec::new();
        for (reference, failure) in &self.judged {
            let mut item = Map::new();
            let uid = |uid: &Uid| vec![json!(uid.as_str())];
            put(
                &mut item,
                tags::REFERENCED_SOP_CLASS_UID,
                "UI",
                uid(&reference.sop_class),
            );
            put(
                &mut item,
                tags::REFERENCED_SOP_INSTANCE_UID,
                "UI",
                uid(&reference.object),
            );
            match failure {
                None => committed.push(Json::Object(item)),
                Some(reason) => {
                    put(&mut item, tags::FAILURE_REASON, "US", vec![json!(reason.code())]);
                    failed.push(Json::Object(item));
                }
            }
        }
        let mut information = Map::new();
        let transaction = vec![json!(self.transaction.as_str())];
        put(&mut information, tags::TRANSACTION_UID, "UI", transaction);
        for (tag, items) in [
            (tags::REFERENCED_SOP_SEQUENCE, committed),
            (tags::FAILED_SOP_SEQUENCE, failed),
        ] {
            if !items.is_empty() {
                put(&mut information, tag, "SQ", items);
            }
        }
        information
    }
}

fn put(into: &mut Map<String, Json>, tag: Tag, vr: &str, values: Vec<Json>) {
    let key = format!("{:04X}{:04X}", tag.group(), tag.element());
    into.insert(key, json!({ "vr": vr, "Value": values }));
}

/// Writes a request down, to be reported on an association of its own after `delay` unless somebody
/// [holds](index::Index::hold_report) the report before: the job's id. `None`: the peer has too many that wait.
///
/// # Errors
/// The request is not written down.
pub async fn note(
    pipeline: &Pipeline,
    peer: &AeTitle,
    transaction: &Uid,
    references: &[Reference],
    delay: Duration,
) -> Result<Option<i64>, IndexError> {
    let index = pipeline.archive().index();
    index
        .note_commitment(peer.as_str(), transaction, references, delay)
        .await
}

/// What is to be reported of a transaction, with what can be answered for now.
///
/// # Errors
/// The index did not answer.
pub async fn reports(pipeline: &Pipeline, peer: &str, transaction: &Uid) -> Result<Vec<Report>, ArchiveError> {
    let archive = pipeline.archive();
    let mut reports = Vec::new();
    for request in archive.index().unreported(peer, transaction).await? {
        let judged = if request.duplicate {
            let failed = |reference| (reference, Some(status::DUPLICATE_TRANSACTION_UID));
            request.references.into_iter().map(failed).collect()
        } else {
            let _place = pipeline.shared.checks.acquire().await;
            let custody = archive.custody(&request.references).await?;
            judged(request.references, &custody)
        };
        let report = Report {
            commitment: request.id,
            transaction: transaction.clone(),
            judged,
        };
        let (objects, failed) = (report.judged.len(), report.failed());
        tracing::info!(peer, %transaction, objects, failed, "storage commitment");
        metrics::counter!("isocenter_commitments_total", "outcome" => if failed == 0 { "committed" } else { "failed" })
            .increment(1);
        reports.push(report);
    }
    Ok(reports)
}

/// Failure Reasons (PS3.3 §C.14.1.1), and what each means here.
pub const REASONS: [(Status, &str); 5] = [
    (status::NO_SUCH_SOP_INSTANCE, "no such object is served"),
    (status::PROCESSING_FAILURE, "the bytes are not those that were stored"),
    (status::CLASS_INSTANCE_CONFLICT, "the object is of another SOP class"),
    (
        status::SOP_CLASS_NOT_SUPPORTED,
        "no such object, nor a SOP class that is stored",
    ),
    (
        status::DUPLICATE_TRANSACTION_UID,
        "the Transaction UID was used for another request before",
    ),
];

/// Why each reference is not committed (PS3.3 §C.14.1.1), where it is not.
fn judged(references: Vec<Reference>, custody: &[Custody]) -> Vec<(Reference, Option<Status>)> {
    let judge = |(reference, custody): (Reference, &Custody)| {
        let failure = match custody {
            Custody::Intact => None,
            Custody::Missing if !sop::is_storage(reference.sop_class.as_str()) => Some(status::SOP_CLASS_NOT_SUPPORTED),
            Custody::Missing => Some(status::NO_SUCH_SOP_INSTANCE),
            Custody::OtherClass => Some(status::CLASS_INSTANCE_CONFLICT),
            Custody::Damaged => Some(status::PROCESSING_FAILURE),
        };
        (reference, failure)
    };
    references.into_iter().zip(custody).map(judge).collect()
}

/// Reports on associations of their own, until `stop`.
pub(crate) async fn run(pipeline: Pipeline, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    while !stop.is_cancelled() {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let index = pipeline.archive().index();
        let claimed = index.claim_reports(1, LEASE).await;
        let jobs = taken(
            index,
            claimed,
            &stop,
            |error| tracing::warn!(%error, "reports of storage commitment wait for the index"),
        )
        .await;
        if let Some(job) = jobs.into_iter().next() {
            let pipeline = pipeline.clone();
            tasks.spawn(async move {
                settle(&pipeline, &job).await;
                drop(place);
            });
        }
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// Why a report did not get through.
enum NotTold {
    /// Try again.
    Later(String),
    /// A person must look at it.
    Dead(String),
}

async fn settle(pipeline: &Pipeline, job: &index::Report) {
    let index = pipeline.archive().index();
    let (peer, transaction) = (job.peer.as_str(), &job.transaction);
    let (outcome, recorded) = match destination(pipeline, peer) {
        Err(reason) => ("dead", bury(index, job, &reason).await),
        Ok(destination) => match tell(pipeline, &destination, job).await {
            Ok(()) => ("done", index.finish(&[job.id], &[]).await),
            Err(NotTold::Dead(reason)) => ("dead", bury(index, job, &reason).await),
            Err(NotTold::Later(reason)) => match destination.retry.pause(job.attempts) {
                None => ("dead", bury(index, job, &reason).await),
                Some(pause) => {
                    tracing::info!(peer, %transaction, reason, "a storage commitment was not reported; it is tried again");
                    ("retried", index.retry(&[job.id], pause, &reason).await)
                }
            },
        },
    };
    metrics::counter!("isocenter_commitment_reports_total", "outcome" => outcome).increment(1);
    if let Err(error) = recorded {
        tracing::warn!(peer, %transaction, %error, "the report of a storage commitment stays claimed until its lease ends");
    }
}

async fn bury(index: &index::Index, job: &index::Report, reason: &str) -> Result<(), IndexError> {
    let (peer, transaction) = (job.peer.as_str(), &job.transaction);
    tracing::error!(peer, %transaction, reason, "a storage commitment is not reported: dead letter");
    index.bury(&[job.id], reason).await
}

/// Where a peer listens.
fn destination(pipeline: &Pipeline, peer: &str) -> Result<Destination, String> {
    let title = AeTitle::parse(peer).map_err(|error| error.to_string())?;
    match retrieve::destination(&pipeline.set(), &title) {
        Ok(Some(destination)) => Ok(destination),
        Ok(None) => Err(format!(
            "{peer} has closed its association, and no destination says where it listens; configure one with its AE title"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// Tells a peer what is still to be reported.
async fn tell(pipeline: &Pipeline, destination: &Destination, job: &index::Report) -> Result<(), NotTold> {
    // First whether it is there: the bytes of many objects need not be read for one who is not.
    let mut association = associate(destination).await?;
    let began = Instant::now();
    let reports = reports(pipeline, &job.peer, &job.transaction)
        .await
        .map_err(|error| NotTold::Later(error.to_string()))?;
    if began.elapsed() > PATIENCE {
        release(association).await;
        association = associate(destination).await?;
    }
    for report in &reports {
        let answered = send(&mut association, report).await?;
        judge(answered)?;
        // Where this is not noted, the peer is told the same again.
        let noted = pipeline.archive().index().reported(report.commitment).await;
        noted.map_err(|error| NotTold::Later(error.to_string()))?;
    }
    release(association).await;
    Ok(())
}

async fn associate(destination: &Destination) -> Result<Association<Stream>, NotTold> {
    let peer = Peer::of(destination).map_err(|error| NotTold::Dead(error.to_string()))?;
    let mut proposal = peer.proposal().map_err(|error| NotTold::Dead(error.to_string()))?;
    let class = sop::STORAGE_COMMITMENT;
    // This side is the provider on an association that it asks for (PS3.4 §J.3.3).
    let role = RoleSelection {
        sop_class: class.to_owned(),
        scu: false,
        scp: true,
    };
    proposal
        .add_context(class, &PLAIN)
        .and_then(|_| proposal.add_role(role))
        .map_err(|error| NotTold::Dead(error.to_string()))?;
    let associated = peer.associate(&proposal, ANSWERS).await;
    associated.map_err(|error| NotTold::Later(error.to_string()))
}

/// Sends a report: the status of the answer.
async fn send(association: &mut Association<Stream>, report: &Report) -> Result<Status, NotTold> {
    // A peer that says nothing about roles is taken to agree: many do not know role selection.
    let mut roles = association.roles().iter();
    if roles.any(|role| role.sop_class == sop::STORAGE_COMMITMENT && !role.scp) {
        return Err(NotTold::Later(
            "the peer does not let this host be the provider".to_owned(),
        ));
    }
    let mut contexts = association.contexts().iter();
    let accepted = contexts.find(|context| context.abstract_syntax == sop::STORAGE_COMMITMENT);
    let Some((context, syntax)) = accepted.map(|context| (context.id, context.transfer_syntax.clone())) else {
        let reason = "the peer does not accept a presentation context for storage commitment";
        return Err(NotTold::Later(reason.to_owned()));
    };
    let syntax = TransferSyntax::lookup(&syntax).unwrap_or_else(TransferSyntax::implicit_le);
    let request = report.request(association.next_message_id());
    let exchange = async {
        association.send(context, &request, Some(report.data(&syntax))).await?;
        association.response(request.message_id()).await
    };
    let response = exchange.await.map_err(|error| NotTold::Later(error.to_string()))?;
    Ok(response.status().unwrap_or(status::PROCESSING_FAILURE))
}

/// What the answer to a report means (PS3.7 §10.1.1.1.8).
fn judge(answered: Status) -> Result<(), NotTold> {
    match answered {
        answered if answered.is_performed() => Ok(()),
        status::PROCESSING_FAILURE | status::RESOURCE_LIMITATION | status::NOT_AUTHORIZED => {
            Err(NotTold::Later(format!("the peer answered the report with {answered}")))
        }
        answered => Err(NotTold::Dead(format!("the peer refused the report with {answered}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Custody, Reference, Report, Uid, judged};

    #[test]
    fn each_reference_is_committed_or_failed_with_its_reason() {
        let uid = |text: &str| Uid::parse(text).unwrap();
        let ct = "1.2.840.10008.5.1.4.1.1.2";
        let table = [
            (ct, Custody::Intact, None),
            (ct, Custody::Missing, Some(0x0112)),
            ("1.2.840.10008.5.1.4.31", Custody::Missing, Some(0x0122)),
            (ct, Custody::OtherClass, Some(0x0119)),
            (ct, Custody::Damaged, Some(0x0110)),
        ];
        let references = table.iter().map(|(class, ..)| Reference {
            sop_class: uid(class),
            object: uid("1.2.3"),
        });
        let custody: Vec<Custody> = table.iter().map(|(_, custody, _)| *custody).collect();
        let judged = judged(references.collect(), &custody);
        let reasons: Vec<_> = judged
            .iter()
            .map(|(_, reason)| reason.map(|reason| reason.code()))
            .collect();
        assert_eq!(reasons, table.map(|(.., reason)| reason));

        let report = |judged: &[_]| Report {
            commitment: 1,
            transaction: uid("1.9"),
            judged: judged.to_vec(),
        };
        let (all, some) = (report(&judged[..1]), report(&judged));
        assert_eq!((all.event_type(), some.event_type()), (1, 2));
        assert!(!all.information().contains_key("00081198"));
        let some = some.information();
        assert_eq!(some["00081198"]["Value"][0]["00081197"]["Value"][0], 0x0112);
        assert_eq!(some["00081199"]["Value"].as_array().unwrap().len(), 1);
    }
}

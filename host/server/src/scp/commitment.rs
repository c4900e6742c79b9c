//! Storage commitment (PS3.4 Annex J), the provider's side of an association: an N-ACTION is written down and answered, and
//! reported by N-EVENT-REPORT as soon as the bytes have been looked at, if the association lasts that long. What it does not
//! see is reported on another, which is the pipeline's.

mod request;
mod told;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dimse::{AeTitle, Association, AssociationError, Command, Message, Stream, status};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::commitment::{self, Report};
use tokio::task::JoinSet;

pub(super) use self::told::told;
use super::identifier::Unfit;

/// How long the peer may take to answer a report on its own association before it is told on another.
const LEASE: Duration = Duration::from_secs(30);
/// Requests of one association that are looked at for it; what comes beyond is reported on another association.
const MOST: usize = 4;

/// What is still to be reported on an association.
pub(super) struct Reports {
    pipeline: Pipeline,
    peer: AeTitle,
    /// How long a request may take to be reported here.
    within: Duration,
    /// Jobs that are not done here yet.
    jobs: BTreeSet<i64>,
    checking: JoinSet<Option<Checked>>,
    asked: Option<Asked>,
}

/// A transaction whose bytes have been looked at.
pub(super) struct Checked {
    job: i64,
    context: u8,
    syntax: TransferSyntax,
    reports: VecDeque<Report>,
}

/// A report that the peer has not answered yet; those behind it wait.
struct Asked {
    message_id: u16,
    commitment: i64,
    rest: Checked,
}

impl Reports {
    pub(super) fn new(pipeline: &Pipeline, peer: &AeTitle, within: Duration) -> Self {
        Self {
            pipeline: pipeline.clone(),
            peer: peer.clone(),
            within,
            jobs: BTreeSet::new(),
            checking: JoinSet::new(),
            asked: None,
        }
    }

    /// One N-ACTION. A request that is refused is answered with its status, and the association goes on.
    pub(super) async fn action(
        &mut self,
        association: &mut Association<Stream>,
        message: &Message,
    ) -> Result<(), AssociationError> {
        let noted = match request::receive(association, message).await? {
            Ok(asked) => self.note(&asked).await.map(|job| (job, asked.transaction)),
            Err(unfit) => Err(unfit),
        };
        let (job, transaction) = match noted {
            Ok(noted) => noted,
            Err(unfit) => {
                tracing::warn!(status = %unfit.status, reason = unfit.comment, "storage commitment refused");
                metrics::counter!("isocenter_commitments_total", "outcome" => "refused").increment(1);
                let answer = unfit.response(&message.command);
                return association.send(message.context, &answer, None).await;
            }
        };
        self.jobs.insert(job);
        let answer = message.command.response(status::SUCCESS);
        association.send(message.context, &answer, None).await?;
        let context = association.context(message.context);
        let syntax = context.and_then(|context| TransferSyntax::lookup(&context.transfer_syntax));
        if let Some(syntax) = syntax.filter(|_| self.checking.len() < MOST) {
            self.check(job, message.context, syntax, transaction);
        }
        Ok(())
    }

    async fn note(&self, asked: &request::Asked) -> Result<i64, Unfit> {
        let noted = commitment::note(
            &self.pipeline,
            &self.peer,
            &asked.transaction,
            &asked.references,
            self.within,
        );
        match noted.await {
            Ok(Some(job)) => Ok(job),
            Ok(None) => {
                let comment = "too many requests wait for their report";
                Err(Unfit::new(status::RESOURCE_LIMITATION, comment))
            }
            Err(error) if error.is_passing() => Err(Unfit::new(status::RESOURCE_LIMITATION, error.to_string())),
            Err(error) => Err(Unfit::new(status::PROCESSING_FAILURE, error.to_string())),
        }
    }

    /// Looks at the bytes beside whatever the association does.
    fn check(&mut self, job: i64, context: u8, syntax: TransferSyntax, transaction: Uid) {
        let (pipeline, peer, within) = (self.pipeline.clone(), self.peer.clone(), self.within);
        self.checking.spawn(async move {
            let reports = commitment::reports(&pipeline, peer.as_str(), &transaction);
            match tokio::time::timeout(within, reports).await {
                Ok(Ok(reports)) => Some(Checked {
                    job,
                    context,
                    syntax,
                    reports: reports.into(),
                }),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a storage commitment is reported later");
                    None
                }
                Err(_) => None,
            }
        });
    }

    /// Waits for something to be reported; for ever where nothing is, or where the peer has yet to answer. Cancel-safe.
    pub(super) async fn due(&mut self) -> Checked {
        while self.asked.is_none() {
            match self.checking.join_next().await {
                Some(Ok(Some(checked))) => return checked,
                Some(_) => {}
                None => break,
            }
        }
        std::future::pending().await
    }

    /// Reports, unless another does already.
    pub(super) async fn send(
        &mut self,
        association: &mut Association<Stream>,
        checked: Checked,
    ) -> Result<(), AssociationError> {
        let index = self.pipeline.archive().index();
        match index.hold_report(checked.job, LEASE).await {
            Ok(true) => self.ask(association, checked).await,
            Ok(false) => {
                self.jobs.remove(&checked.job);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "a storage commitment is reported later");
                Ok(())
            }
        }
    }

    async fn ask(
        &mut self,
        association: &mut Association<Stream>,
        mut checked: Checked,
    ) -> Result<(), AssociationError> {
        let Some(report) = checked.reports.pop_front() else {
            self.jobs.remove(&checked.job);
            let ended = self.pipeline.archive().index().finish(&[checked.job], &[]).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "the report of a storage commitment stays claimed until its lease ends");
            }
            return Ok(());
        };
        let request = report.request(association.next_message_id());
        let (context, data) = (checked.context, report.data(&checked.syntax));
        self.asked = Some(Asked {
            message_id: request.message_id(),
            commitment: report.commitment,
            rest: checked,
        });
        association.send(context, &request, Some(data)).await
    }

    /// Takes the answer to a report.
    pub(super) async fn answered(
        &mut self,
        association: &mut Association<Stream>,
        response: &Command,
    ) -> Result<(), AssociationError> {
        let Some(asked) = self.asked.take_if(|asked| asked.message_id == response.message_id()) else {
            return Ok(());
        };
        let answered = response.status().unwrap_or(status::PROCESSING_FAILURE);
        let noted = if answered.is_performed() {
            let index = self.pipeline.archive().index();
            index
                .reported(asked.commitment)
                .await
                .map_err(|error| error.to_string())
        } else {
            Err(format!("the peer answered {answered} on its own association"))
        };
        match noted {
            Ok(()) => self.ask(association, asked.rest).await,
            Err(reason) => {
                self.jobs.remove(&asked.rest.job);
                self.leave(asked.rest.job, &reason).await;
                Ok(())
            }
        }
    }

    /// The association is over: what it has not seen is due at once on another.
    pub(super) async fn close(mut self) {
        self.checking.abort_all();
        if let Some(asked) = self.asked.take() {
            self.jobs.remove(&asked.rest.job);
            let reason = "the peer left before it answered the report";
            self.leave(asked.rest.job, reason).await;
        }
        if self.jobs.is_empty() {
            return;
        }
        let jobs: Vec<i64> = self.jobs.into_iter().collect();
        if let Err(error) = self.pipeline.archive().index().hasten_reports(&jobs).await {
            tracing::warn!(%error, "a storage commitment is reported a little later");
        }
    }

    /// Gives a held job back.
    async fn leave(&self, job: i64, reason: &str) {
        let index = self.pipeline.archive().index();
        if let Err(error) = index.retry(&[job], Duration::ZERO, reason).await {
            tracing::warn!(%error, "the report of a storage commitment stays claimed until its lease ends");
        }
    }
}

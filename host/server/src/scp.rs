//! The DICOM service provider: the port that modalities send to and workstations ask at.
//!
//! One task per association, bounded in number. The wire is `isocenter-dimse`'s and objects are the pipeline's; what is
//! here is who may associate and how long an association lasts. What is accepted is decided in [`negotiate`], from the
//! table in [`service`]; each service has a file.

mod callers;
mod commitment;
#[cfg(test)]
mod conformance;
mod echo;
mod find;
mod identifier;
mod negotiate;
mod operation;
mod performed;
mod permission;
mod retrieve;
mod service;
mod store;
mod worklist;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::index::{Source, Transport};
use isocenter_dimse::{
    AbortReason, Acceptance, Admission, AeTitle, Association, AssociationError, CommandField, Incoming, Indication,
    Message, Rejection, Request, Stream, status,
};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::destination::Target;
use isocenter_pipeline::door::Visit;
use isocenter_pipeline::ingest::Session;
use isocenter_role::{Action, Role};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

pub use self::callers::Callers;
use self::callers::{Leave, Refusal};
use self::commitment::Reports;
use self::find::Finder;
use self::identifier::Root;
use self::performed::Performed;
use self::permission::Who;
use self::retrieve::{Retriever, Way};
use self::service::Service;
use self::worklist::Worklist;
use crate::gate::{self, Peer};

/// How the provider presents itself and whom it lets in.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Whether an association that calls another AE title is accepted all the same.
    pub any_called_ae: bool,
    /// Associations at a time; one more is rejected as transient, "local limit exceeded" (PS3.8 §9.3.4).
    pub associations: usize,
    /// Answers to one C-FIND at most.
    pub find_limit: u64,
    /// How long a storage commitment may take to be reported on the association that asked for it.
    pub report_within: Duration,
    /// How long an association may last: then it ends when it rests, and after the same time again in whatever it does.
    pub association_time: Duration,
    /// How long associations may go on once the host is to end.
    pub grace: Duration,
    /// The wire's own limits.
    pub wire: isocenter_dimse::Options,
}

/// What every association shares.
struct Provider {
    options: Options,
    pipeline: Pipeline,
    callers: watch::Receiver<Arc<Callers>>,
    /// Cancelled when no new work is taken.
    draining: CancellationToken,
}

/// How long an open association may rest between two messages once the host drains.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// An association's requestor.
#[derive(Debug, Default)]
struct Caller {
    /// What it may ask for. Lasts as long as the association: it holds the caller's place.
    leave: Leave,
    /// Who it is.
    who: Who,
}

/// How an association ended in order.
enum Ended {
    /// By the peer's release.
    Released,
    /// By this host, which drains, in a pause.
    Resting,
    /// By this host, in a pause: it has lasted as long as one may.
    TimeUp,
}

/// Counts an association, or a query on it, that came up against a limit of the configuration.
fn limit_reached(limit: &'static str) {
    metrics::counter!("isocenter_association_limits_total", "limit" => limit).increment(1);
}

/// Connections that may wait for their rejection at a time, over those that are served.
const BEING_REJECTED: usize = 64;

/// What arrives at the ports.
#[derive(Debug)]
pub struct Ports {
    /// Where associations are plain.
    pub plain: TcpListener,
    /// Where they are over TLS.
    pub tls: Option<TcpListener>,
}

impl Ports {
    /// The next connection, and whether it is to speak TLS.
    async fn accept(&self) -> std::io::Result<(TcpStream, SocketAddr, bool)> {
        let over_tls = async {
            match &self.tls {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.plain.accept() => accepted.map(|(stream, peer)| (stream, peer, false)),
            accepted = over_tls => accepted.map(|(stream, peer)| (stream, peer, true)),
        }
    }
}

/// Accepts associations until `draining` is cancelled, then waits for those that are open, at most the grace time.
pub async fn serve(
    ports: Ports,
    options: Options,
    callers: watch::Receiver<Arc<Callers>>,
    pipeline: Pipeline,
    draining: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(options.associations));
    let doors = Arc::new(Semaphore::new(options.associations + BEING_REJECTED));
    let grace = options.grace;
    let provider = Arc::new(Provider {
        options,
        pipeline,
        callers,
        draining: draining.clone(),
    });
    let open = TaskTracker::new();
    let hard_stop = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            accepted = ports.accept() => accepted,
        };
        let (stream, peer, over_tls) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: pausing lets others end.
                tracing::warn!(%error, "cannot accept a DICOM connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(door) = Arc::clone(&doors).try_acquire_owned() else {
            continue;
        };
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let provider = Arc::clone(&provider);
        let stop = hard_stop.clone();
        let span = tracing::info_span!("association", peer = %peer, calling = tracing::field::Empty);
        open.spawn(
            async move {
                tokio::select! {
                    () = stop.cancelled() => tracing::warn!("association cut: the host ends"),
                    () = provider.associate(stream, peer, over_tls, place) => {}
                }
                drop(door);
            }
            .instrument(span),
        );
    }
    // Who knocks from here on is refused at once, rather than left in the kernel's queue.
    drop(ports);
    open.close();
    if tokio::time::timeout(grace, open.wait()).await.is_err() {
        hard_stop.cancel();
        open.wait().await;
    }
}

impl Provider {
    /// One connection from its A-ASSOCIATE-RQ to its end. Without a place it is told to come later.
    async fn associate(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        over_tls: bool,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let gauge = metrics::gauge!("isocenter_associations");
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let callers = Arc::clone(&self.callers.borrow());
        let received = async {
            let stream = match callers.tls.as_ref().filter(|_| over_tls) {
                None if over_tls => return Err(AssociationError::Closed("TLS, which is not configured any more")),
                None => Stream::Plain(stream),
                Some(tls) => tls.accept(stream, self.options.wire.artim).await?,
            };
            let certificate_subject = stream.certificate_subject();
            Ok((
                Indication::receive(stream, &self.options.wire).await?,
                certificate_subject,
            ))
        };
        let (indication, certificate_subject) = match Box::pin(received).await {
            Ok(received) => received,
            Err(error) => {
                tracing::info!(%error, "no association");
                error.limit().into_iter().for_each(limit_reached);
                metrics::counter!("isocenter_associations_total", "outcome" => "failed").increment(1);
                return;
            }
        };
        let request = indication.request().clone();
        tracing::Span::current().record("calling", request.calling_ae.to_string());
        let admitted = if place.is_none() {
            Err(Refusal::limit("associations"))
        } else if self.draining.is_cancelled() {
            Err(Refusal {
                rejection: Rejection::CONGESTION,
                reason: "draining",
            })
        } else {
            let peer = Peer {
                address: peer.ip(),
                over_tls,
                certificate_subject,
            };
            Box::pin(self.admit(&request, &peer, &callers)).await
        };
        let (acceptance, caller) = match admitted {
            Ok(admitted) => admitted,
            Err(Refusal { rejection, reason }) => {
                tracing::info!(%rejection, reason, called = %request.called_ae, "association rejected");
                metrics::counter!("isocenter_associations_total", "outcome" => "rejected").increment(1);
                metrics::counter!("isocenter_associations_rejected_total", "reason" => reason).increment(1);
                let _ = indication.answer(Admission::Reject(rejection)).await;
                return;
            }
        };
        let mut association = match indication.answer(Admission::Accept(acceptance)).await {
            Ok(association) => association,
            Err(error) => {
                tracing::info!(%error, "no association");
                return;
            }
        };
        if let Some(bandwidth) = &caller.leave.bandwidth {
            association.hold_to(Arc::clone(bandwidth));
        }
        gauge.increment(1.0);
        let mut session = self.pipeline.session(Source {
            calling_ae: Some(request.calling_ae.to_string()),
            called_ae: Some(request.called_ae.to_string()),
            peer: Some(peer.ip().to_string()),
            transport: Transport::Dimse,
            subject: caller.who.subject(),
            hops: 0,
        });
        let mut reports = Reports::new(&self.pipeline, &request.calling_ae, self.options.report_within);
        let conversation = self.converse(&mut association, &mut session, &mut reports, &caller);
        let twice = self.options.association_time.saturating_mul(2);
        let ended = tokio::time::timeout(twice, conversation)
            .await
            .unwrap_or(Ok(Ended::TimeUp));
        Box::pin(session.close()).await;
        Box::pin(reports.close()).await;
        if caller.leave.bandwidth.is_some() {
            let rested = association.rested().as_secs_f64();
            metrics::histogram!("isocenter_association_bandwidth_wait_seconds").record(rested);
        }
        if matches!(ended, Ok(Ended::Resting | Ended::TimeUp)) {
            association.abort(AbortReason::User).await;
        }
        gauge.decrement(1.0);
        let outcome = match ended {
            Ok(Ended::Released) => "released",
            Ok(Ended::Resting) => "drained",
            Ok(Ended::TimeUp) => {
                tracing::info!("association ended: it has lasted as long as one may");
                limit_reached("association_time");
                "time-up"
            }
            Err(AssociationError::Aborted(_)) => "aborted",
            Err(error) => {
                tracing::info!(%error, "association ended");
                error.limit().into_iter().for_each(limit_reached);
                "failed"
            }
        };
        metrics::counter!("isocenter_associations_total", "outcome" => outcome).increment(1);
    }

    /// What is granted to a requestor, and who it is.
    async fn admit(&self, request: &Request, peer: &Peer, callers: &Callers) -> Result<(Acceptance, Caller), Refusal> {
        if !self.options.any_called_ae && request.called_ae != self.options.ae_title {
            return Err(Refusal {
                rejection: Rejection::CALLED_AE,
                reason: "called-ae",
            });
        }
        let leave = callers.admit(&request.calling_ae, peer)?;
        let set = self.pipeline.set();
        let identity = gate::admit(&set.gates, request, peer, &|gate, answer| {
            let visit = Visit {
                who: Some(format!("{} from {}", request.calling_ae, peer.address)),
                ..Visit::default()
            };
            self.pipeline.at_door(gate, Role::Gate, answer, visit, gate::answered);
        })
        .await
        .map_err(|rejection| Refusal {
            rejection,
            reason: "gate",
        })?;
        let acceptance = negotiate::accept(request, &leave, identity.is_some());
        let who = Who::new(identity, request, peer.address);
        Ok((acceptance, Caller { leave, who }))
    }

    async fn retrieve(
        &self,
        association: &mut Association<Stream>,
        caller: &Caller,
        message: &Message,
        root: Root,
        way: Way,
    ) -> Result<(), AssociationError> {
        let retriever = Retriever {
            pipeline: &self.pipeline,
            who: &caller.who,
            calling_ae: &association.request().calling_ae.clone(),
        };
        retriever.perform(association, message, root, way).await
    }

    /// Answers messages until the association is released or fails. While the host drains, a sender that goes on sending
    /// is served to its end, and one that rests is told to go: between two messages nothing is lost.
    async fn converse(
        &self,
        association: &mut Association<Stream>,
        session: &mut Session,
        reports: &mut Reports,
        caller: &Caller,
    ) -> Result<Ended, AssociationError> {
        let time_up = tokio::time::Instant::now() + self.options.association_time;
        loop {
            let rests = async {
                self.draining.cancelled().await;
                tokio::time::sleep(LAST_PAUSE).await;
            };
            let incoming = tokio::select! {
                incoming = association.next() => incoming?,
                checked = reports.due() => {
                    reports.send(association, checked).await?;
                    continue;
                }
                () = rests => return Ok(Ended::Resting),
                () = tokio::time::sleep_until(time_up) => return Ok(Ended::TimeUp),
            };
            let message = match incoming {
                Incoming::Released => return Ok(Ended::Released),
                Incoming::Message(message) => message,
            };
            // Boxed: what performing takes would otherwise be kept room for by associations that rest, which most do.
            Box::pin(self.perform(association, session, reports, caller, &message)).await?;
        }
    }

    /// Whether the caller's AE title is that of a destination with filters. To show it queries would tell it what the filters
    /// take away.
    fn is_filtered(&self, association: &Association<Stream>) -> bool {
        let calling = &association.request().calling_ae;
        self.pipeline.set().destinations.values().any(|destination| {
            let Target::Dicom(peer) = &destination.target else {
                return false;
            };
            peer.ae_title == *calling && !destination.egress.is_empty()
        })
    }

    /// Performs one message.
    async fn perform(
        &self,
        association: &mut Association<Stream>,
        session: &mut Session,
        reports: &mut Reports,
        caller: &Caller,
        message: &Message,
    ) -> Result<(), AssociationError> {
        let leave = &caller.leave;
        let field = message.command.field();
        let context = association.context(message.context);
        let service = context.and_then(|context| Service::of(&context.abstract_syntax));
        match service.filter(|service| service.requests().contains(&field)) {
            Some(service) if !leave.holds(service) => {
                tracing::warn!(%field, "the caller may not ask for it");
                let answer = message.command.response(status::NOT_AUTHORIZED);
                association.send(message.context, &answer, None).await?;
            }
            Some(service) if service.shows() && !leave.names(service) && self.is_filtered(association) => {
                tracing::warn!(%field, "what goes to the caller is filtered, and answers to queries are not");
                let answer = message.command.response(status::NOT_AUTHORIZED);
                let answer = answer.with_error_comment("filtered: name the service for this caller in dicom.callers");
                association.send(message.context, &answer, None).await?;
            }
            Some(Service::Verification) => echo::perform(association, message).await?,
            Some(Service::Storage) => store::perform(association, session, message).await?,
            Some(Service::Commitment) if field == CommandField::N_EVENT_REPORT_RQ => {
                commitment::told(&self.pipeline, association, message).await?;
            }
            Some(Service::Commitment) => reports.action(association, message).await?,
            Some(Service::Find(root)) => {
                let finder = Finder {
                    pipeline: &self.pipeline,
                    who: &caller.who,
                    ae_title: &self.options.ae_title,
                    limit: self.options.find_limit,
                };
                finder.perform(association, message, root).await?;
            }
            Some(Service::Worklist | Service::PerformedRetrieve)
                if let Err(unfit) = caller.who.may_entirely(&self.pipeline, Action::Search, message).await =>
            {
                association
                    .send(message.context, &unfit.response(&message.command), None)
                    .await?;
            }
            Some(Service::Worklist) => {
                let worklist = Worklist {
                    archive: self.pipeline.archive(),
                    limit: self.options.find_limit,
                };
                worklist.perform(association, message).await?;
            }
            Some(Service::Performed | Service::PerformedRetrieve) => {
                let performed = Performed {
                    archive: self.pipeline.archive(),
                };
                performed.perform(association, message).await?;
            }
            Some(Service::Get(root)) => self.retrieve(association, caller, message, root, Way::Back).await?,
            Some(Service::Move(root)) => self.retrieve(association, caller, message, root, Way::On).await?,
            None if field == CommandField::N_EVENT_REPORT_RSP => {
                reports.answered(association, &message.command).await?
            }
            None if field.is_response() || field == CommandField::C_CANCEL_RQ => {
                tracing::debug!(%field, "nothing here waits for it");
            }
            None => {
                tracing::info!(%field, "not a service of this host, or not in this presentation context");
                let answer = message.command.response(status::UNRECOGNIZED_OPERATION);
                association.send(message.context, &answer, None).await?;
            }
        }
        Ok(())
    }
}

//! The DICOM service provider: the port that modalities send to (PS3.4 Annex A Verification, Annex B Storage).
//!
//! One task per association, bounded in number. The wire is `isocenter-dimse`'s and objects are the pipeline's; what is
//! here is who may associate, which presentation contexts are accepted, and which status a refusal becomes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{
    AbortReason, Acceptance, Admission, AeTitle, Association, AssociationError, Command, CommandField, ContextRefusal,
    Incoming, Indication, Message, ProposedContext, Rejection, Request, Status, UserIdentityKind, sop, status,
};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::door::Visit;
use isocenter_pipeline::ingest::{Accepted, Announced, Session};
use isocenter_pipeline::refusal::{Refusal, RefusalKind};
use isocenter_role::Role;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::gate;

/// How the provider presents itself and whom it lets in.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Whether an association that calls another AE title is accepted all the same.
    pub any_called_ae: bool,
    /// Associations at a time; one more is rejected as transient, "local limit exceeded" (PS3.8 §9.3.4).
    pub associations: usize,
    /// How long associations may go on once the host is to end.
    pub grace: Duration,
    /// The wire's own limits.
    pub wire: isocenter_dimse::Options,
}

/// What every association shares.
struct Provider {
    options: Options,
    pipeline: Pipeline,
    /// Cancelled when no new work is taken.
    draining: CancellationToken,
}

/// How long an open association may rest between two messages once the host drains.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// How an association ended in order.
enum Ended {
    /// By the peer's release.
    Released,
    /// By this host, which drains, in a pause.
    Resting,
}

/// Connections that may wait for their rejection at a time, over those that are served.
const BEING_REJECTED: usize = 64;

/// Accepts associations until `draining` is cancelled, then waits for those that are open, at most the grace time.
pub async fn serve(listener: TcpListener, options: Options, pipeline: Pipeline, draining: CancellationToken) {
    let places = Arc::new(Semaphore::new(options.associations));
    let doors = Arc::new(Semaphore::new(options.associations + BEING_REJECTED));
    let grace = options.grace;
    let provider = Arc::new(Provider {
        options,
        pipeline,
        draining: draining.clone(),
    });
    let open = TaskTracker::new();
    let hard_stop = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
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
                    () = provider.associate(stream, peer, place) => {}
                }
                drop(door);
            }
            .instrument(span),
        );
    }
    // Who knocks from here on is refused at once, rather than left in the kernel's queue.
    drop(listener);
    open.close();
    if tokio::time::timeout(grace, open.wait()).await.is_err() {
        hard_stop.cancel();
        open.wait().await;
    }
}

impl Provider {
    /// One connection from its A-ASSOCIATE-RQ to its end. Without a place it is told to come later.
    async fn associate(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let gauge = metrics::gauge!("isocenter_associations");
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let indication = match Indication::receive(stream, &self.options.wire).await {
            Ok(indication) => indication,
            Err(error) => {
                tracing::info!(%error, "no association");
                metrics::counter!("isocenter_associations_total", "outcome" => "failed").increment(1);
                return;
            }
        };
        let request = indication.request().clone();
        tracing::Span::current().record("calling", request.calling_ae.to_string());
        let admitted = if place.is_none() {
            Err(Rejection::LOCAL_LIMIT)
        } else if self.draining.is_cancelled() {
            Err(Rejection::CONGESTION)
        } else {
            self.admit(&request, peer).await
        };
        let (admission, subject) = match admitted {
            Ok((acceptance, subject)) => (Admission::Accept(acceptance), subject),
            Err(rejection) => (Admission::Reject(rejection), None),
        };
        if let Admission::Reject(rejection) = &admission {
            tracing::info!(%rejection, called = %request.called_ae, "association rejected");
            metrics::counter!("isocenter_associations_total", "outcome" => "rejected").increment(1);
            let _ = indication.answer(admission).await;
            return;
        }
        let mut association = match indication.answer(admission).await {
            Ok(association) => association,
            Err(error) => {
                tracing::info!(%error, "no association");
                return;
            }
        };
        gauge.increment(1.0);
        let mut session = self.pipeline.session(Source {
            calling_ae: Some(request.calling_ae.to_string()),
            called_ae: Some(request.called_ae.to_string()),
            peer: Some(peer.ip().to_string()),
            transport: Transport::Dimse,
            subject,
            hops: 0,
        });
        let ended = self.converse(&mut association, &mut session).await;
        session.close().await;
        if matches!(ended, Ok(Ended::Resting)) {
            association.abort(AbortReason::User).await;
        }
        gauge.decrement(1.0);
        let outcome = match ended {
            Ok(Ended::Released) => "released",
            Ok(Ended::Resting) => "drained",
            Err(AssociationError::Aborted(_)) => "aborted",
            Err(error) => {
                tracing::info!(%error, "association ended");
                "failed"
            }
        };
        metrics::counter!("isocenter_associations_total", "outcome" => outcome).increment(1);
    }

    /// What is granted to a requestor, and under whose name it works where a gate says so.
    async fn admit(&self, request: &Request, peer: SocketAddr) -> Result<(Acceptance, Option<String>), Rejection> {
        if !self.options.any_called_ae && request.called_ae != self.options.ae_title {
            return Err(Rejection::CALLED_AE);
        }
        let set = self.pipeline.set();
        let identity = gate::admit(&set.gates, request, peer.ip(), &|gate, answer| {
            let visit = Visit {
                who: Some(format!("{} from {}", request.calling_ae, peer.ip())),
                ..Visit::default()
            };
            self.pipeline.at_door(gate, Role::Gate, answer, visit, gate::answered);
        })
        .await?;
        let acceptance = Acceptance {
            contexts: request.contexts.iter().map(context).collect(),
            identity_response: identity.as_ref().and_then(|_| acknowledgement(request)),
            ..Acceptance::default()
        };
        let subject = identity.map(|identity| identity.subject);
        Ok((acceptance, subject.filter(|subject| !subject.is_empty())))
    }

    /// Answers messages until the association is released or fails. While the host drains, a sender that goes on sending
    /// is served to its end, and one that rests is told to go: between two messages nothing is lost.
    async fn converse(
        &self,
        association: &mut Association<TcpStream>,
        session: &mut Session,
    ) -> Result<Ended, AssociationError> {
        loop {
            let rests = async {
                self.draining.cancelled().await;
                tokio::time::sleep(LAST_PAUSE).await;
            };
            let incoming = tokio::select! {
                incoming = association.next() => incoming?,
                () = rests => return Ok(Ended::Resting),
            };
            let message = match incoming {
                Incoming::Released => return Ok(Ended::Released),
                Incoming::Message(message) => message,
            };
            match message.command.field() {
                CommandField::C_ECHO_RQ => {
                    let answer = message.command.response(status::SUCCESS);
                    association.send(message.context, &answer, None).await?;
                }
                CommandField::C_STORE_RQ => self.store(association, session, &message).await?,
                field if field.is_response() || field == CommandField::C_CANCEL_RQ => {
                    tracing::debug!(%field, "nothing here waits for it");
                }
                field => {
                    tracing::info!(%field, "not a service of this host");
                    let answer = message.command.response(status::UNRECOGNIZED_OPERATION);
                    association.send(message.context, &answer, None).await?;
                }
            }
        }
    }

    /// One C-STORE. A refused object is answered with its status, and the association goes on.
    async fn store(
        &self,
        association: &mut Association<TcpStream>,
        session: &mut Session,
        message: &Message,
    ) -> Result<(), AssociationError> {
        let span = tracing::info_span!("object", uid = message.command.sop_instance());
        let began = std::time::Instant::now();
        let result = receive(association, session, message).instrument(span.clone()).await?;
        let answer = span.in_scope(|| match &result {
            Ok(accepted) => {
                tracing::debug!(outcome = accepted.outcome.as_str(), "C-STORE");
                message.command.response(status::SUCCESS)
            }
            Err(refusal) => {
                tracing::warn!(kind = refusal.kind.as_str(), reason = refusal.reason, "C-STORE refused");
                refused(&message.command, refusal)
            }
        });
        association.send(message.context, &answer, None).await?;
        metrics::histogram!("isocenter_store_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Takes the data set of a C-STORE-RQ. What a refused object still sends is drained by the next read.
async fn receive(
    association: &mut Association<TcpStream>,
    session: &mut Session,
    message: &Message,
) -> Result<Result<Accepted, Refusal>, AssociationError> {
    let refuse = |kind, reason: &str| {
        Ok(Err(Refusal {
            kind,
            reason: reason.to_owned(),
            identity: None,
        }))
    };
    let Some(context) = association.context(message.context) else {
        return refuse(
            RefusalKind::CannotUnderstand,
            "the presentation context was not accepted",
        );
    };
    let Some(syntax) = TransferSyntax::lookup(&context.transfer_syntax) else {
        return refuse(RefusalKind::CannotUnderstand, "the transfer syntax is not known here");
    };
    if message.command.sop_class() != Some(context.abstract_syntax.as_str()) {
        return refuse(
            RefusalKind::Mismatch,
            "the SOP class is not the one of the presentation context",
        );
    }
    if !message.has_data {
        return refuse(RefusalKind::CannotUnderstand, "the C-STORE-RQ has no data set");
    }
    let mut receiving = session.begin(Announced {
        syntax,
        sop_class: message.command.sop_class().map(str::to_owned),
        sop_instance: message.command.sop_instance().map(str::to_owned),
        study: None,
    });
    while let Some(piece) = association.data().await? {
        if let Err(refusal) = receiving.push(piece).await {
            isocenter_pipeline::ingest::count(&refusal);
            return Ok(Err(refusal));
        }
    }
    Ok(receiving.finish().await)
}

/// The positive answer to a user identity that the gates have seen: empty for a name (PS3.7 Table D.3-15). The other kinds
/// would want a ticket or a token of ours, and are not answered.
fn acknowledgement(request: &Request) -> Option<Bytes> {
    let kind = request.user_identity.as_ref()?.kind;
    matches!(kind, UserIdentityKind::Username | UserIdentityKind::UsernamePasscode).then(Bytes::new)
}

/// The answer for one proposed context: storage and verification, in the first proposed syntax that is kept as it is.
fn context(proposed: &ProposedContext) -> isocenter_dimse::ContextAnswer {
    let abstract_syntax = proposed.abstract_syntax.as_str();
    if abstract_syntax != sop::VERIFICATION && !sop::is_storage(abstract_syntax) {
        return proposed.refuse(ContextRefusal::AbstractSyntax);
    }
    let known = proposed
        .transfer_syntaxes
        .iter()
        .filter_map(|uid| TransferSyntax::lookup(uid));
    // The requestor's order is its preference. Big endian and deflated are taken only where nothing else is offered:
    // both cost the archive and every later reader more than they save.
    match known.min_by_key(|syntax| syntax.is_big_endian() || syntax.is_deflated()) {
        Some(syntax) => proposed.accept(syntax.uid().as_str()),
        None => proposed.refuse(ContextRefusal::TransferSyntaxes),
    }
}

/// The C-STORE-RSP for a refusal (PS3.4 Table B.2-1, PS3.7 Annex C), with the reason as Error Comment.
fn refused(request: &Command, refusal: &Refusal) -> Command {
    request
        .response(status_of(refusal.kind))
        .with_error_comment(&refusal.reason)
}

fn status_of(kind: RefusalKind) -> Status {
    match kind {
        RefusalKind::CannotUnderstand => status::CANNOT_UNDERSTAND,
        RefusalKind::Mismatch => status::DATA_SET_MISMATCH,
        RefusalKind::Duplicate => status::DUPLICATE,
        RefusalKind::TooLarge | RefusalKind::OutOfResources | RefusalKind::TryLater => status::OUT_OF_RESOURCES,
        RefusalKind::RefusedByPlugin => status::NOT_AUTHORIZED,
    }
}

//! STOW-RS: objects in (PS3.18 §10.5), through the same pipeline as C-STORE.
//!
//! The body is read as it comes: a part's bytes go from the socket to the pack, one chunk at a time. A part that fails
//! does not stop the others. When the body breaks off in the middle of a part, that part is not stored; the whole ones
//! before it are, and are reported.
//!
//! Besides `multipart/related; type="application/dicom"`, a bare `application/dicom` body is taken as one object, as
//! other archives do.

mod body;
mod report;

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use isocenter_archive::index::{Source, Transport};
use isocenter_dicom::part10::{Meta, MetaReader};
use isocenter_pipeline::ingest::{Accepted, Announced, Outcome, Session};
use isocenter_pipeline::refusal::{Refusal, RefusalKind};
use tracing::{Instrument, Span, field};

use self::body::Parts;
use self::report::{Failed, Named, Report, Stored, code};
use super::Scope;
use crate::accept;
use crate::access::Visitor;
use crate::app::AppState;
use crate::base_url::BaseUrl;
use crate::error::RouteError;
use crate::media::MediaType;
use crate::multipart::{Event, PartHead};

/// `POST /studies` and `POST /studies/{study}`.
pub(super) async fn store(
    State(state): State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    request: Request,
) -> Result<Response, RouteError> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let source = Source {
        calling_ae: None,
        called_ae: None,
        peer: peer.map(|ConnectInfo(peer)| peer.ip().to_string()),
        transport: Transport::Stow,
        subject: visitor.subject(),
        hops: 0,
    };
    let mut parts = Parts::of(request, &state.app.limits)?;
    let mut session = state.app.pipeline.session(source);
    let study = scope.study.as_ref().map(ToString::to_string);
    let report = take_all(&mut session, &mut parts, study).await;
    session.close().await;
    Ok(report?.answer(&base).into_response())
}

/// Takes every part. An error is one that concerns the whole request, before any part of it was judged.
async fn take_all(session: &mut Session, parts: &mut Parts, study: Option<String>) -> Result<Report, RouteError> {
    let mut report = Report::default();
    loop {
        let event = match parts.next().await {
            Ok(event) => event,
            Err(error) if report.is_empty() => return Err(error),
            Err(error) => {
                report.break_off(&error);
                return Ok(report);
            }
        };
        match event {
            Event::Head(head) => match in_span(take(session, parts, &head, study.clone())).await {
                Ok(Ok(stored)) => report.stored.push(stored),
                Ok(Err(failed)) => report.failed.push(failed),
                Err(torn) => {
                    report.failed.push(torn);
                    return Ok(report);
                }
            },
            Event::Closed if report.is_empty() => return Err(RouteError::NoObjects),
            Event::Closed => return Ok(report),
            // Between parts there is nothing else.
            Event::Data(_) | Event::End => {}
        }
    }
}

/// One object's span, as that of a C-STORE; its UID is recorded once it is read.
fn in_span<F: Future>(taking: F) -> impl Future<Output = F::Output> {
    taking.instrument(tracing::info_span!("object", uid = field::Empty))
}

/// Takes one part to its end. The outer error is a body that cannot be read on.
async fn take(
    session: &mut Session,
    parts: &mut Parts,
    head: &PartHead,
    study: Option<String>,
) -> Result<Result<Stored, Failed>, Failed> {
    let mut named = Named::default();
    let outcome = read_part(session, parts, head, study, &mut named).await;
    let identity = match &outcome {
        Ok(accepted) => Some(&accepted.identity),
        Err(Trouble::Object(refusal)) => refusal.identity.as_ref(),
        Err(_) => None,
    };
    if let Some(identity) = identity {
        Span::current().record("uid", identity.sop_instance.as_str());
    }
    match outcome {
        Ok(accepted) => Ok(Ok(stored(named, &accepted))),
        Err(Trouble::Object(refusal)) => {
            if let Some(identity) = &refusal.identity {
                named.class.get_or_insert_with(|| identity.sop_class.to_string());
                named.object.get_or_insert_with(|| identity.sop_instance.to_string());
            }
            tracing::info!(reason = %refusal, kind = refusal.kind.as_str(), "an object was not taken");
            let failed = Failed {
                named,
                code: code(refusal.kind),
                passing: matches!(refusal.kind, RefusalKind::OutOfResources | RefusalKind::TryLater),
                reason: refusal.reason,
            };
            match parts.skip_part().await {
                Ok(()) => Ok(Err(failed)),
                Err(error) => Err(Failed {
                    reason: format!("{}; then {error}", failed.reason),
                    ..failed
                }),
            }
        }
        Err(Trouble::Class(class)) => {
            let failed = Failed {
                named,
                code: report::SOP_CLASS_NOT_SUPPORTED,
                passing: false,
                reason: format!("SOP class {class} is not a storage class"),
            };
            match parts.skip_part().await {
                Ok(()) => Ok(Err(failed)),
                Err(_) => Err(failed),
            }
        }
        Err(Trouble::Body(error)) => Err(Failed::of_body(named, &error)),
    }
}

/// Why a part was not stored.
enum Trouble {
    /// The pipeline, or what stands before it, refused the object.
    Object(Refusal),
    /// Not a class that is stored.
    Class(String),
    /// The body cannot be read on.
    Body(RouteError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Object(refusal)
    }
}

impl From<RouteError> for Trouble {
    fn from(error: RouteError) -> Self {
        Self::Body(error)
    }
}

async fn read_part(
    session: &mut Session,
    parts: &mut Parts,
    head: &PartHead,
    study: Option<String>,
    named: &mut Named,
) -> Result<Accepted, Trouble> {
    is_dicom(head)?;
    let (meta, behind) = read_meta(parts).await?;
    named.class.clone_from(&meta.sop_class);
    named.object.clone_from(&meta.sop_instance);
    if let Some(class) = meta
        .sop_class
        .as_deref()
        .filter(|class| !isocenter_dimse::sop::is_storage(class))
    {
        return Err(Trouble::Class(class.to_owned()));
    }
    let mut receiving = session.begin(Announced {
        syntax: meta.syntax,
        sop_class: meta.sop_class,
        sop_instance: meta.sop_instance,
        study,
    });
    if !behind.is_empty() {
        receiving.push(behind).await?;
    }
    while let Some(data) = parts.data().await? {
        receiving.push(data).await?;
    }
    Ok(receiving.finish().await?)
}

/// Reads up to the end of the file meta information; what came behind it belongs to the data set.
async fn read_meta(parts: &mut Parts) -> Result<(Meta, bytes::Bytes), Trouble> {
    let mut reader = MetaReader::new();
    while let Some(data) = parts.data().await? {
        let found = reader.push(&data).map_err(|error| refusal(error.to_string()))?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(Trouble::Object(refusal(
        "the part ends before its file meta information does: it is not a DICOM Part 10 file".to_owned(),
    )))
}

/// A part says `application/dicom`, something that means any bytes, or nothing.
fn is_dicom(head: &PartHead) -> Result<(), Refusal> {
    let Some(media) = head.get("content-type").and_then(MediaType::parse) else {
        return Ok(());
    };
    match media.essence() {
        accept::DICOM | "application/octet-stream" => Ok(()),
        _ => Err(refusal(
            "the part's Content-Type is not application/dicom, which is the only one stored here".to_owned(),
        )),
    }
}

fn refusal(reason: String) -> Refusal {
    Refusal {
        kind: RefusalKind::CannotUnderstand,
        reason,
        identity: None,
    }
}

fn stored(named: Named, accepted: &Accepted) -> Stored {
    let identity = &accepted.identity;
    let changed = named
        .object
        .as_deref()
        .is_some_and(|sent| sent != identity.sop_instance.as_str());
    Stored {
        class: named.class.unwrap_or_else(|| identity.sop_class.to_string()),
        object: named.object.unwrap_or_else(|| identity.sop_instance.to_string()),
        // What was dropped or is held cannot be retrieved.
        at: match accepted.outcome {
            Outcome::New | Outcome::Identical | Outcome::Replaced => Some(identity.clone()),
            Outcome::Dropped | Outcome::Quarantined => None,
        },
        warning: changed.then_some(report::COERCED),
    }
}

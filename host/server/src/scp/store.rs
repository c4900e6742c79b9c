//! C-STORE (PS3.4 Annex B): an object's bytes go from the wire to the pipeline, and what becomes of it is the status.

use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dimse::{Association, AssociationError, Command, Message, Status, Stream, status};
use isocenter_pipeline::ingest::{Accepted, Announced, Session};
use isocenter_pipeline::refusal::{Refusal, RefusalKind};
use tracing::Instrument;

/// One C-STORE. A refused object is answered with its status, and the association goes on.
pub(super) async fn perform(
    association: &mut Association<Stream>,
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

/// Takes the data set of a C-STORE-RQ. What a refused object still sends is drained by the next read.
async fn receive(
    association: &mut Association<Stream>,
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

/// The C-STORE-RSP for a refusal (PS3.4 Table B.2-1, PS3.7 Annex C), with the reason as Error Comment.
fn refused(request: &Command, refusal: &Refusal) -> Command {
    request
        .response(status_of(refusal.kind))
        .with_error_comment(&refusal.reason)
}

pub(super) fn status_of(kind: RefusalKind) -> Status {
    match kind {
        RefusalKind::CannotUnderstand => status::CANNOT_UNDERSTAND,
        RefusalKind::Mismatch => status::DATA_SET_MISMATCH,
        RefusalKind::Duplicate => status::DUPLICATE,
        RefusalKind::TooLarge | RefusalKind::OutOfResources | RefusalKind::TryLater => status::OUT_OF_RESOURCES,
        RefusalKind::RefusedByPlugin => status::NOT_AUTHORIZED,
    }
}

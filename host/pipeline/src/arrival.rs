//! C-STORE (PS3.4 Annex B): an object's bytes go from the wire to the way in, and what becomes of it is the status.
//!
//! Separate from the services of the port, because objects come by C-STORE on associations of this side too: C-GET.

use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dimse::{Association, AssociationError, Command, Message, Status, Stream, status};
use tracing::Instrument;

use crate::ingest::{self, Accepted, Announced, Session};
use crate::refusal::{Refusal, RefusalKind};

/// One C-STORE, of an object of that `study` where one is named. A refused object is answered with its status, and the
/// association goes on; whether it was taken is answered.
///
/// # Errors
/// The association is over.
pub async fn perform(
    association: &mut Association<Stream>,
    session: &mut Session,
    message: &Message,
    study: Option<&Uid>,
) -> Result<Result<Accepted, Refusal>, AssociationError> {
    let span = tracing::info_span!("object", uid = message.command.sop_instance());
    let began = std::time::Instant::now();
    let result = receive(association, session, message, study)
        .instrument(span.clone())
        .await?;
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
    // Before the answer: who had it sent may hear of its end as soon as this is out.
    session.awaited().note(
        &association.request().calling_ae,
        message.command.move_originator().as_ref(),
        result.is_ok(),
    );
    association.send(message.context, &answer, None).await?;
    metrics::histogram!("isocenter_store_seconds").record(began.elapsed().as_secs_f64());
    Ok(result)
}

/// Takes the data set of a C-STORE-RQ. What a refused object still sends is drained by the next read.
async fn receive(
    association: &mut Association<Stream>,
    session: &mut Session,
    message: &Message,
    study: Option<&Uid>,
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
        study: study.map(|study| study.as_str().to_owned()),
    });
    while let Some(piece) = association.data().await? {
        if let Err(refusal) = receiving.push(piece).await {
            ingest::count(&refusal);
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

/// The status that a refusal is told with.
pub fn status_of(kind: RefusalKind) -> Status {
    match kind {
        RefusalKind::CannotUnderstand => status::CANNOT_UNDERSTAND,
        RefusalKind::Mismatch => status::DATA_SET_MISMATCH,
        RefusalKind::Duplicate => status::DUPLICATE,
        RefusalKind::TooLarge | RefusalKind::OutOfResources | RefusalKind::TryLater => status::OUT_OF_RESOURCES,
        RefusalKind::RefusedByPlugin => status::NOT_AUTHORIZED,
    }
}

//! The N-EVENT-REPORT of a destination that was asked to commit itself to what it was sent (PS3.4 §J.3.3), on an association
//! that it has made for that. Separate because here this host is the user of the service.

use isocenter_dicom::header::Limits;
use isocenter_dimse::{Association, AssociationError, Message, Stream, status};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::pledge::{self, Told};

use crate::scp::identifier::{self, Unfit};

/// What reading one may cost: a reference is an item and two or three elements.
const LIMITS: Limits = Limits {
    header_bytes: 4 << 20,
    depth: 16,
    elements: 400_000,
};

/// One report. One that cannot be taken is answered with its status, and the association goes on.
pub(in crate::scp) async fn told(
    pipeline: &Pipeline,
    association: &mut Association<Stream>,
    message: &Message,
) -> Result<(), AssociationError> {
    let peer = association.request().calling_ae.to_string();
    let received = identifier::receive_within(association, message, LIMITS).await?;
    let read = received.and_then(|header| {
        let unfit = || {
            Unfit::new(
                status::INVALID_ARGUMENT_VALUE,
                "the Transaction UID is missing or no UID",
            )
        };
        Told::read(&header).ok_or_else(unfit)
    });
    let taken = match read {
        Ok(report) => pledge::told(pipeline, &peer, &report)
            .await
            .map_err(|error| Unfit::new(status::PROCESSING_FAILURE, error.to_string())),
        Err(unfit) => Err(unfit),
    };
    let answer = match taken {
        Ok(()) => message.command.response(status::SUCCESS),
        Err(unfit) => {
            tracing::warn!(peer, status = %unfit.status, reason = unfit.comment, "a report of storage commitment is refused");
            unfit.response(&message.command)
        }
    };
    association.send(message.context, &answer, None).await
}

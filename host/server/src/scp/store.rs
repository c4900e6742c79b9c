//! C-STORE (PS3.4 Annex B). What it does is the pipeline's: objects come by it on associations that this host asks for, too.

use isocenter_dimse::{Association, AssociationError, Message, Stream};
use isocenter_pipeline::arrival;
use isocenter_pipeline::ingest::Session;

#[cfg(test)]
pub(super) use isocenter_pipeline::arrival::status_of;

/// One C-STORE. A refused object is answered with its status, and the association goes on.
pub(super) async fn perform(
    association: &mut Association<Stream>,
    session: &mut Session,
    message: &Message,
) -> Result<(), AssociationError> {
    arrival::perform(association, session, message, None).await.map(drop)
}

//! C-ECHO (PS3.4 Annex A): whoever can associate can ask whether this host is there.

use isocenter_dimse::{Association, AssociationError, Message, Stream, status};

/// One C-ECHO.
pub(super) async fn perform(association: &mut Association<Stream>, message: &Message) -> Result<(), AssociationError> {
    let answer = message.command.response(status::SUCCESS);
    association.send(message.context, &answer, None).await
}

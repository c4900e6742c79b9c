//! C-MOVE (PS3.4 §C.4.2): objects go to a destination of the configuration, through the filters of that destination.

use std::time::Duration;

use futures::StreamExt;
use isocenter_dimse::{AeTitle, AssociationError, Meanwhile, MoveOriginator, element, status};
use isocenter_pipeline::retrieve::{self, Courier};

use super::{Asked, Ended, Progress, Retriever, not_counted, survey, walk};
use crate::scp::identifier::Unfit;
use crate::scp::operation::Operation;

/// How often the peer hears how far it is, whatever takes long.
const PULSE: Duration = Duration::from_secs(1);

impl Retriever<'_> {
    /// Sends what is asked for to the Move Destination.
    pub(super) async fn send_on(
        &self,
        operation: &mut Operation<'_>,
        asked: &Asked,
        progress: &mut Progress,
    ) -> Result<Ended, AssociationError> {
        let archive = self.pipeline.archive();
        let unknown = |reason: &str| Ok(Ended::Unfit(Unfit::new(status::MOVE_DESTINATION_UNKNOWN, reason)));
        let request = &operation.request.command;
        let Some(title) = request
            .text(element::MOVE_DESTINATION)
            .and_then(|text| AeTitle::parse(text).ok())
        else {
            return unknown("the Move Destination is missing or no AE title");
        };
        let destination = match retrieve::destination(&self.pipeline.set(), &title) {
            Ok(Some(destination)) => destination,
            Ok(None) => return unknown("no destination has this AE title"),
            Err(error) => return unknown(&error.to_string()),
        };
        let originator = MoveOriginator {
            ae_title: self.calling_ae.clone(),
            message_id: request.message_id(),
        };
        let kinds = match operation.unless_cancelled(survey(archive, asked)).await? {
            None => return Ok(Ended::Cancelled),
            Some(Err(error)) => return Ok(Ended::Unfit(not_counted(error))),
            Some(Ok((count, kinds))) => {
                progress.remaining = count;
                kinds
            }
        };
        if kinds.is_empty() {
            return Ok(Ended::Done);
        }
        let opened = Courier::open(self.pipeline, destination, &kinds, originator);
        let mut courier = match operation.unless_cancelled(opened).await? {
            None => return Ok(Ended::Cancelled),
            Some(Ok(courier)) => courier,
            Some(Err(reason)) => {
                match operation.unless_cancelled(progress.fail_all(archive, asked)).await? {
                    None => return Ok(Ended::Cancelled),
                    Some(Err(error)) => return Ok(Ended::Unfit(not_counted(error))),
                    Some(Ok(())) => {}
                }
                let reason = format!("the destination cannot be reached: {reason}");
                return Ok(Ended::Unfit(Unfit::new(status::OUT_OF_RESOURCES_SUBOPERATIONS, reason)));
            }
        };
        let ended = self.convey(operation, &mut courier, asked, progress).await?;
        courier.close().await;
        Ok(ended)
    }

    async fn convey(
        &self,
        operation: &mut Operation<'_>,
        courier: &mut Courier,
        asked: &Asked,
        progress: &mut Progress,
    ) -> Result<Ended, AssociationError> {
        let mut objects = std::pin::pin!(walk(self.pipeline.archive(), asked));
        loop {
            let located = match operation.unless_cancelled(objects.next()).await? {
                None => return Ok(Ended::Cancelled),
                Some(None) => return Ok(Ended::Done),
                Some(Some(Err(error))) => return Ok(Ended::Unfit(not_counted(error))),
                Some(Some(Ok(located))) => located,
            };
            let (result, cancelled) = {
                let mut sending = std::pin::pin!(courier.send(&located));
                let mut cancelled = false;
                let request = operation.request;
                loop {
                    // An object that is under way goes on: its association would break with it.
                    tokio::select! {
                        biased;
                        heard = operation.association.meanwhile(request.command.message_id()) => {
                            cancelled |= matches!(heard?, Meanwhile::Cancel);
                        }
                        result = &mut sending => break (result, cancelled),
                        () = tokio::time::sleep(PULSE) => {
                            let pending = progress.pending(&request.command);
                            operation.respond(&pending, None).await?;
                        }
                    }
                }
            };
            progress.note(&located, result);
            if cancelled {
                return Ok(Ended::Cancelled);
            }
            if progress.remaining > 0 {
                let pending = progress.pending(&operation.request.command);
                operation.respond(&pending, None).await?;
            }
        }
    }
}

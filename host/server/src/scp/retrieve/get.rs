//! C-GET (PS3.4 §C.4.3): objects go back on the association that asks, in contexts for which the peer took the role of
//! storage provider.

use futures::StreamExt;
use isocenter_dimse::{AssociationError, Command, Meanwhile, Status, status};
use isocenter_pipeline::retrieve::{self, Outgoing};

use super::{Asked, Ended, Progress, Retriever, not_counted, survey, walk};
use crate::scp::identifier::Unfit;
use crate::scp::operation::Operation;

impl Retriever<'_> {
    /// Sends what is asked for.
    pub(super) async fn send_back(
        &self,
        operation: &mut Operation<'_>,
        asked: &Asked,
        progress: &mut Progress,
    ) -> Result<Ended, AssociationError> {
        let archive = self.pipeline.archive();
        let set = self.pipeline.set();
        // A peer whose AE title is a destination's gets what goes there.
        let destination = match retrieve::destination(&set, self.calling_ae) {
            Ok(destination) => destination,
            Err(error) => return Ok(Ended::Unfit(Unfit::new(status::NOT_AUTHORIZED, error.to_string()))),
        };
        match operation.unless_cancelled(survey(archive, asked)).await? {
            None => return Ok(Ended::Cancelled),
            Some(Err(error)) => return Ok(Ended::Unfit(not_counted(error))),
            Some(Ok((count, _))) => progress.remaining = count,
        }
        // What was agreed on when the association began.
        let accepted = accepted(operation);
        let takes = |class: &str, syntax: &str| accepted.iter().any(|(c, s)| c == class && s == syntax);
        let mut objects = std::pin::pin!(walk(archive, asked));
        loop {
            let located = match operation.unless_cancelled(objects.next()).await? {
                None => return Ok(Ended::Cancelled),
                Some(None) => return Ok(Ended::Done),
                Some(Some(Err(error))) => return Ok(Ended::Unfit(not_counted(error))),
                Some(Some(Ok(located))) => located,
            };
            let prepared = retrieve::prepare(self.pipeline, destination.as_ref(), &located, takes);
            let result = match operation.unless_cancelled(prepared).await? {
                None => return Ok(Ended::Cancelled),
                Some(Ok(outgoing)) => store(operation, outgoing).await?.map(Ok::<_, String>),
                Some(Err(reason)) => Some(Err(reason)),
            };
            let cancelled = matches!(result, Some(Ok((_, true))));
            match result {
                Some(result) => progress.note(&located, result.map(|(status, _)| status)),
                None => progress.note(&located, Err("no presentation context takes it".to_owned())),
            }
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

/// The storage contexts in which the peer is the provider (PS3.7 §D.3.3.4), as SOP class and transfer syntax.
fn accepted(operation: &Operation<'_>) -> Vec<(String, String)> {
    let association = &operation.association;
    let provides = |class: &str| {
        let mut roles = association.roles().iter().filter(|role| role.sop_class == class);
        roles.next().is_some_and(|role| role.scp)
    };
    let contexts = association.contexts().iter();
    contexts
        .filter(|context| provides(&context.abstract_syntax))
        .map(|context| (context.abstract_syntax.clone(), context.transfer_syntax.clone()))
        .collect()
}

/// Sends an object and waits for the answer: its status, and whether the peer cancelled meanwhile. `None`: no context.
async fn store(operation: &mut Operation<'_>, outgoing: Outgoing) -> Result<Option<(Status, bool)>, AssociationError> {
    let association = &mut *operation.association;
    let (class, syntax) = (outgoing.identity.sop_class.as_str(), outgoing.syntax.uid().as_str());
    let Some(context) = association.context_for(class, syntax) else {
        return Ok(None);
    };
    let id = association.next_message_id();
    let command = Command::store_rq(id, class, outgoing.identity.sop_instance.as_str());
    association.send_stream(context, &command, outgoing.data).await?;
    let mut cancelled = false;
    loop {
        match association
            .meanwhile_response(operation.request.command.message_id())
            .await?
        {
            Meanwhile::Cancel => cancelled = true,
            Meanwhile::Response(response) if response.message_id() == id => {
                let status = response.status().unwrap_or(status::PROCESSING_FAILURE);
                return Ok(Some((status, cancelled)));
            }
            Meanwhile::Response(response) => {
                tracing::debug!(field = %response.field(), "nothing here waits for it");
            }
        }
    }
}

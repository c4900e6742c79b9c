//! Performed procedure steps (PS3.4 Annex F): N-CREATE when a modality begins, N-SET until it ends, and N-GET for who asks.
//! Each is answered success when it is durable.

use bytes::Bytes;
use isocenter_archive::Archive;
use isocenter_archive::index::{Changed, IndexError, PackId};
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, answer};
use isocenter_dimse::{Association, AssociationError, Command, CommandField, Message, Status, Stream, element, status};
use isocenter_procedure::{DataSet, PerformedStep, Why};

use super::identifier::{self, Unfit};

/// A step that made 100,000 images names each of them.
const LIMITS: Limits = Limits {
    header_bytes: 16 << 20,
    depth: 16,
    elements: 400_000,
};
/// Error ID (0000,0903): the step may no longer be updated (PS3.4 §F.7.2.2).
const NO_LONGER_UPDATED: u16 = 0xA506;
/// Attributes that one N-GET names at most.
const MOST_ATTRIBUTES: usize = 1000;

/// What performed steps have in common.
pub(super) struct Performed<'a> {
    pub(super) archive: &'a Archive,
}

/// What a request comes to.
enum Answer {
    Done(Command),
    Found(Command, Bytes),
}

impl Performed<'_> {
    /// One N-CREATE, N-SET or N-GET. One that cannot be performed is answered with its status, and the association goes on.
    pub(super) async fn perform(
        &self,
        association: &mut Association<Stream>,
        message: &Message,
    ) -> Result<(), AssociationError> {
        let field = message.command.field();
        let answered = match field {
            CommandField::N_CREATE_RQ => self.create(association, message).await?,
            CommandField::N_SET_RQ => self.set(association, message).await?,
            _ => self.get(association, message).await,
        };
        let (outcome, response, data) = match answered {
            Ok(Answer::Done(response)) => ("done", response, None),
            Ok(Answer::Found(response, data)) => ("done", response, Some(data)),
            Err(unfit) => {
                tracing::warn!(%field, status = %unfit.status, reason = unfit.comment, "performed step refused");
                ("refused", unfit.response(&message.command), None)
            }
        };
        metrics::counter!("isocenter_performed_steps_total", "request" => field.to_string(), "outcome" => outcome)
            .increment(1);
        let response = match outcome {
            "refused" if response.status() == Some(FINAL) => response.with_number(element::ERROR_ID, NO_LONGER_UPDATED),
            _ => response,
        };
        let response = response.with_data(data.is_some());
        association.send(message.context, &response, data).await
    }

    async fn create(
        &self,
        association: &mut Association<Stream>,
        message: &Message,
    ) -> Result<Result<Answer, Unfit>, AssociationError> {
        let data_set = receive(association, message).await?;
        let calling_ae = association.request().calling_ae.to_string();
        Ok(self.created(&message.command, data_set, &calling_ae).await)
    }

    async fn created(
        &self,
        request: &Command,
        data_set: Result<DataSet, Unfit>,
        calling_ae: &str,
    ) -> Result<Answer, Unfit> {
        let step = PerformedStep::create(data_set?).map_err(unfit)?;
        let uid = match request.sop_instance() {
            Some(named) => named_so(named)?,
            None => PackId::make().to_uid(),
        };
        if !self
            .archive
            .index()
            .create_performed(&uid, &step, calling_ae)
            .await
            .map_err(failed)?
        {
            let comment = "there is a performed step of that SOP Instance UID";
            return Err(Unfit::new(status::DUPLICATE, comment));
        }
        tracing::info!(performed = %uid, "a procedure step has begun");
        let response = request.response(status::SUCCESS);
        Ok(Answer::Done(
            response.with_uid(element::AFFECTED_SOP_INSTANCE_UID, uid.as_str()),
        ))
    }

    async fn set(
        &self,
        association: &mut Association<Stream>,
        message: &Message,
    ) -> Result<Result<Answer, Unfit>, AssociationError> {
        let data_set = receive(association, message).await?;
        Ok(self.changed(&message.command, data_set).await)
    }

    async fn changed(&self, request: &Command, data_set: Result<DataSet, Unfit>) -> Result<Answer, Unfit> {
        let (uid, changes) = (requested(request)?, data_set?);
        match self
            .archive
            .index()
            .change_performed(&uid, &changes)
            .await
            .map_err(failed)?
        {
            Changed::To(state) => {
                tracing::info!(performed = %uid, state = state.as_str(), "a procedure step was changed");
                Ok(Answer::Done(request.response(status::SUCCESS)))
            }
            Changed::NoSuch => Err(unknown()),
            Changed::Final => Err(Unfit::new(FINAL, "the step has ended and may no longer be updated")),
            Changed::Unfit(why) => Err(unfit(why)),
        }
    }

    /// What is known of a step: all of it, or the attributes that are named.
    async fn get(&self, association: &Association<Stream>, message: &Message) -> Result<Answer, Unfit> {
        let request = &message.command;
        let context = association.context(message.context);
        let syntax = context
            .and_then(|context| TransferSyntax::lookup(&context.transfer_syntax))
            .unwrap_or_else(TransferSyntax::implicit_le);
        let named = attributes(request)?;
        let found = self
            .archive
            .index()
            .performed_step(&requested(request)?)
            .await
            .map_err(failed)?;
        let mut data_set = found.ok_or_else(unknown)?.data_set;
        let mut complete = true;
        if !named.is_empty() {
            complete = named.iter().all(|key| data_set.contains_key(key));
            data_set.retain(|key, _| named.contains(key));
        }
        let status = if complete {
            status::SUCCESS
        } else {
            status::ATTRIBUTE_LIST_ERROR
        };
        let data = answer::data_set(&data_set, &syntax, None);
        Ok(Answer::Found(request.response(status), data.into()))
    }
}

/// An N-SET of a step that has ended (PS3.4 §F.7.2.2).
const FINAL: Status = status::PROCESSING_FAILURE;

/// The attributes of a request, as DICOM JSON.
async fn receive(
    association: &mut Association<Stream>,
    message: &Message,
) -> Result<Result<DataSet, Unfit>, AssociationError> {
    let received = identifier::receive_within(association, message, LIMITS).await?;
    Ok(received.map(|header: Header| header.to_json()).map_err(of_n_service))
}

/// The statuses of C-FIND as those of N-services (PS3.7 §C.4).
fn of_n_service(unfit: Unfit) -> Unfit {
    let status = match unfit.status {
        status::CANNOT_UNDERSTAND => status::INVALID_ATTRIBUTE_VALUE,
        status::DATA_SET_MISMATCH => status::MISSING_ATTRIBUTE,
        status => status,
    };
    Unfit { status, ..unfit }
}

fn unfit(unfit: isocenter_procedure::Unfit) -> Unfit {
    let status = match unfit.why {
        Why::MissingAttribute => status::MISSING_ATTRIBUTE,
        Why::MissingValue => status::MISSING_ATTRIBUTE_VALUE,
        Why::InvalidValue => status::INVALID_ATTRIBUTE_VALUE,
    };
    Unfit {
        status,
        offending: unfit.tags,
        comment: unfit.comment,
    }
}

/// Nothing is kept; the modality may try again.
fn failed(error: IndexError) -> Unfit {
    Unfit::new(status::RESOURCE_LIMITATION, error.to_string())
}

fn unknown() -> Unfit {
    Unfit::new(
        status::NO_SUCH_SOP_INSTANCE,
        "there is no performed step of that SOP Instance UID",
    )
}

fn named_so(uid: &str) -> Result<Uid, Unfit> {
    Uid::parse(uid).map_err(|bad| Unfit::new(status::INVALID_SOP_INSTANCE, bad.to_string()))
}

fn requested(request: &Command) -> Result<Uid, Unfit> {
    let named = request.sop_instance().ok_or_else(|| {
        Unfit::new(
            status::INVALID_SOP_INSTANCE,
            "the Requested SOP Instance UID is missing",
        )
    })?;
    named_so(named)
}

/// Attribute Identifier List (0000,1005), as names of DICOM JSON; without any, all are meant.
fn attributes(request: &Command) -> Result<Vec<String>, Unfit> {
    let list = request
        .raw(element::ATTRIBUTE_IDENTIFIER_LIST)
        .map_or(&[][..], |list| list);
    if list.len() > MOST_ATTRIBUTES * 4 {
        return Err(Unfit::new(
            status::RESOURCE_LIMITATION,
            format!("the request names more than {MOST_ATTRIBUTES} attributes"),
        ));
    }
    let tags = list
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[g0, g1, e0, e1]| Tag(u16::from_le_bytes([*g0, *g1]), u16::from_le_bytes([*e0, *e1])));
    Ok(tags
        .map(|tag| format!("{:04X}{:04X}", tag.group(), tag.element()))
        .collect())
}

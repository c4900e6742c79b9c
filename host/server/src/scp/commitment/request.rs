//! The N-ACTION that asks for storage commitment (PS3.4 §J.3.2): a data set from the network, read into references within
//! bounds. A request is taken whole or not at all.

use bytes::BytesMut;
use isocenter_archive::index::Reference;
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::uid::Uid;
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::{Association, AssociationError, Message, Stream, element, sop, status};
use isocenter_pipeline::commitment::MOST_REFERENCES;
use serde_json::{Map, Value as Json};

use crate::scp::identifier::Unfit;

/// Request Storage Commitment (PS3.4 Table J.3-1).
const REQUEST: u16 = 1;
/// The longest data set, in bytes: 10,000 references have at most 1.8 MB.
const LONGEST: usize = 4 << 20;
/// What reading one may cost: a reference is an item and two elements.
const LIMITS: Limits = Limits {
    header_bytes: LONGEST,
    depth: 16,
    elements: 200_000,
};

/// What a peer asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) transaction: Uid,
    pub(super) references: Vec<Reference>,
}

/// Takes a request from the wire. What is left of one that is refused is drained by the next read.
pub(super) async fn receive(
    association: &mut Association<Stream>,
    message: &Message,
) -> Result<Result<Asked, Unfit>, AssociationError> {
    let refuse = |status, comment: &str| Ok(Err(Unfit::new(status, comment)));
    let command = &message.command;
    if command.sop_class() != Some(sop::STORAGE_COMMITMENT) {
        return refuse(status::NO_SUCH_SOP_CLASS, "the SOP class is not that of the context");
    }
    if command.sop_instance() != Some(sop::STORAGE_COMMITMENT_INSTANCE) {
        return refuse(
            status::NO_SUCH_SOP_INSTANCE,
            "the SOP instance must be 1.2.840.10008.1.20.1.1",
        );
    }
    if command.number(element::ACTION_TYPE_ID) != Some(REQUEST) {
        return refuse(status::NO_SUCH_ACTION, "the action type must be 1");
    }
    let context = association.context(message.context);
    let Some(syntax) = context.and_then(|context| TransferSyntax::lookup(&context.transfer_syntax)) else {
        return refuse(status::PROCESSING_FAILURE, "the transfer syntax is not known here");
    };
    if !message.has_data {
        return refuse(status::INVALID_ARGUMENT_VALUE, "the request has no data set");
    }
    let mut bytes = BytesMut::new();
    while let Some(piece) = association.data().await? {
        if bytes.len() + piece.len() > LONGEST {
            return refuse(status::RESOURCE_LIMITATION, "the request is longer than 4 MiB");
        }
        bytes.extend_from_slice(&piece);
    }
    match Header::parse(syntax, &bytes, LIMITS) {
        Ok((header, rest)) if rest.is_empty() => Ok(read(&header)),
        Ok(_) => refuse(status::INVALID_ARGUMENT_VALUE, "the request has pixel data"),
        Err(error) => refuse(status::INVALID_ARGUMENT_VALUE, &format!("the request: {error}")),
    }
}

fn read(header: &Header) -> Result<Asked, Unfit> {
    let unfit = |comment: &str| Unfit::new(status::INVALID_ARGUMENT_VALUE, comment);
    let data = header.json_of(&[tags::TRANSACTION_UID, tags::REFERENCED_SOP_SEQUENCE]);
    let transaction =
        uid(&data, tags::TRANSACTION_UID).ok_or_else(|| unfit("the Transaction UID is missing or no UID"))?;
    let items = values(&data, tags::REFERENCED_SOP_SEQUENCE);
    if items.is_empty() {
        return Err(unfit("the Referenced SOP Sequence is missing or empty"));
    }
    if items.len() > MOST_REFERENCES {
        let comment = format!("at most {MOST_REFERENCES} objects can be referred to at once");
        return Err(Unfit::new(status::RESOURCE_LIMITATION, comment));
    }
    let references = items.iter().map(|item| {
        let item = item.as_object()?;
        Some(Reference {
            sop_class: uid(item, tags::REFERENCED_SOP_CLASS_UID)?,
            object: uid(item, tags::REFERENCED_SOP_INSTANCE_UID)?,
        })
    });
    let references: Option<Vec<Reference>> = references.collect();
    Ok(Asked {
        transaction,
        references: references.ok_or_else(|| unfit("a reference lacks a valid class or instance UID"))?,
    })
}

fn values(of: &Map<String, Json>, tag: Tag) -> &[Json] {
    let element = of.get(&format!("{:04X}{:04X}", tag.group(), tag.element()));
    let values = element
        .and_then(|element| element.get("Value"))
        .and_then(Json::as_array);
    values.map_or(&[], Vec::as_slice)
}

/// The one value of an element, if it is a UID.
fn uid(of: &Map<String, Json>, tag: Tag) -> Option<Uid> {
    match values(of, tag) {
        [Json::String(text)] => Uid::parse(text).ok(),
        _ => None,
    }
}

//! The identifier of a query or a retrieval (PS3.4 §C.4.1.1.3, §C.4.2.1.4): a data set from the network, read into keys
//! within bounds. Separate because the three services share its rules: the levels of an information model, and the unique
//! keys above the level that is asked for.

use bytes::{Bytes, BytesMut};
use isocenter_archive::index::FindLevel;
use isocenter_dicom::header::{Header, Limits};
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::{Association, AssociationError, Command, Message, Status, Stream, element, status};

/// The longest identifier, in bytes: a list of 10,000 UIDs has 650 KB.
const LONGEST: usize = 1 << 20;
/// What reading one may cost; sequences in sequences are keys only to one depth.
const LIMITS: Limits = Limits {
    header_bytes: LONGEST,
    depth: 16,
    elements: 10_000,
};

/// An information model (PS3.4 §C.3, §C.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Patient Root.
    Patient,
    /// Study Root.
    Study,
    /// Patient/Study Only, retired in 2004 and still asked for.
    PatientStudyOnly,
}

/// Levels with their names and unique keys, from above.
const LEVELS: [(FindLevel, &str, Tag); 4] = [
    (FindLevel::Patient, "PATIENT", tags::PATIENT_ID),
    (FindLevel::Study, "STUDY", tags::STUDY_INSTANCE_UID),
    (FindLevel::Series, "SERIES", tags::SERIES_INSTANCE_UID),
    (FindLevel::Object, "IMAGE", tags::SOP_INSTANCE_UID),
];

impl Root {
    /// Its levels, from above, each with its name and unique key.
    pub(super) fn levels(self) -> impl Iterator<Item = (FindLevel, &'static str, Tag)> {
        LEVELS.into_iter().filter(move |(level, ..)| match self {
            Self::Patient => true,
            Self::Study => *level != FindLevel::Patient,
            Self::PatientStudyOnly => *level <= FindLevel::Study,
        })
    }
}

/// Why a request cannot be performed: what its response says. Names tags, never values.
#[derive(Debug)]
pub(super) struct Unfit {
    /// The status.
    pub(super) status: Status,
    /// Offending Element (0000,0901).
    pub(super) offending: Vec<Tag>,
    /// Error Comment (0000,0902).
    pub(super) comment: String,
}

impl Unfit {
    /// A refusal that names no element.
    pub(super) fn new(status: Status, comment: impl Into<String>) -> Self {
        Self {
            status,
            offending: Vec::new(),
            comment: comment.into(),
        }
    }

    /// "Identifier does not match SOP class" (A900H), because of this element.
    pub(super) fn key(tag: Tag, comment: impl Into<String>) -> Self {
        Self {
            status: status::DATA_SET_MISMATCH,
            offending: vec![tag],
            comment: comment.into(),
        }
    }

    /// The response to the request.
    pub(super) fn response(&self, request: &Command) -> Command {
        let response = request.response(self.status).with_error_comment(&self.comment);
        if self.offending.is_empty() {
            return response;
        }
        let mut value = Vec::with_capacity(self.offending.len() * 4);
        for tag in &self.offending {
            value.extend_from_slice(&tag.group().to_le_bytes());
            value.extend_from_slice(&tag.element().to_le_bytes());
        }
        response.with_raw(element::OFFENDING_ELEMENT, Bytes::from(value))
    }
}

/// Takes the identifier of a request from the wire. What is left of one that is refused is drained by the next read.
pub(super) async fn receive(
    association: &mut Association<Stream>,
    message: &Message,
) -> Result<Result<Header, Unfit>, AssociationError> {
    receive_within(association, message, LIMITS).await
}

/// [`receive`], of any request with a data set of these limits.
pub(super) async fn receive_within(
    association: &mut Association<Stream>,
    message: &Message,
    limits: Limits,
) -> Result<Result<Header, Unfit>, AssociationError> {
    let refuse = |status, comment: &str| Ok(Err(Unfit::new(status, comment)));
    let context = association.context(message.context);
    let Some((sop_class, syntax)) = context.map(|context| (&context.abstract_syntax, &context.transfer_syntax)) else {
        return refuse(
            status::SOP_CLASS_NOT_SUPPORTED,
            "the presentation context was not accepted",
        );
    };
    if message.command.sop_class() != Some(sop_class.as_str()) {
        return refuse(
            status::SOP_CLASS_NOT_SUPPORTED,
            "the SOP class is not that of the context",
        );
    }
    let Some(syntax) = TransferSyntax::lookup(syntax) else {
        return refuse(status::CANNOT_UNDERSTAND, "the transfer syntax is not known here");
    };
    if !message.has_data {
        return refuse(status::DATA_SET_MISMATCH, "the request has no data set");
    }
    let mut bytes = BytesMut::new();
    while let Some(piece) = association.data().await? {
        if bytes.len() + piece.len() > limits.header_bytes {
            let most = limits.header_bytes >> 20;
            return refuse(
                status::CANNOT_UNDERSTAND,
                &format!("the data set is longer than {most} MiB"),
            );
        }
        bytes.extend_from_slice(&piece);
    }
    match Header::parse(syntax, &bytes, limits) {
        Ok((header, rest)) if rest.is_empty() => Ok(Ok(header)),
        Ok(_) => refuse(status::CANNOT_UNDERSTAND, "the data set has pixel data"),
        Err(error) => refuse(status::CANNOT_UNDERSTAND, &format!("the data set: {error}")),
    }
}

/// The level that is asked for.
///
/// # Errors
/// Query/Retrieve Level (0008,0052) is missing, or none of the information model's.
pub(super) fn level(identifier: &Header, root: Root) -> Result<FindLevel, Unfit> {
    let tag = tags::QUERY_RETRIEVE_LEVEL;
    let Some(named) = identifier.first(tag) else {
        return Err(Unfit::key(tag, "the Query/Retrieve Level is missing"));
    };
    root.levels()
        .find(|(_, name, _)| *name == named)
        .map(|(level, ..)| level)
        .ok_or_else(|| {
            let names: Vec<&str> = root.levels().map(|(_, name, _)| name).collect();
            Unfit::key(tag, format!("the Query/Retrieve Level must be {}", names.join(", ")))
        })
}

/// Above the level that is asked for, a hierarchical request names one thing at each level (PS3.4 §C.4.1.2.1, §C.4.2.2.1).
///
/// # Errors
/// A unique key there is missing, empty, a pattern or a list.
pub(super) fn check_above(identifier: &Header, root: Root, level: FindLevel) -> Result<(), Unfit> {
    for (_, name, key) in root.levels().take_while(|(above, ..)| *above < level) {
        let values = identifier.text(key).unwrap_or_default();
        let single = match values.as_slice() {
            [one] => !one.is_empty() && !one.contains(['*', '?']),
            _ => false,
        };
        if !single {
            return Err(Unfit::key(
                key,
                format!("the unique key of the {name} level must be given"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

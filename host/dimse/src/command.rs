//! The command set of a DIMSE message (PS3.7 §6.3 and annex E), as a typed view over its elements. Separate from data
//! sets: group 0000 is always implicit VR little endian, short, and the only thing here that gets parsed.

pub mod element;
mod field;

pub use field::CommandField;

use std::collections::BTreeMap;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::ae::AeTitle;
use crate::status::Status;

/// The value of Command Data Set Type that says that no data set follows (PS3.7 §E.1-1).
const NO_DATA_SET: u16 = 0x0101;
/// What this side writes where one follows; any other value would do.
const DATA_SET: u16 = 0x0001;

/// Priority (0000,0700).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Priority {
    /// 0
    #[default]
    Medium,
    /// 1
    High,
    /// 2
    Low,
}

/// Who caused a C-STORE by its C-MOVE (PS3.7 §9.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveOriginator {
    /// Its title.
    pub ae_title: AeTitle,
    /// The Message ID of its C-MOVE-RQ.
    pub message_id: u16,
}

/// Why bytes are no command set.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// It ends inside an element.
    #[error("it ends inside element ({group:04X},{element:04X})")]
    Truncated {
        /// The element's group; 0 where even its tag is cut.
        group: u16,
        /// The element's number.
        element: u16,
    },
    /// An element of another group.
    #[error("element ({group:04X},{element:04X}) is not of group 0000")]
    Group {
        /// The group.
        group: u16,
        /// The number.
        element: u16,
    },
    /// The same element again.
    #[error("element (0000,{0:04X}) stands there twice")]
    Twice(/** The element's number. */ u16),
    /// A number that is not two bytes long.
    #[error("element (0000,{element:04X}) must be 2 bytes long and has {length}")]
    Length {
        /// The element's number.
        element: u16,
        /// Its length.
        length: usize,
    },
    /// An element that every such command has.
    #[error("element (0000,{0:04X}) is missing")]
    Missing(/** The element's number. */ u16),
}

/// A command set whose required elements are there and readable. Elements that this crate has no name for are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    field: CommandField,
    /// Message ID of a request, Message ID Being Responded To of a response or a cancel.
    message_id: u16,
    has_data: bool,
    /// Everything except group length, field, message ids and data set type, as it stands in the bytes.
    elements: BTreeMap<u16, Bytes>,
}

impl Command {
    /// A command without data set and without further elements: a request if its field is one.
    pub fn new(field: CommandField, message_id: u16) -> Self {
        Self {
            field,
            message_id,
            has_data: false,
            elements: BTreeMap::new(),
        }
    }

    /// A C-ECHO-RQ (PS3.7 §9.3.5.1).
    pub fn echo_rq(message_id: u16) -> Self {
        Self::new(CommandField::C_ECHO_RQ, message_id)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, crate::sop::VERIFICATION)
    }

    /// A C-STORE-RQ of medium priority (PS3.7 §9.3.1.1).
    pub fn store_rq(message_id: u16, sop_class: &str, sop_instance: &str) -> Self {
        Self::new(CommandField::C_STORE_RQ, message_id)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, sop_class)
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, sop_instance)
            .with_priority(Priority::Medium)
            .with_data(true)
    }

    /// A C-FIND-RQ of medium priority (PS3.7 §9.3.2.1).
    pub fn find_rq(message_id: u16, sop_class: &str) -> Self {
        Self::asking(CommandField::C_FIND_RQ, message_id, sop_class)
    }

    /// A C-GET-RQ of medium priority (PS3.7 §9.3.3.1).
    pub fn get_rq(message_id: u16, sop_class: &str) -> Self {
        Self::asking(CommandField::C_GET_RQ, message_id, sop_class)
    }

    /// A C-MOVE-RQ of medium priority (PS3.7 §9.3.4.1).
    pub fn move_rq(message_id: u16, sop_class: &str, destination: &AeTitle) -> Self {
        Self::asking(CommandField::C_MOVE_RQ, message_id, sop_class)
            .with_text(element::MOVE_DESTINATION, destination.as_str())
    }

    fn asking(field: CommandField, message_id: u16, sop_class: &str) -> Self {
        Self::new(field, message_id)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, sop_class)
            .with_priority(Priority::Medium)
            .with_data(true)
    }

    /// An N-EVENT-REPORT-RQ (PS3.7 §10.3.1.1), without data set.
    pub fn event_report_rq(message_id: u16, sop_class: &str, sop_instance: &str, event_type: u16) -> Self {
        Self::new(CommandField::N_EVENT_REPORT_RQ, message_id)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, sop_class)
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, sop_instance)
            .with_number(element::EVENT_TYPE_ID, event_type)
    }

    /// An N-ACTION-RQ (PS3.7 §10.3.4.1), without data set.
    pub fn action_rq(message_id: u16, sop_class: &str, sop_instance: &str, action_type: u16) -> Self {
        Self::new(CommandField::N_ACTION_RQ, message_id)
            .with_uid(element::REQUESTED_SOP_CLASS_UID, sop_class)
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, sop_instance)
            .with_number(element::ACTION_TYPE_ID, action_type)
    }

    /// A C-CANCEL-RQ for the request of that id (PS3.7 §9.3.2.3).
    pub fn cancel_rq(message_id: u16) -> Self {
        Self::new(CommandField::C_CANCEL_RQ, message_id)
    }

    /// The response to this request, without data set: its SOP class and instance are repeated.
    pub fn response(&self, status: Status) -> Self {
        let mut response = Self::new(self.field.response(), self.message_id);
        for (affected, requested) in [
            (element::AFFECTED_SOP_CLASS_UID, element::REQUESTED_SOP_CLASS_UID),
            (element::AFFECTED_SOP_INSTANCE_UID, element::REQUESTED_SOP_INSTANCE_UID),
        ] {
            if let Some(uid) = self.elements.get(&affected).or_else(|| self.elements.get(&requested)) {
                response.elements.insert(affected, uid.clone());
            }
        }
        response.with_number(element::STATUS, status.code())
    }

    /// Which message this is.
    pub fn field(&self) -> CommandField {
        self.field
    }

    /// The Message ID of a request, the Message ID Being Responded To of a response or a C-CANCEL-RQ.
    pub fn message_id(&self) -> u16 {
        self.message_id
    }

    /// A data set follows.
    pub fn has_data(&self) -> bool {
        self.has_data
    }

    /// The Affected SOP Class UID, or the Requested one of an N-service; without padding, not checked.
    pub fn sop_class(&self) -> Option<&str> {
        self.text(element::AFFECTED_SOP_CLASS_UID)
            .or_else(|| self.text(element::REQUESTED_SOP_CLASS_UID))
    }

    /// The Affected SOP Instance UID, or the Requested one of an N-service; without padding, not checked.
    pub fn sop_instance(&self) -> Option<&str> {
        self.text(element::AFFECTED_SOP_INSTANCE_UID)
            .or_else(|| self.text(element::REQUESTED_SOP_INSTANCE_UID))
    }

    /// The Status of a response.
    pub fn status(&self) -> Option<Status> {
        self.number(element::STATUS).map(Status::new)
    }

    /// The Error Comment of a response.
    pub fn error_comment(&self) -> Option<&str> {
        self.text(element::ERROR_COMMENT)
    }

    /// The Priority; medium where there is none.
    pub fn priority(&self) -> Priority {
        match self.number(element::PRIORITY) {
            Some(1) => Priority::High,
            Some(2) => Priority::Low,
            _ => Priority::Medium,
        }
    }

    /// Who caused this C-STORE-RQ by a C-MOVE, where both elements are there and valid.
    pub fn move_originator(&self) -> Option<MoveOriginator> {
        let ae_title = AeTitle::parse(self.text(element::MOVE_ORIGINATOR_AE_TITLE)?).ok()?;
        Some(MoveOriginator {
            ae_title,
            message_id: self.number(element::MOVE_ORIGINATOR_MESSAGE_ID)?,
        })
    }

    /// An element as text of the default repertoire, without padding; None if it is absent, empty or no ASCII.
    pub fn text(&self, element: u16) -> Option<&str> {
        let text = std::str::from_utf8(self.elements.get(&element)?)
            .ok()
            .filter(|text| text.is_ascii())?;
        let text = text.trim_end_matches(['\0', ' ']).trim_start_matches(' ');
        (!text.is_empty()).then_some(text)
    }

    /// An element as a number (US); None if it is absent.
    pub fn number(&self, element: u16) -> Option<u16> {
        match self.elements.get(&element)?.as_ref() {
            &[low, high] => Some(u16::from_le_bytes([low, high])),
            _ => None,
        }
    }

    /// An element as its bytes.
    pub fn raw(&self, element: u16) -> Option<&Bytes> {
        self.elements.get(&element)
    }

    /// With a data set to follow, or without.
    #[must_use]
    pub fn with_data(mut self, has_data: bool) -> Self {
        self.has_data = has_data;
        self
    }

    /// With a priority.
    #[must_use]
    pub fn with_priority(self, priority: Priority) -> Self {
        let code = match priority {
            Priority::Medium => 0,
            Priority::High => 1,
            Priority::Low => 2,
        };
        self.with_number(element::PRIORITY, code)
    }

    /// With who caused it by a C-MOVE.
    #[must_use]
    pub fn with_move_originator(self, originator: &MoveOriginator) -> Self {
        self.with_text(element::MOVE_ORIGINATOR_AE_TITLE, originator.ae_title.as_str())
            .with_number(element::MOVE_ORIGINATOR_MESSAGE_ID, originator.message_id)
    }

    /// With an Error Comment: cut to 64 characters (VR LO), what the default repertoire lacks replaced by `?`.
    #[must_use]
    pub fn with_error_comment(self, comment: &str) -> Self {
        let comment: String = comment
            .chars()
            .take(64)
            .map(|c| if matches!(c, ' '..='~') && c != '\\' { c } else { '?' })
            .collect();
        self.with_text(element::ERROR_COMMENT, comment.trim())
    }

    /// With a number (US).
    #[must_use]
    pub fn with_number(self, element: u16, number: u16) -> Self {
        self.with_raw(element, Bytes::copy_from_slice(&number.to_le_bytes()))
    }

    /// With a UID, padded by NUL.
    #[must_use]
    pub fn with_uid(self, element: u16, uid: &str) -> Self {
        self.with_raw(element, padded(uid, 0))
    }

    /// With a text (AE, LO), padded by a space.
    #[must_use]
    pub fn with_text(self, element: u16, text: &str) -> Self {
        self.with_raw(element, padded(text, b' '))
    }

    /// With an element as it shall stand in the bytes. The elements that the type itself keeps (group length, command
    /// field, message ids, data set type) are not set this way and are left alone.
    #[must_use]
    pub fn with_raw(mut self, element: u16, value: Bytes) -> Self {
        if !is_kept_apart(element) {
            self.elements.insert(element, value);
        }
        self
    }

    /// Reads a command set: implicit VR little endian. A wrong group length is overlooked, as is the order.
    ///
    /// # Errors
    /// [`CommandError`] names the element that is cut, foreign, repeated, of the wrong length or missing.
    pub fn decode(bytes: &Bytes) -> Result<Self, CommandError> {
        let mut elements = BTreeMap::new();
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let Some((&[g0, g1, e0, e1, l0, l1, l2, l3], _)) = rest.split_first_chunk() else {
                return Err(CommandError::Truncated { group: 0, element: 0 });
            };
            let (group, element) = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
            if group != 0 {
                return Err(CommandError::Group { group, element });
            }
            let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
            if length > rest.len() - 8 {
                return Err(CommandError::Truncated { group, element });
            }
            let value = rest.split_to(8 + length).slice(8..);
            if is_number(element) && length != 2 {
                return Err(CommandError::Length { element, length });
            }
            if elements.insert(element, value).is_some() {
                return Err(CommandError::Twice(element));
            }
        }
        Self::from_elements(elements)
    }

    fn from_elements(mut elements: BTreeMap<u16, Bytes>) -> Result<Self, CommandError> {
        let mut take = |element| match elements.remove(&element).as_deref() {
            Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
            _ => Err(CommandError::Missing(element)),
        };
        let field = CommandField::new(take(element::COMMAND_FIELD)?);
        let has_data = take(element::COMMAND_DATA_SET_TYPE)? != NO_DATA_SET;
        let message_id = if answers(field) {
            take(element::MESSAGE_ID_BEING_RESPONDED_TO)?
        } else {
            take(element::MESSAGE_ID)?
        };
        elements.retain(|&element, _| !is_kept_apart(element));
        if field.is_response() && !elements.contains_key(&element::STATUS) {
            return Err(CommandError::Missing(element::STATUS));
        }
        Ok(Self {
            field,
            message_id,
            has_data,
            elements,
        })
    }

    /// Writes the command set: implicit VR little endian, elements in ascending order, group length first.
    pub fn encode(&self) -> Bytes {
        let own = |number: u16| Bytes::copy_from_slice(&number.to_le_bytes());
        let mut all = self.elements.clone();
        all.insert(element::COMMAND_FIELD, own(self.field.code()));
        all.insert(
            element::COMMAND_DATA_SET_TYPE,
            own(if self.has_data { DATA_SET } else { NO_DATA_SET }),
        );
        let id = if answers(self.field) {
            element::MESSAGE_ID_BEING_RESPONDED_TO
        } else {
            element::MESSAGE_ID
        };
        all.insert(id, own(self.message_id));
        let length: usize = all.values().map(|value| 8 + value.len()).sum();
        let mut out = BytesMut::with_capacity(12 + length);
        put_header(&mut out, element::GROUP_LENGTH, 4);
        out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
        for (element, value) in all {
            put_header(&mut out, element, value.len());
            out.extend_from_slice(&value);
        }
        out.freeze()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Command");
        debug
            .field("field", &self.field)
            .field("message_id", &self.message_id)
            .field("has_data", &self.has_data);
        if let Some(status) = self.status() {
            debug.field("status", &status);
        }
        debug
            .field("sop_class", &self.sop_class())
            .field("sop_instance", &self.sop_instance())
            .finish_non_exhaustive()
    }
}

fn put_header(out: &mut BytesMut, element: u16, length: usize) {
    out.put_u16_le(0);
    out.put_u16_le(element);
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
}

fn padded(text: &str, pad: u8) -> Bytes {
    let mut value = text.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    value.into()
}

/// Fields that carry a Message ID Being Responded To in place of a Message ID.
fn answers(field: CommandField) -> bool {
    field.is_response() || field == CommandField::C_CANCEL_RQ
}

fn is_kept_apart(element: u16) -> bool {
    matches!(
        element,
        element::GROUP_LENGTH
            | element::COMMAND_FIELD
            | element::MESSAGE_ID
            | element::MESSAGE_ID_BEING_RESPONDED_TO
            | element::COMMAND_DATA_SET_TYPE
    )
}

fn is_number(element: u16) -> bool {
    matches!(
        element,
        element::COMMAND_FIELD
            | element::MESSAGE_ID
            | element::MESSAGE_ID_BEING_RESPONDED_TO
            | element::PRIORITY
            | element::COMMAND_DATA_SET_TYPE
            | element::STATUS
            | element::ERROR_ID
            | element::EVENT_TYPE_ID
            | element::ACTION_TYPE_ID
            | element::REMAINING_SUB_OPERATIONS
            ..=element::WARNING_SUB_OPERATIONS | element::MOVE_ORIGINATOR_MESSAGE_ID
    )
}

#[cfg(test)]
mod tests;

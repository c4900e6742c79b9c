//! Status codes of DIMSE responses (PS3.7 annex C, PS3.4 §B.2.3). Separate because every service and every refusal
//! chooses from this list and nothing else here knows what a code means.

use std::fmt;

/// The Status (0000,0900) of a response.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

/// What kind of answer a status is (PS3.7 §C).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// It is done.
    Success,
    /// More responses follow.
    Pending,
    /// It was cancelled.
    Cancel,
    /// It is done, but not exactly as asked.
    Warning,
    /// It is not done.
    Failure,
}

/// Done.
pub const SUCCESS: Status = Status(0x0000);
/// More responses follow; all optional keys are supported.
pub const PENDING: Status = Status(0xff00);
/// More responses follow; an optional key is not supported.
pub const PENDING_WARNING: Status = Status(0xff01);
/// Ended by C-CANCEL.
pub const CANCEL: Status = Status(0xfe00);
/// Stored, some values were changed.
pub const COERCION: Status = Status(0xb000);
/// Stored, elements were left out.
pub const ELEMENTS_DISCARDED: Status = Status(0xb006);
/// Stored, though the data set does not fit its SOP class.
pub const WARNING_MISMATCH: Status = Status(0xb007);
/// An attribute has a value that is not allowed.
pub const INVALID_ATTRIBUTE_VALUE: Status = Status(0x0106);
/// Done, except for attributes that are not there.
pub const ATTRIBUTE_LIST_ERROR: Status = Status(0x0107);
/// Something went wrong here.
pub const PROCESSING_FAILURE: Status = Status(0x0110);
/// There already is an object with this SOP Instance UID.
pub const DUPLICATE: Status = Status(0x0111);
/// The SOP Instance UID is unknown.
pub const NO_SUCH_SOP_INSTANCE: Status = Status(0x0112);
/// A parameter of an N-service is out of its range or not fit.
pub const INVALID_ARGUMENT_VALUE: Status = Status(0x0115);
/// The SOP Instance UID breaks the rules for UIDs.
pub const INVALID_SOP_INSTANCE: Status = Status(0x0117);
/// The SOP class is unknown.
pub const NO_SUCH_SOP_CLASS: Status = Status(0x0118);
/// The SOP instance is of another SOP class.
pub const CLASS_INSTANCE_CONFLICT: Status = Status(0x0119);
/// A required attribute is absent.
pub const MISSING_ATTRIBUTE: Status = Status(0x0120);
/// A required attribute is empty.
pub const MISSING_ATTRIBUTE_VALUE: Status = Status(0x0121);
/// The SOP class is not supported.
pub const SOP_CLASS_NOT_SUPPORTED: Status = Status(0x0122);
/// The SOP class has no such action.
pub const NO_SUCH_ACTION: Status = Status(0x0123);
/// The peer may not do this.
pub const NOT_AUTHORIZED: Status = Status(0x0124);
/// The Message ID is in use.
pub const DUPLICATE_INVOCATION: Status = Status(0x0210);
/// The operation is not known.
pub const UNRECOGNIZED_OPERATION: Status = Status(0x0211);
/// The command set lacks or garbles a parameter.
pub const MISTYPED_ARGUMENT: Status = Status(0x0212);
/// The transaction UID is in use (PS3.3 §C.14.1.1).
pub const DUPLICATE_TRANSACTION_UID: Status = Status(0x0131);
/// An N-service has no room, time or memory for it now.
pub const RESOURCE_LIMITATION: Status = Status(0x0213);
/// There is no room, time or memory for it now.
pub const OUT_OF_RESOURCES: Status = Status(0xa700);
/// A sub-operation could not be done for lack of resources.
pub const OUT_OF_RESOURCES_SUBOPERATIONS: Status = Status(0xa702);
/// The Move Destination is not known.
pub const MOVE_DESTINATION_UNKNOWN: Status = Status(0xa801);
/// The data set does not fit the command set or its SOP class.
pub const DATA_SET_MISMATCH: Status = Status(0xa900);
/// The data set cannot be parsed.
pub const CANNOT_UNDERSTAND: Status = Status(0xc000);

impl Status {
    /// A status from its code, any code.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The code.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// What kind of answer this is (PS3.7 §C). A code that the standard does not class is a failure.
    pub const fn class(self) -> Class {
        match self.0 {
            0x0000 => Class::Success,
            0xff00 | 0xff01 => Class::Pending,
            0xfe00 => Class::Cancel,
            0x0001 | 0x0107 | 0x0116 | 0xb000..=0xbfff => Class::Warning,
            _ => Class::Failure,
        }
    }

    /// Success or a warning: the operation was performed.
    pub const fn is_performed(self) -> bool {
        matches!(self.class(), Class::Success | Class::Warning)
    }

    /// More responses to the same request follow.
    pub const fn is_pending(self) -> bool {
        matches!(self.class(), Class::Pending)
    }

    const fn meaning(self) -> &'static str {
        match self.0 {
            0x0000 => "success",
            0x0105 => "no such attribute",
            0x0106 => "invalid attribute value",
            0x0107 => "attribute list error",
            0x0110 => "processing failure",
            0x0111 => "duplicate sop instance",
            0x0112 => "no such sop instance",
            0x0115 => "invalid argument value",
            0x0116 => "attribute value out of range",
            0x0117 => "invalid sop instance",
            0x0118 => "no such sop class",
            0x0119 => "class-instance conflict",
            0x0120 => "missing attribute",
            0x0121 => "missing attribute value",
            0x0122 => "sop class not supported",
            0x0123 => "no such action",
            0x0124 => "not authorized",
            0x0131 => "duplicate transaction uid",
            0x0210 => "duplicate invocation",
            0x0211 => "unrecognized operation",
            0x0212 => "mistyped argument",
            0x0213 => "resource limitation",
            0xa801 => "move destination unknown",
            0xb000 => "warning: coercion of data elements",
            0xb006 => "warning: elements discarded",
            0xb007 => "warning: data set does not match sop class",
            0xfe00 => "cancelled",
            0xff00 | 0xff01 => "pending",
            0xa700..=0xa7ff => "refused: out of resources",
            0xa900..=0xa9ff => "error: data set does not match sop class",
            0xc000..=0xcfff => "error: cannot understand",
            _ => match self.class() {
                Class::Warning => "warning",
                _ => "failure",
            },
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}H ({})", self.0, self.meaning())
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! A decoded value, as plugins and callers see it.
//!
//! Separate from the encoding: a value has no VR, no padding, no byte order. What it means to put one into an element
//! is decided in `edit`.

use crate::Tag;
use bytes::Bytes;
use std::fmt;

/// The value of an element that is not a sequence. An empty list: the element is there and empty.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT: decoded to Unicode, without padding.
    Text(Vec<String>),
    /// SS, SL, SV.
    Signed(Vec<i64>),
    /// US, UL, UV.
    Unsigned(Vec<u64>),
    /// FL, FD.
    Real(Vec<f64>),
    /// AT.
    Tags(Vec<Tag>),
    /// OB, OD, OF, OL, OV, OW, UN: little endian, whatever the transfer syntax.
    Bytes(Bytes),
}

// Not derived: a value is patient data and must not reach a log by way of `{:?}`.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, count) = match self {
            Self::Text(v) => ("Text", v.len()),
            Self::Signed(v) => ("Signed", v.len()),
            Self::Unsigned(v) => ("Unsigned", v.len()),
            Self::Real(v) => ("Real", v.len()),
            Self::Tags(v) => ("Tags", v.len()),
            Self::Bytes(v) => ("Bytes", v.len()),
        };
        write!(f, "{kind}(<{count}>)")
    }
}

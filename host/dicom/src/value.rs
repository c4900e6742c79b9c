//! A decoded value, as plugins and callers see it, and how it is decoded.
//!
//! Separate from the encoding: a value has no VR, no padding, no byte order. What it means to put one into an element
//! is decided in `edit`.

use crate::text::{CharacterSet, Delimiters};
use crate::vr::{self, Form};
use crate::{Tag, VR};
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;
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

/// Decodes `raw`; `None` for sequences. Bytes left over at the end of a list of numbers are ignored.
pub(crate) fn decode(vr: VR, raw: Bytes, big_endian: bool, set: &CharacterSet) -> Option<Value> {
    Some(match vr::form(vr) {
        Form::Items => return None,
        Form::Values | Form::Whole => Value::Text(texts(vr, &raw, set)),
        Form::Signed(width) => Value::Signed(units(&raw, width, big_endian).map(|bits| signed(bits, width)).collect()),
        Form::Unsigned(width) => Value::Unsigned(units(&raw, width, big_endian).collect()),
        Form::Real(width) => Value::Real(units(&raw, width, big_endian).map(|bits| real(bits, width)).collect()),
        Form::Tags => Value::Tags(as_tags(&raw, big_endian).collect()),
        Form::Binary(width) => Value::Bytes(little_endian(raw, width, big_endian)),
    })
}

/// The values of a text element: decoded, split, without padding.
pub(crate) fn texts(vr: VR, raw: &[u8], set: &CharacterSet) -> Vec<String> {
    let text = text_of(vr, raw, set);
    if vr::form(vr) == Form::Whole {
        let text = vr::trim(vr, &text);
        return if text.is_empty() {
            Vec::new()
        } else {
            vec![text.to_owned()]
        };
    }
    let text = text.trim_end_matches(['\0', ' ']);
    if text.is_empty() {
        return Vec::new();
    }
    text.split('\\').map(|value| vr::trim(vr, value).to_owned()).collect()
}

fn text_of<'a>(vr: VR, raw: &'a [u8], set: &CharacterSet) -> Cow<'a, str> {
    if vr::uses_character_set(vr) {
        set.decode(raw, delimiters(vr))
    } else {
        CharacterSet::default().decode(raw, delimiters(vr))
    }
}

/// What resets ISO 2022 escape sequences in values of this VR.
pub(crate) fn delimiters(vr: VR) -> Delimiters {
    match (vr, vr::form(vr)) {
        (VR::PN, _) => Delimiters::Name,
        (_, Form::Values) => Delimiters::Values,
        _ => Delimiters::None,
    }
}

/// Integers of `width` bytes, widened.
pub(crate) fn units(raw: &[u8], width: usize, big_endian: bool) -> impl Iterator<Item = u64> {
    raw.chunks_exact(width.max(1)).map(move |unit| {
        let widen = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        if big_endian {
            unit.iter().fold(0, widen)
        } else {
            unit.iter().rev().fold(0, widen)
        }
    })
}

pub(crate) fn signed(bits: u64, width: usize) -> i64 {
    let unused = 64_usize.saturating_sub(width * 8) as u32;
    (bits.wrapping_shl(unused) as i64).wrapping_shr(unused)
}

/// A float as a double whose shortest decimal form is the float's: 0.1 stays 0.1.
pub(crate) fn real(bits: u64, width: usize) -> f64 {
    if width == 8 {
        return f64::from_bits(bits);
    }
    let single = f32::from_bits(bits as u32);
    if !single.is_finite() || single.fract() == 0.0 {
        return f64::from(single);
    }
    single.to_string().parse().unwrap_or_else(|_| f64::from(single))
}

pub(crate) fn as_tags(raw: &[u8], big_endian: bool) -> impl Iterator<Item = Tag> {
    units(raw, 4, big_endian).map(move |both| {
        let (first, second) = ((both & 0xFFFF) as u16, (both >> 16) as u16);
        if big_endian {
            Tag(second, first)
        } else {
            Tag(first, second)
        }
    })
}

/// Reverses the bytes of each unit when they are big endian.
pub(crate) fn little_endian(raw: Bytes, width: usize, big_endian: bool) -> Bytes {
    if !big_endian || width < 2 {
        return raw;
    }
    let mut swapped = BytesMut::from(raw.as_ref());
    swapped.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    swapped.freeze()
}

//! A value put into the bytes of a VR (PS3.5 §6.2).
//!
//! Separate because this is where a plugin's value meets the standard: what does not fit is refused with the reason,
//! rather than written for others to stumble over. Lengths of free text (LO, SH, PN and so on) are not enforced: objects
//! in service exceed them, and a filter that copies such a value must not fail.

use super::date;
use crate::text::CharacterSet;
use crate::uid::Uid;
use crate::value::{self, Value};
use crate::vr::{self, Form};
use crate::{Tag, VR};

/// Encodes `value`, padded to even length; an error is the reason why it does not fit.
pub(super) fn encode(vr: VR, value: &Value, set: &CharacterSet, big_endian: bool) -> Result<Vec<u8>, String> {
    let form = vr::form(vr);
    let wrong = || Err(format!("{} values cannot be given to it", kind(value)));
    let mut bytes = match (form, value) {
        (Form::Values | Form::Whole, Value::Text(values)) => text(vr, values, set)?,
        (Form::Values, Value::Signed(values)) if matches!(vr, VR::IS | VR::DS) => {
            decimal(vr, values.iter().map(ToString::to_string))?
        }
        (Form::Values, Value::Unsigned(values)) if matches!(vr, VR::IS | VR::DS) => {
            decimal(vr, values.iter().map(ToString::to_string))?
        }
        (Form::Values, Value::Real(values)) if vr == VR::DS => decimal(vr, values.iter().map(|&real| shortest(real)))?,
        (Form::Signed(width), Value::Signed(values)) => {
            integers(values.iter().map(|&n| i128::from(n)), width, true, big_endian)?
        }
        (Form::Signed(width), Value::Unsigned(values)) => {
            integers(values.iter().map(|&n| i128::from(n)), width, true, big_endian)?
        }
        (Form::Unsigned(width), Value::Signed(values)) => {
            integers(values.iter().map(|&n| i128::from(n)), width, false, big_endian)?
        }
        (Form::Unsigned(width), Value::Unsigned(values)) => {
            integers(values.iter().map(|&n| i128::from(n)), width, false, big_endian)?
        }
        (Form::Real(width), Value::Real(values)) => reals(values.iter().copied(), width, big_endian),
        (Form::Real(width), Value::Signed(values)) => reals(values.iter().map(|&n| n as f64), width, big_endian),
        (Form::Real(width), Value::Unsigned(values)) => reals(values.iter().map(|&n| n as f64), width, big_endian),
        (Form::Tags, Value::Tags(tags)) => tags.iter().flat_map(|tag| tag_bytes(*tag, big_endian)).collect(),
        (Form::Binary(width), Value::Bytes(bytes)) => {
            if bytes.len() % width != 0 {
                return Err(format!("{} bytes are not a multiple of {width}", bytes.len()));
            }
            value::little_endian(bytes.clone(), width, big_endian).to_vec()
        }
        (_, Value::Text(v)) if v.is_empty() => Vec::new(),
        _ => return wrong(),
    };
    if bytes.len() % 2 == 1 {
        bytes.push(padding(vr));
    }
    Ok(bytes)
}

/// What makes a value's length even.
pub(super) fn padding(vr: VR) -> u8 {
    match vr::form(vr) {
        Form::Values | Form::Whole if vr != VR::UI => b' ',
        _ => 0,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Signed(_) => "signed",
        Value::Unsigned(_) => "unsigned",
        Value::Real(_) => "real",
        Value::Tags(_) => "tag",
        Value::Bytes(_) => "binary",
    }
}

fn text(vr: VR, values: &[String], set: &CharacterSet) -> Result<Vec<u8>, String> {
    let whole = vr::form(vr) == Form::Whole;
    if whole && values.len() > 1 {
        return Err(format!("it takes one value, not {}", values.len()));
    }
    for value in values {
        if !whole && value.contains('\\') {
            return Err("a single value cannot contain a backslash".to_owned());
        }
        // Lines are for texts; an escape sequence, or a NUL, would change how the rest is read.
        if value
            .chars()
            .any(|c| c.is_control() && !(matches!(c, '\t' | '\n' | '\r' | '\x0C') && (whole || vr == VR::UC)))
        {
            return Err("it cannot contain control characters".to_owned());
        }
        check(vr, value.trim_matches(' '))?;
    }
    let joined = values.join("\\");
    if vr::uses_character_set(vr) {
        let encoded = set.encode(&joined, value::delimiters(vr));
        return encoded.ok_or_else(|| "the object's character set cannot express it".to_owned());
    }
    if joined.is_ascii() {
        Ok(joined.into_bytes())
    } else {
        Err("it takes ASCII only".to_owned())
    }
}

/// The formats that readers depend on.
fn check(vr: VR, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (fits, wanted) = match vr {
        VR::UI => return Uid::parse(value).map(drop).map_err(|bad| bad.to_string()),
        VR::DA => (date::is_date(value), "a date as YYYYMMDD"),
        VR::DT => (
            date::is_date_time(value),
            "a date and time as YYYYMMDDHHMMSS.FFFFFF&ZZXX",
        ),
        VR::TM => (is_time(value), "a time as HHMMSS.FFFFFF"),
        VR::AS => {
            let (number, unit) = value.split_at_checked(3).unwrap_or(("", ""));
            (
                digits(number) && matches!(unit, "D" | "W" | "M" | "Y"),
                "an age as nnnD, nnnW, nnnM or nnnY",
            )
        }
        VR::IS => (value.parse::<i32>().is_ok(), "an integer of 32 bits"),
        VR::DS => {
            let known = value
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            (
                known && value.len() <= 16 && value.parse::<f64>().is_ok(),
                "a number of at most 16 characters",
            )
        }
        VR::CS => {
            let known = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b' ' | b'_');
            (
                value.len() <= 16 && value.bytes().all(known),
                "at most 16 upper-case letters, digits, spaces and underscores",
            )
        }
        VR::AE => (value.len() <= 16, "at most 16 characters"),
        _ => return Ok(()),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("it takes {wanted}"))
    }
}

fn is_time(value: &str) -> bool {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let below = |range: std::ops::Range<usize>, limit: u8| {
        whole
            .get(range)
            .is_none_or(|two| two.parse::<u8>().is_ok_and(|number| number < limit))
    };
    matches!(whole.len(), 2 | 4 | 6)
        && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        && (1..=6).contains(&fraction.len())
        && (whole.len() == 6 || !value.contains('.'))
        && below(0..2, 24)
        && below(2..4, 60)
        && below(4..6, 61)
}

fn decimal(vr: VR, values: impl Iterator<Item = String>) -> Result<Vec<u8>, String> {
    let values: Vec<String> = values.collect();
    values.iter().try_for_each(|value| check(vr, value))?;
    Ok(values.join("\\").into_bytes())
}

/// The most exact form of a number in the 16 characters of a DS.
fn shortest(real: f64) -> String {
    let plain = real.to_string();
    if plain.len() <= 16 {
        return plain;
    }
    let exponential = format!("{real:e}");
    if exponential.len() <= 16 {
        return exponential;
    }
    let fixed = (1e-4..1e15).contains(&real.abs());
    let cut = |places: usize| {
        if fixed {
            format!("{real:.places$}")
        } else {
            format!("{real:.places$e}")
        }
    };
    (0..=14).rev().map(cut).find(|text| text.len() <= 16).unwrap_or(plain)
}

fn integers(
    values: impl Iterator<Item = i128>,
    width: usize,
    signed: bool,
    big_endian: bool,
) -> Result<Vec<u8>, String> {
    let bits = width as u32 * 8;
    let (low, high) = if signed {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    let mut out = Vec::new();
    for value in values {
        if !(low..=high).contains(&value) {
            return Err(format!("its numbers go from {low} to {high}"));
        }
        put(&value.to_le_bytes(), width, big_endian, &mut out);
    }
    Ok(out)
}

fn reals(values: impl Iterator<Item = f64>, width: usize, big_endian: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        if width == 4 {
            put(&(value as f32).to_le_bytes(), width, big_endian, &mut out);
        } else {
            put(&value.to_le_bytes(), width, big_endian, &mut out);
        }
    }
    out
}

/// Appends the lowest `width` bytes of a little-endian number.
fn put(little: &[u8], width: usize, big_endian: bool, out: &mut Vec<u8>) {
    let unit = little.get(..width).unwrap_or(little);
    if big_endian {
        out.extend(unit.iter().rev())
    } else {
        out.extend_from_slice(unit)
    }
}

fn tag_bytes(tag: Tag, big_endian: bool) -> [u8; 4] {
    let ([a, b], [c, d]) = if big_endian {
        (tag.group().to_be_bytes(), tag.element().to_be_bytes())
    } else {
        (tag.group().to_le_bytes(), tag.element().to_le_bytes())
    };
    [a, b, c, d]
}

#[cfg(test)]
mod tests;

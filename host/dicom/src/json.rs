//! DICOM JSON (PS3.18 Annex F).
//!
//! Separate from the decoded [`crate::Value`]: JSON distinguishes what a plugin need not (names in components, null
//! inside a list, numbers of IS and DS) and is written straight from the bytes.
//!
//! It recurses, once per nested sequence: at most 129 times, because a header has been through the walker's depth limit.

use crate::header::{Entry, Header};
use crate::text::CharacterSet;
use crate::value;
use crate::vr::{self, Form};
use crate::{Tag, VR, tags};
use serde_json::{Map, Number, Value as Json};
use std::ops::Range;

/// Longest binary value that is given inline.
const INLINE: usize = 1 << 20;

/// An element's name in DICOM JSON: eight upper-case hexadecimal digits.
pub(crate) fn key(tag: Tag) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let both = u32::from(tag.group()) << 16 | u32::from(tag.element());
    (0..8)
        .rev()
        .filter_map(|place| DIGITS.get((both >> (place * 4) & 15) as usize))
        .map(|&d| char::from(d))
        .collect()
}

pub(crate) fn whole(header: &Header) -> Map<String, Json> {
    level(header, header.top(), &CharacterSet::default())
}

pub(crate) fn only(header: &Header, tags: &[Tag]) -> Map<String, Json> {
    let set = header.character_set_of(header.top()).unwrap_or_default();
    tags.iter()
        .filter_map(|&tag| header.find(header.top(), tag))
        .filter(|(_, entry)| !is_left_out(entry.tag))
        .map(|(row, entry)| (key(entry.tag), element(header, row, entry, &set)))
        .collect()
}

fn is_left_out(tag: Tag) -> bool {
    tag.element() == 0 || matches!(tag.group(), 0x0000 | 0x0002)
}

fn level(header: &Header, rows: Range<usize>, parent: &CharacterSet) -> Map<String, Json> {
    let own = header.character_set_of(rows.clone());
    let set = own.as_ref().unwrap_or(parent);
    let mut map = Map::new();
    for (row, entry) in header.level(rows) {
        if !is_left_out(entry.tag) {
            map.entry(key(entry.tag))
                .or_insert_with(|| element(header, row, entry, set));
        }
    }
    map
}

fn element(header: &Header, row: usize, entry: &Entry, set: &CharacterSet) -> Json {
    let mut map = Map::new();
    map.insert("vr".to_owned(), Json::from(entry.vr.to_string()));
    let raw = header.raw(entry);
    if entry.has_items() {
        let items = header.level(row + 1..entry.next as usize);
        put(
            &mut map,
            items
                .map(|(row, item)| Json::Object(level(header, row + 1..item.next as usize, set)))
                .collect(),
        );
    } else if let Form::Binary(width) = vr::form(entry.vr) {
        // Encapsulated fragments (an icon) have no inline form.
        if !raw.is_empty() && raw.len() <= INLINE && !entry.is_undefined() {
            let raw = header.bytes().slice_ref(raw);
            let little = value::little_endian(raw, width, entry.value_is_big_endian());
            map.insert("InlineBinary".to_owned(), Json::from(base64(&little)));
        }
    } else if entry.tag == tags::SPECIFIC_CHARACTER_SET {
        put(&mut map, vec![Json::from("ISO_IR 192")]);
    } else {
        put(&mut map, values(entry, raw, set));
    }
    Json::Object(map)
}

/// An empty element has no "Value" (PS3.18 §F.2.5).
fn put(map: &mut Map<String, Json>, values: Vec<Json>) {
    if !values.is_empty() {
        map.insert("Value".to_owned(), Json::Array(values));
    }
}

fn values(entry: &Entry, raw: &[u8], set: &CharacterSet) -> Vec<Json> {
    let big_endian = entry.value_is_big_endian();
    match vr::form(entry.vr) {
        Form::Values | Form::Whole => {
            let texts = value::texts(entry.vr, raw, set).into_iter();
            texts
                .map(|text| {
                    if text.is_empty() {
                        Json::Null
                    } else {
                        from_text(entry.vr, text)
                    }
                })
                .collect()
        }
        Form::Signed(width) => value::units(raw, width, big_endian)
            .map(|bits| value::signed(bits, width))
            .map(|n| {
                if is_exact(n.unsigned_abs()) {
                    Json::from(n)
                } else {
                    Json::from(n.to_string())
                }
            })
            .collect(),
        Form::Unsigned(width) => value::units(raw, width, big_endian)
            .map(|n| {
                if is_exact(n) {
                    Json::from(n)
                } else {
                    Json::from(n.to_string())
                }
            })
            .collect(),
        Form::Real(width) => value::units(raw, width, big_endian)
            .map(|bits| from_real(value::real(bits, width)))
            .collect(),
        Form::Tags => value::as_tags(raw, big_endian)
            .map(|tag| Json::from(key(tag)))
            .collect(),
        Form::Binary(_) | Form::Items => Vec::new(),
    }
}

/// Whether every JSON reader keeps the number exact; larger ones are strings (PS3.18 §F.2.3).
fn is_exact(n: u64) -> bool {
    n <= 1 << 53
}

fn from_text(vr: VR, text: String) -> Json {
    match vr {
        VR::PN => person_name(&text),
        VR::IS | VR::DS => number(vr, &text).map_or_else(|| Json::from(text), Json::Number),
        _ => Json::from(text),
    }
}

/// IS and DS as a number; `None` when the text is none, and stays a string.
fn number(vr: VR, text: &str) -> Option<Number> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = digits.parse::<i64>() {
        return is_exact(whole.unsigned_abs()).then(|| Number::from(whole));
    }
    // What Rust takes for a float and DICOM does not: "inf", "NaN".
    if vr != VR::DS
        || digits
            .bytes()
            .any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'))
    {
        return None;
    }
    Number::from_f64(digits.parse().ok()?)
}

/// JSON has no number for these (PS3.18 §F.2.3 leaves the strings to be used).
fn from_real(value: f64) -> Json {
    if value.is_nan() {
        return Json::from("NaN");
    }
    if value.is_infinite() {
        return Json::from(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    // 1.0 is written 1, as IS and DS are.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Json::from(value as i64)
    } else {
        Json::from(value)
    }
}

fn person_name(text: &str) -> Json {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"]
        .into_iter()
        .zip(text.split('='));
    let groups = groups
        .map(|(name, group)| (name, group.trim_end_matches(' ')))
        .filter(|(_, group)| !group.is_empty());
    Json::Object(
        groups
            .map(|(name, group)| (name.to_owned(), Json::from(group)))
            .collect(),
    )
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| chunk.get(place).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place) & 63) as usize;
            out.push(if place > chunk.len() {
                '='
            } else {
                ALPHABET.get(sextet).copied().map_or('=', char::from)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests;

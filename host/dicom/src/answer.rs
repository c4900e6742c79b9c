//! Data sets made of DICOM JSON: what the index and headers say of a match, as the answer to a query (PS3.4 §C.4.1.1.3.2).
//!
//! Separate from [`crate::draft`] and [`crate::edit`], which make objects and refuse a value that the standard does not
//! allow: here values go out as they were received, also where they break a rule, because leaving one out would be to lie
//! about what is stored.

use crate::syntax::TransferSyntax;
use crate::text::CharacterSet;
use crate::vr::{self, Form};
use crate::{Tag, VR, tags, value};
use base64::Engine as _;
use bytes::BufMut;
use serde_json::{Map, Value as Json};

/// The character set that has every character.
const UTF_8: &str = "ISO_IR 192";
/// Begins an item of a sequence (PS3.5 §7.5).
const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// The longest value that the short form of an explicit element header has room for.
const LONGEST_SHORT: usize = 0xFFFE;

/// Encodes a data set in implicit or explicit VR little endian, elements in order.
///
/// Text is in the `preferred` character sets (a value of Specific Character Set, as the query had it) where they have all
/// its characters, else in UTF-8; which of them is stated, unless everything is ASCII (PS3.4 §C.4.1.1.3.2). A Specific
/// Character Set among the elements counts for nothing.
pub fn data_set(elements: &Map<String, Json>, syntax: &TransferSyntax, preferred: Option<&str>) -> Vec<u8> {
    fn write<'t>(
        elements: &Map<String, Json>,
        syntax: &TransferSyntax,
        terms: Option<&'t str>,
    ) -> (Vec<u8>, Writer<'t>) {
        let set = terms.map_or_else(CharacterSet::default, |terms| CharacterSet::of(terms.as_bytes()));
        let mut writer = Writer {
            set,
            stated: terms,
            explicit: syntax.is_explicit(),
            lossy: false,
            beyond_ascii: false,
        };
        let bytes = writer.level(elements, true);
        (bytes, writer)
    }
    let (plain, writer) = write(elements, syntax, None);
    if !writer.beyond_ascii {
        return plain;
    }
    if let Some(terms) = preferred {
        let (bytes, writer) = write(elements, syntax, Some(terms));
        if !writer.lossy {
            return bytes;
        }
    }
    write(elements, syntax, Some(UTF_8)).0
}

struct Writer<'a> {
    set: CharacterSet,
    /// The value of Specific Character Set.
    stated: Option<&'a str>,
    explicit: bool,
    /// A character could not be expressed.
    lossy: bool,
    beyond_ascii: bool,
}

impl Writer<'_> {
    /// Recurses once for each sequence within another; a header that was parsed has at most 128.
    fn level(&mut self, elements: &Map<String, Json>, top: bool) -> Vec<u8> {
        let mut sorted: Vec<(Tag, &Json)> = elements
            .iter()
            .filter_map(|(key, element)| Some((tag(key)?, element)))
            .filter(|(tag, _)| tag.element() != 0 && *tag != tags::SPECIFIC_CHARACTER_SET)
            .collect();
        sorted.sort_unstable_by_key(|(tag, _)| *tag);
        let mut out = Vec::new();
        if let Some(stated) = self.stated.filter(|_| top) {
            let mut value = stated.as_bytes().to_vec();
            pad(VR::CS, &mut value);
            self.put(&mut out, tags::SPECIFIC_CHARACTER_SET, VR::CS, &value);
        }
        for (tag, element) in sorted {
            let vr = element
                .get("vr")
                .and_then(Json::as_str)
                .and_then(vr_of)
                .unwrap_or(VR::UN);
            let mut value = self.value(vr, element);
            pad(vr, &mut value);
            self.put(&mut out, tag, vr, &value);
        }
        out
    }

    fn value(&mut self, vr: VR, element: &Json) -> Vec<u8> {
        let values = element
            .get("Value")
            .and_then(Json::as_array)
            .map_or(&[][..], Vec::as_slice);
        match vr::form(vr) {
            Form::Items => {
                let mut out = Vec::new();
                for item in values.iter().filter_map(Json::as_object) {
                    let item = self.level(item, false);
                    put_tag(&mut out, ITEM);
                    out.put_u32_le(length(&item));
                    out.extend_from_slice(&item);
                }
                out
            }
            Form::Values | Form::Whole => {
                let texts: Vec<String> = values.iter().map(text).collect();
                self.text(vr, &texts.join("\\"))
            }
            Form::Signed(width) | Form::Unsigned(width) => {
                let numbers = values.iter().filter_map(integer);
                numbers
                    .flat_map(|number| number.to_le_bytes().into_iter().take(width))
                    .collect()
            }
            Form::Real(4) => {
                let numbers = values.iter().filter_map(real);
                numbers.flat_map(|number| (number as f32).to_le_bytes()).collect()
            }
            Form::Real(_) => values.iter().filter_map(real).flat_map(f64::to_le_bytes).collect(),
            Form::Tags => {
                let mut out = Vec::new();
                for tag in values.iter().filter_map(Json::as_str).filter_map(tag) {
                    put_tag(&mut out, tag);
                }
                out
            }
            Form::Binary(_) => {
                let inline = element.get("InlineBinary").and_then(Json::as_str).unwrap_or_default();
                base64::engine::general_purpose::STANDARD
                    .decode(inline)
                    .unwrap_or_default()
            }
        }
    }

    fn text(&mut self, vr: VR, text: &str) -> Vec<u8> {
        if text.is_ascii() {
            return text.as_bytes().to_vec();
        }
        if !vr::uses_character_set(vr) {
            // Not text by the standard, so it can only be ASCII.
            return text
                .chars()
                .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                .collect();
        }
        self.beyond_ascii = true;
        self.set.encode(text, value::delimiters(vr)).unwrap_or_else(|| {
            self.lossy = true;
            Vec::new()
        })
    }

    fn put(&self, out: &mut Vec<u8>, tag: Tag, vr: VR, value: &[u8]) {
        put_tag(out, tag);
        if self.explicit {
            // A value that is too long for its VR's header is given as UN (PS3.5 §6.2.2).
            let long = vr::has_long_header(vr);
            let vr = if long || value.len() <= LONGEST_SHORT {
                vr
            } else {
                VR::UN
            };
            out.extend_from_slice(&vr.to_bytes());
            if !vr::has_long_header(vr) {
                out.put_u16_le(u16::try_from(value.len()).unwrap_or(0));
                out.extend_from_slice(value);
                return;
            }
            out.put_u16_le(0);
        }
        out.put_u32_le(length(value));
        out.extend_from_slice(value);
    }
}

/// Values are of headers, which have at most 1 GiB.
fn length(value: &[u8]) -> u32 {
    u32::try_from(value.len()).unwrap_or(0)
}

fn put_tag(out: &mut Vec<u8>, tag: Tag) {
    out.put_u16_le(tag.group());
    out.put_u16_le(tag.element());
}

fn pad(vr: VR, value: &mut Vec<u8>) {
    if value.len() % 2 == 1 {
        let text = matches!(vr::form(vr), Form::Values | Form::Whole) && vr != VR::UI;
        value.push(if text { b' ' } else { 0 });
    }
}

/// Eight hexadecimal digits.
fn tag(key: &str) -> Option<Tag> {
    let both = u32::from_str_radix(key, 16).ok().filter(|_| key.len() == 8)?;
    Some(Tag((both >> 16) as u16, both as u16))
}

fn vr_of(text: &str) -> Option<VR> {
    vr::from_bytes(text.as_bytes().try_into().ok()?)
}

/// One value as text; of a name, its component groups.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Object(name) => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"];
            let group = |group: &str| name.get(group).and_then(Json::as_str).unwrap_or_default();
            let whole = groups.map(group).join("=");
            whole.trim_end_matches('=').to_owned()
        }
        _ => String::new(),
    }
}

/// A number of up to 64 bits, in two's complement where it is negative.
fn integer(value: &Json) -> Option<u64> {
    let text = value.as_str();
    let signed = value.as_i64().or_else(|| text?.parse().ok());
    signed
        .map(i64::cast_unsigned)
        .or_else(|| value.as_u64())
        .or_else(|| text?.parse().ok())
}

fn real(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests;

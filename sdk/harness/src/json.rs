//! DICOM JSON (PS3.18 Annex F) into explicit VR little endian, for objects that a test wants to read and write by hand.
//!
//! Written here because the library for it has every JSON of the program keep the order in which it was made, and the
//! host's DICOM JSON is in the order of tags, as the standard wants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The elements of an object, in the order of their tags.
pub(crate) fn data_set(text: &[u8]) -> Result<Vec<u8>, String> {
    let object: Map<String, Value> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut object = object;
    if !text.is_ascii() && !object.contains_key("00080005") {
        let utf8 = serde_json::json!({ "vr": "CS", "Value": ["ISO_IR 192"] });
        object.insert("00080005".into(), utf8);
    }
    item(&object)
}

fn item(object: &Map<String, Value>) -> Result<Vec<u8>, String> {
    let mut elements = Vec::with_capacity(object.len());
    for (name, element) in object {
        let wrong = |why: &str| format!("{name} {why}");
        let tag = u32::from_str_radix(name, 16).ok().filter(|_| name.len() == 8);
        let tag = tag.ok_or_else(|| wrong("is no tag: it must be 8 hexadecimal digits"))?;
        let vr = element.get("vr").and_then(Value::as_str).filter(|vr| vr.len() == 2);
        let vr = vr.ok_or_else(|| wrong("has no `vr` of two letters"))?;
        let value = value(vr, element).map_err(|why| wrong(&why))?;
        elements.push((tag, encoded(tag, vr, value).map_err(|why| wrong(&why))?));
    }
    elements.sort_by_key(|(tag, _)| *tag);
    Ok(elements.into_iter().flat_map(|(_, bytes)| bytes).collect())
}

/// Header and padded value (PS3.5 §7.1.2).
fn encoded(tag: u32, vr: &str, mut value: Vec<u8>) -> Result<Vec<u8>, String> {
    if value.len() % 2 == 1 {
        let text = !matches!(vr, "UI" | "OB" | "UN");
        value.push(if text { b' ' } else { 0 });
    }
    let [group_high, group_low, high, low] = tag.to_be_bytes();
    let mut bytes = vec![group_low, group_high, low, high];
    bytes.extend_from_slice(vr.as_bytes());
    let long = matches!(
        vr,
        "OB" | "OD" | "OF" | "OL" | "OV" | "OW" | "SQ" | "SV" | "UC" | "UN" | "UR" | "UT" | "UV"
    );
    if long {
        let length = u32::try_from(value.len()).map_err(|_| "is longer than 4 GiB")?;
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&length.to_le_bytes());
    } else {
        let length = u16::try_from(value.len()).map_err(|_| "is longer than 64 KiB")?;
        bytes.extend_from_slice(&length.to_le_bytes());
    }
    bytes.extend_from_slice(&value);
    Ok(bytes)
}

fn value(vr: &str, element: &Value) -> Result<Vec<u8>, String> {
    if let Some(inline) = element.get("InlineBinary") {
        let text = inline.as_str().ok_or("has an InlineBinary that is no text")?;
        return STANDARD
            .decode(text)
            .map_err(|error| format!("has no valid base64: {error}"));
    }
    let values = match element.get("Value") {
        None => &[][..],
        Some(values) => values.as_array().ok_or("has a `Value` that is no list")?.as_slice(),
    };
    if vr == "SQ" {
        return sequence(values);
    }
    let integer = |value: &Value| {
        value
            .as_i64()
            .ok_or_else(|| format!("has {value}, which is no whole number"))
    };
    let real = |value: &Value| value.as_f64().ok_or_else(|| format!("has {value}, which is no number"));
    let mut bytes = Vec::new();
    for (position, value) in values.iter().enumerate() {
        // The low bytes of a number are the number, where it fits its VR.
        match vr {
            "US" | "SS" => bytes.extend_from_slice(integer(value)?.to_le_bytes().get(..2).unwrap_or_default()),
            "UL" | "SL" => bytes.extend_from_slice(integer(value)?.to_le_bytes().get(..4).unwrap_or_default()),
            "UV" | "SV" => bytes.extend_from_slice(&integer(value)?.to_le_bytes()),
            "FL" => bytes.extend_from_slice(&(real(value)? as f32).to_le_bytes()),
            "FD" => bytes.extend_from_slice(&real(value)?.to_le_bytes()),
            "AT" => {
                let tag = value.as_str().and_then(|text| u32::from_str_radix(text, 16).ok());
                let [group_high, group_low, high, low] = tag.ok_or("has a value that is no tag")?.to_be_bytes();
                bytes.extend_from_slice(&[group_low, group_high, low, high]);
            }
            _ => {
                if position > 0 {
                    bytes.push(b'\\');
                }
                bytes.extend_from_slice(text(value)?.as_bytes());
            }
        }
    }
    Ok(bytes)
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Ok(String::new()),
        // A person's name (PS3.5 §6.2.1.2): its groups, without those that are empty at the end.
        Value::Object(name) => {
            let group = |key: &str| name.get(key).and_then(Value::as_str).unwrap_or_default();
            let groups = [group("Alphabetic"), group("Ideographic"), group("Phonetic")];
            Ok(groups.join("=").trim_end_matches('=').to_owned())
        }
        other => Err(format!("has {other}, which is no value")),
    }
}

fn sequence(items: &[Value]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for content in items {
        let content = item(content.as_object().ok_or("has an item that is no object")?)?;
        let length = u32::try_from(content.len()).map_err(|_| "has an item of more than 4 GiB")?;
        bytes.extend_from_slice(&[0xfe, 0xff, 0x00, 0xe0]);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&content);
    }
    Ok(bytes)
}

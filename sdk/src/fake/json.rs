//! Objects in memory from DICOM JSON (PS3.18 Annex F), and back. Separate from [`super::object`], which is how a plugin reads
//! one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::object::{Element, Object};
use crate::{Tag, Value, Vr};

/// Sequences within sequences, at most.
const DEEPEST: u32 = 64;

/// Numbers in binary, by their value representation.
enum Form {
    Signed,
    Unsigned,
    Real,
    Tags,
    Bytes,
    Items,
    Text,
}

fn form(vr: [u8; 2]) -> Form {
    match &vr {
        b"SS" | b"SL" | b"SV" => Form::Signed,
        b"US" | b"UL" | b"UV" => Form::Unsigned,
        b"FL" | b"FD" => Form::Real,
        b"AT" => Form::Tags,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"UN" => Form::Bytes,
        b"SQ" => Form::Items,
        _ => Form::Text,
    }
}

pub(super) fn read(text: &str) -> Result<Object, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match json {
        Json::Object(elements) => object(&elements, 0),
        Json::Array(objects) => match objects.as_slice() {
            [Json::Object(elements)] => object(elements, 0),
            _ => Err(format!("it is a list of {}, and must be one object", objects.len())),
        },
        _ => Err("it is no object: it must be { \"GGGGEEEE\": { \"vr\": …, \"Value\": […] }, … }".into()),
    }
}

fn object(elements: &Map<String, Json>, depth: u32) -> Result<Object, String> {
    let mut object = Object::default();
    for (name, content) in elements {
        let wrong = |why: String| format!("{name} {why}");
        let tag = u32::from_str_radix(name, 16).ok().filter(|_| name.len() == 8);
        let tag = tag.ok_or_else(|| wrong("is no tag: it must be 8 hexadecimal digits".into()))?;
        let vr = content.get("vr").and_then(Json::as_str).map(str::as_bytes);
        let Some(&[first, second]) = vr else {
            return Err(wrong("has no `vr` of two letters".into()));
        };
        let vr = [first, second];
        let element = element(vr, content, depth).map_err(wrong)?;
        object.elements.insert(Tag(tag), (Vr(vr), element));
    }
    Ok(object)
}

fn element(vr: [u8; 2], content: &Json, depth: u32) -> Result<Element, String> {
    let values = match content.get("Value") {
        None => &[][..],
        Some(values) => values.as_array().ok_or("has a `Value` that is no list")?.as_slice(),
    };
    let each = |value: &Json, what: &str| format!("has {value}, which is no {what}");
    Ok(Element::Value(match form(vr) {
        Form::Items => {
            if depth == DEEPEST {
                return Err(format!("is in more than {DEEPEST} sequences"));
            }
            let item = |item: &Json| object(item.as_object().ok_or_else(|| each(item, "item"))?, depth + 1);
            return values.iter().map(item).collect::<Result<_, _>>().map(Element::Items);
        }
        Form::Bytes => Value::Bytes(match content.get("InlineBinary") {
            None => Vec::new(),
            Some(inline) => {
                let text = inline.as_str().ok_or("has an InlineBinary that is no text")?;
                let decoded = STANDARD.decode(text);
                decoded.map_err(|error| format!("has no valid base64: {error}"))?
            }
        }),
        Form::Signed => Value::Signed(numbers(values, Json::as_i64, each)?),
        Form::Unsigned => Value::Unsigned(numbers(values, Json::as_u64, each)?),
        Form::Real => Value::Real(numbers(values, Json::as_f64, each)?),
        Form::Tags => {
            let tag = |value: &Json| {
                let tag = value.as_str().and_then(|text| u32::from_str_radix(text, 16).ok());
                tag.ok_or_else(|| each(value, "tag"))
            };
            Value::Tags(values.iter().map(tag).collect::<Result<_, _>>()?)
        }
        Form::Text => Value::Text(values.iter().map(text).collect::<Result<_, _>>()?),
    }))
}

/// Numbers, of which large ones are text (PS3.18 §F.2.3).
fn numbers<N: std::str::FromStr>(
    values: &[Json],
    number: impl Fn(&Json) -> Option<N>,
    wrong: impl Fn(&Json, &str) -> String,
) -> Result<Vec<N>, String> {
    let read = |value: &Json| {
        let read = number(value).or_else(|| value.as_str()?.parse().ok());
        read.ok_or_else(|| wrong(value, "number of its representation"))
    };
    values.iter().map(read).collect()
}

fn text(value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Null => Ok(String::new()),
        Json::Object(name) => {
            let group = |key: &str| name.get(key).and_then(Json::as_str).unwrap_or_default();
            let groups = [group("Alphabetic"), group("Ideographic"), group("Phonetic")];
            Ok(groups.join("=").trim_end_matches('=').to_owned())
        }
        other => Err(format!("has {other}, which is no value")),
    }
}

/// As the host writes it: in the order of tags, an empty element without `Value`.
pub(super) fn written(object: &Object) -> Json {
    let element = |(tag, (vr, element)): (&Tag, &(Vr, Element))| {
        let mut content = Map::new();
        content.insert("vr".to_owned(), json!(format!("{vr:?}")));
        let values = match element {
            Element::Items(items) => items.iter().map(written).collect(),
            Element::Value(value) => listed(*vr, value),
        };
        if let Element::Value(Value::Bytes(bytes)) = element
            && !bytes.is_empty()
        {
            content.insert("InlineBinary".to_owned(), STANDARD.encode(bytes).into());
        }
        if !values.is_empty() {
            content.insert("Value".to_owned(), Json::Array(values));
        }
        (format!("{:08X}", tag.0), Json::Object(content))
    };
    Json::Object(object.elements.iter().map(element).collect())
}

fn listed(vr: Vr, value: &Value) -> Vec<Json> {
    match value {
        Value::Text(texts) => texts.iter().map(|text| of_text(vr, text)).collect(),
        Value::Signed(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        Value::Unsigned(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        Value::Real(numbers) => numbers.iter().map(|number| json!(number)).collect(),
        Value::Tags(tags) => tags.iter().map(|tag| json!(format!("{tag:08X}"))).collect(),
        Value::Bytes(_) => Vec::new(),
    }
}

fn of_text(vr: Vr, text: &str) -> Json {
    match &vr.0 {
        _ if text.is_empty() => Json::Null,
        b"PN" => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"]
                .into_iter()
                .zip(text.split('='));
            let groups = groups.filter(|(_, group)| !group.is_empty());
            Json::Object(groups.map(|(key, group)| (key.to_owned(), json!(group))).collect())
        }
        b"IS" => text
            .trim()
            .parse::<i64>()
            .map_or_else(|_| json!(text), |number| json!(number)),
        b"DS" => match text.trim().parse::<f64>() {
            // As the host writes it, without a fraction where there is none.
            Ok(number) if number.fract() == 0.0 && number.abs() < 9e15 => json!(number as i64),
            Ok(number) if number.is_finite() => json!(number),
            _ => json!(text),
        },
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests;

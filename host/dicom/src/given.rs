//! Data sets that others write as DICOM JSON (PS3.18 Annex F), checked before they are kept and sent on.
//!
//! Separate from [`crate::answer`], which writes whatever is stored: what comes in by this door is nobody's object yet, so it
//! can be refused, and every fault is named at once. A fault names elements and rules, never a value.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::edit;
use crate::json;
use crate::value::Value;
use crate::vr::{self, Form};
use crate::{Tag, VR, dictionary, tags};

/// Elements of one data set at most, those in items included.
const ELEMENTS: usize = 2000;
/// Sequences in sequences at most.
const DEPTH: usize = 8;
/// Bytes of all texts of one data set at most.
const TEXT: usize = 256 << 10;
/// Faults that are told at once.
const FAULTS: usize = 50;

/// Something that is wrong with a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: keywords and tags on the way, `ScheduledProcedureStepSequence (0040,0100)[0] Modality (0008,0060)`.
    pub at: String,
    /// What is wrong and what would be right; follows the place.
    pub wrong: String,
}

impl Fault {
    /// A fault of an element in items: each a sequence and the number of its item.
    pub fn of(within: &[(Tag, usize)], tag: Tag, wrong: impl Into<String>) -> Self {
        Self {
            at: place(within, Some(tag)),
            wrong: wrong.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            f.write_str(&self.wrong)
        } else {
            write!(f, "{} {}", self.at, self.wrong)
        }
    }
}

fn place(within: &[(Tag, usize)], tag: Option<Tag>) -> String {
    let name = |tag: Tag| {
        let number = format!("({:04X},{:04X})", tag.group(), tag.element());
        match dictionary::keyword(tag) {
            "element" => number,
            keyword => format!("{keyword} {number}"),
        }
    };
    let mut parts: Vec<String> = within
        .iter()
        .map(|(tag, item)| format!("{}[{item}]", name(*tag)))
        .collect();
    parts.extend(tag.map(name));
    parts.join(" ")
}

/// Checks a data set, and answers it in one form: tags in capitals, a VR for each element, names by component group. Specific
/// Character Set is left out, since JSON has but one.
///
/// # Errors
/// Everything that is wrong, as far as 50 faults go.
pub fn check(given: &Json) -> Result<Map<String, Json>, Vec<Fault>> {
    let mut checking = Checking {
        faults: Vec::new(),
        within: Vec::new(),
        elements: 0,
        text: 0,
    };
    let Some(level) = given.as_object() else {
        return Err(vec![Fault {
            at: String::new(),
            wrong: "a data set is a JSON object, with tags as its names".to_owned(),
        }]);
    };
    let checked = checking.level(level);
    if checking.faults.is_empty() {
        Ok(checked)
    } else {
        Err(checking.faults)
    }
}

struct Checking {
    faults: Vec<Fault>,
    within: Vec<(Tag, usize)>,
    elements: usize,
    text: usize,
}

impl Checking {
    fn fault(&mut self, tag: Option<Tag>, wrong: impl Into<String>) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault {
                at: place(&self.within, tag),
                wrong: wrong.into(),
            });
        }
    }

    /// Recurses once for each sequence within another, as deep as [`DEPTH`].
    fn level(&mut self, given: &Map<String, Json>) -> Map<String, Json> {
        let mut out = Map::new();
        for (key, element) in given {
            self.elements += 1;
            if self.elements > ELEMENTS {
                if self.elements == ELEMENTS + 1 {
                    self.fault(None, format!("the data set has more than {ELEMENTS} elements"));
                }
                return out;
            }
            let Some(tag) = tag_of(key) else {
                self.fault(
                    None,
                    "has a name that is no tag: eight hexadecimal digits, such as 00100020",
                );
                continue;
            };
            if tag == tags::SPECIFIC_CHARACTER_SET {
                continue;
            }
            if tag.element() == 0 || matches!(tag.group(), 0x0000..=0x0007 | 0x7FE0 | 0xFFFE | 0xFFFF) {
                self.fault(Some(tag), "does not belong into such a data set");
                continue;
            }
            if let Some(checked) = self.element(tag, element)
                && out.insert(json::key(tag), checked).is_some()
            {
                self.fault(Some(tag), "stands there twice");
            }
        }
        out
    }

    fn element(&mut self, tag: Tag, element: &Json) -> Option<Json> {
        let Some(element) = element.as_object() else {
            self.fault(Some(tag), "must be an object with `vr` and `Value`");
            return None;
        };
        let known = dictionary::lookup(tag).map(|known| known.vr);
        let said = match element.get("vr").map(|vr| vr.as_str().and_then(vr_of)) {
            Some(None) => {
                self.fault(Some(tag), "has a `vr` that is no value representation");
                return None;
            }
            Some(said) => said,
            None => None,
        };
        let vr = match (said, known) {
            (Some(said), Some(known)) if said != known && said != VR::UN => {
                self.fault(Some(tag), format!("must have the VR {known}"));
                return None;
            }
            (_, Some(known)) => known,
            (Some(said), None) => said,
            (None, None) => {
                self.fault(Some(tag), "is not in the dictionary: its `vr` must be given");
                return None;
            }
        };
        if let Some(other) = element.keys().find(|name| !matches!(name.as_str(), "vr" | "Value")) {
            let wrong = match other.as_str() {
                "BulkDataURI" | "InlineBinary" => "has a binary value, which is not taken here",
                _ => "has more than `vr` and `Value`",
            };
            self.fault(Some(tag), wrong);
            return None;
        }
        let none = Vec::new();
        let values = match element.get("Value") {
            None | Some(Json::Null) => &none,
            Some(Json::Array(values)) => values,
            Some(_) => {
                self.fault(Some(tag), "must have an array as `Value`");
                return None;
            }
        };
        let values = self.values(tag, vr, values)?;
        Some(if values.is_empty() {
            json!({ "vr": vr.to_string() })
        } else {
            json!({ "vr": vr.to_string(), "Value": values })
        })
    }

    fn values(&mut self, tag: Tag, vr: VR, values: &[Json]) -> Option<Vec<Json>> {
        if vr::form(vr) == Form::Whole && values.len() > 1 {
            self.fault(Some(tag), "takes one value");
            return None;
        }
        match vr::form(vr) {
            Form::Items => {
                if self.within.len() >= DEPTH {
                    self.fault(Some(tag), format!("is more than {DEPTH} sequences deep"));
                    return None;
                }
                let mut items = Vec::with_capacity(values.len());
                for (number, item) in values.iter().enumerate() {
                    let Some(item) = item.as_object() else {
                        self.fault(Some(tag), "must have objects as its items");
                        return None;
                    };
                    self.within.push((tag, number));
                    let item = self.level(item);
                    self.within.pop();
                    items.push(Json::Object(item));
                }
                Some(items)
            }
            Form::Binary(_) | Form::Tags if !values.is_empty() => {
                self.fault(Some(tag), format!("has the VR {vr}, which is not taken here"));
                None
            }
            _ => values.iter().map(|value| self.value(tag, vr, value)).collect(),
        }
    }

    fn value(&mut self, tag: Tag, vr: VR, value: &Json) -> Option<Json> {
        let typed = match value {
            Json::Null => return Some(Json::Null),
            Json::String(text) => {
                if vr == VR::PN {
                    return self.name(tag, text.split('='));
                }
                let text = text.trim_end_matches(' ');
                self.text += text.len();
                Value::Text(vec![text.to_owned()])
            }
            Json::Object(groups) if vr == VR::PN => {
                let known = ["Alphabetic", "Ideographic", "Phonetic"];
                let fits = groups
                    .iter()
                    .all(|(name, group)| known.contains(&name.as_str()) && group.is_string());
                if !fits {
                    self.fault(
                        Some(tag),
                        "takes a name as an object of Alphabetic, Ideographic and Phonetic",
                    );
                    return None;
                }
                return self.name(
                    tag,
                    known.map(|name| groups.get(name).and_then(Json::as_str).unwrap_or_default()),
                );
            }
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Signed(vec![whole]),
                (None, Some(real)) => Value::Real(vec![real]),
                (None, None) => Value::Text(vec![number.to_string()]),
            },
            _ => {
                self.fault(Some(tag), format!("has a value that is none of the VR {vr}"));
                return None;
            }
        };
        self.fits(tag, vr, &typed)?;
        Some(match typed {
            Value::Text(texts) => texts.concat().into(),
            _ => value.clone(),
        })
    }

    fn name<'g>(&mut self, tag: Tag, groups: impl IntoIterator<Item = &'g str>) -> Option<Json> {
        let mut name = Map::new();
        for (at, group) in groups.into_iter().enumerate() {
            let group = group.trim_matches(' ');
            if group.is_empty() {
                continue;
            }
            let Some(key) = ["Alphabetic", "Ideographic", "Phonetic"].get(at) else {
                self.fault(Some(tag), "has more than three component groups");
                return None;
            };
            self.text += group.len();
            if group.contains('=') {
                self.fault(Some(tag), "has a `=` within a component group");
                return None;
            }
            self.fits(tag, VR::PN, &Value::Text(vec![group.to_owned()]))?;
            name.insert((*key).to_owned(), group.into());
        }
        Some(if name.is_empty() {
            Json::Null
        } else {
            Json::Object(name)
        })
    }

    /// That a value is one of its VR, and no longer than that allows (PS3.5 §6.2).
    fn fits(&mut self, tag: Tag, vr: VR, value: &Value) -> Option<()> {
        if self.text > TEXT {
            self.fault(None, format!("the data set has more than {TEXT} bytes of text"));
            return None;
        }
        let longest = match vr {
            VR::AE | VR::CS | VR::SH => 16,
            VR::LO | VR::PN => 64,
            VR::ST => 1024,
            VR::LT => 10_240,
            _ => usize::MAX,
        };
        if let Value::Text(texts) = value
            && texts.iter().any(|text| text.chars().count() > longest)
        {
            self.fault(Some(tag), format!("has a value of more than {longest} characters"));
            return None;
        }
        match edit::fits(vr, value) {
            Ok(()) => Some(()),
            Err(why) => {
                self.fault(Some(tag), format!("cannot have such a value: {why}"));
                None
            }
        }
    }
}

fn tag_of(key: &str) -> Option<Tag> {
    let hexadecimal = key.len() == 8 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    let both = u32::from_str_radix(key, 16).ok().filter(|_| hexadecimal)?;
    Some(Tag((both >> 16) as u16, both as u16))
}

fn vr_of(text: &str) -> Option<VR> {
    vr::from_bytes(text.as_bytes().try_into().ok()?)
}

#[cfg(test)]
mod tests;

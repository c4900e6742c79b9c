//! Values of a DICOM JSON data set, read leniently. Separate because both kinds of step, and what is made of HL7, ask for them.

use isocenter_dicom::Tag;
use serde_json::{Map, Value, json};

/// A data set as DICOM JSON.
pub type DataSet = Map<String, Value>;

/// Reading and writing single elements.
pub trait Values {
    /// The first value as text, without surrounding spaces; `None` where there is none, or an empty one. Of a name, its
    /// alphabetic group, or else the first one there is.
    fn first(&self, tag: Tag) -> Option<String>;
    /// The element is there, with a value or without.
    fn has(&self, tag: Tag) -> bool;
    /// The items of a sequence.
    fn items(&self, tag: Tag) -> impl Iterator<Item = &DataSet>;
    /// Sets an element to a value.
    fn put(&mut self, tag: Tag, vr: &'static str, value: impl Into<Value>);
}

pub(crate) fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

fn values(data_set: &DataSet, tag: Tag) -> &[Value] {
    let element = data_set.get(&key(tag)).and_then(|element| element.get("Value"));
    element.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Values for DataSet {
    fn first(&self, tag: Tag) -> Option<String> {
        let text = match values(self, tag).first()? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Object(name) => {
                let group = |group: &str| name.get(group).and_then(Value::as_str).map(str::to_owned);
                let groups = ["Alphabetic", "Ideographic", "Phonetic"];
                groups.into_iter().find_map(group)?
            }
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    fn has(&self, tag: Tag) -> bool {
        self.contains_key(&key(tag))
    }

    fn items(&self, tag: Tag) -> impl Iterator<Item = &DataSet> {
        values(self, tag).iter().filter_map(Value::as_object)
    }

    fn put(&mut self, tag: Tag, vr: &'static str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.insert(key(tag), json!({ "vr": vr, "Value": [value] }));
    }
}

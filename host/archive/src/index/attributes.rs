//! What the index holds of an object's header. Separate because it is pure: header in, columns out.
//!
//! Senders write anything into a header. What cannot be read as a date, a time or a number is left out of its column and
//! thus not matched; what no column can hold (NUL, kilobytes of text) is cut. None of this refuses an object.

use isocenter_dicom::{Tag, header::Header, tags};
use serde_json::{Map, Value};

use super::{
    Level,
    fold::{self, Name},
    keys::{self, Shown},
    moment::{Date, Time},
};

/// The most values of a multi-valued attribute, or items of a sequence, that are searchable.
const MOST_VALUES: usize = 64;
/// The longest attribute, in bytes of JSON, that the index shows. Longer ones are in the header alone.
const LONGEST_SHOWN: usize = 8192;

/// Every searchable and displayable attribute of an object, its series and its study.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributes {
    pub(super) study: Study,
    pub(super) series: Series,
    pub(super) object: Object,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Study {
    pub(super) patient_name: Name,
    pub(super) patient_id: Option<String>,
    pub(super) patient_id_issuer: Option<String>,
    pub(super) patient_birth_date: Option<Date>,
    pub(super) patient_sex: Option<String>,
    pub(super) date: Option<Date>,
    pub(super) time: Option<Time>,
    pub(super) accession_number: Option<String>,
    pub(super) referring_name: Name,
    pub(super) id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) shown: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) modality: Option<String>,
    pub(super) number: Option<i32>,
    pub(super) description: Option<String>,
    pub(super) date: Option<Date>,
    pub(super) time: Option<Time>,
    pub(super) body_part: Option<String>,
    pub(super) laterality: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) station_name: Option<String>,
    pub(super) institution_name: Option<String>,
    pub(super) step_date: Option<Date>,
    pub(super) step_time: Option<Time>,
    /// Joined by `\`, which no value of either can contain.
    pub(super) scheduled_step_ids: Option<String>,
    pub(super) requested_procedure_ids: Option<String>,
    pub(super) shown: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) instance_number: Option<i32>,
    pub(super) rows: Option<i32>,
    pub(super) columns: Option<i32>,
    pub(super) bits_allocated: Option<i32>,
    pub(super) frames: Option<i32>,
    pub(super) acquisition_number: Option<i32>,
    pub(super) content_date: Option<Date>,
    pub(super) content_time: Option<Time>,
    pub(super) timezone: Option<String>,
}

impl Attributes {
    /// Takes them from a header.
    pub fn of(header: &Header) -> Self {
        Self::from_json(header.json_of(keys::all()))
    }

    /// Takes them from a DICOM JSON data set (PS3.18 Annex F).
    pub(crate) fn from_json(data_set: Map<String, Value>) -> Self {
        let read = Read(&data_set);
        let study = Study {
            patient_name: read.name(tags::PATIENT_NAME),
            patient_id: read.text(tags::PATIENT_ID),
            patient_id_issuer: read.text(tags::ISSUER_OF_PATIENT_ID),
            patient_birth_date: read.date(tags::PATIENT_BIRTH_DATE),
            patient_sex: read.text(tags::PATIENT_SEX),
            date: read.date(tags::STUDY_DATE),
            time: read.time(tags::STUDY_TIME),
            accession_number: read.text(tags::ACCESSION_NUMBER),
            referring_name: read.name(tags::REFERRING_PHYSICIAN_NAME),
            id: read.text(tags::STUDY_ID),
            description: read.text(tags::STUDY_DESCRIPTION),
            shown: read.shown(Level::Study),
        };
        let series = Series {
            modality: read.text(tags::MODALITY),
            number: read.number(tags::SERIES_NUMBER),
            description: read.text(tags::SERIES_DESCRIPTION),
            date: read.date(tags::SERIES_DATE),
            time: read.time(tags::SERIES_TIME),
            body_part: read.text(tags::BODY_PART_EXAMINED),
            laterality: read.text(tags::LATERALITY),
            manufacturer: read.text(tags::MANUFACTURER),
            station_name: read.text(tags::STATION_NAME),
            institution_name: read.text(tags::INSTITUTION_NAME),
            step_date: read.date(tags::PERFORMED_PROCEDURE_STEP_START_DATE),
            step_time: read.time(tags::PERFORMED_PROCEDURE_STEP_START_TIME),
            scheduled_step_ids: read.in_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID),
            requested_procedure_ids: read.in_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::REQUESTED_PROCEDURE_ID),
            shown: read.shown(Level::Series),
        };
        let object = Object {
            instance_number: read.number(tags::INSTANCE_NUMBER),
            rows: read.number(tags::ROWS),
            columns: read.number(tags::COLUMNS),
            bits_allocated: read.number(tags::BITS_ALLOCATED),
            frames: read.number(tags::NUMBER_OF_FRAMES),
            acquisition_number: read.number(tags::ACQUISITION_NUMBER),
            content_date: read.date(tags::CONTENT_DATE),
            content_time: read.time(tags::CONTENT_TIME),
            timezone: read.text(tags::TIMEZONE_OFFSET_FROM_UTC),
        };
        Self { study, series, object }
    }
}

/// The name of an attribute in DICOM JSON.
pub(super) fn json_key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// A DICOM JSON data set, read leniently.
pub(super) struct Read<'a>(&'a Map<String, Value>);

impl<'a> Read<'a> {
    pub(super) fn of(data_set: &'a Map<String, Value>) -> Self {
        Self(data_set)
    }

    /// The items of a sequence.
    pub(super) fn items(&self, sequence: Tag) -> impl Iterator<Item = Read<'a>> + use<'a> {
        self.values(sequence).filter_map(Value::as_object).map(Read)
    }

    fn values(&self, tag: Tag) -> impl Iterator<Item = &'a Value> + use<'a> {
        let values = self
            .0
            .get(&json_key(tag))
            .and_then(|element| element.get("Value"))
            .and_then(Value::as_array);
        values.into_iter().flatten().take(MOST_VALUES)
    }

    /// All values as text, joined by `\`.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let mut values = self.values(tag).filter_map(text_of);
        let mut all = values.next()?;
        for value in values {
            all.push('\\');
            all.push_str(&value);
        }
        fold::exact(&all)
    }

    fn first(&self, tag: Tag) -> Option<String> {
        self.values(tag).next().and_then(text_of)
    }

    fn number(&self, tag: Tag) -> Option<i32> {
        match self.values(tag).next()? {
            Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn date(&self, tag: Tag) -> Option<Date> {
        Date::parse(&self.first(tag)?)
    }

    pub(super) fn time(&self, tag: Tag) -> Option<Time> {
        Time::parse(&self.first(tag)?).map(|(first, _)| first)
    }

    pub(super) fn name(&self, tag: Tag) -> Name {
        let Some(value) = self.values(tag).next() else {
            return Name::default();
        };
        let group = |group: &str| value.get(group).and_then(Value::as_str).and_then(fold::name);
        Name {
            alphabetic: group("Alphabetic"),
            ideographic: group("Ideographic"),
            phonetic: group("Phonetic"),
        }
    }

    /// The values of an attribute in all items of a sequence, joined by `\`.
    fn in_items(&self, sequence: Tag, tag: Tag) -> Option<String> {
        let values: Vec<String> = self
            .values(sequence)
            .filter_map(Value::as_object)
            .filter_map(|item| Read(item).text(tag))
            .collect();
        (!values.is_empty()).then(|| values.join("\\"))
    }

    fn shown(&self, level: Level) -> Map<String, Value> {
        let shown = Shown::at(level);
        let both = [shown.required, shown.more].into_iter().flatten();
        both.filter_map(|tag| {
            let key = json_key(*tag);
            let mut element = self.0.get(&key)?.clone();
            if measure(&element) > LONGEST_SHOWN {
                return None;
            }
            clean(&mut element, 0);
            Some((key, element))
        })
        .collect()
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// About how many bytes of JSON a value is; stops counting a little beyond the longest shown.
fn measure(value: &Value) -> usize {
    let mut size = 0;
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        size += 4;
        match value {
            Value::String(text) => size += text.len(),
            Value::Array(values) => left.extend(values),
            Value::Object(map) => left.extend(map.iter().map(|(key, value)| {
                size += key.len() + 4;
                value
            })),
            _ => size += 8,
        }
        if size > LONGEST_SHOWN {
            break;
        }
    }
    size
}

/// Takes out NUL, which Postgres has no room for in JSON. The depth is bounded by what [`measure`] let pass, and again here.
pub(super) fn clean(value: &mut Value, depth: usize) {
    match value {
        _ if depth > 32 => *value = Value::Null,
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(values) => values.iter_mut().for_each(|value| clean(value, depth + 1)),
        Value::Object(map) => map.values_mut().for_each(|value| clean(value, depth + 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

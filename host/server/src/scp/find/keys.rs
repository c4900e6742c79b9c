//! What a query asks: which keys the index matches, which attributes come from the index, which from headers, and which from
//! nowhere. Separate because it is pure.

use bytes::Bytes;
use isocenter_archive::index::{Find, FindLevel};
use isocenter_dicom::header::{Header, Path, Step};
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::AeTitle;
use serde_json::{Map, Value, json};

use super::Filled;
use crate::scp::identifier::{self, Root, Unfit};

type DataSet = Map<String, Value>;

/// What was agreed in extended negotiation (PS3.4 §C.5.1.1): everything else is the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scp) struct Options {
    /// Relational queries: no unique keys above the level are needed.
    relational: bool,
    /// A range of dates and one of times are one range.
    combined: bool,
    /// Fuzzy semantic matching of person names.
    fuzzy: bool,
}

impl Options {
    /// The options that this host has, as bytes of the negotiation.
    pub(in crate::scp) const KNOWN: [u8; 3] = [1, 1, 1];

    /// Those that were agreed on.
    pub(super) fn negotiated(agreed: Option<&Bytes>) -> Self {
        let on = |at: usize| agreed.and_then(|agreed| agreed.get(at)) == Some(&1);
        Self {
            relational: on(0),
            combined: on(1),
            fuzzy: on(2),
        }
    }
}

/// A query, ready to be answered.
#[derive(Debug)]
pub(super) struct Asked {
    /// For the index.
    pub(super) find: Find,
    /// Attributes that are read from a header.
    pub(super) from_header: Vec<Tag>,
    /// Specific Character Set of the query.
    pub(super) character_set: Option<String>,
    /// Every attribute asked for, empty, as DICOM JSON: what has no value is answered so.
    empty: DataSet,
    /// Name of the level.
    level: &'static str,
    /// Every key is supported.
    complete: bool,
}

/// Keys that are not asked of objects, or answered whatever is asked.
const APART: [Tag; 5] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::QUERY_RETRIEVE_LEVEL,
    tags::RETRIEVE_AE_TITLE,
    tags::INSTANCE_AVAILABILITY,
    tags::STUDY_INSTANCE_UID,
];

impl Asked {
    /// Reads a query.
    ///
    /// # Errors
    /// It does not fit its information model.
    pub(super) fn read(identifier: &Header, root: Root, options: Options) -> Result<Self, Unfit> {
        let level = identifier::level(identifier, root)?;
        if !options.relational {
            identifier::check_above(identifier, root, level)?;
        }
        let name = root
            .levels()
            .find(|(of, ..)| *of == level)
            .map_or("", |(_, name, _)| name);
        let mut asked = Self {
            find: Find {
                level,
                matching: Vec::new(),
                wanted: Vec::new(),
                fuzzy: options.fuzzy,
                combined: options.combined,
            },
            from_header: Vec::new(),
            character_set: identifier
                .text(tags::SPECIFIC_CHARACTER_SET)
                .map(|terms| terms.join("\\"))
                .filter(|terms| !terms.is_empty()),
            empty: DataSet::new(),
            level: name,
            complete: true,
        };
        for tag in identifier.tags(&[]) {
            if tag.element() != 0 && tag.group() % 2 == 0 {
                asked.key(identifier, tag);
            } else if tag.element() > 0xFF {
                asked.complete = false;
            }
        }
        // What names a match is answered also where nobody asked.
        if level == FindLevel::Patient && !asked.find.wanted.contains(&tags::PATIENT_ID) {
            asked.find.wanted.push(tags::PATIENT_ID);
        }
        Ok(asked)
    }

    fn key(&mut self, identifier: &Header, tag: Tag) {
        let Some(element) = identifier.element(&tag.into()) else {
            return;
        };
        let level = self.find.level;
        let named = matches!(
            tag,
            tags::SERIES_INSTANCE_UID | tags::SOP_INSTANCE_UID | tags::STUDY_INSTANCE_UID
        );
        if !APART.contains(&tag) || named {
            self.empty
                .insert(key_of(tag), json!({ "vr": element.vr().to_string() }));
        }
        if matches!(
            tag,
            tags::SPECIFIC_CHARACTER_SET
                | tags::QUERY_RETRIEVE_LEVEL
                | tags::RETRIEVE_AE_TITLE
                | tags::INSTANCE_AVAILABILITY
        ) {
            return;
        }
        match identifier.items(&tag.into()) {
            Some(0) => {}
            Some(_) => self.item(identifier, tag),
            None => {
                let value = identifier.text(tag).unwrap_or_default().join("\\");
                self.matching(tag, value);
            }
        }
        if named {
            let of = match tag {
                tags::STUDY_INSTANCE_UID => FindLevel::Study,
                tags::SERIES_INSTANCE_UID => FindLevel::Series,
                _ => FindLevel::Object,
            };
            // The index says it of every match; below the level it is nothing that one match has.
            self.complete &= of <= level;
        } else if Find::can_show(level, tag) {
            self.find.wanted.push(tag);
        } else if lowest(tag) <= level {
            self.from_header.push(tag);
        } else {
            self.complete = false;
        }
    }

    /// The keys in the item of a sequence (PS3.4 §C.2.2.2.6): those of the Request Attributes Sequence match.
    fn item(&mut self, identifier: &Header, sequence: Tag) {
        let within = vec![Step { sequence, item: 0 }];
        for tag in identifier.tags(&within) {
            let at = Path {
                within: within.clone(),
                tag,
            };
            let empty = identifier.element(&at).is_none_or(|element| element.bytes().is_empty());
            if empty || tag.element() == 0 {
                continue;
            }
            let indexed = sequence == tags::REQUEST_ATTRIBUTES_SEQUENCE
                && matches!(tag, tags::SCHEDULED_PROCEDURE_STEP_ID | tags::REQUESTED_PROCEDURE_ID);
            match identifier.value(&at) {
                Some(isocenter_dicom::Value::Text(values)) if indexed => self.matching(tag, values.join("\\")),
                _ => self.complete = false,
            }
        }
    }

    fn matching(&mut self, tag: Tag, value: String) {
        if value.bytes().all(|byte| matches!(byte, b'*' | b' ')) {
            return;
        }
        if Find::can_match(self.find.level, tag) {
            self.find.matching.push((tag, value));
        } else {
            self.complete = false;
        }
    }

    /// The attributes of a response, and whether all that was asked for could be answered.
    pub(super) fn response(&self, filled: Filled, ae_title: &AeTitle) -> (bool, DataSet) {
        let Filled { found, complete } = filled;
        let mut out = self.empty.clone();
        for (tag, element) in found.attributes {
            out.insert(tag, element);
        }
        let mut put = |tag: Tag, vr: &str, value: &str| {
            out.insert(key_of(tag), json!({ "vr": vr, "Value": [value] }));
        };
        put(tags::QUERY_RETRIEVE_LEVEL, "CS", self.level);
        put(tags::RETRIEVE_AE_TITLE, "AE", ae_title.as_str());
        put(tags::INSTANCE_AVAILABILITY, "CS", "ONLINE");
        if self.find.level != FindLevel::Patient {
            put(tags::STUDY_INSTANCE_UID, "UI", found.study.as_str());
        }
        if let Some(series) = &found.series {
            put(tags::SERIES_INSTANCE_UID, "UI", series.as_str());
        }
        if let Some(object) = &found.object {
            put(tags::SOP_INSTANCE_UID, "UI", object.as_str());
        }
        (complete && self.complete, out)
    }
}

fn key_of(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// The highest level at which all objects agree on an attribute, so that any of them can say it (the modules of PS3.3 §C.7.1
/// to §C.7.5): everything else is an object's own.
fn lowest(tag: Tag) -> FindLevel {
    match (tag.group(), tag.element()) {
        (0x0010, 0x0010..=0x1000 | 0x1001..=0x1005 | 0x1060 | 0x1090 | 0x2160 | 0x2201..=0x2297 | 0x4000) => {
            FindLevel::Patient
        }
        (0x0012, 0x0010..=0x0042) => FindLevel::Patient,
        (0x0008, 0x1120) => FindLevel::Patient,
        (0x0010 | 0x0012 | 0x0032 | 0x0038, _) => FindLevel::Study,
        (
            0x0008,
            0x0051 | 0x0090..=0x009D | 0x1030 | 0x1032 | 0x1048..=0x1049 | 0x1060 | 0x1062 | 0x1080 | 0x1084 | 0x1110,
        ) => FindLevel::Study,
        (0x0020, 0x0010) => FindLevel::Study,
        (
            0x0008,
            0x0021
            | 0x0031
            | 0x0060
            | 0x0070
            | 0x0080..=0x0082
            | 0x1010
            | 0x103E..=0x1041
            | 0x1050
            | 0x1052
            | 0x1070
            | 0x1072
            | 0x1090
            | 0x1111
            | 0x1250,
        ) => FindLevel::Series,
        (0x0018, 0x0015 | 0x1000 | 0x1008 | 0x1020 | 0x1030 | 0x5100) => FindLevel::Series,
        (0x0020, 0x0011 | 0x0052 | 0x0060 | 0x1040) => FindLevel::Series,
        (0x0040, 0x0241..=0x0254 | 0x0260 | 0x0275 | 0x0280 | 0x0555) => FindLevel::Series,
        _ => FindLevel::Object,
    }
}

#[cfg(test)]
mod tests;

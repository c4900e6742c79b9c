//! The objects of a case as the archive that a route sees: opened by UID, and found by the searches of QIDO-RS.
//!
//! Separate because it answers as the host's index does, in a small part: resources, UIDs and `limit`. Other keys are
//! compared with the elements as they are, without wildcards.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_dicom::{Path, Tag, tags};
use isocenter_role::{OpenObject, Study, Visible};
use serde_json::{Map, Value, json};

use crate::ask::Members;
use crate::object::CaseObject;

/// Tag, VR and keyword.
type Attribute = (Tag, &'static str, &'static str);

/// What a study, a series and an object are found with (PS3.18 tables 10.6.3-3 to 10.6.3-5), as far as objects say it.
const STUDY: [Attribute; 8] = [
    (tags::STUDY_DATE, "DA", "StudyDate"),
    (tags::STUDY_TIME, "TM", "StudyTime"),
    (tags::ACCESSION_NUMBER, "SH", "AccessionNumber"),
    (tags::PATIENT_NAME, "PN", "PatientName"),
    (tags::PATIENT_ID, "LO", "PatientID"),
    (tags::PATIENT_BIRTH_DATE, "DA", "PatientBirthDate"),
    (tags::STUDY_INSTANCE_UID, "UI", "StudyInstanceUID"),
    (tags::STUDY_DESCRIPTION, "LO", "StudyDescription"),
];
const SERIES: [Attribute; 4] = [
    (tags::MODALITY, "CS", "Modality"),
    (tags::SERIES_DESCRIPTION, "LO", "SeriesDescription"),
    (tags::SERIES_INSTANCE_UID, "UI", "SeriesInstanceUID"),
    (tags::SERIES_NUMBER, "IS", "SeriesNumber"),
];
const OBJECT: [Attribute; 3] = [
    (tags::SOP_CLASS_UID, "UI", "SOPClassUID"),
    (tags::SOP_INSTANCE_UID, "UI", "SOPInstanceUID"),
    (tags::INSTANCE_NUMBER, "IS", "InstanceNumber"),
];

pub(crate) struct Archive(pub(crate) Vec<CaseObject>);

impl Visible for Archive {
    fn open(&self, object: String) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        let found = self.0.iter().find(|open| first(open, tags::SOP_INSTANCE_UID) == object);
        std::future::ready(Ok(found.map(|found| found.open.clone()))).boxed()
    }

    fn open_study(&self, study: String) -> BoxFuture<'_, Result<Option<Arc<dyn Study>>, String>> {
        let members = self
            .0
            .iter()
            .filter(|open| first(open, tags::STUDY_INSTANCE_UID) == study);
        let members: Vec<CaseObject> = members.cloned().collect();
        let found: Option<Arc<dyn Study>> = (!members.is_empty()).then(|| Arc::new(Members::of(&members)) as _);
        std::future::ready(Ok(found)).boxed()
    }

    fn search(&self, query: String) -> BoxFuture<'_, Result<String, String>> {
        std::future::ready(self.find(&query)).boxed()
    }
}

impl Archive {
    fn find(&self, query: &str) -> Result<String, String> {
        let (resource, keys) = query.split_once('?').unwrap_or((query, ""));
        let steps: Vec<&str> = resource.split('/').collect();
        let (wanted, level) = match steps.as_slice() {
            ["studies"] => (vec![], tags::STUDY_INSTANCE_UID),
            ["series"] => (vec![], tags::SERIES_INSTANCE_UID),
            ["instances"] => (vec![], tags::SOP_INSTANCE_UID),
            ["studies", study, "series"] => (vec![(tags::STUDY_INSTANCE_UID, *study)], tags::SERIES_INSTANCE_UID),
            ["studies", study, "instances"] => (vec![(tags::STUDY_INSTANCE_UID, *study)], tags::SOP_INSTANCE_UID),
            ["studies", study, "series", series, "instances"] => (
                vec![(tags::STUDY_INSTANCE_UID, *study), (tags::SERIES_INSTANCE_UID, *series)],
                tags::SOP_INSTANCE_UID,
            ),
            _ => return Err(format!("`{resource}` is no resource of QIDO-RS")),
        };
        let mut wanted: Vec<(Tag, String)> = wanted.into_iter().map(|(tag, uid)| (tag, uid.to_owned())).collect();
        let mut limit = usize::MAX;
        for (key, value) in url::form_urlencoded::parse(keys.as_bytes()) {
            match key.as_ref() {
                "limit" => limit = value.parse().map_err(|_| "`limit` is no number".to_owned())?,
                "offset" | "includefield" | "fuzzymatching" => {}
                key => {
                    let mut known = STUDY.iter().chain(&SERIES).chain(&OBJECT);
                    let found = known.find(|(_, _, keyword)| *keyword == key);
                    let (tag, _, _) = found.ok_or_else(|| format!("a case does not search by `{key}`"))?;
                    wanted.push((*tag, value.into_owned()));
                }
            }
        }
        // One group for each study, series or object, in the order of their UIDs.
        let mut groups: BTreeMap<String, Vec<&CaseObject>> = BTreeMap::new();
        for open in &self.0 {
            if wanted.iter().all(|(tag, value)| first(open, *tag) == *value) {
                groups.entry(first(open, level)).or_default().push(open);
            }
        }
        let rows = groups.values().take(limit).filter_map(|members| {
            let one = members.first()?;
            let mut row = Map::new();
            put(&mut row, one, &STUDY);
            if level != tags::STUDY_INSTANCE_UID {
                put(&mut row, one, &SERIES);
            }
            let (counted, number) = match level {
                tags::STUDY_INSTANCE_UID => (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, members.len()),
                tags::SERIES_INSTANCE_UID => (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, members.len()),
                _ => {
                    put(&mut row, one, &OBJECT);
                    return Some(Value::from(row));
                }
            };
            row.insert(digits(counted), json!({ "vr": "IS", "Value": [number] }));
            Some(row.into())
        });
        Ok(Value::from(rows.collect::<Vec<_>>()).to_string())
    }
}

fn put(row: &mut Map<String, Value>, object: &CaseObject, elements: &[Attribute]) {
    for &(tag, vr, _) in elements {
        let at = Path {
            within: Vec::new(),
            tag,
        };
        if object.open.header.value(&at).is_some() {
            let text = first(object, tag);
            let value = if vr == "PN" {
                json!({ "Alphabetic": text })
            } else {
                text.into()
            };
            row.insert(digits(tag), json!({ "vr": vr, "Value": [value] }));
        }
    }
}

fn first(object: &CaseObject, tag: Tag) -> String {
    object.open.header.first(tag).unwrap_or_default()
}

fn digits(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

//! An entry of the modality worklist: one scheduled procedure step with its patient, order and requested procedure
//! (PS3.4 table K.6-1).

use isocenter_dicom::given::{self, Fault};
use isocenter_dicom::{Tag, Uid, tags};
use serde_json::{Value, json};

use crate::data_set::{DataSet, Values, key};

/// What an entry must have of itself, and of its step: all that modalities match by or cannot do without.
const REQUIRED: [Tag; 3] = [tags::PATIENT_ID, tags::PATIENT_NAME, tags::REQUESTED_PROCEDURE_ID];
const REQUIRED_OF_STEP: [Tag; 5] = [
    tags::SCHEDULED_PROCEDURE_STEP_ID,
    tags::MODALITY,
    tags::SCHEDULED_STATION_AE_TITLE,
    tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
    tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
];
/// What a step that nobody has touched is called (PS3.3 §C.4.10).
const SCHEDULED: &str = "SCHEDULED";

/// A scheduled procedure step that has all it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledStep {
    data_set: DataSet,
    study: Uid,
    step: String,
}

/// What names an order: each where it is given, as it is written, with the namespace of who gave the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Accession Number.
    pub accession_number: Option<String>,
    /// Placer Order Number / Imaging Service Request.
    pub placer: Option<String>,
    /// Filler Order Number / Imaging Service Request.
    pub filler: Option<String>,
}

/// What names an order and, where it is said, one step of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The order's numbers.
    pub order: Order,
    /// Study Instance UID.
    pub study: Option<Uid>,
    /// Scheduled Procedure Step ID.
    pub step: Option<String>,
    /// Patient ID.
    pub patient: Option<String>,
}

impl ScheduledStep {
    /// Checks an entry that was given as DICOM JSON. Without a Study Instance UID it gets one that follows from its patient and
    /// order: the same entry given again has the same, and so has another step of the same requested procedure.
    ///
    /// # Errors
    /// Everything that is wrong with it; names elements, never values.
    pub fn of(given: &Value) -> Result<Self, Vec<Fault>> {
        let mut data_set = given::check(given)?;
        let mut faults: Vec<Fault> = REQUIRED
            .into_iter()
            .filter(|tag| data_set.first(*tag).is_none())
            .map(|tag| Fault::of(&[], tag, "must be given"))
            .collect();
        let steps = tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE;
        let count = data_set.items(steps).count();
        if count != 1 {
            faults.push(Fault::of(&[], steps, format!("must have one item, and has {count}")));
        }
        let step = data_set.items(steps).next();
        if let Some(step) = step {
            let missing = REQUIRED_OF_STEP.into_iter().filter(|tag| step.first(*tag).is_none());
            faults.extend(missing.map(|tag| Fault::of(&[(steps, 0)], tag, "must be given")));
        }
        let id = step.and_then(|step| step.first(tags::SCHEDULED_PROCEDURE_STEP_ID));
        let (Some(id), true) = (id, faults.is_empty()) else {
            return Err(faults);
        };
        let study = match data_set.first(tags::STUDY_INSTANCE_UID) {
            Some(uid) => {
                Uid::parse(&uid).map_err(|bad| vec![Fault::of(&[], tags::STUDY_INSTANCE_UID, bad.to_string())])?
            }
            None => derived(&data_set),
        };
        data_set.put(tags::STUDY_INSTANCE_UID, "UI", study.as_str());
        let mut entry = Self {
            data_set,
            study,
            step: id,
        };
        if entry.of_step(tags::SCHEDULED_PROCEDURE_STEP_STATUS).is_none() {
            entry.set_status(SCHEDULED);
        }
        Ok(entry)
    }

    /// The entry under another Study Instance UID: the one that its order had before.
    #[must_use]
    pub fn of_study(mut self, study: Uid) -> Self {
        self.data_set.put(tags::STUDY_INSTANCE_UID, "UI", study.as_str());
        self.study = study;
        self
    }

    /// All that is known of it, as DICOM JSON.
    pub fn data_set(&self) -> &DataSet {
        &self.data_set
    }

    /// Study Instance UID.
    pub fn study(&self) -> &Uid {
        &self.study
    }

    /// Scheduled Procedure Step ID.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// What names its order.
    pub fn order(&self) -> Order {
        Order {
            accession_number: self.data_set.first(tags::ACCESSION_NUMBER),
            placer: self.data_set.first(tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST),
            filler: self.data_set.first(tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST),
        }
    }

    /// An attribute of its step.
    pub fn of_step(&self, tag: Tag) -> Option<String> {
        let mut steps = self.data_set.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE);
        steps.next()?.first(tag)
    }

    /// Sets Scheduled Procedure Step Status.
    fn set_status(&mut self, status: &str) {
        let item = self
            .data_set
            .get_mut(&key(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE))
            .and_then(|sequence| sequence.pointer_mut("/Value/0"))
            .and_then(Value::as_object_mut);
        if let Some(item) = item {
            let element = json!({ "vr": "CS", "Value": [status] });
            item.insert(key(tags::SCHEDULED_PROCEDURE_STEP_STATUS), element);
        }
    }
}

/// A UID that follows from patient and order. The patient is part of it, so that two who were given one number do not share a
/// study.
fn derived(data_set: &DataSet) -> Uid {
    let mut hash = blake3::Hasher::new_derive_key("isocenter study of an order");
    for tag in [
        tags::PATIENT_ID,
        tags::ISSUER_OF_PATIENT_ID,
        tags::ACCESSION_NUMBER,
        tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
        tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
        tags::REQUESTED_PROCEDURE_ID,
    ] {
        let value = data_set.first(tag).unwrap_or_default();
        hash.update(&value.len().to_le_bytes()).update(value.as_bytes());
    }
    let hash = hash.finalize();
    Uid::random(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;

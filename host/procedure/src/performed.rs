//! A performed procedure step (PS3.4 §F.7, PS3.3 §B.17): what a modality says when it begins, and until it ends.

use isocenter_dicom::{Tag, Uid, tags};

use crate::data_set::{DataSet, Values, key};

/// Performed Procedure Step Status (0040,0252).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// IN PROGRESS: it may still be changed.
    InProgress,
    /// COMPLETED: final.
    Completed,
    /// DISCONTINUED: final.
    Discontinued,
}

impl State {
    const ALL: [Self; 3] = [Self::InProgress, Self::Completed, Self::Discontinued];

    /// As DICOM has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Discontinued => "DISCONTINUED",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Why a data set is no performed step: the classes that its status distinguishes (PS3.7 §C.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A required attribute is absent.
    MissingAttribute,
    /// A required attribute is empty.
    MissingValue,
    /// A value is not allowed there.
    InvalidValue,
}

/// A data set that is no performed step. Names elements, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// In one word.
    pub why: Why,
    /// The attributes; within an item, their own tags.
    pub tags: Vec<Tag>,
    /// In a sentence.
    pub comment: String,
}

/// A scheduled step that a performed one is said to be for: an item of its Scheduled Step Attributes Sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// Study Instance UID.
    pub study: Option<Uid>,
    /// Scheduled Procedure Step ID.
    pub step: Option<String>,
    /// Requested Procedure ID.
    pub requested_procedure: Option<String>,
    /// Accession Number.
    pub accession_number: Option<String>,
}

/// A performed procedure step, as it was created and changed until now.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformedStep {
    data_set: DataSet,
    state: State,
}

/// Type 1 when it is created, by PS3.4 table F.7.2-1.
const AT_FIRST: [Tag; 6] = [
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_STATION_AE_TITLE,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PERFORMED_PROCEDURE_STEP_STATUS,
    tags::MODALITY,
];
/// Type 1 in the final state.
const AT_LAST: [Tag; 2] = [
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
];
/// Type 1 in each item of the Performed Series Sequence, in the final state.
const OF_SERIES: [Tag; 2] = [tags::SERIES_INSTANCE_UID, tags::PROTOCOL_NAME];
/// Type 1 in each item of a sequence of references.
const OF_OBJECT: [Tag; 2] = [tags::REFERENCED_SOP_CLASS_UID, tags::REFERENCED_SOP_INSTANCE_UID];

/// What may be changed by N-SET. The rest says whose step it is, and where and when it began: that stays as it was created.
const CHANGEABLE: [Tag; 10] = [
    tags::PERFORMED_PROCEDURE_STEP_STATUS,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROCEDURE_TYPE_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
    tags::COMMENTS_ON_THE_PERFORMED_PROCEDURE_STEP,
    tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE,
    tags::PERFORMED_PROTOCOL_CODE_SEQUENCE,
    tags::PERFORMED_SERIES_SEQUENCE,
];

impl PerformedStep {
    /// What an N-CREATE brought.
    ///
    /// # Errors
    /// It lacks what is required, or is not in progress.
    pub fn create(data_set: DataSet) -> Result<Self, Unfit> {
        require(&data_set, &AT_FIRST)?;
        let scheduled = tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE;
        require_items(&data_set, scheduled, "each scheduled step", &[tags::STUDY_INSTANCE_UID])?;
        for item in data_set.items(scheduled) {
            check_uid(item, tags::STUDY_INSTANCE_UID)?;
        }
        let step = Self::stored(data_set)?;
        if step.state != State::InProgress {
            return Err(status_unfit("a new performed step must be IN PROGRESS"));
        }
        Ok(step)
    }

    /// What was kept of one.
    ///
    /// # Errors
    /// Its status is none.
    pub fn stored(data_set: DataSet) -> Result<Self, Unfit> {
        let status = data_set.first(tags::PERFORMED_PROCEDURE_STEP_STATUS);
        let state = status.and_then(|status| State::parse(&status));
        let state = state.ok_or_else(|| status_unfit("the status must be IN PROGRESS, COMPLETED or DISCONTINUED"))?;
        Ok(Self { data_set, state })
    }

    /// The step with what an N-SET brought; it must be in progress. Attributes that an N-SET must not have are left as they
    /// were.
    ///
    /// # Errors
    /// What it would become is no performed step.
    pub fn changed(&self, changes: DataSet) -> Result<Self, Unfit> {
        let mut data_set = self.data_set.clone();
        let known: Vec<String> = CHANGEABLE.iter().map(|tag| key(*tag)).collect();
        for (name, element) in changes {
            if known.contains(&name) || !said_at_first(&name) {
                data_set.insert(name, element);
            }
        }
        let step = Self::stored(data_set)?;
        if step.state != State::InProgress {
            step.check_final()?;
        }
        Ok(step)
    }

    fn check_final(&self) -> Result<(), Unfit> {
        require(&self.data_set, &AT_LAST)?;
        let series = tags::PERFORMED_SERIES_SEQUENCE;
        require_items(&self.data_set, series, "each performed series", &OF_SERIES)?;
        for item in self.data_set.items(series) {
            check_uid(item, tags::SERIES_INSTANCE_UID)?;
            for objects in [
                tags::REFERENCED_IMAGE_SEQUENCE,
                tags::REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE,
            ] {
                for object in item.items(objects) {
                    require_of(object, "each referenced object", &OF_OBJECT)?;
                }
            }
        }
        Ok(())
    }

    /// All that is known of it, as DICOM JSON.
    pub fn data_set(&self) -> &DataSet {
        &self.data_set
    }

    /// Whether it goes on.
    pub fn state(&self) -> State {
        self.state
    }

    /// The scheduled steps that it is for; what was not scheduled has a study and nothing more.
    pub fn references(&self) -> Vec<Reference> {
        let items = self.data_set.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE);
        items
            .map(|item| Reference {
                study: item
                    .first(tags::STUDY_INSTANCE_UID)
                    .and_then(|uid| Uid::parse(&uid).ok()),
                step: item.first(tags::SCHEDULED_PROCEDURE_STEP_ID),
                requested_procedure: item.first(tags::REQUESTED_PROCEDURE_ID),
                accession_number: item.first(tags::ACCESSION_NUMBER),
            })
            .collect()
    }
}

/// Whether an attribute belongs to what is said once, when the step is created: whose it is, and where and when it began.
fn said_at_first(name: &str) -> bool {
    let group = name.get(..4).unwrap_or_default();
    let created = [
        tags::MODALITY,
        tags::STUDY_ID,
        tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
        tags::PERFORMED_PROCEDURE_STEP_ID,
        tags::PERFORMED_STATION_AE_TITLE,
        tags::PERFORMED_STATION_NAME,
        tags::PERFORMED_LOCATION,
        tags::PERFORMED_PROCEDURE_STEP_START_DATE,
        tags::PERFORMED_PROCEDURE_STEP_START_TIME,
        tags::REFERENCED_PATIENT_SEQUENCE,
        tags::STUDY_INSTANCE_UID,
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
    ];
    matches!(group, "0010" | "0038") || created.iter().any(|tag| key(*tag) == name)
}

fn status_unfit(comment: &str) -> Unfit {
    Unfit {
        why: Why::InvalidValue,
        tags: vec![tags::PERFORMED_PROCEDURE_STEP_STATUS],
        comment: comment.to_owned(),
    }
}

fn require(data_set: &DataSet, required: &[Tag]) -> Result<(), Unfit> {
    require_of(data_set, "a performed step", required)
}

/// Names those that are absent, or else those that are empty.
fn require_of(data_set: &DataSet, of: &str, required: &[Tag]) -> Result<(), Unfit> {
    let lacking =
        |lacks: &dyn Fn(Tag) -> bool| -> Vec<Tag> { required.iter().copied().filter(|tag| lacks(*tag)).collect() };
    let absent = lacking(&|tag| !data_set.has(tag));
    if !absent.is_empty() {
        return Err(Unfit {
            why: Why::MissingAttribute,
            tags: absent,
            comment: format!("{of} needs these attributes"),
        });
    }
    let empty = lacking(&|tag| data_set.first(tag).is_none());
    if !empty.is_empty() {
        return Err(Unfit {
            why: Why::MissingValue,
            tags: empty,
            comment: format!("{of} needs values of these attributes"),
        });
    }
    Ok(())
}

fn require_items(data_set: &DataSet, sequence: Tag, of: &str, required: &[Tag]) -> Result<(), Unfit> {
    if data_set.items(sequence).next().is_none() {
        let why = if data_set.has(sequence) {
            Why::MissingValue
        } else {
            Why::MissingAttribute
        };
        return Err(Unfit {
            why,
            tags: vec![sequence],
            comment: "the sequence needs an item".to_owned(),
        });
    }
    data_set
        .items(sequence)
        .try_for_each(|item| require_of(item, of, required))
}

fn check_uid(item: &DataSet, tag: Tag) -> Result<(), Unfit> {
    let text = item.first(tag).unwrap_or_default();
    Uid::parse(&text).map(drop).map_err(|bad| Unfit {
        why: Why::InvalidValue,
        tags: vec![tag],
        comment: bad.to_string(),
    })
}

#[cfg(test)]
mod tests;

//! The attributes that the index knows: which level has them, how they match, which column holds them. One table, because
//! what can be asked, what is stored and what is answered must agree.

use isocenter_dicom::{Tag, tags};

use super::Level;

/// How the values of an attribute match (PS3.4 §C.2.2.2), with its columns.
#[derive(Clone, Copy, Debug)]
pub(super) enum Match {
    /// Single UID or list of UIDs.
    Uid(&'static str),
    /// Single value or wildcard.
    Text(&'static str),
    /// Single value or wildcard of a person name, by component group; fuzzy by words.
    Name {
        groups: [&'static str; 3],
        words: &'static str,
    },
    /// Single value or range.
    Date(&'static str),
    /// Single value or range.
    Time(&'static str),
    /// Single value.
    Number(&'static str),
    /// Single value or wildcard, of any item of a sequence.
    AnyItem(&'static str),
    /// Single value or list: of any series of the study.
    ModalitiesInStudy,
}

/// An attribute that can be matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) tag: Tag,
    /// It can be matched in queries of this level and those below.
    pub(super) level: Level,
    pub(super) matching: Match,
}

const fn key(tag: Tag, level: Level, matching: Match) -> Key {
    Key { tag, level, matching }
}

const PATIENT: Match = Match::Name {
    groups: [
        "st.patient_name",
        "st.patient_name_ideographic",
        "st.patient_name_phonetic",
    ],
    words: "st.patient_words",
};
const REFERRING: Match = Match::Name {
    groups: [
        "st.referring_name",
        "st.referring_name_ideographic",
        "st.referring_name_phonetic",
    ],
    words: "st.referring_words",
};

/// The required matching keys of PS3.18 Tables 10.6.1-5 and PS3.4 Table C.6-5, and some that people use. The tables are
/// called `st`, `se` and `o` in every query.
const KEYS: &[Key] = &[
    key(tags::STUDY_INSTANCE_UID, Level::Study, Match::Uid("st.study_uid")),
    key(tags::PATIENT_NAME, Level::Study, PATIENT),
    key(tags::PATIENT_ID, Level::Study, Match::Text("st.patient_id")),
    key(
        tags::ISSUER_OF_PATIENT_ID,
        Level::Study,
        Match::Text("st.patient_id_issuer"),
    ),
    key(
        tags::PATIENT_BIRTH_DATE,
        Level::Study,
        Match::Date("st.patient_birth_date"),
    ),
    key(tags::PATIENT_SEX, Level::Study, Match::Text("st.patient_sex")),
    key(tags::STUDY_DATE, Level::Study, Match::Date("st.study_date")),
    key(tags::STUDY_TIME, Level::Study, Match::Time("st.study_time")),
    key(tags::ACCESSION_NUMBER, Level::Study, Match::Text("st.accession_number")),
    key(tags::REFERRING_PHYSICIAN_NAME, Level::Study, REFERRING),
    key(tags::STUDY_ID, Level::Study, Match::Text("st.study_id")),
    key(tags::STUDY_DESCRIPTION, Level::Study, Match::Text("st.description")),
    key(tags::MODALITIES_IN_STUDY, Level::Study, Match::ModalitiesInStudy),
    key(tags::SERIES_INSTANCE_UID, Level::Series, Match::Uid("se.series_uid")),
    key(tags::MODALITY, Level::Series, Match::Text("se.modality")),
    key(tags::SERIES_NUMBER, Level::Series, Match::Number("se.series_number")),
    key(tags::SERIES_DESCRIPTION, Level::Series, Match::Text("se.description")),
    key(tags::SERIES_DATE, Level::Series, Match::Date("se.series_date")),
    key(tags::SERIES_TIME, Level::Series, Match::Time("se.series_time")),
    key(tags::BODY_PART_EXAMINED, Level::Series, Match::Text("se.body_part")),
    key(tags::LATERALITY, Level::Series, Match::Text("se.laterality")),
    key(tags::MANUFACTURER, Level::Series, Match::Text("se.manufacturer")),
    key(tags::STATION_NAME, Level::Series, Match::Text("se.station_name")),
    key(
        tags::INSTITUTION_NAME,
        Level::Series,
        Match::Text("se.institution_name"),
    ),
    key(
        tags::PERFORMED_PROCEDURE_STEP_START_DATE,
        Level::Series,
        Match::Date("se.step_date"),
    ),
    key(
        tags::PERFORMED_PROCEDURE_STEP_START_TIME,
        Level::Series,
        Match::Time("se.step_time"),
    ),
    key(
        tags::SCHEDULED_PROCEDURE_STEP_ID,
        Level::Series,
        Match::AnyItem("se.scheduled_step_ids"),
    ),
    key(
        tags::REQUESTED_PROCEDURE_ID,
        Level::Series,
        Match::AnyItem("se.requested_procedure_ids"),
    ),
    key(tags::SOP_INSTANCE_UID, Level::Object, Match::Uid("o.object_uid")),
    key(tags::SOP_CLASS_UID, Level::Object, Match::Uid("o.sop_class")),
    key(tags::INSTANCE_NUMBER, Level::Object, Match::Number("o.instance_number")),
    key(tags::ROWS, Level::Object, Match::Number("o.rows")),
    key(tags::COLUMNS, Level::Object, Match::Number("o.columns")),
    key(tags::BITS_ALLOCATED, Level::Object, Match::Number("o.bits_allocated")),
    key(tags::NUMBER_OF_FRAMES, Level::Object, Match::Number("o.frames")),
    key(
        tags::ACQUISITION_NUMBER,
        Level::Object,
        Match::Number("o.acquisition_number"),
    ),
    key(tags::CONTENT_DATE, Level::Object, Match::Date("o.content_date")),
    key(tags::CONTENT_TIME, Level::Object, Match::Time("o.content_time")),
];

/// How an attribute matches in a query of a level; `None` when it cannot be matched there.
pub(super) fn find(tag: Tag, level: Level) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.tag == tag && key.level <= level)
}

/// What the index shows of a study, a series and an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Answered unless less is known of them (PS3.18 Tables 10.6.3-3 to -5).
    pub(super) required: &'static [Tag],
    /// Answered when they are asked for.
    pub(super) more: &'static [Tag],
    /// Answered always, and not taken from a header.
    pub(super) computed: &'static [Tag],
}

impl Shown {
    /// What there is of a level.
    pub(super) fn at(level: Level) -> &'static Self {
        match level {
            Level::Study => &STUDY,
            Level::Series => &SERIES,
            Level::Object => &OBJECT,
        }
    }

    /// Whether the index can answer an attribute.
    pub(super) fn has(&self, tag: Tag) -> bool {
        [self.required, self.more, self.computed]
            .into_iter()
            .any(|list| list.contains(&tag))
    }
}

static STUDY: Shown = Shown {
    required: &[
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::REFERRING_PHYSICIAN_NAME,
        tags::TIMEZONE_OFFSET_FROM_UTC,
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_INSTANCE_UID,
        tags::STUDY_ID,
        tags::STUDY_DESCRIPTION,
    ],
    more: &[
        tags::ISSUER_OF_PATIENT_ID,
        tags::PATIENT_AGE,
        tags::PATIENT_SIZE,
        tags::PATIENT_WEIGHT,
        tags::PATIENT_COMMENTS,
        tags::PATIENT_BIRTH_TIME,
        tags::PHYSICIANS_OF_RECORD,
        tags::NAME_OF_PHYSICIANS_READING_STUDY,
        tags::ADMITTING_DIAGNOSES_DESCRIPTION,
        tags::PROCEDURE_CODE_SEQUENCE,
        tags::REQUESTED_PROCEDURE_DESCRIPTION,
    ],
    computed: &[
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_AVAILABILITY,
        tags::MODALITIES_IN_STUDY,
        tags::NUMBER_OF_STUDY_RELATED_SERIES,
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        tags::RETRIEVE_URL,
    ],
};

static SERIES: Shown = Shown {
    required: &[
        tags::MODALITY,
        tags::TIMEZONE_OFFSET_FROM_UTC,
        tags::SERIES_DESCRIPTION,
        tags::SERIES_INSTANCE_UID,
        tags::SERIES_NUMBER,
        tags::PERFORMED_PROCEDURE_STEP_START_DATE,
        tags::PERFORMED_PROCEDURE_STEP_START_TIME,
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
    ],
    more: &[
        tags::SERIES_DATE,
        tags::SERIES_TIME,
        tags::BODY_PART_EXAMINED,
        tags::LATERALITY,
        tags::MANUFACTURER,
        tags::MANUFACTURER_MODEL_NAME,
        tags::STATION_NAME,
        tags::INSTITUTION_NAME,
        tags::INSTITUTIONAL_DEPARTMENT_NAME,
        tags::PERFORMING_PHYSICIAN_NAME,
        tags::OPERATORS_NAME,
        tags::PROTOCOL_NAME,
        tags::PATIENT_POSITION,
        tags::PERFORMED_PROCEDURE_STEP_ID,
        tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
        tags::FRAME_OF_REFERENCE_UID,
    ],
    computed: &[
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_AVAILABILITY,
        tags::STUDY_INSTANCE_UID,
        tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
        tags::RETRIEVE_URL,
    ],
};

/// Of objects nothing is kept as JSON: they have columns.
static OBJECT: Shown = Shown {
    required: &[
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::TIMEZONE_OFFSET_FROM_UTC,
        tags::INSTANCE_NUMBER,
        tags::ROWS,
        tags::COLUMNS,
        tags::BITS_ALLOCATED,
        tags::NUMBER_OF_FRAMES,
    ],
    more: &[tags::ACQUISITION_NUMBER, tags::CONTENT_DATE, tags::CONTENT_TIME],
    computed: &[
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_AVAILABILITY,
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::AVAILABLE_TRANSFER_SYNTAX_UID,
        tags::RETRIEVE_URL,
    ],
};

/// Every attribute that the index takes from a header.
pub(super) fn all() -> &'static [Tag] {
    static ALL: std::sync::LazyLock<Vec<Tag>> = std::sync::LazyLock::new(|| {
        let mut all: Vec<Tag> = [&STUDY, &SERIES, &OBJECT]
            .iter()
            .flat_map(|shown| [shown.required, shown.more].concat())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    });
    &ALL
}

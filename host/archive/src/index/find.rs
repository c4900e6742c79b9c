//! C-FIND as the index answers it (PS3.4 §C.4.1): four levels instead of QIDO-RS's three, only what is asked for, and pages
//! that begin where the last one ended, so that the last of many answers costs what the first did.
//!
//! Separate from `search`, whose answers have the attributes that PS3.18 demands and whose pages are counted from the first
//! row. Keys, matching and limits are the same.

use isocenter_dicom::{Tag, tags, uid::Uid};
use serde_json::{Map, Value, json};
use sqlx::{Row, postgres::PgRow, types::Json};

use super::{
    Index, IndexError, Level, SearchError, again,
    attributes::json_key,
    keys::{self, Shown},
    matching::{self, Condition},
    moment::{Date, Time},
    row,
    search::{condition, series_of},
    sql::Sql,
    within::Within,
};

type DataSet = Map<String, Value>;

/// The most results of one page.
const MOST: u32 = 1000;

/// Query/Retrieve Level (0008,0052).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindLevel {
    /// PATIENT: one answer for each Patient ID and issuer. A study without Patient ID is nobody's here.
    Patient,
    /// STUDY.
    Study,
    /// SERIES.
    Series,
    /// IMAGE.
    Object,
}

impl FindLevel {
    /// The level as queries of the index know it: what they hold of patients is with studies.
    fn of_index(self) -> Level {
        match self {
            Self::Patient | Self::Study => Level::Study,
            Self::Series => Level::Series,
            Self::Object => Level::Object,
        }
    }
}

/// The attributes that are a patient's rather than a study's.
const OF_PATIENT: [Tag; 7] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    tags::PATIENT_COMMENTS,
];

/// What can be counted or collected for a level, with the level from which on it can.
const DERIVED: [(Tag, FindLevel); 8] = [
    (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, FindLevel::Patient),
    (tags::NUMBER_OF_PATIENT_RELATED_SERIES, FindLevel::Patient),
    (tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, FindLevel::Patient),
    (tags::NUMBER_OF_STUDY_RELATED_SERIES, FindLevel::Study),
    (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, FindLevel::Study),
    (tags::MODALITIES_IN_STUDY, FindLevel::Study),
    (tags::SOP_CLASSES_IN_STUDY, FindLevel::Study),
    (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, FindLevel::Series),
];

/// Columns of an object that can be shown: tag, VR, column.
const NUMBERS: [(Tag, &str, &str); 6] = [
    (tags::INSTANCE_NUMBER, "IS", "instance_number"),
    (tags::ROWS, "US", "rows"),
    (tags::COLUMNS, "US", "columns"),
    (tags::BITS_ALLOCATED, "US", "bits_allocated"),
    (tags::NUMBER_OF_FRAMES, "IS", "frames"),
    (tags::ACQUISITION_NUMBER, "IS", "acquisition_number"),
];
const TEXTS: [(Tag, &str, &str); 6] = [
    (tags::SOP_CLASS_UID, "UI", "sop_class"),
    (tags::SOP_INSTANCE_UID, "UI", "object_uid"),
    (tags::TIMEZONE_OFFSET_FROM_UTC, "SH", "timezone"),
    (tags::CONTENT_DATE, "DA", "content_date"),
    (tags::CONTENT_TIME, "TM", "content_time"),
    (tags::AVAILABLE_TRANSFER_SYNTAX_UID, "UI", "syntax"),
];

/// A query.
#[derive(Clone, Debug)]
pub struct Find {
    /// What is searched for.
    pub level: FindLevel,
    /// Matching keys and their values, `\` between several. An empty value and `*` match everything. What is in the items of
    /// the Request Attributes Sequence is given by its own tag. No key that [`Find::can_match`] denies.
    pub matching: Vec<(Tag, String)>,
    /// Attributes wanted; those that [`Find::can_show`] denies are left out.
    pub wanted: Vec<Tag>,
    /// Person names match word by word, each by its beginning.
    pub fuzzy: bool,
    /// A range of Study Date and one of Study Time are one range of moments (PS3.4 §C.2.2.2.5.4).
    pub combined: bool,
}

/// Where a page ended.
#[derive(Clone, Debug)]
pub struct Position(After);

#[derive(Clone, Debug)]
enum After {
    Patient {
        id: String,
        issuer: String,
    },
    Study {
        date: Option<Date>,
        time: Option<Time>,
        study: String,
    },
    Series {
        study: String,
        series: String,
    },
    Object {
        study: String,
        series: String,
        number: i32,
        object: String,
    },
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Match {
    /// What of the wanted attributes has a value, as DICOM JSON (PS3.18 Annex F).
    pub attributes: DataSet,
    /// The study; of a patient, the latest.
    pub study: Uid,
    /// The series, from the series level on.
    pub series: Option<Uid>,
    /// The object, at its own level.
    pub object: Option<Uid>,
}

impl Find {
    /// Whether a key can be matched at a level.
    pub fn can_match(level: FindLevel, tag: Tag) -> bool {
        match level {
            FindLevel::Patient => OF_PATIENT.contains(&tag) && keys::find(tag, Level::Study).is_some(),
            level => keys::find(tag, level.of_index()).is_some(),
        }
    }

    /// Whether the index can answer an attribute at a level, where it has a value.
    pub fn can_show(level: FindLevel, tag: Tag) -> bool {
        if let Some((_, from)) = DERIVED.iter().find(|(derived, _)| *derived == tag) {
            return *from <= level;
        }
        let shows = |level: Level| {
            let shown = Shown::at(level);
            shown.required.contains(&tag) || shown.more.contains(&tag)
        };
        match level {
            FindLevel::Patient => OF_PATIENT.contains(&tag) && shows(Level::Study),
            FindLevel::Study => shows(Level::Study),
            FindLevel::Series => shows(Level::Study) || shows(Level::Series),
            FindLevel::Object => {
                shows(Level::Study)
                    || shows(Level::Series)
                    || shows(Level::Object)
                    || tag == tags::AVAILABLE_TRANSFER_SYNTAX_UID
            }
        }
    }

    fn wants(&self, tag: Tag) -> bool {
        self.wanted.contains(&tag)
    }

    /// Whether something of this level is wanted that its row keeps as JSON.
    fn wants_of(&self, level: Level) -> bool {
        let shown = Shown::at(level);
        self.wanted
            .iter()
            .any(|tag| shown.required.contains(tag) || shown.more.contains(tag))
    }

    fn conditions(&self) -> Result<Vec<(Level, Condition)>, SearchError> {
        let mut conditions = Vec::new();
        let given = |wanted: Tag| {
            let value = self.matching.iter().find(|(tag, _)| *tag == wanted);
            value.map(|(_, value)| value.as_str())
        };
        let moments = match (self.combined, given(tags::STUDY_DATE), given(tags::STUDY_TIME)) {
            (true, Some(date), Some(time)) => matching::moments(
                ("st.study_date", "st.study_time"),
                (tags::STUDY_DATE, tags::STUDY_TIME),
                date,
                time,
            )?,
            _ => None,
        };
        for (tag, value) in &self.matching {
            if moments.is_some() && matches!(*tag, tags::STUDY_DATE | tags::STUDY_TIME) {
                continue;
            }
            let found = keys::find(*tag, self.level.of_index()).filter(|_| Self::can_match(self.level, *tag));
            let Some(key) = found else {
                if matching::everything(value) {
                    continue;
                }
                return Err(SearchError::Unsupported {
                    tag: *tag,
                    level: self.level.of_index(),
                });
            };
            conditions.extend(matching::read(key, value, self.fuzzy)?.map(|condition| (key.level, condition)));
        }
        conditions.extend(moments.map(|moments| (Level::Study, moments)));
        Ok(conditions)
    }
}

impl Index {
    /// A page of what matches, at most `limit` and never more than 1000, after where the page before ended; and where this
    /// one ends, `None` when nothing follows. Studies: the latest first. Patients by ID, series and objects by their study.
    /// What is not `within` the caller's limits is neither found nor counted, and no key matches by it.
    ///
    /// # Errors
    /// [`SearchError`]: a key cannot be matched, or its value not be read.
    pub async fn find(
        &self,
        find: &Find,
        after: Option<&Position>,
        limit: u32,
        within: &Within,
    ) -> Result<(Vec<Match>, Option<Position>), SearchError> {
        let conditions = find.conditions()?;
        let limit = limit.clamp(1, MOST);
        let after = after.map(|position| &position.0);
        let mut rows = self.rows_of(find, &conditions, after, limit, within).await?;
        let full = |rows: &[PgRow]| rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        // A page that begins among dated studies does not reach those without a date: they are another range of the index.
        if let Some(After::Study { date: Some(_), .. }) = after
            && !full(&rows)
        {
            let rest = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(limit));
            rows.extend(self.undated(find, &conditions, rest, within).await?);
        }
        let position = match rows.last() {
            Some(last) if full(&rows) => Some(Position(find.position(last)?)),
            _ => None,
        };
        let matches: Result<_, IndexError> = rows.iter().map(|row| find.read(row)).collect();
        Ok((matches?, position))
    }

    async fn rows_of(
        &self,
        find: &Find,
        conditions: &[(Level, Condition)],
        after: Option<&After>,
        limit: u32,
        within: &Within,
    ) -> Result<Vec<PgRow>, IndexError> {
        again!(self.pool, connection => async {
            let mut sql = Sql::new("");
            find.select(&mut sql, conditions, &Part::After(after), limit, within);
            sql.query().fetch_all(connection).await
        })
    }

    async fn undated(
        &self,
        find: &Find,
        conditions: &[(Level, Condition)],
        limit: u32,
        within: &Within,
    ) -> Result<Vec<PgRow>, IndexError> {
        again!(self.pool, connection => async {
            let mut sql = Sql::new("");
            find.select(&mut sql, conditions, &Part::Undated, limit, within);
            sql.query().fetch_all(connection).await
        })
    }

    /// The plan that Postgres makes for a page: for tests of the schema.
    #[cfg(test)]
    pub(super) async fn explain_find(
        &self,
        find: &Find,
        after: Option<&Position>,
        within: &Within,
    ) -> Result<String, SearchError> {
        let conditions = find.conditions()?;
        let mut sql = Sql::new("EXPLAIN ");
        let part = Part::After(after.map(|position| &position.0));
        find.select(&mut sql, &conditions, &part, 250, within);
        let rows = sql.query().fetch_all(&self.pool).await.map_err(IndexError::from)?;
        let lines: Result<Vec<String>, sqlx::Error> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(lines.map_err(IndexError::from)?.join("\n"))
    }
}

/// Which rows a statement is for.
enum Part<'a> {
    /// All, or those after a position.
    After(Option<&'a After>),
    /// The studies without a date.
    Undated,
}

/// The SQL. The tables are called `st`, `se` and `o` in every query; the page is `p`, and what is counted is counted for its
/// rows alone.
impl Find {
    fn select(&self, sql: &mut Sql, conditions: &[(Level, Condition)], part: &Part<'_>, limit: u32, within: &Within) {
        let asks = |level: Level| conditions.iter().any(|(of, _)| *of == level) || within.has(level);
        sql.text("SELECT p.*");
        self.derived(sql, within);
        sql.text(" FROM (");
        match self.level {
            FindLevel::Patient => {
                sql.text(
                    "SELECT DISTINCT ON (st.patient_id, coalesce(st.patient_id_issuer, '')) st.patient_id, \
                     coalesce(st.patient_id_issuer, '') AS issuer, st.study_uid, st.attributes AS study_attributes \
                     FROM studies st WHERE st.patient_id IS NOT NULL",
                );
            }
            FindLevel::Study => {
                sql.text("SELECT st.study_uid, st.study_date, st.study_time");
                self.columns(sql, Level::Study);
                sql.text(" FROM studies st WHERE true");
            }
            FindLevel::Series => {
                sql.text("SELECT se.study_uid, se.series_uid");
                self.columns(sql, Level::Study);
                self.columns(sql, Level::Series);
                sql.text(" FROM series se");
                self.join_studies(
                    sql,
                    asks(Level::Study),
                    " JOIN studies st ON st.study_uid = se.study_uid",
                );
                sql.text(" WHERE true");
            }
            FindLevel::Object => {
                sql.text(
                    "SELECT o.study_uid, o.series_uid, o.object_uid, o.sop_class, o.syntax, o.timezone, o.instance_number, \
                     coalesce(o.instance_number, 2147483647) AS number, o.rows, o.columns, o.bits_allocated, o.frames, \
                     o.acquisition_number, to_char(o.content_date, 'YYYYMMDD') AS content_date, \
                     to_char(o.content_time, 'HH24MISS.US') AS content_time",
                );
                self.columns(sql, Level::Study);
                self.columns(sql, Level::Series);
                sql.text(" FROM objects o");
                if asks(Level::Series) || self.wants_of(Level::Series) {
                    sql.text(" JOIN series se ON se.study_uid = o.study_uid AND se.series_uid = o.series_uid");
                }
                self.join_studies(
                    sql,
                    asks(Level::Study),
                    " JOIN studies st ON st.study_uid = o.study_uid",
                );
                sql.text(" WHERE true");
            }
        }
        self.filter(sql, conditions, within);
        match part {
            Part::After(None) => {}
            Part::After(Some(after)) => after.condition(sql),
            Part::Undated => {
                sql.text(" AND st.study_date IS NULL");
            }
        }
        sql.text(match self.level {
            FindLevel::Patient => {
                " ORDER BY st.patient_id, coalesce(st.patient_id_issuer, ''), st.study_date DESC NULLS LAST, st.study_uid"
            }
            FindLevel::Study => " ORDER BY st.study_date DESC NULLS LAST, st.study_time DESC NULLS LAST, st.study_uid",
            FindLevel::Series => " ORDER BY se.study_uid, se.series_uid",
            FindLevel::Object => {
                " ORDER BY o.study_uid, o.series_uid, coalesce(o.instance_number, 2147483647), o.object_uid"
            }
        });
        sql.text(" LIMIT ").value(i64::from(limit));
        sql.text(") p ORDER BY ").text(match self.level {
            FindLevel::Patient => "p.patient_id, p.issuer",
            FindLevel::Study => "p.study_date DESC NULLS LAST, p.study_time DESC NULLS LAST, p.study_uid",
            FindLevel::Series => "p.study_uid, p.series_uid",
            FindLevel::Object => "p.study_uid, p.series_uid, p.number, p.object_uid",
        });
    }

    /// What of a level is kept as JSON, where something of it is wanted.
    fn columns(&self, sql: &mut Sql, level: Level) {
        match level {
            Level::Study if self.wants_of(level) => sql.text(", st.attributes AS study_attributes"),
            Level::Series if self.wants_of(level) => sql.text(", se.attributes AS series_attributes"),
            _ => sql,
        };
    }

    fn join_studies(&self, sql: &mut Sql, asked: bool, join: &'static str) {
        if asked || self.wants_of(Level::Study) {
            sql.text(join);
        }
    }

    /// What rows of the level, and those above it, must be.
    fn filter(&self, sql: &mut Sql, conditions: &[(Level, Condition)], within: &Within) {
        sql.within(Level::Study, within);
        match self.level {
            FindLevel::Patient | FindLevel::Study => {
                if within.has(Level::Series) || within.has(Level::Object) {
                    sql.text(" AND EXISTS (SELECT ");
                    series_of(sql, "st.study_uid", within);
                    sql.text(")");
                }
            }
            FindLevel::Series => {
                sql.within(Level::Series, within);
                sql.text(
                    " AND EXISTS (SELECT FROM objects o WHERE o.study_uid = se.study_uid AND o.series_uid = se.series_uid",
                )
                .within(Level::Object, within)
                .text(")");
            }
            FindLevel::Object => {
                sql.within(Level::Series, within).within(Level::Object, within);
            }
        }
        for (_, asked) in conditions {
            sql.text(" AND ");
            condition(sql, asked, within);
        }
    }

    /// Counts and collections of the page's rows.
    fn derived(&self, sql: &mut Sql, within: &Within) {
        self.of_patient(sql, within);
        if self.level != FindLevel::Patient {
            self.of_study(sql, within);
        }
    }

    /// What is counted of the patient of each row.
    fn of_patient(&self, sql: &mut Sql, within: &Within) {
        let same = if self.level == FindLevel::Patient {
            "st.patient_id = p.patient_id AND coalesce(st.patient_id_issuer, '') = p.issuer"
        } else {
            "(st.patient_id, coalesce(st.patient_id_issuer, '')) = (SELECT own.patient_id, \
             coalesce(own.patient_id_issuer, '') FROM studies own WHERE own.study_uid = p.study_uid)"
        };
        for (tag, count) in [
            (
                tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
                ", (SELECT count(*) FROM studies st WHERE ",
            ),
            (
                tags::NUMBER_OF_PATIENT_RELATED_SERIES,
                ", (SELECT count(*) FROM studies st JOIN series se ON se.study_uid = st.study_uid WHERE ",
            ),
            (
                tags::NUMBER_OF_PATIENT_RELATED_INSTANCES,
                ", (SELECT count(*) FROM studies st JOIN series se ON se.study_uid = st.study_uid \
                 JOIN objects o ON o.study_uid = se.study_uid AND o.series_uid = se.series_uid WHERE ",
            ),
        ] {
            if self.wants(tag) {
                sql.text(count).text(same).within(Level::Study, within);
                match tag {
                    tags::NUMBER_OF_PATIENT_RELATED_STUDIES => {
                        if within.has(Level::Series) || within.has(Level::Object) {
                            sql.text(" AND EXISTS (SELECT ");
                            series_of(sql, "st.study_uid", within);
                            sql.text(")");
                        }
                    }
                    tags::NUMBER_OF_PATIENT_RELATED_SERIES => {
                        sql.within(Level::Series, within);
                        sql.text(
                            " AND EXISTS (SELECT FROM objects o WHERE o.study_uid = se.study_uid \
                             AND o.series_uid = se.series_uid",
                        )
                        .within(Level::Object, within)
                        .text(")");
                    }
                    _ => {
                        sql.within(Level::Series, within).within(Level::Object, within);
                    }
                }
                sql.text(") AS ").text(column_of(tag));
            }
        }
    }

    /// What is counted and collected of the study and the series of each row.
    fn of_study(&self, sql: &mut Sql, within: &Within) {
        if self.wants(tags::NUMBER_OF_STUDY_RELATED_SERIES) {
            sql.text(", (SELECT count(*) ");
            series_of(sql, "p.study_uid", within);
            sql.text(") AS study_series");
        }
        if self.wants(tags::MODALITIES_IN_STUDY) {
            sql.text(", ARRAY(SELECT DISTINCT se.modality ");
            series_of(sql, "p.study_uid", within);
            sql.text(" AND se.modality IS NOT NULL ORDER BY se.modality) AS modalities");
        }
        for (tag, begin, end) in [
            (
                tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
                ", (SELECT count(*) FROM objects o",
                ") AS study_objects",
            ),
            (
                tags::SOP_CLASSES_IN_STUDY,
                ", ARRAY(SELECT DISTINCT o.sop_class FROM objects o",
                " ORDER BY o.sop_class) AS sop_classes",
            ),
        ] {
            if self.wants(tag) {
                sql.text(begin);
                if within.has(Level::Series) {
                    sql.text(" JOIN series se ON se.study_uid = o.study_uid AND se.series_uid = o.series_uid");
                }
                sql.text(" WHERE o.study_uid = p.study_uid")
                    .within(Level::Series, within)
                    .within(Level::Object, within)
                    .text(end);
            }
        }
        if self.wants(tags::NUMBER_OF_SERIES_RELATED_INSTANCES)
            && matches!(self.level, FindLevel::Series | FindLevel::Object)
        {
            sql.text(
                ", (SELECT count(*) FROM objects o WHERE o.study_uid = p.study_uid AND o.series_uid = p.series_uid",
            )
            .within(Level::Object, within)
            .text(") AS series_objects");
        }
    }

    fn position(&self, row: &PgRow) -> Result<After, IndexError> {
        Ok(match self.level {
            FindLevel::Patient => After::Patient {
                id: row.try_get("patient_id")?,
                issuer: row.try_get("issuer")?,
            },
            FindLevel::Study => After::Study {
                date: row.try_get("study_date")?,
                time: row.try_get("study_time")?,
                study: row.try_get("study_uid")?,
            },
            FindLevel::Series => After::Series {
                study: row.try_get("study_uid")?,
                series: row.try_get("series_uid")?,
            },
            FindLevel::Object => After::Object {
                study: row.try_get("study_uid")?,
                series: row.try_get("series_uid")?,
                number: row.try_get("number")?,
                object: row.try_get("object_uid")?,
            },
        })
    }

    /// A row as an answer.
    fn read(&self, line: &PgRow) -> Result<Match, IndexError> {
        let mut attributes = DataSet::new();
        if self.level == FindLevel::Patient || self.wants_of(Level::Study) {
            self.shown(&mut attributes, line, "study_attributes")?;
        }
        let (mut series, mut object) = (None, None);
        if matches!(self.level, FindLevel::Series | FindLevel::Object) {
            if self.wants_of(Level::Series) {
                self.shown(&mut attributes, line, "series_attributes")?;
            }
            series = Some(row::uid(line, "series_uid")?);
        }
        if self.level == FindLevel::Object {
            object = Some(row::uid(line, "object_uid")?);
            for (tag, vr, column) in NUMBERS {
                if self.wants(tag) {
                    put(&mut attributes, tag, vr, line.try_get::<Option<i32>, _>(column)?);
                }
            }
            for (tag, vr, column) in TEXTS {
                if self.wants(tag) {
                    put(&mut attributes, tag, vr, line.try_get::<Option<&str>, _>(column)?);
                }
            }
        }
        for (tag, from) in DERIVED {
            if from > self.level || !self.wants(tag) {
                continue;
            }
            if matches!(tag, tags::MODALITIES_IN_STUDY | tags::SOP_CLASSES_IN_STUDY) {
                let values: Vec<String> = line.try_get(column_of(tag))?;
                let vr = if tag == tags::MODALITIES_IN_STUDY { "CS" } else { "UI" };
                if !values.is_empty() {
                    attributes.insert(json_key(tag), json!({ "vr": vr, "Value": values }));
                }
            } else {
                let count: i64 = line.try_get(column_of(tag))?;
                // A patient without an ID is not known from others, and nothing is counted.
                put(&mut attributes, tag, "IS", (count > 0).then_some(count));
            }
        }
        Ok(Match {
            attributes,
            study: row::uid(line, "study_uid")?,
            series,
            object,
        })
    }

    /// What is wanted of a row's JSON.
    fn shown(&self, out: &mut DataSet, line: &PgRow, column: &str) -> Result<(), IndexError> {
        let Json(mut all): Json<DataSet> = line.try_get(column)?;
        for tag in &self.wanted {
            let of_level = self.level != FindLevel::Patient || OF_PATIENT.contains(tag);
            if of_level && let Some((key, element)) = all.remove_entry(&json_key(*tag)) {
                out.insert(key, element);
            }
        }
        Ok(())
    }
}

/// The column of a [`DERIVED`] attribute.
fn column_of(tag: Tag) -> &'static str {
    match tag {
        tags::NUMBER_OF_PATIENT_RELATED_STUDIES => "patient_studies",
        tags::NUMBER_OF_PATIENT_RELATED_SERIES => "patient_series",
        tags::NUMBER_OF_PATIENT_RELATED_INSTANCES => "patient_objects",
        tags::NUMBER_OF_STUDY_RELATED_SERIES => "study_series",
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES => "study_objects",
        tags::MODALITIES_IN_STUDY => "modalities",
        tags::SOP_CLASSES_IN_STUDY => "sop_classes",
        _ => "series_objects",
    }
}

fn put(out: &mut DataSet, tag: Tag, vr: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(json_key(tag), json!({ "vr": vr, "Value": [value.into()] }));
    }
}

impl After {
    /// Rows behind this one. What comes first in each is what the index is entered by.
    fn condition(&self, sql: &mut Sql) {
        match self {
            Self::Patient { id, issuer } => {
                sql.text(" AND st.patient_id >= ").value(id.clone());
                sql.text(" AND (st.patient_id, coalesce(st.patient_id_issuer, '')) > (")
                    .value(id.clone());
                sql.text(", ").value(issuer.clone()).text(")");
            }
            Self::Study { date, time, study } => {
                match date {
                    Some(date) => {
                        sql.text(" AND st.study_date <= ").value(*date);
                        sql.text(" AND (st.study_date < ").value(*date).text(" OR ");
                    }
                    None => {
                        sql.text(" AND st.study_date IS NULL AND (");
                    }
                }
                match time {
                    Some(time) => {
                        sql.text("st.study_time < ").value(*time);
                        sql.text(" OR st.study_time IS NULL OR (st.study_time = ").value(*time);
                    }
                    None => {
                        sql.text("(st.study_time IS NULL");
                    }
                }
                sql.text(" AND st.study_uid > ").value(study.clone()).text("))");
            }
            Self::Series { study, series } => {
                sql.text(" AND (se.study_uid, se.series_uid) > (").value(study.clone());
                sql.text(", ").value(series.clone()).text(")");
            }
            Self::Object {
                study,
                series,
                number,
                object,
            } => {
                sql.text(" AND (o.study_uid, o.series_uid, coalesce(o.instance_number, 2147483647), o.object_uid) > (")
                    .value(study.clone());
                sql.text(", ").value(series.clone()).text(", ").value(*number);
                sql.text(", ").value(object.clone()).text(")");
            }
        }
    }
}

//! A query compiled to SQL: one shape per level, and its rows as DICOM JSON.

use isocenter_dicom::{Tag, tags};
use serde_json::{Map, Value, json};
use sqlx::{Encode, Postgres, Row, Type, postgres::PgRow, types::Json};

use super::{
    Include, Index, IndexError, Level, Query, SearchError, again,
    attributes::json_key,
    keys::{self, Shown},
    matching::{self, Condition},
    moment::{Date, Time},
    sql::Sql,
    within::Within,
};

type DataSet = Map<String, Value>;

impl Index {
    /// What matches, as DICOM JSON data sets (PS3.18 Annex F) with the required attributes of PS3.18 Tables 10.6.3-3 to -5
    /// but Retrieve URL (0008,1190), which only the web knows. Attributes without a value are left out. Where a query fixes
    /// no study or series, the attributes of each result's are answered too, without their counts.
    ///
    /// Studies: the latest first. Series and objects: by study, then by number. What is not `within` the caller's limits is
    /// neither found nor counted, and no key matches by it.
    pub async fn search(&self, query: &Query, within: &Within) -> Result<Vec<DataSet>, SearchError> {
        let conditions = conditions(query)?;
        let rows = again!(self.pool, connection => async {
            let mut sql = Sql::new("");
            select(&mut sql, query, &conditions, within);
            sql.query().fetch_all(connection).await
        })?;
        Ok(rows.iter().map(|row| data_set(query, row)).collect::<Result<_, _>>()?)
    }

    /// The plan that Postgres makes for a query: for tests of the schema.
    #[cfg(test)]
    pub(super) async fn explain(&self, query: &Query, within: &Within) -> Result<String, SearchError> {
        let conditions = conditions(query)?;
        let mut sql = Sql::new("EXPLAIN ");
        select(&mut sql, query, &conditions, within);
        let rows = sql.query().fetch_all(&self.pool).await.map_err(IndexError::from)?;
        let lines: Result<Vec<String>, sqlx::Error> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(lines.map_err(IndexError::from)?.join("\n"))
    }
}

fn conditions(query: &Query) -> Result<Vec<(Level, Condition)>, SearchError> {
    let mut conditions = Vec::new();
    for (tag, value) in &query.matching {
        let Some(key) = keys::find(*tag, query.level) else {
            if matching::everything(value) {
                continue;
            }
            return Err(SearchError::Unsupported {
                tag: *tag,
                level: query.level,
            });
        };
        conditions.extend(matching::read(key, value, query.fuzzy)?.map(|condition| (key.level, condition)));
    }
    Ok(conditions)
}

/// Counts and modalities are those of the page's rows alone: they stand outside of the part with the limit. A series that was
/// left by its last object (the object was replaced by one of another series) is not there.
fn select(sql: &mut Sql, query: &Query, conditions: &[(Level, Condition)], within: &Within) {
    let asks = |level: Level| conditions.iter().any(|(of, _)| *of == level) || within.has(level);
    let answers = |level: Level| query.levels().any(|answered| answered == level);
    match query.level {
        Level::Study => {
            sql.text("SELECT p.study_uid, p.study_attributes, (SELECT count(*) ");
            series_of(sql, "p.study_uid", within);
            sql.text(") AS series_count, ARRAY(SELECT DISTINCT se.modality ");
            series_of(sql, "p.study_uid", within);
            sql.text(
                " AND se.modality IS NOT NULL ORDER BY se.modality) AS modalities, (SELECT count(*) FROM objects o",
            );
            if within.has(Level::Series) {
                sql.text(" JOIN series se ON se.study_uid = o.study_uid AND se.series_uid = o.series_uid");
            }
            sql.text(" WHERE o.study_uid = p.study_uid")
                .within(Level::Series, within)
                .within(Level::Object, within);
            sql.text(
                ") AS object_count \
                 FROM (SELECT st.study_uid, st.study_date, st.study_time, st.attributes AS study_attributes FROM studies st",
            );
            filter(sql, query, conditions, within);
            if within.has(Level::Series) || within.has(Level::Object) {
                sql.text(" AND EXISTS (SELECT ");
                series_of(sql, "st.study_uid", within);
                sql.text(")");
            }
            sql.text(" ORDER BY st.study_date DESC NULLS LAST, st.study_time DESC NULLS LAST, st.study_uid");
            page(sql, query);
            sql.text(") p ORDER BY p.study_date DESC NULLS LAST, p.study_time DESC NULLS LAST, p.study_uid");
        }
        Level::Series => {
            let study = answers(Level::Study);
            sql.text(
                "SELECT p.*, (SELECT count(*) FROM objects o WHERE o.study_uid = p.study_uid AND o.series_uid = p.series_uid",
            )
            .within(Level::Object, within);
            sql.text(
                ") AS object_count FROM (SELECT se.study_uid, se.series_uid, se.series_number, se.attributes AS series_attributes",
            );
            sql.text(if study {
                ", st.attributes AS study_attributes"
            } else {
                ""
            });
            sql.text(" FROM series se");
            if study || asks(Level::Study) {
                sql.text(" JOIN studies st ON st.study_uid = se.study_uid");
            }
            filter(sql, query, conditions, within);
            sql.text(
                " AND EXISTS (SELECT FROM objects o WHERE o.study_uid = se.study_uid AND o.series_uid = se.series_uid",
            )
            .within(Level::Object, within);
            sql.text(") ORDER BY se.study_uid, se.series_number NULLS LAST, se.series_uid");
            page(sql, query);
            sql.text(") p ORDER BY p.study_uid, p.series_number NULLS LAST, p.series_uid");
        }
        Level::Object => {
            let (study, series) = (answers(Level::Study), answers(Level::Series));
            sql.text(
                "SELECT o.study_uid, o.series_uid, o.object_uid, o.sop_class, o.syntax, o.timezone, o.instance_number, o.rows, \
                 o.columns, o.bits_allocated, o.frames, o.acquisition_number, to_char(o.content_date, 'YYYYMMDD') AS content_date, \
                 to_char(o.content_time, 'HH24MISS.US') AS content_time",
            );
            sql.text(if study {
                ", st.attributes AS study_attributes"
            } else {
                ""
            });
            sql.text(if series {
                ", se.attributes AS series_attributes"
            } else {
                ""
            });
            sql.text(" FROM objects o");
            if series || asks(Level::Series) {
                sql.text(" JOIN series se ON se.study_uid = o.study_uid AND se.series_uid = o.series_uid");
            }
            if study || asks(Level::Study) {
                sql.text(" JOIN studies st ON st.study_uid = o.study_uid");
            }
            filter(sql, query, conditions, within);
            sql.within(Level::Object, within);
            sql.text(" ORDER BY o.study_uid, o.series_uid, coalesce(o.instance_number, 2147483647), o.object_uid");
            page(sql, query);
        }
    }
}

/// The series of a study that the caller may find, each of which has such an object.
pub(super) fn series_of(sql: &mut Sql, study: &'static str, within: &Within) {
    sql.text("FROM series se WHERE se.study_uid = ")
        .text(study)
        .within(Level::Series, within);
    sql.text(" AND EXISTS (SELECT FROM objects o WHERE o.study_uid = se.study_uid AND o.series_uid = se.series_uid")
        .within(Level::Object, within)
        .text(")");
}

/// What rows of the level, and those above it, must be.
fn filter(sql: &mut Sql, query: &Query, conditions: &[(Level, Condition)], within: &Within) {
    sql.text(" WHERE true").within(Level::Study, within);
    if query.level != Level::Study {
        sql.within(Level::Series, within);
    }
    if let Some(study) = &query.study {
        sql.text(match query.level {
            Level::Study => " AND st.study_uid = ",
            Level::Series => " AND se.study_uid = ",
            Level::Object => " AND o.study_uid = ",
        });
        sql.value(study.as_str().to_owned());
    }
    if let (Some(series), Level::Series | Level::Object) = (&query.series, query.level) {
        sql.text(if query.level == Level::Series {
            " AND se.series_uid = "
        } else {
            " AND o.series_uid = "
        });
        sql.value(series.as_str().to_owned());
    }
    for (_, condition) in conditions {
        sql.text(" AND ");
        self::condition(sql, condition, within);
    }
}

fn page(sql: &mut Sql, query: &Query) {
    sql.text(" LIMIT ").value(i64::from(query.limit.min(Query::MOST)));
    sql.text(" OFFSET ")
        .value(i64::try_from(query.offset).unwrap_or(i64::MAX));
}

pub(super) fn condition(sql: &mut Sql, condition: &Condition, within: &Within) {
    match condition {
        Condition::OneOf(column, values) => {
            sql.text(column).one_of(values);
        }
        Condition::Like(column, pattern) => {
            sql.text(column).text(" LIKE ").value(pattern.clone());
        }
        Condition::AnyOneOf(column, values) => {
            sql.text(column).text(" && ").value(values.clone());
        }
        Condition::AnyLike(column, pattern) => {
            sql.text("EXISTS (SELECT FROM unnest(")
                .text(column)
                .text(") v WHERE v LIKE ")
                .value(pattern.clone())
                .text(")");
        }
        Condition::Any(inner) => joined(sql, inner, " OR ", within),
        Condition::All(inner) => joined(sql, inner, " AND ", within),
        Condition::Numbers(column, numbers) => {
            sql.text(column).text(" = ANY(").value(numbers.clone()).text(")");
        }
        Condition::Dates(column, first, last) => range(sql, column, *first, *last),
        Condition::Times(column, first, last) => range(sql, column, *first, *last),
        Condition::Since(date, time, day, moment) => {
            moments(sql, (date, " > "), (time, " >= "), *day, *moment);
        }
        Condition::Until(date, time, day, moment) => {
            moments(sql, (date, " < "), (time, " <= "), *day, *moment);
        }
        Condition::Modalities(values) => {
            some_series(sql, within).text(" AND m.modality").one_of(values);
            sql.text(")");
        }
        Condition::ModalitiesLike(pattern) => {
            some_series(sql, within).text(" AND m.modality LIKE ");
            sql.value(pattern.clone()).text(")");
        }
    }
}

/// Days beyond one day, or that day and times up to one time.
fn moments(
    sql: &mut Sql,
    (date, beyond): (&'static str, &'static str),
    (time, within): (&'static str, &'static str),
    day: Date,
    moment: Time,
) {
    sql.text("(").text(date).text(beyond).value(day);
    sql.text(" OR (").text(date).text(" = ").value(day);
    sql.text(" AND ").text(time).text(within).value(moment).text("))");
}

/// Begins the search for a series of the study, called `m`, that the caller may find.
fn some_series<'s>(sql: &'s mut Sql, within: &Within) -> &'s mut Sql {
    sql.text("EXISTS (SELECT FROM series m WHERE m.study_uid = st.study_uid");
    if within.has(Level::Series) || within.has(Level::Object) {
        sql.text(" AND m.series_uid IN (SELECT se.series_uid ");
        series_of(sql, "st.study_uid", within);
        sql.text(")");
    }
    sql
}

fn joined(sql: &mut Sql, inner: &[Condition], between: &'static str, within: &Within) {
    sql.text("(");
    for (at, condition) in inner.iter().enumerate() {
        if at > 0 {
            sql.text(between);
        }
        self::condition(sql, condition, within);
    }
    sql.text(")");
}

fn range<'t, T: Encode<'t, Postgres> + Type<Postgres>>(
    sql: &mut Sql,
    column: &'static str,
    first: Option<T>,
    last: Option<T>,
) {
    match (first, last) {
        (Some(first), Some(last)) => {
            sql.text(column)
                .text(" BETWEEN ")
                .value(first)
                .text(" AND ")
                .value(last);
        }
        (Some(first), None) => {
            sql.text(column).text(" >= ").value(first);
        }
        (None, Some(last)) => {
            sql.text(column).text(" <= ").value(last);
        }
        // Never asked for: it would be everything.
        (None, None) => {
            sql.text("true");
        }
    }
}

fn data_set(query: &Query, row: &PgRow) -> Result<DataSet, IndexError> {
    let mut out = DataSet::new();
    put(&mut out, tags::SPECIFIC_CHARACTER_SET, "CS", Some("ISO_IR 192"));
    put(&mut out, tags::INSTANCE_AVAILABILITY, "CS", Some("ONLINE"));
    for level in query.levels() {
        match level {
            Level::Study => shown(&mut out, query, level, row, "study_attributes")?,
            Level::Series => shown(&mut out, query, level, row, "series_attributes")?,
            Level::Object => object(&mut out, query, row)?,
        }
    }
    put(
        &mut out,
        tags::STUDY_INSTANCE_UID,
        "UI",
        Some(row.try_get::<&str, _>("study_uid")?),
    );
    match query.level {
        Level::Study => {
            let modalities: Vec<String> = row.try_get("modalities")?;
            if !modalities.is_empty() {
                out.insert(
                    json_key(tags::MODALITIES_IN_STUDY),
                    json!({ "vr": "CS", "Value": modalities }),
                );
            }
            put(
                &mut out,
                tags::NUMBER_OF_STUDY_RELATED_SERIES,
                "IS",
                Some(row.try_get::<i64, _>("series_count")?),
            );
            put(
                &mut out,
                tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
                "IS",
                Some(row.try_get::<i64, _>("object_count")?),
            );
        }
        Level::Series => {
            put(
                &mut out,
                tags::SERIES_INSTANCE_UID,
                "UI",
                Some(row.try_get::<&str, _>("series_uid")?),
            );
            put(
                &mut out,
                tags::NUMBER_OF_SERIES_RELATED_INSTANCES,
                "IS",
                Some(row.try_get::<i64, _>("object_count")?),
            );
        }
        Level::Object => {
            put(
                &mut out,
                tags::SERIES_INSTANCE_UID,
                "UI",
                Some(row.try_get::<&str, _>("series_uid")?),
            );
        }
    }
    Ok(out)
}

fn put(out: &mut DataSet, tag: Tag, vr: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(json_key(tag), json!({ "vr": vr, "Value": [value.into()] }));
    }
}

/// The attributes of a level that are required or asked for.
fn shown(out: &mut DataSet, query: &Query, level: Level, row: &PgRow, column: &str) -> Result<(), IndexError> {
    let Json(mut all): Json<DataSet> = row.try_get(column)?;
    if query.include == Include::All {
        out.append(&mut all);
        return Ok(());
    }
    let shown = Shown::at(level);
    let wanted = shown
        .required
        .iter()
        .chain(shown.more.iter().filter(|tag| query.wants(**tag)));
    for key in wanted.map(|tag| json_key(*tag)) {
        if let Some(element) = all.remove(&key) {
            out.insert(key, element);
        }
    }
    Ok(())
}

fn object(out: &mut DataSet, query: &Query, row: &PgRow) -> Result<(), IndexError> {
    for (tag, vr, column) in [
        (tags::INSTANCE_NUMBER, "IS", "instance_number"),
        (tags::ROWS, "US", "rows"),
        (tags::COLUMNS, "US", "columns"),
        (tags::BITS_ALLOCATED, "US", "bits_allocated"),
        (tags::NUMBER_OF_FRAMES, "IS", "frames"),
    ] {
        put(out, tag, vr, row.try_get::<Option<i32>, _>(column)?);
    }
    for (tag, vr, column) in [
        (tags::SOP_CLASS_UID, "UI", "sop_class"),
        (tags::SOP_INSTANCE_UID, "UI", "object_uid"),
        (tags::TIMEZONE_OFFSET_FROM_UTC, "SH", "timezone"),
    ] {
        put(out, tag, vr, row.try_get::<Option<&str>, _>(column)?);
    }
    for (tag, vr, column) in [
        (tags::CONTENT_DATE, "DA", "content_date"),
        (tags::CONTENT_TIME, "TM", "content_time"),
        (tags::AVAILABLE_TRANSFER_SYNTAX_UID, "UI", "syntax"),
    ] {
        if query.wants(tag) {
            put(out, tag, vr, row.try_get::<Option<&str>, _>(column)?);
        }
    }
    if query.wants(tags::ACQUISITION_NUMBER) {
        put(
            out,
            tags::ACQUISITION_NUMBER,
            "IS",
            row.try_get::<Option<i32>, _>("acquisition_number")?,
        );
    }
    Ok(())
}

//! From UIDs to places: what retrieval, recovery and verification ask.

use std::time::SystemTime;

use isocenter_dicom::{header::Identity, uid::Uid};

use sqlx::{Row, postgres::PgRow};

use super::{
    Held, Index, IndexError, Level, Place, Source, again,
    moment::Moment,
    row::{self, signed},
    sql::Sql,
    within::Within,
};

/// A stored object.
#[derive(Clone, Debug)]
pub struct Located {
    /// Its four UIDs, as stored. Its pack is in the folder of `identity.study`.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// Where it is.
    pub place: Place,
    /// Instance Number (0020,0013), where it is a number.
    pub instance_number: Option<i32>,
    /// Number of Frames (0028,0008), where it is a number.
    pub frames: Option<i32>,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
}

impl Located {
    /// Where the next page begins.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            series: self.identity.series.clone(),
            number: self.instance_number.unwrap_or(i32::MAX),
            object: self.identity.sop_instance.clone(),
        }
    }
}

/// Where a page of [`Index::locate`] ended.
#[derive(Clone, Debug)]
pub struct Cursor {
    series: Uid,
    number: i32,
    object: Uid,
}

/// What the index says about bytes under one SOP Instance UID.
#[derive(Clone, Debug)]
pub struct Known {
    /// The study.
    pub study: Uid,
    /// SOP Instance UID.
    pub object: Uid,
    /// Where it is.
    pub place: Place,
    /// What it is to the archive.
    pub standing: Standing,
}

/// What a row is to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is found and served.
    Served,
    /// Another took its place.
    Superseded,
    /// It is in quarantine.
    Held,
    /// It was in quarantine until somebody decided about it.
    Resolved,
}

/// An object in quarantine.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Names it, for as long as it is there; another after the index was rebuilt.
    pub id: i64,
    /// Its four UIDs.
    pub identity: Identity,
    /// The transfer syntax it is stored in.
    pub syntax: Uid,
    /// Where it is.
    pub place: Place,
    /// Why.
    pub held: Held,
    /// Where it came from.
    pub source: Source,
    /// When it arrived.
    pub arrived: SystemTime,
}

/// Objects of a study in reading order. The bounds that are not asked for are open.
pub(super) const LOCATE: &str = r#"
SELECT study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, instance_number, frames
FROM objects
WHERE study_uid = $1 AND (series_uid, coalesce(instance_number, 2147483647), object_uid) > ($2, $3, $4)
ORDER BY study_uid, series_uid, coalesce(instance_number, 2147483647), object_uid
LIMIT $5
"#;

pub(super) const LOCATE_SERIES: &str = r#"
SELECT study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, instance_number, frames
FROM objects
WHERE study_uid = $1 AND series_uid = $2 AND (coalesce(instance_number, 2147483647), object_uid) > ($3, $4)
ORDER BY study_uid, series_uid, coalesce(instance_number, 2147483647), object_uid
LIMIT $5
"#;

pub(super) const LOCATE_OBJECT: &str = r#"
SELECT study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, instance_number, frames
FROM objects
WHERE study_uid = $1 AND object_uid = $2 AND ($3::text IS NULL OR series_uid = $3)
"#;

/// What callers with limits may see of a study; more conditions follow.
const LIMITED: &str = r#"
SELECT o.study_uid, o.object_uid, o.series_uid, o.sop_class, o.syntax, o.pack, o.pack_offset, o.length, o.header_length, o.digest,
    o.calling_ae, o.called_ae, o.peer, o.transport, o.arrived, o.subject, o.hops, o.instance_number, o.frames
FROM objects o
WHERE o.study_uid = "#;

pub(super) const KNOWN: &str = r#"
SELECT 'o' AS standing, study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM objects WHERE study_uid = $1 AND object_uid = ANY($2)
UNION ALL
SELECT 's', study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM superseded WHERE study_uid = $1 AND object_uid = ANY($2)
UNION ALL
SELECT 'q', study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM quarantine WHERE study_uid = $1 AND object_uid = ANY($2)
UNION ALL
SELECT 'r', study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM resolved WHERE study_uid = $1 AND object_uid = ANY($2)
"#;

pub(super) const SERVED_ROWS: &str = r#"
SELECT 'o' AS standing, study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM objects WHERE (study_uid, object_uid) > ($1, $2)
ORDER BY study_uid, object_uid LIMIT $5
"#;

const SUPERSEDED_ROWS: &str = r#"
SELECT 's' AS standing, study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM superseded WHERE (study_uid, object_uid, pack, pack_offset) > ($1, $2, $3, $4)
ORDER BY study_uid, object_uid, pack, pack_offset LIMIT $5
"#;

const HELD_ROWS: &str = r#"
SELECT 'q' AS standing, study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM quarantine WHERE (study_uid, object_uid, digest) > ($1, $2, $6)
ORDER BY study_uid, object_uid, digest LIMIT $5
"#;

const RESOLVED_ROWS: &str = r#"
SELECT 'r' AS standing, study_uid, object_uid, pack, pack_offset, length, header_length, digest
FROM resolved WHERE (study_uid, object_uid, pack, pack_offset) > ($1, $2, $3, $4)
ORDER BY study_uid, object_uid, pack, pack_offset LIMIT $5
"#;

const QUARANTINED: &str = r#"
SELECT id, study_uid, object_uid, series_uid, sop_class, syntax, pack, pack_offset, length, header_length, digest,
    calling_ae, called_ae, peer, transport, arrived, subject, hops, plugin, reason
FROM quarantine ORDER BY arrived DESC LIMIT $1
"#;

impl Index {
    /// The served objects of a study, or of one of its series, or one object, that are `within` the caller's limits: ordered
    /// by series, instance number and UID, at most `limit`, after the `after` of the page before.
    pub async fn locate(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        object: Option<&Uid>,
        after: Option<&Cursor>,
        limit: u32,
        within: &Within,
    ) -> Result<Vec<Located>, IndexError> {
        let (after_series, after_number, after_object) = match after {
            Some(after) => (after.series.as_str(), after.number, after.object.as_str()),
            None => ("", i32::MIN, ""),
        };
        let limit = i64::from(limit);
        let rows = match (series, object) {
            (series, object) if !within.is_everything() => again!(self.pool, connection => async {
                let mut sql = Sql::new(LIMITED);
                sql.value(study.as_str().to_owned());
                if let Some(series) = series {
                    sql.text(" AND o.series_uid = ").value(series.as_str().to_owned());
                }
                if let Some(object) = object {
                    sql.text(" AND o.object_uid = ").value(object.as_str().to_owned());
                } else {
                    sql.text(" AND (o.series_uid, coalesce(o.instance_number, 2147483647), o.object_uid) > (");
                    sql.value(series.map_or(after_series, Uid::as_str).to_owned()).text(", ");
                    sql.value(after_number).text(", ").value(after_object.to_owned()).text(")");
                }
                limited(&mut sql, within);
                sql.text(" ORDER BY o.study_uid, o.series_uid, coalesce(o.instance_number, 2147483647), o.object_uid LIMIT ");
                sql.value(limit);
                sql.query().fetch_all(connection).await
            }),
            (series, Some(object)) => again!(self.pool, connection => {
                let query = sqlx::query(LOCATE_OBJECT).bind(study.as_str()).bind(object.as_str());
                query.bind(series.map(Uid::as_str)).fetch_all(connection)
            }),
            (Some(series), None) => again!(self.pool, connection => {
                let query = sqlx::query(LOCATE_SERIES).bind(study.as_str()).bind(series.as_str());
                query.bind(after_number).bind(after_object).bind(limit).fetch_all(connection)
            }),
            (None, None) => again!(self.pool, connection => {
                let query = sqlx::query(LOCATE).bind(study.as_str()).bind(after_series);
                query.bind(after_number).bind(after_object).bind(limit).fetch_all(connection)
            }),
        }?;
        rows.iter()
            .map(|line| {
                Ok(Located {
                    identity: row::identity(line)?,
                    syntax: row::uid(line, "syntax")?,
                    place: row::place(line)?,
                    instance_number: line.try_get("instance_number")?,
                    frames: line.try_get("frames")?,
                    source: row::source(line)?,
                    arrived: line.try_get::<Moment, _>("arrived")?.into(),
                })
            })
            .collect()
    }

    /// Every row of these objects of a study, in whatever standing.
    pub async fn known(&self, study: &Uid, objects: &[Uid]) -> Result<Vec<Known>, IndexError> {
        let objects: Vec<&str> = objects.iter().map(Uid::as_str).collect();
        let rows = again!(self.pool, connection => sqlx::query(KNOWN).bind(study.as_str()).bind(&objects).fetch_all(connection))?;
        rows.iter().map(known).collect()
    }

    /// A page of all rows of one standing, ordered by study and object; `after` is the last of the page before.
    pub async fn rows(&self, standing: Standing, after: Option<&Known>, limit: u32) -> Result<Vec<Known>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(match standing {
                Standing::Served => SERVED_ROWS,
                Standing::Superseded => SUPERSEDED_ROWS,
                Standing::Held => HELD_ROWS,
                Standing::Resolved => RESOLVED_ROWS,
            });
            let query = query.bind(after.map_or("", |after| after.study.as_str()));
            let query = query.bind(after.map_or("", |after| after.object.as_str()));
            let query = query.bind(after.map_or(super::PackId::from_bytes([0; 16]), |after| after.place.pack));
            let query = query.bind(after.map_or(-1, |after| signed(after.place.offset)));
            let query = query.bind(i64::from(limit));
            query.bind(after.map_or(&[][..], |after| after.place.digest.as_slice())).fetch_all(connection)
        })?;
        rows.iter().map(known).collect()
    }

    /// What is in quarantine, the latest first.
    pub async fn quarantined(&self, limit: u32) -> Result<Vec<Quarantined>, IndexError> {
        let rows =
            again!(self.pool, connection => sqlx::query(QUARANTINED).bind(i64::from(limit)).fetch_all(connection))?;
        rows.iter().map(quarantined).collect()
    }

    /// Forgets all objects, so that they can be indexed anew. The queue stays: packs do not know it.
    pub async fn clear(&self) -> Result<(), IndexError> {
        again!(self.pool, connection => sqlx::query("TRUNCATE studies, series, objects, superseded, quarantine, resolved").execute(connection))?;
        Ok(())
    }
}

/// Objects whose study, whose series and which themselves are within limits.
fn limited(sql: &mut Sql, within: &Within) {
    if within.has(Level::Study) {
        sql.text(" AND EXISTS (SELECT FROM studies st WHERE st.study_uid = o.study_uid")
            .within(Level::Study, within)
            .text(")");
    }
    if within.has(Level::Series) {
        sql.text(
            " AND EXISTS (SELECT FROM series se WHERE se.study_uid = o.study_uid AND se.series_uid = o.series_uid",
        )
        .within(Level::Series, within)
        .text(")");
    }
    sql.within(Level::Object, within);
}

pub(super) fn quarantined(line: &PgRow) -> Result<Quarantined, IndexError> {
    Ok(Quarantined {
        id: line.try_get("id")?,
        identity: row::identity(line)?,
        syntax: row::uid(line, "syntax")?,
        place: row::place(line)?,
        held: row::held(line)?,
        source: row::source(line)?,
        arrived: line.try_get::<Moment, _>("arrived")?.into(),
    })
}

fn known(line: &PgRow) -> Result<Known, IndexError> {
    Ok(Known {
        study: row::uid(line, "study_uid")?,
        object: row::uid(line, "object_uid")?,
        place: row::place(line)?,
        standing: match line.try_get("standing")? {
            "o" => Standing::Served,
            "s" => Standing::Superseded,
            "q" => Standing::Held,
            _ => Standing::Resolved,
        },
    })
}

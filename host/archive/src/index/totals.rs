//! How much there is, cheaply enough for a page.

use sqlx::Row;

use super::{Index, IndexError, again, row};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Studies.
    pub studies: u64,
    /// Series.
    pub series: u64,
    /// Served objects.
    pub objects: u64,
    /// Bytes of served objects (Part 10 files).
    pub bytes: u64,
    /// Objects in quarantine.
    pub quarantined: u64,
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Whether `series`, `objects` and `bytes` are estimates of the database's statistics: beyond 100,000 objects.
    pub estimated: bool,
}

/// Counted.
const FEW: &str = r#"
SELECT (SELECT count(*) FROM studies) AS studies, (SELECT count(*) FROM series) AS series,
    (SELECT count(*) FROM quarantine) AS quarantined,
    (SELECT count(*) FROM jobs WHERE NOT dead) AS waiting, (SELECT count(*) FROM jobs WHERE dead) AS dead,
    count(*) AS objects, coalesce(sum(length), 0)::bigint AS bytes
FROM objects
"#;

/// Estimated: what autovacuum last counted, and the mean length of objects in a thousandth of the table's blocks.
const MANY: &str = r#"
SELECT (SELECT count(*) FROM studies) AS studies,
    (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'series'::regclass) AS series,
    (SELECT count(*) FROM quarantine) AS quarantined,
    (SELECT count(*) FROM jobs WHERE NOT dead) AS waiting, (SELECT count(*) FROM jobs WHERE dead) AS dead,
    c.reltuples::bigint AS objects,
    coalesce(c.reltuples * (SELECT avg(length) FROM objects TABLESAMPLE SYSTEM (0.1)), 0)::bigint AS bytes
FROM pg_class c WHERE c.oid = 'objects'::regclass
"#;

/// How many objects the database believes to have.
const SIZE: &str = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'objects'::regclass";

/// Up to so many objects are counted.
const COUNTED: i64 = 100_000;

impl Index {
    /// How much there is.
    pub async fn totals(&self) -> Result<Totals, IndexError> {
        let size: i64 = again!(self.pool, connection => sqlx::query_scalar(SIZE).fetch_one(connection))?;
        let estimated = size > COUNTED;
        let line = again!(self.pool, connection => {
            sqlx::query(if estimated { MANY } else { FEW }).fetch_one(connection)
        })?;
        let number = |column: &str| -> Result<u64, IndexError> {
            u64::try_from(line.try_get::<i64, _>(column)?).map_err(|_| row::unreadable("a count"))
        };
        Ok(Totals {
            studies: number("studies")?,
            series: number("series")?,
            objects: number("objects")?,
            bytes: number("bytes")?,
            quarantined: number("quarantined")?,
            waiting: number("waiting")?,
            dead: number("dead")?,
            estimated,
        })
    }
}

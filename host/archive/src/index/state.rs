//! What plugins remember: small values by key, private to each configured plugin and shared by all hosts.
//!
//! Separate because of the quota, which holds whoever writes at the same time. A plugin's bytes are counted in
//! [`SLOTS`] rows, and a key always counts in the same one. Who writes a key locks its row of these until the commit, so
//! that writers of different keys seldom wait for each other, and reads the sum of all rows. At most one writer for each
//! of the other rows may then be about to commit something that the sum does not show; while there is room for the largest
//! entry for each of them, that does not matter. Nearer to the quota a writer locks all rows, and the sum is exact. So
//! only a plugin that is within [`UNSEEN`] bytes of its quota has its writers wait for each other.
//!
//! What is absent: nothing here knows what a grant is; the quota comes with each call.

use std::time::Duration;

use sqlx::{Acquire, PgConnection, Row};

use super::{Index, IndexError, again, queue::millis, row};

/// The longest key, in bytes.
pub const LONGEST_STATE_KEY: usize = 512;
/// The longest value, in bytes.
pub const LONGEST_STATE_VALUE: usize = 64 * 1024;

/// Rows that count a plugin's bytes.
const SLOTS: i16 = 8;
/// What writers of the other slots may be about to commit.
const UNSEEN: u64 = (SLOTS as u64 - 1) * (LONGEST_STATE_KEY + LONGEST_STATE_VALUE) as u64;
/// Expired entries that are deleted at a time.
const SWEPT: i64 = 500;
/// The longest page of keys.
const KEYS: u32 = 1000;

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// At most [`LONGEST_STATE_VALUE`] bytes.
    pub value: Vec<u8>,
    /// Greater than that of every earlier value of this key, also over a deletion. Never 0.
    pub version: u64,
}

/// Why a value was not written. Carries neither key nor value.
#[derive(Debug, thiserror::Error)]
pub enum StateTrouble {
    /// Another version is there than was expected.
    #[error("another version is there")]
    Conflict,
    /// With this entry, the plugin's keys and values would have more bytes than its quota.
    #[error("the quota of {quota} bytes is used up")]
    OverQuota {
        /// In bytes of keys and values.
        quota: u64,
    },
    /// Longer than a key or a value may be.
    #[error("a {what} of state has at most {limit} bytes")]
    TooLong {
        /// `key` or `value`.
        what: &'static str,
        /// [`LONGEST_STATE_KEY`] or [`LONGEST_STATE_VALUE`].
        limit: usize,
    },
    /// The index failed. After [`IndexError::Unavailable`] it may be that the value was written.
    #[error(transparent)]
    Index(#[from] IndexError),
}

pub(super) const GET: &str = r#"
SELECT value, version FROM plugin_state WHERE plugin = $1 AND key = $2 AND (expires IS NULL OR expires > now())
"#;

/// Both ends of a page are optional: who lists all keys has neither.
pub(super) const KEYS_BETWEEN: &str = r#"
SELECT key FROM plugin_state
WHERE plugin = $1 AND key >= $2 AND ($3::bytea IS NULL OR key < $3) AND ($4::bytea IS NULL OR key > $4)
    AND (expires IS NULL OR expires > now())
ORDER BY key LIMIT $5
"#;

const OPEN_SLOTS: &str = r#"
INSERT INTO plugin_state_slots (plugin, slot, bytes)
SELECT $1, slot, 0 FROM generate_series(0, $2 - 1) AS s(slot) ORDER BY slot ON CONFLICT DO NOTHING
"#;

/// In one order, so that two who lock several never wait for each other both.
pub(super) const LOCK: &str = r#"
SELECT slot FROM plugin_state_slots WHERE plugin = $1 AND slot = ANY($2) ORDER BY slot FOR UPDATE
"#;

/// What is there. A statement after [`LOCK`], because it must see what was committed while that waited.
pub(super) const LOOK: &str = r#"
SELECT u.bytes AS used, octet_length(s.key) + octet_length(s.value) AS bytes, s.version,
    s.expires IS NULL OR s.expires > now() AS alive
FROM (SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM plugin_state_slots WHERE plugin = $1) u
LEFT JOIN plugin_state s ON s.plugin = $1 AND s.key = $2
"#;

/// The version is drawn while the key is locked: so those of a key grow.
pub(super) const WRITE: &str = r#"
WITH counted AS (
    UPDATE plugin_state_slots SET bytes = bytes + $5 WHERE plugin = $1 AND slot = $6 AND $5 <> 0
)
INSERT INTO plugin_state (plugin, key, value, version, expires, slot)
VALUES ($1, $2, $3, nextval('plugin_state_versions'), now() + $4 * interval '1 millisecond', $6)
ON CONFLICT (plugin, key) DO UPDATE SET value = EXCLUDED.value, version = EXCLUDED.version, expires = EXCLUDED.expires
RETURNING version
"#;

pub(super) const DELETE: &str = r#"
WITH gone AS (
    DELETE FROM plugin_state WHERE plugin = $1 AND key = $2
    RETURNING slot, octet_length(key) + octet_length(value) AS bytes, expires IS NULL OR expires > now() AS alive
), counted AS (
    UPDATE plugin_state_slots s SET bytes = s.bytes - g.bytes FROM gone g WHERE s.plugin = $1 AND s.slot = g.slot
)
SELECT alive FROM gone
"#;

/// Deletes what has expired, but for one key; answers how many entries and bytes. All slots are locked.
pub(super) const SWEEP: &str = r#"
WITH gone AS (
    DELETE FROM plugin_state WHERE plugin = $1 AND key IN (
        SELECT key FROM plugin_state WHERE plugin = $1 AND expires <= now() AND key IS DISTINCT FROM $2 ORDER BY expires LIMIT $3
    )
    RETURNING slot, octet_length(key) + octet_length(value) AS bytes
), freed AS (
    SELECT slot, sum(bytes)::bigint AS bytes FROM gone GROUP BY slot
), counted AS (
    UPDATE plugin_state_slots s SET bytes = s.bytes - f.bytes FROM freed f WHERE s.plugin = $1 AND s.slot = f.slot
)
SELECT count(*) AS entries, coalesce(sum(bytes), 0)::bigint AS bytes FROM gone
"#;

const EXPIRED: &str = "SELECT plugin FROM plugin_state WHERE expires <= now() ORDER BY expires LIMIT 1";

const USED: &str = "SELECT coalesce(sum(bytes), 0)::bigint FROM plugin_state_slots WHERE plugin = $1";

/// What is to be written.
struct Put<'a> {
    plugin: &'a str,
    key: &'a [u8],
    value: &'a [u8],
    expect: Option<u64>,
    ttl: Option<Duration>,
    quota: u64,
}

/// What a key and its plugin have.
#[derive(Clone, Copy, Debug)]
struct There {
    /// Bytes of the plugin, as far as they are seen.
    used: u64,
    /// Bytes of the entry; an expired one has some until it is swept.
    bytes: u64,
    /// Zero if there is none, or an expired one.
    version: u64,
}

/// What is to be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Write {
        growth: i64,
    },
    Conflict,
    /// There is no room, or perhaps none where not all slots are locked.
    Full,
    /// An earlier try has written it, although its answer was lost.
    Written,
    /// An earlier try may have written it, and somebody else something else after that.
    Unknown,
}

/// How a try ended.
enum Tried {
    Done(u64),
    Conflict,
    Full,
    Unknown,
}

/// The whole rule. `room`: bytes that must be left. `earlier`: the version under which an earlier try, whose end is not
/// known, may have written.
fn decide(there: There, size: u64, expect: Option<u64>, quota: u64, room: u64, earlier: Option<u64>) -> Decision {
    if earlier == Some(there.version) {
        return Decision::Written;
    }
    if expect.is_some_and(|expected| expected != there.version) {
        return match earlier {
            Some(_) => Decision::Unknown,
            None => Decision::Conflict,
        };
    }
    let growth = row::signed(size) - row::signed(there.bytes);
    if growth > 0 && there.used.saturating_add(growth.unsigned_abs()).saturating_add(room) > quota {
        return Decision::Full;
    }
    Decision::Write { growth }
}

/// Any even spread would do, but all hosts must have the same one, and for ever.
fn slot(key: &[u8]) -> i16 {
    let [first, ..] = *blake3::hash(key).as_bytes();
    i16::from(first) % SLOTS
}

/// The first key behind all that have a prefix. UTF-8 has no byte that cannot be counted up.
fn behind(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    let last = end.last_mut()?;
    *last = last.saturating_add(1);
    Some(end)
}

impl Index {
    /// The value of a key; `None` where there is none, or one that has expired.
    pub async fn state_get(&self, plugin: &str, key: &str) -> Result<Option<StateEntry>, IndexError> {
        let found = again!(self.pool, connection => {
            sqlx::query(GET).bind(plugin).bind(key.as_bytes()).fetch_optional(connection)
        })?;
        found
            .map(|line| {
                Ok(StateEntry {
                    value: line.try_get("value")?,
                    version: version(line.try_get("version")?)?,
                })
            })
            .transpose()
    }

    /// Writes a value and answers its new version.
    ///
    /// `expect`: `None`, whatever is there; `Some(0)`, only if there is nothing; `Some(version)`, only over that version.
    /// After `ttl` the entry is as absent; `None`: it stays. `quota` is in bytes of all keys and values of the plugin; an
    /// entry that does not grow is written even where the quota was lowered below what there is.
    pub async fn state_put(
        &self,
        plugin: &str,
        key: &str,
        value: &[u8],
        expect: Option<u64>,
        ttl: Option<Duration>,
        quota: u64,
    ) -> Result<u64, StateTrouble> {
        for (what, length, limit) in [
            ("key", key.len(), LONGEST_STATE_KEY),
            ("value", value.len(), LONGEST_STATE_VALUE),
        ] {
            if length > limit {
                return Err(StateTrouble::TooLong { what, limit });
            }
        }
        let key = key.as_bytes();
        let put = Put {
            plugin,
            key,
            value,
            expect,
            ttl,
            quota,
        };
        // Set by the first try: one whose connection breaks may have been committed all the same.
        let mut earlier = None;
        for all in [quota <= UNSEEN, true] {
            let tried = again!(self.pool, connection => write(connection, &put, all, &mut earlier))?;
            match tried {
                Tried::Done(version) => return Ok(version),
                Tried::Conflict => return Err(StateTrouble::Conflict),
                Tried::Unknown => {
                    return Err(IndexError::Unavailable("the connection was lost while a value was written").into());
                }
                Tried::Full => {}
            }
        }
        Err(StateTrouble::OverQuota { quota })
    }

    /// Deletes a key. Says whether there was one.
    pub async fn state_delete(&self, plugin: &str, key: &str) -> Result<bool, IndexError> {
        let key = key.as_bytes();
        let mut tries = 0;
        again!(self.pool, connection => {
            tries += 1;
            delete(connection, plugin, key, tries > 1)
        })
    }

    /// Keys that begin with `prefix`, in the order of their bytes, behind `after`: at most `limit`, and at most 1,000.
    pub async fn state_keys(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, IndexError> {
        let rows = again!(self.pool, connection => {
            let query = sqlx::query(KEYS_BETWEEN).bind(plugin).bind(prefix.as_bytes()).bind(behind(prefix));
            query.bind(after.map(str::as_bytes)).bind(i64::from(limit.min(KEYS))).fetch_all(connection)
        })?;
        rows.iter()
            .map(|line| String::from_utf8(line.try_get("key")?).map_err(|_| row::unreadable("a key of state")))
            .collect()
    }

    /// How many bytes of its quota a plugin uses; expired entries that are not swept yet count.
    pub async fn state_used(&self, plugin: &str) -> Result<u64, IndexError> {
        let used: i64 = again!(self.pool, connection => sqlx::query_scalar(USED).bind(plugin).fetch_one(connection))?;
        u64::try_from(used).map_err(|_| row::unreadable("a size of state"))
    }

    /// Deletes what has expired, a few hundred entries at a time, and says how many there were.
    pub async fn sweep_state(&self) -> Result<u64, IndexError> {
        let mut swept = 0;
        loop {
            let plugin: Option<String> =
                again!(self.pool, connection => sqlx::query_scalar(EXPIRED).fetch_optional(connection))?;
            let Some(plugin) = plugin else {
                return Ok(swept);
            };
            swept += again!(self.pool, connection => sweep(connection, &plugin))?;
        }
    }
}

/// Locks the slot of a key, or all of the plugin's, for the rest of the transaction.
async fn lock(connection: &mut PgConnection, plugin: &str, only: Option<i16>) -> Result<(), sqlx::Error> {
    let slots: Vec<i16> = only.map_or_else(|| (0..SLOTS).collect(), |slot| vec![slot]);
    for open in [true, false] {
        let locked = sqlx::query(LOCK)
            .bind(plugin)
            .bind(&slots)
            .fetch_all(&mut *connection)
            .await?;
        if locked.len() == slots.len() {
            return Ok(());
        }
        if open {
            let query = sqlx::query(OPEN_SLOTS).bind(plugin).bind(i32::from(SLOTS));
            query.execute(&mut *connection).await?;
        }
    }
    Err(sqlx::Error::RowNotFound)
}

async fn write(
    connection: &mut PgConnection,
    put: &Put<'_>,
    all: bool,
    earlier: &mut Option<u64>,
) -> Result<Tried, sqlx::Error> {
    let own = slot(put.key);
    let size = (put.key.len() + put.value.len()) as u64;
    let room = if all { 0 } else { UNSEEN };
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, put.plugin, (!all).then_some(own)).await?;
    let mut there = look(&mut transaction, put).await?;
    let mut decision = decide(there, size, put.expect, put.quota, room, *earlier);
    if decision == Decision::Full && all {
        let query = sqlx::query(SWEEP).bind(put.plugin).bind(put.key).bind(SWEPT);
        let freed: i64 = query.fetch_one(&mut *transaction).await?.try_get("bytes")?;
        there.used = there.used.saturating_sub(freed.unsigned_abs());
        decision = decide(there, size, put.expect, put.quota, room, *earlier);
    }
    let growth = match decision {
        Decision::Write { growth } => growth,
        Decision::Conflict => return Ok(Tried::Conflict),
        Decision::Full => {
            // What was swept is kept, so that the next of many small entries need not sweep again.
            transaction.commit().await?;
            return Ok(Tried::Full);
        }
        Decision::Written => return Ok(Tried::Done(there.version)),
        Decision::Unknown => return Ok(Tried::Unknown),
    };
    let new: i64 = sqlx::query_scalar(WRITE)
        .bind(put.plugin)
        .bind(put.key)
        .bind(put.value)
        .bind(put.ttl.map(millis))
        .bind(growth)
        .bind(own)
        .fetch_one(&mut *transaction)
        .await?;
    let new = new.unsigned_abs();
    *earlier = Some(new);
    transaction.commit().await?;
    Ok(Tried::Done(new))
}

async fn look(connection: &mut PgConnection, put: &Put<'_>) -> Result<There, sqlx::Error> {
    let line = sqlx::query(LOOK)
        .bind(put.plugin)
        .bind(put.key)
        .fetch_one(connection)
        .await?;
    let used: i64 = line.try_get("used")?;
    let bytes: Option<i32> = line.try_get("bytes")?;
    let version: Option<i64> = line.try_get("version")?;
    let alive = line.try_get("alive")?;
    Ok(There {
        used: used.unsigned_abs(),
        bytes: bytes.unwrap_or(0).unsigned_abs().into(),
        version: version.filter(|_| alive).unwrap_or(0).unsigned_abs(),
    })
}

/// `repeated`: an earlier try may have deleted it.
async fn delete(connection: &mut PgConnection, plugin: &str, key: &[u8], repeated: bool) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, plugin, Some(slot(key))).await?;
    let query = sqlx::query_scalar(DELETE).bind(plugin).bind(key);
    let alive: Option<bool> = query.fetch_optional(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(alive.unwrap_or(repeated))
}

async fn sweep(connection: &mut PgConnection, plugin: &str) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, plugin, None).await?;
    let query = sqlx::query(SWEEP).bind(plugin).bind(None::<&[u8]>).bind(SWEPT);
    let swept: i64 = query.fetch_one(&mut *transaction).await?.try_get("entries")?;
    transaction.commit().await?;
    Ok(swept.unsigned_abs())
}

fn version(number: i64) -> Result<u64, IndexError> {
    u64::try_from(number).map_err(|_| row::unreadable("a version of state"))
}

#[cfg(test)]
mod tests;

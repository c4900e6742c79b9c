//! Lists of edits as text: what a filter did to an object, for who asks later. Separate because they are kept once for all
//! the objects that got the same, and because they are what is bounded here.

use std::{
    fmt::{self, Write},
    str::FromStr,
    time::Duration,
};

use sqlx::Row;

use super::{Index, IndexError, again, queue::millis, row};

/// The longest list, in bytes of text. The edits that come after are counted and not listed.
pub const LONGEST_EDIT_LIST: usize = 64 * 1024;
/// The longest line of a list, in bytes: one long value shall not take the place of the other edits.
const LONGEST_LINE: usize = 1024;

/// The edits of one call, a line each. May tell what the object said, and is for those only who may see the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditList {
    count: u32,
    text: String,
    cut: bool,
}

impl EditList {
    /// Adds an edit, as one line of at most 1 KiB. It is counted in any case, and listed unless the list is full.
    pub fn add(&mut self, edit: impl fmt::Display) {
        self.count = self.count.saturating_add(1);
        if self.cut {
            return;
        }
        let start = self.text.len();
        let mut line = Line {
            text: &mut self.text,
            end: start + LONGEST_LINE,
        };
        if write!(line, "{edit}").is_err() {
            self.text.push('…');
        }
        self.text.push('\n');
        if self.text.len() > LONGEST_EDIT_LIST {
            self.text.truncate(start);
            self.cut = true;
        }
    }

    /// How many edits there were, listed or not.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Those that are listed, a line each.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }

    /// Whether there were more than fit.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Bytes of text.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// `None` when nothing is listed.
    pub(super) fn id(&self) -> Option<EditListId> {
        (!self.text.is_empty() || self.cut).then(|| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[u8::from(self.cut)]).update(self.text.as_bytes());
            EditListId(*hasher.finalize().as_bytes())
        })
    }
}

impl<T: fmt::Display> FromIterator<T> for EditList {
    fn from_iter<I: IntoIterator<Item = T>>(edits: I) -> Self {
        let mut list = Self::default();
        for edit in edits {
            list.add(edit);
        }
        list
    }
}

/// A line of a list: it takes no line ends and no NUL, and nothing behind its end.
struct Line<'a> {
    text: &'a mut String,
    end: usize,
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.text.len() + c.len_utf8() > self.end {
                return Err(fmt::Error);
            }
            self.text.push(if matches!(c, '\n' | '\r' | '\0') { ' ' } else { c });
        }
        Ok(())
    }
}

/// Names a list of edits: its digest. Displays as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditListId([u8; 32]);

impl EditListId {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, IndexError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| row::unreadable("a list of edits"))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for EditListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EditListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EditListId({self})")
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list of edits is named by 64 hexadecimal digits")]
pub struct BadEditListId;

impl FromStr for EditListId {
    type Err = BadEditListId;

    fn from_str(text: &str) -> Result<Self, BadEditListId> {
        let hash = blake3::Hash::from_hex(text).map_err(|_| BadEditListId)?;
        Ok(Self(*hash.as_bytes()))
    }
}

const GET: &str = r#"
SELECT list, cut FROM plugin_edits WHERE digest = $1
"#;

/// `used` may be a day behind, and the second day is for who is writing just now. The condition stands twice because a list
/// that is used while this waits for its row is to stay.
pub(super) const PRUNE: &str = r#"
DELETE FROM plugin_edits
WHERE digest IN (SELECT digest FROM plugin_edits WHERE used < now() - $1 * interval '1 millisecond' - interval '2 days' LIMIT $2)
    AND used < now() - $1 * interval '1 millisecond' - interval '2 days'
"#;

impl Index {
    /// A list of edits; `None` if there is none, or it was pruned. Of a list that was cut, the count is that of the lines.
    pub async fn edit_list(&self, id: EditListId) -> Result<Option<EditList>, IndexError> {
        let found = again!(self.pool, connection => sqlx::query(GET).bind(id.bytes()).fetch_optional(connection))?;
        found
            .map(|line| {
                let text: String = line.try_get("list")?;
                Ok(EditList {
                    count: u32::try_from(text.lines().count()).unwrap_or(u32::MAX),
                    text,
                    cut: line.try_get("cut")?,
                })
            })
            .transpose()
    }

    /// Deletes lists to which no outcome younger than `age` refers, at most `limit`; says how many.
    pub(super) async fn prune_edit_lists(&self, age: Duration, limit: u32) -> Result<u64, IndexError> {
        let done = again!(self.pool, connection => {
            sqlx::query(PRUNE).bind(millis(age)).bind(i64::from(limit)).execute(connection)
        })?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests;

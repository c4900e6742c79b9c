//! A search as it is asked (QIDO-RS, PS3.18 §10.6; C-FIND, PS3.4 §C.4.1). Separate because what can be asked is decided
//! here, without a database; `search` turns it into SQL.

use std::fmt;

use isocenter_dicom::{Tag, uid::Uid};

use super::keys::{self, Shown};

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Objects.
    Object,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Study => "study",
            Self::Series => "series",
            Self::Object => "object",
        })
    }
}

/// Attributes wanted besides the required ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Include {
    /// These.
    Tags(Vec<Tag>),
    /// All that the index holds.
    All,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Query {
    /// What is searched for.
    pub level: Level,
    /// Only in this study.
    pub study: Option<Uid>,
    /// Only in this series.
    pub series: Option<Uid>,
    /// Matching keys and their values as sent, percent-decoded. An empty value or `*` matches everything and asks for the
    /// attribute. Attributes of the Request Attributes Sequence are given by their own tag.
    pub matching: Vec<(Tag, String)>,
    /// Attributes wanted besides the required ones.
    pub include: Include,
    /// Person names match word by word, each by its beginning (PS3.18 §8.3.4.2 `fuzzymatching`).
    pub fuzzy: bool,
    /// At most so many results; never more than [`Query::MOST`].
    pub limit: u32,
    /// Leave out so many.
    pub offset: u64,
}

impl Query {
    /// The most results of one search.
    pub const MOST: u32 = 1000;

    /// Everything of a level, the first 100.
    pub fn new(level: Level) -> Self {
        Self {
            level,
            study: None,
            series: None,
            matching: Vec::new(),
            include: Include::Tags(Vec::new()),
            fuzzy: false,
            limit: 100,
            offset: 0,
        }
    }

    /// The matching keys that cannot be matched at this level. [`Index::search`](super::Index::search) refuses a query that
    /// has any; who would rather ignore them (PS3.18 §8.3.4: with a warning) takes them out of `matching` first.
    pub fn unsupported(&self) -> Vec<Tag> {
        let keys = self
            .matching
            .iter()
            .filter(|(tag, value)| !matches_all(value) && keys::find(*tag, self.level).is_none());
        keys.map(|(tag, _)| *tag).collect()
    }

    /// The wanted attributes that the index does not hold for this query; they are in the headers alone.
    pub fn beyond_index(&self) -> Vec<Tag> {
        let levels = self.levels();
        self.wanted()
            .filter(|tag| !levels.clone().any(|level| Shown::at(level).has(*tag)))
            .collect()
    }

    /// Whether an attribute is asked for by name.
    pub(super) fn wants(&self, tag: Tag) -> bool {
        self.include == Include::All || self.wanted().any(|wanted| wanted == tag)
    }

    /// Attributes asked for by name; a matching key is one (PS3.18 §10.6.1.2: it is answered too).
    fn wanted(&self) -> impl Iterator<Item = Tag> {
        let included = match &self.include {
            Include::Tags(tags) => tags.as_slice(),
            Include::All => &[],
        };
        // Of the items of a sequence the sequence is answered, which is required.
        let inside = [
            isocenter_dicom::tags::SCHEDULED_PROCEDURE_STEP_ID,
            isocenter_dicom::tags::REQUESTED_PROCEDURE_ID,
        ];
        included
            .iter()
            .copied()
            .chain(self.matching.iter().map(|(tag, _)| *tag))
            .filter(move |tag| !inside.contains(tag))
    }

    /// Whose attributes are answered: those of the level, and those of the levels above that the query does not fix
    /// (PS3.18 Tables 10.6.3-4 and -5).
    pub(super) fn levels(&self) -> impl Iterator<Item = Level> + Clone {
        let study = self.level == Level::Study || self.study.is_none();
        let series = self.level == Level::Series || (self.level == Level::Object && self.series.is_none());
        let object = self.level == Level::Object;
        [(Level::Study, study), (Level::Series, series), (Level::Object, object)]
            .into_iter()
            .filter_map(|(level, answered)| answered.then_some(level))
    }
}

/// Universal matching (PS3.4 §C.2.2.2.3), by an empty value or by a wildcard alone.
pub(super) fn matches_all(value: &str) -> bool {
    value.trim_matches([' ', '\0']).bytes().all(|byte| byte == b'*')
}

//! What a caller may find: limits that an authorizer sets, read into tests once. Separate because it is pure, and because one
//! rule is kept here: in doubt, less is found. Values are compared, never matched: a wildcard is a character like any other.
//!
//! An object is within limits if it, its series and its study are within all of them. A series or a study is found where one
//! of its objects is, and only those objects are counted. Of its series and its study the index knows what their first object
//! said.

use isocenter_dicom::{Tag, tags};

use super::{
    Level,
    fold::{self, LONGEST},
    keys::{self, Match},
};

/// The most limits.
const MOST_LIMITS: usize = 64;
/// The most values of a limit.
const MOST_VALUES: usize = 10_000;
/// The most values of a limit by a person name.
const MOST_NAMES: usize = 1_000;

/// Objects of which an attribute has one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLimit {
    /// The attribute; see [`Within::limits`].
    pub tag: Tag,
    /// The values; without any, nothing is found.
    pub one_of: Vec<String>,
}

/// Why objects cannot be limited so. Whoever gets this must let the caller find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The index has no column for the attribute that can be compared.
    #[error("objects cannot be limited by ({:04X},{:04X})", .tag.group(), .tag.element())]
    Unsupported {
        /// The attribute.
        tag: Tag,
    },
    /// There are more values than can be compared with.
    #[error("a limit by ({:04X},{:04X}) has more than {most} values", .tag.group(), .tag.element())]
    TooManyValues {
        /// The attribute.
        tag: Tag,
        /// How many there may be.
        most: usize,
    },
    /// There are more limits than can be compared with.
    #[error("there are more than {most} limits")]
    TooManyLimits {
        /// How many there may be.
        most: usize,
    },
}

/// What a caller may find. It has no default: whoever asks the index says for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within(Vec<(Level, Test)>);

/// What a row must be, with the values that it is compared with. The tables are called `st`, `se` and `o` in every query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The column is one of these; without any, it fails.
    OneOf(&'static str, Vec<String>),
    /// A person name is one of these.
    Name {
        /// The column of its folded alphabetic group: it has an index, and finds too much.
        folded: &'static str,
        /// What the three groups are, as they were received.
        groups: [&'static str; 3],
        /// Names of an alphabetic group alone, folded, and as they are.
        plain: (Vec<String>, Vec<String>),
        /// Names of several groups: those that are given must all be there.
        grouped: Vec<[Option<String>; 3]>,
    },
}

/// Without delimiters at the end: they say nothing (PS3.5 §6.2.1).
macro_rules! groups {
    ($key:literal) => {
        [
            concat!("rtrim(st.attributes #>> '{", $key, ",Value,0,Alphabetic}', ' ^')"),
            concat!("rtrim(st.attributes #>> '{", $key, ",Value,0,Ideographic}', ' ^')"),
            concat!("rtrim(st.attributes #>> '{", $key, ",Value,0,Phonetic}', ' ^')"),
        ]
    };
}

impl Within {
    /// Everything: for the host itself, and for a caller without limits.
    pub fn everything() -> Self {
        Self(Vec::new())
    }

    /// Only what is within all of these limits.
    ///
    /// What can be limited by is every attribute of text or UIDs that a search can match: Patient ID and its Issuer,
    /// Accession Number, Study, Series and SOP Instance UID, SOP Class UID, Modality, Institution Name, Station Name, Body Part
    /// Examined, descriptions and so on; Patient's Name and Referring Physician's Name; and, of the file meta information,
    /// Sending (0002,0017) and Receiving (0002,0018) Application Entity Title, which here are the calling and the called AE
    /// title that an object came with.
    ///
    /// Case and accents count, surrounding spaces do not. A person name is compared by its alphabetic group, or, where the
    /// value has a `=`, by all groups that it gives. An empty value, and one of 256 characters or more, is nobody's.
    ///
    /// # Errors
    /// [`LimitError::Unsupported`] names an attribute that is none of these.
    pub fn limits(limits: &[RowLimit]) -> Result<Self, LimitError> {
        if limits.len() > MOST_LIMITS {
            return Err(LimitError::TooManyLimits { most: MOST_LIMITS });
        }
        limits.iter().map(test).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are no limits.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The tests of rows of a level.
    pub(super) fn of(&self, level: Level) -> impl Iterator<Item = &Test> {
        self.0.iter().filter(move |(of, _)| *of == level).map(|(_, test)| test)
    }

    pub(super) fn has(&self, level: Level) -> bool {
        self.of(level).next().is_some()
    }
}

fn test(limit: &RowLimit) -> Result<(Level, Test), LimitError> {
    let RowLimit { tag, one_of } = limit;
    let most = |most: usize| {
        if one_of.len() > most {
            Err(LimitError::TooManyValues { tag: *tag, most })
        } else {
            Ok(())
        }
    };
    let column = match *tag {
        tags::SENDING_APPLICATION_ENTITY_TITLE => Some((Level::Object, "o.calling_ae")),
        tags::RECEIVING_APPLICATION_ENTITY_TITLE => Some((Level::Object, "o.called_ae")),
        tag => keys::find(tag, Level::Object).and_then(|key| match key.matching {
            Match::Uid(column) | Match::Text(column) => Some((key.level, column)),
            _ => None,
        }),
    };
    if let Some((level, column)) = column {
        most(MOST_VALUES)?;
        let values = one_of.iter().filter_map(|value| exact(value)).collect();
        return Ok((level, Test::OneOf(column, values)));
    }
    let (folded, groups) = match *tag {
        tags::PATIENT_NAME => ("st.patient_name", groups!("00100010")),
        tags::REFERRING_PHYSICIAN_NAME => ("st.referring_name", groups!("00080090")),
        tag => return Err(LimitError::Unsupported { tag }),
    };
    most(MOST_NAMES)?;
    let (mut plain, mut grouped) = ((Vec::new(), Vec::new()), Vec::new());
    for value in one_of.iter().filter_map(|value| exact(value)) {
        let mut given = value.split('=').map(|group| {
            let group = group.trim_end_matches([' ', '^']);
            (!group.is_empty()).then(|| group.to_owned())
        });
        if value.contains('=') {
            let given = std::array::from_fn(|_| given.next().flatten());
            if given.iter().any(Option::is_some) && value.split('=').count() <= 3 {
                grouped.push(given);
            }
        } else if let Some(name) = given.next().flatten()
            && let Some(folded) = fold::name(&name)
        {
            plain.0.push(folded);
            plain.1.push(name);
        }
    }
    let test = Test::Name {
        folded,
        groups,
        plain,
        grouped,
    };
    Ok((Level::Study, test))
}

/// A value as the index holds it; `None`: no row has it, or rows of other values may have been cut to it.
fn exact(value: &str) -> Option<String> {
    let value = value.trim_matches([' ', '\0']);
    let whole = !value.contains('\0') && value.chars().count() < LONGEST;
    whole.then(|| fold::exact(value)).flatten()
}

#[cfg(test)]
mod tests;

//! One matching key and its value, read by the rules of PS3.4 §C.2.2.2. Separate because it is pure: text in, condition out.

use isocenter_dicom::Tag;

use super::{
    SearchError,
    fold::{self, LONGEST},
    keys::{Key, Match},
    moment::{Date, Time},
};

pub(super) use super::query::matches_all as everything;

/// The most values of a list.
const MOST_VALUES: usize = 1000;

/// A condition on columns, with the values that it compares with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// The column is one of these.
    OneOf(&'static str, Vec<String>),
    /// The column is like this pattern.
    Like(&'static str, String),
    /// One of the column's values is one of these.
    AnyOneOf(&'static str, Vec<String>),
    /// One of the column's values is like this pattern.
    AnyLike(&'static str, String),
    /// Any of these.
    Any(Vec<Condition>),
    /// All of these.
    All(Vec<Condition>),
    /// The column is one of these numbers.
    Numbers(&'static str, Vec<i32>),
    /// The column is within these days, both included.
    Dates(&'static str, Option<Date>, Option<Date>),
    /// The column is within these times, both included.
    Times(&'static str, Option<Time>, Option<Time>),
    /// The day of the first column with the time of the second is not before this moment.
    Since(&'static str, &'static str, Date, Time),
    /// It is not after this moment.
    Until(&'static str, &'static str, Date, Time),
    /// Some series of the study has one of these modalities.
    Modalities(Vec<String>),
    /// Some series of the study has a modality like this pattern.
    ModalitiesLike(String),
}

/// What a key asks for; `None`: everything matches.
pub(super) fn read(key: &Key, value: &str, fuzzy: bool) -> Result<Option<Condition>, SearchError> {
    if everything(value) {
        return Ok(None);
    }
    let bad = |expected| SearchError::BadValue { tag: key.tag, expected };
    if value.len() > 64 * 1024 || value.contains('\0') {
        return Err(bad("shorter than 64 KiB and without NUL"));
    }
    let condition = match key.matching {
        Match::Uid(column) => Condition::OneOf(column, list(value, &['\\', ',']).ok_or(bad("at most 1000 UIDs"))?),
        Match::Text(column) => match text(value) {
            Text::Exact(values) => Condition::OneOf(column, values),
            Text::Pattern(pattern) => Condition::Like(column, pattern),
        },
        Match::AnyItem(column) => match text(value) {
            Text::Exact(values) => Condition::AnyOneOf(column, values),
            Text::Pattern(pattern) => Condition::AnyLike(column, pattern),
        },
        Match::ModalitiesInStudy => match text(value) {
            Text::Exact(_) => Condition::Modalities(list(value, &['\\', ',']).ok_or(bad("at most 1000 modalities"))?),
            Text::Pattern(pattern) => Condition::ModalitiesLike(pattern),
        },
        Match::Name { groups, words } => {
            return Ok(if fuzzy {
                fuzzy_name(words, value)
            } else {
                name(groups, value)
            });
        }
        Match::Number(column) => {
            let values = list(value, &['\\', ',']).ok_or(bad("at most 1000 whole numbers"))?;
            let numbers: Result<Vec<i32>, _> = values.iter().map(|value| value.parse()).collect();
            Condition::Numbers(column, numbers.map_err(|_| bad("a whole number"))?)
        }
        Match::Date(column) => {
            let (first, last) = ends(value);
            let day = |text: &str| Date::parse(text).ok_or(bad("a day YYYYMMDD, or a range of days with a hyphen"));
            let (first, last) = match last {
                None => (Some(day(first)?), Some(day(first)?)),
                Some(last) => (bound(first).map(day).transpose()?, bound(last).map(day).transpose()?),
            };
            Condition::Dates(column, first, last)
        }
        Match::Time(column) => {
            let (first, last) = ends(value);
            let time =
                |text: &str| Time::parse(text).ok_or(bad("a time HHMMSS.FFFFFF, or a range of times with a hyphen"));
            let (first, last) = match last {
                None => (Some(time(first)?.0), Some(time(first)?.1)),
                Some(last) => (
                    bound(first).map(time).transpose()?.map(|ends| ends.0),
                    bound(last).map(time).transpose()?.map(|ends| ends.1),
                ),
            };
            Condition::Times(column, first, last)
        }
    };
    // A range without ends is every value there is, and that is everything.
    Ok(match condition {
        Condition::Dates(_, None, None) | Condition::Times(_, None, None) => None,
        condition => Some(condition),
    })
}

/// A range of days and one of times, read as one range of moments (PS3.4 §C.2.2.2.5.4); `None` unless each is a range, for
/// only those are combined. Where one end has a day and no time, the whole day counts.
pub(super) fn moments(
    (date, time): (&'static str, &'static str),
    (date_tag, time_tag): (Tag, Tag),
    days: &str,
    times: &str,
) -> Result<Option<Condition>, SearchError> {
    let ((first_day, Some(last_day)), (first_time, Some(last_time))) = (ends(days), ends(times)) else {
        return Ok(None);
    };
    let day = |text: &str| {
        Date::parse(text).ok_or(SearchError::BadValue {
            tag: date_tag,
            expected: "a range of days YYYYMMDD",
        })
    };
    let time_of = |text: &str| {
        Time::parse(text).ok_or(SearchError::BadValue {
            tag: time_tag,
            expected: "a range of times HHMMSS.FFFFFF",
        })
    };
    let (first, last) = (
        bound(first_day).map(day).transpose()?,
        bound(last_day).map(day).transpose()?,
    );
    let since = bound(first_time).map(time_of).transpose()?.map(|ends| ends.0);
    let until = bound(last_time).map(time_of).transpose()?.map(|ends| ends.1);
    // The days stand alone as well: an index is entered by them.
    let mut all = vec![Condition::Dates(date, first, last)];
    all.retain(|_| first.is_some() || last.is_some());
    if let (Some(day), Some(moment)) = (first, since) {
        all.push(Condition::Since(date, time, day, moment));
    }
    if let (Some(day), Some(moment)) = (last, until) {
        all.push(Condition::Until(date, time, day, moment));
    }
    // A time without its day is nothing that could be combined.
    Ok(some(Condition::All(all))
        .filter(|_| (since.is_none() || first.is_some()) && (until.is_none() || last.is_some())))
}

/// The two sides of a range (PS3.4 §C.2.2.2.5); one value alone has no second.
fn ends(value: &str) -> (&str, Option<&str>) {
    value
        .split_once('-')
        .map_or((value, None), |(first, last)| (first, Some(last)))
}

fn bound(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

fn list(value: &str, separators: &[char]) -> Option<Vec<String>> {
    let mut values: Vec<String> = value
        .split(separators)
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect();
    values.sort_unstable();
    values.dedup();
    (values.len() <= MOST_VALUES).then_some(values)
}

enum Text {
    Exact(Vec<String>),
    Pattern(String),
}

/// Single value or wildcard matching of what is not a person name. Values with a backslash between them are a list
/// (PS3.4 §C.2.2.2.8, multiple value matching).
fn text(value: &str) -> Text {
    if value.contains(['*', '?']) {
        return Text::Pattern(pattern(value.trim()));
    }
    Text::Exact(value.split('\\').filter_map(fold::exact).take(MOST_VALUES).collect())
}

/// A pattern of LIKE: `*` any text, `?` any character, everything else itself.
fn pattern(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for c in value.chars().take(LONGEST) {
        match c {
            '*' if out.ends_with('%') && !out.ends_with("\\%") => {}
            '*' => out.push('%'),
            '?' => out.push('_'),
            '%' | '_' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A person name: component groups are separated by `=`; one group alone may be any of them.
fn name(groups: [&'static str; 3], value: &str) -> Option<Condition> {
    let one = |column: &'static str, group: &str| {
        if everything(group) {
            return None;
        }
        let folded = fold::name(group)?;
        Some(if folded.contains(['*', '?']) {
            Condition::Like(column, pattern(&folded))
        } else {
            Condition::OneOf(column, vec![folded])
        })
    };
    let conditions: Vec<Condition> = if value.contains('=') {
        let given = value
            .split('=')
            .zip(groups)
            .filter_map(|(group, column)| one(column, group))
            .collect();
        return some(Condition::All(given));
    } else {
        groups.into_iter().filter_map(|column| one(column, value)).collect()
    };
    some(Condition::Any(conditions))
}

/// Each word begins a word of the name.
fn fuzzy_name(words: &'static str, value: &str) -> Option<Condition> {
    let folded = fold::name(&value.replace(['*', '?'], " "))?;
    let given = fold::split(&folded)
        .take(16)
        .map(|word| Condition::Like(words, format!("% {}%", pattern(word))))
        .collect();
    some(Condition::All(given))
}

fn some(condition: Condition) -> Option<Condition> {
    match &condition {
        Condition::Any(inner) | Condition::All(inner) if inner.is_empty() => None,
        _ => Some(condition),
    }
}

#[cfg(test)]
mod tests;

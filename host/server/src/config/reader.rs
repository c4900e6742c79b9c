//! The reader: a TOML table from which known keys are taken, and which reports the others.
//!
//! It stands apart from the sections, and is used instead of a derived deserializer, because an operator should see
//! all problems of a file at once, each with its line and with what would be right; a deserializer stops at the first.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting::Setting;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// Counted from 1; `None` for what comes from the environment or concerns the whole.
    line: Option<usize>,
    /// What is wrong and what would be right.
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Everything that is wrong with a configuration, one line of text each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: Option<String>,
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn of(message: String) -> Self {
        Self::of_all(vec![message])
    }

    pub(super) fn of_all(messages: Vec<String>) -> Self {
        let problems = messages
            .into_iter()
            .map(|message| Problem { line: None, message })
            .collect();
        Self { file: None, problems }
    }

    pub(super) fn in_file(self, path: &Path) -> Self {
        Self {
            file: Some(path.display().to_string()),
            ..self
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(file) = &self.file {
                write!(f, "{file}: ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Collects problems, and knows on which line a byte of the text is.
pub(super) struct Problems {
    line_ends: Vec<usize>,
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    pub(super) fn of(text: &str) -> Self {
        Self {
            line_ends: text.match_indices('\n').map(|(at, _)| at).collect(),
            found: RefCell::default(),
        }
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }

    pub(super) fn add(&self, line: Option<usize>, message: String) {
        self.found.borrow_mut().push(Problem { line, message });
    }

    /// `value` if nothing was found, else all that was, by line.
    pub(super) fn into_result<T>(self, value: T) -> Result<T, ConfigError> {
        let mut problems = self.found.into_inner();
        if problems.is_empty() {
            return Ok(value);
        }
        // What has no line comes last; the order of those is kept.
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        Err(ConfigError { file: None, problems })
    }

    /// The text as a table.
    pub(super) fn parse<'t>(&self, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
        DeTable::parse(text).map_err(|error| ConfigError {
            file: None,
            problems: vec![Problem {
                line: error.span().map(|span| self.line(span.start)),
                message: error.message().trim().replace('\n', ", "),
            }],
        })
    }
}

/// A value with the line on which it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) line: usize,
    pub(super) value: T,
}

/// A table being read. Keys are asked for one by one; [`Section::end`] reports those that nobody asked for.
pub(super) struct Section<'a, 't> {
    label: String,
    table: &'a DeTable<'t>,
    problems: &'a Problems,
    known: RefCell<Vec<&'static str>>,
}

impl<'a, 't> Section<'a, 't> {
    /// `label` is how messages name the table, for example `[dicom]`.
    pub(super) fn new(label: impl Into<String>, table: &'a DeTable<'t>, problems: &'a Problems) -> Self {
        Self {
            label: label.into(),
            table,
            problems,
            known: RefCell::default(),
        }
    }

    /// The outermost table.
    pub(super) fn top(table: &'a DeTable<'t>, problems: &'a Problems) -> Self {
        Self::new("", table, problems)
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Where a key of this table is.
    fn place(&self) -> String {
        if self.label.is_empty() {
            "at the top level".to_owned()
        } else {
            format!("in {}", self.label)
        }
    }

    pub(super) fn problems(&self) -> &'a Problems {
        self.problems
    }

    fn find(&self, key: &'static str) -> Option<(usize, &'a DeValue<'t>)> {
        self.known.borrow_mut().push(key);
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert(key.to_owned()));
        let (name, value) = self.table.get_key_value(key)?;
        Some((self.problems.line(name.span().start), value.get_ref()))
    }

    /// The value of `key`; a wrong one is reported and as good as absent.
    pub(super) fn get<T: Setting>(&self, key: &'static str) -> Option<At<T>> {
        let (line, found) = self.find(key)?;
        let value = T::of(found);
        if value.is_none() {
            self.wrong(line, key, T::WANTED, found);
        }
        value.map(|value| At { line, value })
    }

    /// Replaces `setting` by the value of `key`, if there is one.
    pub(super) fn set<T: Setting>(&self, key: &'static str, setting: &mut T) {
        if let Some(found) = self.get(key) {
            *setting = found.value;
        }
    }

    /// Like [`Section::set`] for a number that must lie between two others.
    pub(super) fn set_within(&self, key: &'static str, range: std::ops::RangeInclusive<u32>, setting: &mut u32) {
        let Some((line, found)) = self.find(key) else {
            return;
        };
        match u32::of(found).filter(|number| range.contains(number)) {
            Some(number) => *setting = number,
            None => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(line, key, &wanted, found);
            }
        }
    }

    /// The table under `key`.
    pub(super) fn table(&self, key: &'static str, label: impl Into<String>) -> Option<At<Section<'a, 't>>> {
        let (line, found) = self.find(key)?;
        let Some(table) = found.as_table() else {
            self.wrong(line, key, "a table", found);
            return None;
        };
        let value = Section::new(label, table, self.problems);
        Some(At { line, value })
    }

    /// The tables under `key`, whose keys are names that the operator chose.
    pub(super) fn named(&self, key: &'static str) -> Vec<(String, At<Section<'a, 't>>)> {
        let Some(names) = self.table(key, format!("[{key}]")) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in names.value.table {
            let line = self.problems.line(name.span().start);
            let label = format!("[{key}.{}]", name.get_ref());
            if !is_name(name.get_ref()) {
                let message = format!(
                    "{label} is not a name: use 1 to 64 letters, digits, `-`, `_` and `.`, a letter or digit first"
                );
                self.problems.add(Some(line), message);
            } else if let Some(table) = value.get_ref().as_table() {
                let value = Section::new(label, table, self.problems);
                tables.push((name.get_ref().to_string(), At { line, value }));
            } else {
                let got = describe(value.get_ref());
                self.problems
                    .add(Some(line), format!("{label} must be a table; it is {got}"));
            }
        }
        tables
    }

    /// The list of tables under `key`.
    pub(super) fn list(&self, key: &'static str) -> Vec<At<Section<'a, 't>>> {
        let Some((line, found)) = self.find(key) else {
            return Vec::new();
        };
        let Some(items) = found.as_array() else {
            self.wrong(line, key, &format!("a list of tables, each written [[{key}]]"), found);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            let line = self.problems.line(item.span().start);
            match item.get_ref().as_table() {
                Some(table) => {
                    let value = Section::new(format!("[[{key}]]"), table, self.problems);
                    tables.push(At { line, value });
                }
                None => self.wrong(
                    line,
                    key,
                    &format!("a list of tables, each written [[{key}]]"),
                    item.get_ref(),
                ),
            }
        }
        tables
    }

    /// The value under `key`, unread.
    pub(super) fn raw(&self, key: &'static str) -> Option<At<&'a DeValue<'t>>> {
        self.find(key).map(|(line, value)| At { line, value })
    }

    /// Every key with its line and value; nothing is left for [`Section::end`].
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, At<&'a DeValue<'t>>)> {
        let problems = self.problems;
        self.table.iter().map(move |(name, value)| {
            let line = problems.line(name.span().start);
            let value = value.get_ref();
            (name.get_ref().as_ref(), At { line, value })
        })
    }

    /// Whether `key` is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether there is a key that was not asked for.
    pub(super) fn has_unknown(&self) -> bool {
        self.unknown().is_some()
    }

    /// The first key that was not asked for.
    pub(super) fn unknown(&self) -> Option<&'a str> {
        let known = self.known.borrow();
        self.entries().map(|(name, _)| name).find(|name| !known.contains(name))
    }

    /// Says that `key` must be something else.
    pub(super) fn wrong(&self, line: usize, key: &str, wanted: &str, got: &DeValue<'_>) {
        let message = format!("`{key}` {} must be {wanted}; it is {}", self.place(), describe(got));
        self.problems.add(Some(line), message);
    }

    /// Says what is wrong with the table as a whole.
    pub(super) fn complain(&self, line: usize, message: impl fmt::Display) {
        self.problems.add(Some(line), format!("{} {message}", self.label));
    }

    /// Reports every key that was not asked for, with the nearest that could have been meant.
    pub(super) fn end(&self) {
        let known = self.known.borrow();
        for (name, value) in self.entries() {
            if known.contains(&name) {
                continue;
            }
            let hint = instead_of(name, known.iter().copied(), "known keys are");
            let message = format!("unknown key `{name}` {}{hint}", self.place());
            self.problems.add(Some(value.line), message);
        }
    }
}

/// "; did you mean `x`?", or else all that is known.
pub(super) fn instead_of<'n>(name: &str, known: impl Iterator<Item = &'n str>, introduction: &str) -> String {
    let known: Vec<&str> = known.collect();
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return format!("; did you mean `{nearest}`?");
    }
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    if list.is_empty() {
        "; there is none".to_owned()
    } else {
        format!("; {introduction} {}", list.join(", "))
    }
}

/// The name that `name` may have been meant to be: at most a third of its characters differ.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let folded = name.to_ascii_lowercase().replace('_', "-");
    known
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&folded, &candidate.to_ascii_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names that operators choose; they appear in logs, in paths of URLs, on the page and in the index.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A value as a message shows it. The longest text is cut: a file may hold anything.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A text in quotes, cut after 80 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
std::thread_local! {
    /// Every key that this thread asked for, whether it was there or not.
    static ASKED: RefCell<std::collections::BTreeSet<String>> = RefCell::default();
}

/// The keys that `reading` asks for, so that a test can compare them with the documentation.
#[cfg(test)]
pub(super) fn asked(reading: impl FnOnce()) -> std::collections::BTreeSet<String> {
    ASKED.take();
    reading();
    ASKED.take()
}

//! Other archives: `isocenter query` and `isocenter retrieve` ask the running host to ask them.

use std::io::{IsTerminal as _, Write as _};

use bytes::BytesMut;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use http_body_util::BodyExt;
use hyper::Method;
use isocenter_dicom::Tag;
use serde_json::Value;

use super::{Operator, OperatorError, encoded, show};
use crate::cli::{QueryOf, RetrieveOf, Way};

/// The longest line of what is told of a retrieval.
const LONGEST_LINE: usize = 1 << 20;
/// The widest column of a table, in characters.
const WIDEST: usize = 40;

impl Operator {
    /// What a destination has. `false` when nothing matches.
    pub async fn query(&self, of: &QueryOf) -> Result<bool, OperatorError> {
        let mut path = format!(
            "/api/destinations/{}/query?level={}&limit={}",
            encoded(&of.at),
            of.level.word(),
            of.limit
        );
        for key in &of.keys {
            let (name, value) = key.split_once('=').unwrap_or((key, ""));
            path.push_str(&format!("&{}={}", encoded(&name.replace(',', "")), encoded(value)));
        }
        let found = self.get(&path).await?;
        let matches: Vec<&Value> = show::items(&found, "matches").collect();
        if of.json {
            println!("{}", serde_json::to_string_pretty(&matches).unwrap_or_default());
        } else {
            for line in table(&matches) {
                println!("{line}");
            }
        }
        if found.get("more").and_then(Value::as_bool) == Some(true) {
            eprintln!(
                "there are more than {}: ask for more with --limit, or more closely",
                matches.len()
            );
        }
        Ok(!matches.is_empty())
    }

    /// Has a study of a destination come here. `false` when not everything came.
    pub async fn retrieve(&self, of: &RetrieveOf) -> Result<bool, OperatorError> {
        let by = match of.by {
            Way::Get => "get",
            Way::Move => "move",
        };
        let mut path = format!(
            "/api/destinations/{}/retrieve?by={by}&study={}",
            encoded(&of.at),
            encoded(&of.study)
        );
        for (name, uids) in [("series", &of.series), ("object", &of.object)] {
            for uid in uids {
                path.push_str(&format!("&{name}={}", encoded(uid)));
            }
        }
        tokio::select! {
            ended = self.follow(&path) => ended,
            // The connection goes with what is dropped here, by which the host learns of it.
            _ = tokio::signal::ctrl_c() => {
                eprintln!("\nended: the archive is told to cancel; what has come stays");
                Ok(false)
            }
        }
    }

    /// Reads lines until the last.
    async fn follow(&self, path: &str) -> Result<bool, OperatorError> {
        let mut answer = self.begin(Method::POST, path).await?;
        let mut lines = Lines::default();
        let mut shown = Shown::default();
        let mut end = None;
        while let Some(frame) = answer.body.frame().await {
            let frame = frame.map_err(|error| OperatorError::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            for line in lines.push(&data)? {
                if line.get("error").is_some() || line.get("whole").is_some() {
                    end = Some(line);
                } else {
                    shown.show(&line);
                }
            }
        }
        shown.end();
        let end = end.ok_or_else(|| OperatorError::Broken("it ended in the middle".to_owned()))?;
        let error = show::text(&end, "error");
        if !error.is_empty() {
            return Err(OperatorError::Refused(vec![error]));
        }
        println!("{}", summary(&end));
        for object in show::items(&end, "failed_objects").filter_map(Value::as_str) {
            println!("failed {object}");
        }
        Ok(end.get("whole").and_then(Value::as_bool) == Some(true))
    }
}

fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// How it ended, in a line.
fn summary(end: &Value) -> String {
    let mut line = format!("{} objects taken", number(end, "taken"));
    for (name, what) in [
        ("refused", "refused here"),
        ("failed", "not sent by the archive"),
        ("warning", "with a warning"),
    ] {
        let count = number(end, name);
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    let sent = number(end, "completed") + number(end, "warning");
    if sent > number(end, "taken") + number(end, "refused") {
        line.push_str(&format!("; the archive says that it sent {sent}"));
    }
    let status = show::text(end, "status");
    line.push_str(&match status.as_str() {
        "" => "; the archive did not end in time".to_owned(),
        status => format!("; {status}"),
    });
    line
}

/// What came, cut into lines of JSON.
#[derive(Default)]
struct Lines {
    rest: BytesMut,
}

impl Lines {
    fn push(&mut self, data: &[u8]) -> Result<Vec<Value>, OperatorError> {
        self.rest.extend_from_slice(data);
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end + 1);
            let line = serde_json::from_slice(&line).map_err(|error| OperatorError::Broken(error.to_string()))?;
            lines.push(line);
        }
        if self.rest.len() > LONGEST_LINE {
            return Err(OperatorError::Broken("a line is too long".to_owned()));
        }
        Ok(lines)
    }
}

/// How far it is, in one line of a terminal that is written again and again; nowhere else.
#[derive(Default)]
struct Shown {
    written: bool,
}

impl Shown {
    fn show(&mut self, line: &Value) {
        let mut out = std::io::stderr();
        if !out.is_terminal() {
            return;
        }
        let taken = number(line, "taken");
        let rest = match line.get("remaining").and_then(Value::as_u64) {
            Some(remaining) => format!(", {remaining} to come"),
            None => String::new(),
        };
        // Where the terminal takes nothing, nobody looks.
        let _ = write!(out, "\r{taken} objects{rest}    ");
        let _ = out.flush();
        self.written = true;
    }

    fn end(&self) {
        if self.written {
            eprintln!();
        }
    }
}

/// Matches as a table: a column for each attribute that any of them has.
fn table(matches: &[&Value]) -> Vec<String> {
    let mut columns: Vec<&String> = Vec::new();
    for attributes in matches.iter().filter_map(|one| one.as_object()) {
        for (tag, element) in attributes {
            if element.get("Value").is_some() && !columns.contains(&tag) {
                columns.push(tag);
            }
        }
    }
    columns.sort();
    // What names a match is wanted whole: UIDs are last, and never cut.
    columns.sort_by_key(|tag| keyword(tag).ends_with("UID"));
    let mut rows = vec![columns.iter().map(|tag| keyword(tag)).collect::<Vec<String>>()];
    rows.extend(matches.iter().map(|one| {
        let cell = |tag: &&String| {
            let value = one.get(tag.as_str()).map(value).unwrap_or_default();
            if keyword(tag).ends_with("UID") {
                value
            } else {
                value.chars().take(WIDEST).collect()
            }
        };
        columns.iter().map(cell).collect()
    }));
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

/// The values of an element, as people read them.
fn value(element: &Value) -> String {
    let one = |value: &Value| match value {
        Value::Object(name) => ["Alphabetic", "Ideographic", "Phonetic"]
            .iter()
            .filter_map(|group| name.get(*group).and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join(" = "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let values: Vec<String> = show::items(element, "Value").map(one).collect();
    show::plain(&values.join("\\"))
}

/// The keyword of eight digits.
fn keyword(digits: &str) -> String {
    let number = u32::from_str_radix(digits, 16).unwrap_or(0);
    let tag = Tag((number >> 16) as u16, number as u16);
    let entry = StandardDataDictionary.by_tag(tag);
    entry.map_or_else(|| digits.to_owned(), |entry| entry.alias().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{summary, table};

    #[test]
    fn a_table_has_what_is_there_and_uids_last() {
        let one = json!({
            "0020000D": { "vr": "UI", "Value": ["1.2.3"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Doe^J\u{1b}[31m", "Ideographic": "山" }] },
            "00080050": { "vr": "SH" },
        });
        let other = json!({ "00080061": { "vr": "CS", "Value": ["CT", "MR"] } });
        assert_eq!(
            table(&[&one, &other]),
            [
                "ModalitiesInStudy  PatientName     StudyInstanceUID",
                "                   Doe^J [31m = 山  1.2.3",
                "CT\\MR",
            ]
        );
        assert_eq!(table(&[]), [""]);
    }

    #[test]
    fn the_end_says_whose_numbers_differ() {
        let end = json!({ "taken": 2, "refused": 1, "completed": 4, "failed": 1, "status": "B000H (warning)" });
        assert_eq!(
            summary(&end),
            "2 objects taken, 1 refused here, 1 not sent by the archive; the archive says that it sent 4; B000H (warning)"
        );
    }
}

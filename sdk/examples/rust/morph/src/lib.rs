//! A filter that changes elements as a table says, and keeps what they held in the Original Attributes Sequence.
//!
//! Rows look at the object as it came: what one writes, no other reads.

use isocenter::{Edits, Error, Filter, Modification, Moment, Object, Passage, Result, Tag, Value, Verdict};
use isocenter::{dictionary, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Who changes: a name that is known in the institution.
    system: String,
    /// Element by keyword or tag, its whole value, and what takes its place; several values by backslashes.
    rows: Vec<(String, String, String)>,
}

struct Morph;

impl Filter for Morph {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        let mut seen = Vec::new();
        for (element, from, _) in &config.rows {
            let tag = tag(element)?;
            if is_fixed(tag) {
                return Err(Error::never(format!(
                    "`{element}` identifies or describes the object, and stays"
                )));
            }
            if seen.contains(&(tag, from)) {
                return Err(Error::never(format!("two rows are for the same value of `{element}`")));
            }
            seen.push((tag, from));
        }
        Ok(())
    }

    fn apply(object: &Object<'_>, passage: &Passage<'_>, edits: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        let mut changes = Vec::new();
        for (element, from, to) in &config.rows {
            let tag = tag(element)?;
            let holds = object.text(tag).unwrap_or_default();
            let holds: Vec<&str> = holds.iter().map(|value| value.trim()).collect();
            if holds.join("\\") == *from {
                changes.push((tag, to));
            }
        }
        if changes.is_empty() {
            return Ok(Verdict::Keep);
        }
        let changed: Vec<Tag> = changes.iter().map(|(tag, _)| *tag).collect();
        let why = Modification {
            // The day alone: an object that is sent again after a broken association must come out as it did before.
            when: &Moment::now().date(),
            source: &passage.calling_ae().unwrap_or_default(),
            system: &config.system,
            reason: "COERCE",
        };
        edits.keep_originals(object, &changed, &why);
        for (tag, to) in changes {
            edits.set(tag, Value::Text(to.split('\\').map(str::to_owned).collect()));
        }
        Ok(Verdict::Keep)
    }
}

fn tag(element: &str) -> Result<Tag> {
    let unknown = || {
        Error::never(format!(
            "`{element}` is neither a keyword (StationName) nor a tag (0008,1010)"
        ))
    };
    dictionary::tag(element).ok_or_else(unknown)
}

/// What objects are filed and read by.
fn is_fixed(tag: Tag) -> bool {
    let fixed = [
        tags::SPECIFIC_CHARACTER_SET,
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
        tags::FRAME_OF_REFERENCE_UID,
        tags::ORIGINAL_ATTRIBUTES_SEQUENCE,
    ];
    fixed.contains(&tag) || tag.is_private() || matches!(tag.group(), 0..0x0008 | 0x0028 | 0x7F00..)
}

isocenter::plugin!(Morph: filter);

#[cfg(test)]
mod tests;

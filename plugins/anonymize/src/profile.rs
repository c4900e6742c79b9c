//! Walks an object and records what the profile asks for, element by element, at every depth.
//!
//! Separate because this is the judgement: where the table leaves a choice to the type of the attribute in its IOD,
//! which is not known here, the choice is the one that is safe for the patient and keeps the object valid.

use isocenter::{Edits, Object, Path, Step, Tag, Value, Vr, tags};

use crate::pseudonym::Patient;
use crate::table::{self, Code, Row};
use crate::{Config, Dates, Retain, Times};

/// What to do with one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Keep,
    Remove,
    Clear,
    /// A value that says nothing.
    Dummy,
    /// Into the items, by the table.
    Descend,
    /// Into the items, replacing text whatever the table says: for sequences that the table wants replaced whole,
    /// because items cannot be made up.
    Replace,
    /// Stays, if its value is harmless.
    Look,
}

/// How the items of a sequence are treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Table,
    Replace,
}

/// Inside replaced sequences: codes that name the kind of a content item or its unit, without which nothing of the
/// structure is left (concept name, measurement units, template, value type's own context).
const STRUCTURE: &[Tag] = &[Tag(0x0040_A043), Tag(0x0040_08EA), Tag(0x0040_A504)];

/// Removes and clears at once; answers the replacements, which are to be set last.
#[must_use]
pub(crate) fn walk(
    object: &Object<'_>,
    edits: &mut Edits<'_>,
    config: &Config,
    patient: &Patient,
) -> Vec<(Path, Value)> {
    let mut walk = Walk {
        object,
        edits,
        config,
        patient,
        doubtful: Vec::new(),
        replacements: Vec::new(),
    };
    walk.level(&mut Vec::new(), Mode::Table);
    walk.look_at_values();
    walk.replacements
}

struct Walk<'w, 'o, 'e> {
    object: &'w Object<'o>,
    edits: &'w mut Edits<'e>,
    config: &'w Config,
    patient: &'w Patient,
    /// Elements that stay only if their value is harmless; asked for in one go.
    doubtful: Vec<(Path, Vr)>,
    replacements: Vec<(Path, Value)>,
}

impl Walk<'_, '_, '_> {
    /// One level. The depth is bounded by the host's parser.
    fn level(&mut self, within: &mut Vec<Step>, mode: Mode) {
        for (tag, vr) in self.object.elements(within) {
            // Private elements go by one edit for all; group lengths are the host's.
            if tag.is_private() || tag.element() == 0 {
                continue;
            }
            if within.is_empty() && self.patient_element(tag) {
                continue;
            }
            let path = Path::inside(within, tag);
            match self.action(tag, vr, mode) {
                Action::Keep => {}
                Action::Remove => self.edits.remove(path),
                Action::Clear => self.edits.clear(path),
                Action::Dummy => self.dummy(path, vr),
                Action::Look => self.doubtful.push((path, vr)),
                Action::Descend => self.items(within, tag, mode),
                Action::Replace => self.items(within, tag, Mode::Replace),
            }
        }
    }

    fn items(&mut self, within: &mut Vec<Step>, tag: Tag, mode: Mode) {
        let items = self.object.items(Path::inside(within, tag)).unwrap_or(0);
        for item in 0..items {
            within.push(Step { sequence: tag.0, item });
            self.level(within, mode);
            within.pop();
        }
    }

    /// The elements that get a pseudonym.
    fn patient_element(&mut self, tag: Tag) -> bool {
        let pseudonym = match (tag, self.patient.accession()) {
            (tags::PATIENT_NAME, _) => self.patient.name(),
            (tags::PATIENT_ID, _) => self.patient.id(),
            (tags::ACCESSION_NUMBER, Some(accession)) => accession.to_owned(),
            _ => return false,
        };
        self.replacements.push((tag.into(), Value::Text(vec![pseudonym])));
        true
    }

    fn action(&self, tag: Tag, vr: Vr, mode: Mode) -> Action {
        // Unknown to the host's dictionary, so nobody can say what is in it.
        if &vr.0 == b"UN" {
            return Action::Remove;
        }
        // Curves and overlays: drawings and their descriptions (PS3.5 §7.6).
        if matches!(tag.group(), 0x5000..=0x501E | 0x6000..=0x601E) {
            return Action::Remove;
        }
        match table::row(tag) {
            Some(row) => self.by_row(row, vr),
            None => self.unlisted(tag, vr, mode),
        }
    }

    fn by_row(&self, row: Row, vr: Vr) -> Action {
        let sequence = &vr.0 == b"SQ";
        let retained = self.config.retain.iter().fold(0, |options, retain| {
            options
                | match retain {
                    Retain::Uids => table::UIDS,
                    Retain::DeviceIdentity => table::DEVICE,
                    Retain::InstitutionIdentity => table::INSTITUTION,
                    Retain::PatientCharacteristics => table::PATIENT,
                }
        });
        if row.has(retained) {
            return if sequence { Action::Descend } else { Action::Keep };
        }
        if row.has(table::TEMPORAL) {
            match (self.config.dates, &vr.0) {
                (Dates::Keep, _) => {
                    return if sequence { Action::Descend } else { Action::Keep };
                }
                // One edit shifts all of them.
                (Dates::Shift, b"DA" | b"DT") => return Action::Keep,
                (Dates::Shift, b"TM") if self.config.times == Times::Keep => return Action::Look,
                _ => {}
            }
        }
        match (row.code, sequence) {
            (Code::X | Code::XorD, true) | (Code::X, false) => Action::Remove,
            (Code::Z | Code::XorZ | Code::XorZorD, true) | (Code::Z | Code::XorZ, false) => Action::Clear,
            (Code::D | Code::ZorD, true) => Action::Replace,
            (Code::D | Code::XorD | Code::ZorD | Code::XorZorD, false) => Action::Dummy,
            (Code::U | Code::XorZorU, true) => Action::Descend,
            // All UIDs are remapped by one edit.
            (Code::U | Code::XorZorU, false) => Action::Keep,
        }
    }

    fn unlisted(&self, tag: Tag, vr: Vr, mode: Mode) -> Action {
        match &vr.0 {
            b"SQ" if mode == Mode::Replace && !STRUCTURE.contains(&tag) => Action::Replace,
            b"SQ" => Action::Descend,
            // Every name is somebody's.
            b"PN" => Action::Clear,
            b"LO" | b"SH" | b"ST" | b"LT" | b"UT" | b"UC" | b"UR" | b"AE" | b"AS" | b"OB" | b"DA" | b"DT" | b"TM"
                if mode == Mode::Replace && !is_code(tag) =>
            {
                Action::Dummy
            }
            b"LO" | b"SH" | b"ST" | b"LT" | b"UT" | b"UC" | b"UR" | b"AE" | b"CS" | b"IS" | b"DS" => Action::Look,
            _ => Action::Keep,
        }
    }

    fn dummy(&mut self, path: Path, vr: Vr) {
        let value = match &vr.0 {
            b"UI" => return, // remapped with all others
            b"PN" => text("Anonymous"),
            b"DA" => text("19000101"),
            b"DT" => text("19000101000000"),
            b"TM" => text("000000"),
            b"AS" => text("000Y"),
            b"IS" | b"DS" => text("0"),
            b"UR" => text("urn:removed"),
            b"CS" | b"AE" | b"SH" | b"LO" | b"ST" | b"LT" | b"UT" | b"UC" => text("REMOVED"),
            b"US" | b"UL" | b"UV" => Value::Unsigned(vec![0]),
            b"SS" | b"SL" | b"SV" => Value::Signed(vec![0]),
            b"FL" | b"FD" => Value::Real(vec![0.0]),
            b"OB" | b"OW" => Value::Bytes(vec![0, 0]),
            _ => return self.edits.clear(path),
        };
        self.replacements.push((path, value));
    }

    /// Reads the doubtful values in one crossing: times must be times, and no text may hold one of the patient's
    /// identifiers.
    fn look_at_values(&mut self) {
        let doubtful = std::mem::take(&mut self.doubtful);
        let (paths, vrs): (Vec<Path>, Vec<Vr>) = doubtful.into_iter().unzip();
        let values = self.object.get_many(&paths);
        for ((path, vr), value) in paths.into_iter().zip(vrs).zip(values) {
            let Some(Value::Text(values)) = value else {
                continue;
            };
            let harmless = values.iter().all(|value| match &vr.0 {
                b"TM" => value
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b' ')),
                _ => !self.patient.is_named_in(value),
            });
            if harmless {
                continue;
            }
            match &vr.0 {
                b"TM" => self.edits.clear(path),
                _ => self.dummy(path, vr),
            }
        }
    }
}

/// The parts of a code (PS3.3 §8.8), which stay inside structure codes.
fn is_code(tag: Tag) -> bool {
    // Coding scheme designator and version say nothing about a patient; value and meaning may.
    matches!(tag.0, 0x0008_0102 | 0x0008_0103)
}

fn text(value: &str) -> Value {
    Value::Text(vec![value.to_owned()])
}

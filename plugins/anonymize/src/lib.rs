//! `anonymize`: the Basic Application Level Confidentiality Profile of DICOM PS3.15 Annex E, as a filter.
//!
//! Separate files for the standard's table ([`table`]), for walking an object by it ([`profile`]) and for the
//! pseudonyms ([`pseudonym`]). Here: the configuration and the order of the edits.
//!
//! What it does not do, and says so where it can: text burnt into pixels stays (an object that declares it is
//! quarantined unless `burned-in = "pass"`); the content of structured reports is replaced, not cleaned; free text in
//! attributes that the standard's table does not list stays, unless it holds one of the patient's identifiers.

mod profile;
mod pseudonym;
mod table;

use isocenter::{Code, Edits, Error, Filter, Object, Passage, Result, Tag, Value, Verdict, host, tags};
use serde::Deserialize;

use crate::pseudonym::Patient;

/// The operator's part.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Config {
    /// The granted secret under which pseudonyms are derived.
    secret: String,
    /// Options of Table E.1-1 that keep what the profile would take.
    retain: Vec<Retain>,
    dates: Dates,
    /// The longest shift.
    max_days: u32,
    times: Times,
    burned_in: BurnedIn,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            secret: "site-key".into(),
            retain: Vec::new(),
            dates: Dates::Shift,
            max_days: 365,
            times: Times::Keep,
            burned_in: BurnedIn::Quarantine,
        }
    }
}

#[derive(Clone, Copy, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Retain {
    Uids,
    DeviceIdentity,
    InstitutionIdentity,
    PatientCharacteristics,
}

/// Longitudinal temporal information (PS3.15 §E.3.6).
#[derive(Clone, Copy, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Dates {
    /// All dates of a patient move into the past by the same number of days.
    Shift,
    /// As the basic profile says: removed, emptied or replaced.
    Clear,
    Keep,
}

/// Times of day, where dates are shifted; they are kept with kept dates and go with cleared ones.
#[derive(Clone, Copy, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Times {
    Keep,
    Clear,
}

/// Objects whose Burned In Annotation (0028,0301) is YES.
#[derive(Clone, Copy, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum BurnedIn {
    Quarantine,
    Pass,
}

/// After the pixel data, where the walk does not come.
const TRAILING: &[Tag] = &[tags::DIGITAL_SIGNATURES_SEQUENCE, tags::DATA_SET_TRAILING_PADDING];

struct Anonymize;

impl Filter for Anonymize {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        if !(1..=3650).contains(&config.max_days) {
            return Err(Error::never(format!(
                "max-days is {}; it must be 1 to 3650",
                config.max_days
            )));
        }
        // Without the grant the host stops here and says so.
        host::hmac_sha256(&config.secret, b"check").map(|_| ())
    }

    fn apply(object: &Object<'_>, _: &Passage<'_>, edits: &mut Edits<'_>, config: &Config) -> Result<Verdict> {
        let burned_in = object
            .first(tags::BURNED_IN_ANNOTATION)
            .is_some_and(|value| value.trim() == "YES");
        if burned_in && config.burned_in == BurnedIn::Quarantine {
            return Ok(Verdict::Quarantine(
                "its pixels hold burned-in text, which this version cannot remove".into(),
            ));
        }
        let patient = Patient::of(object, &config.secret)?;

        // What goes, goes first: a sequence that cannot be read would stop the edits that reach into it. What is
        // replaced, last: a replacement that were shifted with the dates would give the offset away.
        let replacements = profile::walk(object, edits, config, &patient);
        edits.remove_private(&[]);
        for &tag in TRAILING {
            edits.remove_everywhere(tag);
        }
        if !config.retain.contains(&Retain::Uids) {
            // The host leaves alone what names a class, a syntax or a coding scheme.
            edits.remap_uids_everywhere(&[]);
        }
        if config.dates == Dates::Shift {
            // The host empties what should be a date and is none.
            edits.shift_dates_everywhere(-patient.days(config.max_days));
        }
        for (path, value) in replacements {
            edits.set(path, value);
        }
        mark(object, edits, config);
        Ok(Verdict::Keep)
    }
}

/// Says what was done to the object (PS3.15 §E.2), in words and in codes.
fn mark(object: &Object<'_>, edits: &mut Edits<'_>, config: &Config) {
    let modified = match config.dates {
        Dates::Shift => "MODIFIED",
        Dates::Clear => "REMOVED",
        Dates::Keep => "UNMODIFIED",
    };
    let method = ["Isocenter anonymize", "PS3.15 2026d Table E.1-1 Basic Profile"];
    edits.set_text(tags::PATIENT_IDENTITY_REMOVED, "YES");
    edits.set(
        tags::DEIDENTIFICATION_METHOD,
        Value::Text(method.map(str::to_owned).to_vec()),
    );
    // What was done to it before stays, and this comes behind it.
    let sequence = tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE;
    let before = object.items(sequence).unwrap_or(0);
    for (item, (value, meaning)) in (before..).zip(codes(config)) {
        edits.add_code(sequence, item, Code(value, "DCM", meaning));
    }
    edits.set_text(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, modified);
}

/// The profile and its options as PS3.16 CID 7050 has them. Options that this plugin does in part are not claimed.
fn codes(config: &Config) -> Vec<(&'static str, &'static str)> {
    let mut codes = vec![("113100", "Basic Application Confidentiality Profile")];
    match config.dates {
        Dates::Keep => codes.push(("113106", "Retain Longitudinal Temporal Information Full Dates Option")),
        Dates::Shift => codes.push((
            "113107",
            "Retain Longitudinal Temporal Information Modified Dates Option",
        )),
        Dates::Clear => {}
    }
    for (retain, value, meaning) in [
        (
            Retain::PatientCharacteristics,
            "113108",
            "Retain Patient Characteristics Option",
        ),
        (Retain::DeviceIdentity, "113109", "Retain Device Identity Option"),
        (Retain::Uids, "113110", "Retain UIDs Option"),
        (
            Retain::InstitutionIdentity,
            "113112",
            "Retain Institution Identity Option",
        ),
    ] {
        if config.retain.contains(&retain) {
            codes.push((value, meaning));
        }
    }
    codes
}

isocenter::plugin!(Anonymize: filter);

#[cfg(test)]
mod tests;

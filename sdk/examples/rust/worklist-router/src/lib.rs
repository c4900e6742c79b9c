//! A router that asks the worklist who ordered a study, and sends it there.
//!
//! `GET URL?AccessionNumber=…` answers entries in DICOM JSON (dcm4chee: `/mwlitems`). An answer is remembered for the
//! study, so that its hundreds of objects ask once.

use std::collections::BTreeMap;

use isocenter::archive::Found;
use isocenter::{Error, Object, Plan, Result, Router, host, http, state, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Config {
    url: String,
    /// Destinations by Requesting Service (0032,1033).
    services: BTreeMap<String, String>,
    /// Where studies go that nobody ordered, or a service without a destination; without it, nowhere.
    otherwise: Option<String>,
    /// How long an answer is good for.
    #[serde(default = "five_minutes")]
    cache_seconds: u32,
}

fn five_minutes() -> u32 {
    300
}

/// What the worklist said, and of whom.
#[derive(serde::Deserialize, serde::Serialize)]
struct Answer {
    accession: String,
    patient: String,
    services: Vec<String>,
}

struct Worklist;

impl Router for Worklist {
    type Config = Config;

    fn check(config: &Config, destinations: &[String]) -> Result<()> {
        let mut named = config.services.values().chain(&config.otherwise);
        match named.find(|name| !destinations.contains(name)) {
            Some(name) => Err(Error::never(format!("`{name}` is no configured destination"))),
            None => Ok(()),
        }
    }

    fn route(object: &Object<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        let services = ordered_by(object, config)?;
        let known = services.iter().filter_map(|service| config.services.get(service));
        let mut destinations: Vec<&String> = known.collect();
        if destinations.is_empty() {
            destinations.extend(&config.otherwise);
        }
        destinations
            .into_iter()
            .try_for_each(|destination| plan.send_to(destination))
    }
}

/// The services that ordered it; none where the worklist has no entry.
fn ordered_by(object: &Object<'_>, config: &Config) -> Result<Vec<String>> {
    let text = |tag| object.first(tag).unwrap_or_default().trim().to_owned();
    let (accession, patient) = (text(tags::ACCESSION_NUMBER), text(tags::PATIENT_ID));
    if accession.is_empty() || patient.is_empty() {
        return Ok(Vec::new());
    }
    let key = format!("study/{}", object.study());
    // What cannot be read is not known. What was answered for other identifiers is of somebody else.
    if let Some(answer) = state::read::<Answer>(&key).unwrap_or_default()
        && answer.accession == accession
        && answer.patient == patient
    {
        return Ok(answer.services);
    }
    let url = http::with_query(&config.url, &[("AccessionNumber", &accession)]);
    // Shorter than the call may take, so that a worklist that hangs is a reason to come again and no fault of ours.
    let response = http::get(&url)
        .header("accept", "application/dicom+json")
        .timeout_millis(2000)
        .send()?
        .success()?;
    let entries: Vec<Found> = match response.status() {
        204 => Vec::new(),
        // A proxy's page instead of the worklist's answer passes, too.
        _ => response.json(1 << 20).map_err(|error| Error::after(60, error.reason()))?,
    };
    let mut services = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.first(tags::ACCESSION_NUMBER).trim() == accession)
    {
        if entry.first(tags::PATIENT_ID).trim() != patient {
            return Err(Error::never(
                "the worklist has this accession number for another patient",
            ));
        }
        services.push(entry.first(tags::REQUESTING_SERVICE).trim().to_owned());
    }
    // An order may still come, so only answers are remembered. A full state costs requests, and stops no routing.
    let answer = Answer {
        accession,
        patient,
        services,
    };
    if !answer.services.is_empty() && state::write(&key, &answer, Some(config.cache_seconds)).is_err() {
        host::count("not_remembered", 1);
    }
    Ok(answer.services)
}

isocenter::plugin!(Worklist: router);

#[cfg(test)]
mod tests;
